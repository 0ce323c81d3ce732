import Catalogue
import Files
import Foundation
import Hummingbird
import Jobs

extension Routes {
  static let pages: [Route] = [
    .page("/", "Start: drop pictures or a folder.") { call in
      let studio = call.studio
      let sets = try studio.catalogue.sets().map { try Screens.set($0, studio) }
      let jobs = await studio.queue.jobs.filter { !$0.state.hasEnded }.map { call.card($0) }
      return try studio.pages.page(
        "start", "start", ["sets": sets, "hasSets": !sets.isEmpty, "jobs": jobs.map { Screens.job($0, call) }], call)
    },
    .page("/sets/{id}", "A set of pictures.") { call in try await Screens.setPage(call) },
    .page("/train", "Train: a form for a run.") { try await Screens.form("train", "train", $0) },
    .page("/generate", "Generate: a form for pictures.") { try await Screens.form("generate", "generate", $0) },
    .page("/live", "Live: a generator as an instrument.", query: [.init(name: "run", note: "A generator.")]) {
      try await Screens.live($0)
    },
    .page("/restyle", "Restyle: content, style, and a mask that is painted.") { try Screens.restyle($0) },
    .page(
      "/edit", "Edit: fill, vary, enlarge, project.", query: [.init(name: "picture", note: "The id of a picture.")]
    ) { try Screens.edit($0) },
    .page("/film", "Film: keys from favourites on a line of time.", query: [.init(name: "run", note: "A generator.")]) {
      try await Screens.film($0)
    },
    .page("/do/{name}", "The form of any verb.") { try await Screens.form($0.parameter("name"), "more", $0) },
    .page("/part/recipe", "The settings of a recipe, for the form.", query: [.init(name: "recipe", note: "Its name.")])
    { try await Screens.recipe($0) },
    .page("/gallery", "Gallery.") { call in
      let boards = try call.studio.catalogue.boards().map {
        ["id": $0.id, "name": $0.name, "pictures": $0.pictures] as [String: Any]
      }
      let runs = try call.studio.catalogue.runs().map { ["id": $0.id, "name": $0.name] }
      return try call.studio.pages.page("gallery", "gallery", ["boards": boards, "runs": runs], call)
    },
    .page("/queue", "Queue.") { call in
      try call.studio.pages.page("queue", "queue", ["list": try await Screens.queue(call)], call)
    },
    .page("/part/queue", "The queue's list.") { try await Screens.queue($0) },
    .page("/jobs/{id}", "A job, live.") { call in
      let card = call.card(try await call.studio.queue.job(call.job()))
      var values = Screens.job(card, call)
      values["safe"] = String(decoding: try JSON.encoder.encode(card), as: UTF8.self).replacing("<", with: "\\u003c")
      values["title"] = card.words
      return try call.studio.pages.page("job", "queue", values, call)
    },
    .page("/models", "Models and runs.") { call in
      let runs = try call.studio.catalogue.runs().map { run in
        [
          "id": run.id, "name": run.name, "recipe": run.recipe, "seen": run.picturesSeen,
          "kid": run.kid.map { String(format: "%.1f", $0) } ?? "–",
          "ending": run.ending ?? "–", "minutes": Int(run.seconds / 60),
        ] as [String: Any]
      }
      let models = try call.studio.catalogue.models().map {
        ["id": $0.id, "name": $0.name, "recipe": $0.recipe, "licence": $0.licence, "size": Screens.size($0.bytes)]
          as [String: Any]
      }
      return try call.studio.pages.page("models", "models", ["runs": runs, "models": models], call)
    },
    .page("/projects", "Take a project along: out and in as one zip.") { call in
      let catalogue = call.studio.catalogue
      let sets = try catalogue.sets().map { ["id": $0.id, "name": $0.name, "pictures": $0.pictures] as [String: Any] }
      let runs = try catalogue.runs().map { ["id": $0.id, "name": $0.name, "recipe": $0.recipe] }
      let packed = Projects.all(call.studio.configuration.workspace).map {
        ["id": $0.id, "name": $0.name, "size": Screens.size($0.bytes)]
      }
      return try call.studio.pages.page(
        "projects", "more",
        [
          "title": call.studio.pages.word("page.projects", call.language), "sets": sets, "hasSets": !sets.isEmpty,
          "runs": runs, "hasRuns": !runs.isEmpty, "packed": packed,
        ], call)
    },
    .page("/runs/{id}", "A run, from its first samples to its newest.") { call in
      let run = try call.studio.catalogue.run(call.thing())
      var values: [String: Any] = [
        "title": run.name, "id": run.id, "name": run.name, "recipe": run.recipe,
        "seen": run.picturesSeen.formatted(), "minutes": Int(run.seconds / 60),
      ]
      if let kid = run.kid { values["kid"] = String(format: "%.1f", kid) }
      return try call.studio.pages.page("run", "models", values, call)
    },
    .page("/more", "Every verb, and the workspace's health.") { call in
      let verbs = try await call.studio.description.commands().all.map { Screens.verb($0, call) }
      return try call.studio.pages.page("more", "more", ["verbs": verbs], call)
    },
    .page("/part/doctor", "What is wrong in the workspace.") { call in
      try call.studio.catalogue.refresh()
      let found = try call.studio.catalogue.findings().map { ["sentence": $0.sentence] }
      return try call.studio.pages.part("doctor", ["found": found, "isWell": found.isEmpty], call.language)
    },
    .raw(.get, "/assets/{name}", "Styles and scripts.", type: "text/css") { call in
      try call.studio.pages.asset(call.parameter("name"), call.request)
    },
  ]
}
