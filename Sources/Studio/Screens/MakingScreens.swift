import Catalogue
import Files
import Foundation

/// Pages beside the forms: restyle with a painted mask, films from favourites.
extension Screens {
  static func restyle(_ call: Call) throws -> String {
    try call.studio.pages.page("restyle", "restyle", ["pictures": pictures(call)], call)
  }

  /// One picture: filled, varied, enlarged, or found in a generator.
  static func edit(_ call: Call) throws -> String {
    let catalogue = call.studio.catalogue, things = try Things(call)
    let recipes = try Dictionary(
      uniqueKeysWithValues: catalogue.runs().map { ("run:\($0.id)", $0.recipe) }
        + catalogue.models().map { ("model:\($0.id)", $0.recipe) })
    func those(_ isWanted: (String) -> Bool) -> [[String: Any]] {
      (things.runs + things.models).filter { isWanted($0.value) }.map {
        ["value": $0.value, "label": $0.label, "isByWords": things.byWords.contains($0.value)]
      }
    }
    return try call.studio.pages.page(
      "edit", "edit",
      [
        "pictures": pictures(call, first: call.query("picture")),
        "tools": ["fill", "vary", "enlarge", "project"].map {
          ["name": $0, "title": title(of: $0, call), "isFirst": $0 == "fill"] as [String: Any]
        },
        "makers": those { things.byWords.contains($0) || recipes[$0] == "diffusion" },
        "sources": those { ["r3gan", "stylegan2", "projected"].contains(recipes[$0]) },
      ], call)
  }

  /// Favourites, then the newest, without films and sheets.
  ///
  /// - Parameter first: one that comes before them all, by its id.
  private static func pictures(_ call: Call, first: String? = nil) throws -> [[String: Any]] {
    let catalogue = call.studio.catalogue
    var query = PictureQuery()
    (query.areFavourites, query.kind, query.limit) = (true, .picture, 40)
    let favourites = try catalogue.pictures(query).pictures.map(\.picture)
    (query.areFavourites, query.limit) = (false, 40)
    let newest = try catalogue.pictures(query).pictures.map(\.picture).filter { new in
      !favourites.contains { $0.id == new.id }
    }
    var all = favourites + newest
    if let first, isCatalogueID(first), let wanted = try? catalogue.picture(first).picture {
      all.removeAll { $0.id == first }
      all.insert(wanted, at: 0)
    }
    return all.map { ["id": $0.id, "name": ($0.path as NSString).lastPathComponent] }
  }

  static func film(_ call: Call) async throws -> String {
    var query = PictureQuery()
    (query.areFavourites, query.kind, query.limit) = (true, .picture, 200)
    var favourites: [[String: Any]] = []
    for view in try call.studio.catalogue.pictures(query).pictures {
      // What a form calls the generator, so that its seeds are offered for no other.
      guard let seed = view.picture.seed, view.picture.verb == "generate",
        let run = try? await call.studio.queue.job(view.picture.job).job.form["run"]?.first
      else { continue }
      favourites.append(["id": view.picture.id, "seed": seed, "run": run])
    }
    let recordings = Timelines.all(call.studio.configuration.workspace).prefix(8).compactMap { card in
      card.run.map { ["id": card.id, "name": card.name, "generator": card.generator ?? "", "run": $0] }
    }
    let run = call.query("run")
    return try call.studio.pages.page(
      "film", "film",
      [
        "generators": try await generators(call, run), "favourites": favourites, "recordings": Array(recordings),
        "hasRecordings": !recordings.isEmpty,
      ], call)
  }
}
