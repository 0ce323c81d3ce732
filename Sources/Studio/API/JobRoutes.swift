import Catalogue
import Files
import Foundation
import HTTPTypes
import Hummingbird
import Jobs

/// What starts a job: a verb, and what its form gives by the names of its options. A thing is named by its kind and id: `set:…`,
/// `run:…`, `model:…`, `picture:…`, `upload:…`; a recipe's setting by `set.NAME`.
struct NewJob: Codable, Sendable {
  let verb: String
  let values: [String: [String]]
}

struct Move: Codable, Sendable {
  /// The job that it goes before; left out for the end.
  let before: String?
}

extension Routes {
  static let jobs: [Route] = [
    .get("/api/jobs", "All jobs, in the queue's order.") { call in
      await call.studio.queue.jobs.map(call.studio.cards.card)
    },
    .write("/api/jobs", "Puts a job at the queue's end.", NewJob.self) { call, new in
      try await call.studio.add(new)
    },
    .get("/api/jobs/{id}", "One job.") { call in
      call.card(try await call.studio.queue.job(call.job()))
    },
    action("pause", "Holds a job where it is; its place goes to the next.") { try await $0.pause($1) },
    action("go-on", "Lets a held job go on.") { try await $0.goOn($1) },
    action("stop", "Stops a job in order: a training saves first. Again: at once.") { try await $0.stop($1) },
    action("finish", "Brings a training to its end, with falling learning rates.") { try await $0.finish($1) },
    action("retry", "Tries a job again, from where it was.") { try await $0.retry($1) },
    .write("/api/jobs/{id}/move", "Moves a waiting job in the queue.", Move.self) { call, move in
      if let before = move.before, !Job.isID(before) { throw JobError.unknown(id: String(before.prefix(40))) }
      return call.card(try await call.studio.queue.move(call.job(), before: move.before))
    },
    .get("/api/jobs/{id}/readings", "A training's readings, 2,000 at most, at equal distances.") { call in
      try readings(try await call.studio.queue.folder(call.job()))
    },
    .raw(
      .get, "/api/jobs/{id}/messages", "What the job wrote on standard error: the last 64 kB.",
      type: "text/plain; charset=utf-8"
    ) { call in
      let attempt = try await call.studio.queue.folder(call.job()).attempts.last
      let data = attempt.flatMap { FileManager.default.contents(atPath: $0.errors) }?.suffix(64 << 10) ?? Data()
      return Response(
        status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
        body: .init(byteBuffer: .init(string: String(decoding: data, as: UTF8.self))))
    },
    .raw(.get, "/api/jobs/{id}/sheet", "The newest sheet of a training's samples.", type: "image/png") { call in
      guard let sheet = try await call.studio.queue.job(call.job()).story.sheet else {
        throw CallError.unknown("sheet yet")
      }
      return try call.file(sheet)
    },
    .raw(
      .get, "/api/events", "Server-sent events: `job` with a job, `catalogue` when there are new pictures.",
      type: "text/event-stream"
    ) {
      $0.studio.hub.stream()
    },
  ]

  private static func action(
    _ name: String, _ summary: String, _ act: @escaping @Sendable (Queue, String) async throws -> JobView
  ) -> Route {
    .write("/api/jobs/{id}/\(name)", summary, Nothing.self) { call, _ in
      call.card(try await act(call.studio.queue, call.job()))
    }
  }

  /// Of all attempts, thinned out.
  private static func readings(_ folder: JobFolder) throws -> [Story.Reading] {
    var all: [Story.Reading] = []
    for attempt in folder.attempts {
      var lines = EventLines(path: attempt.events)
      while case let events = lines.next(), !events.isEmpty { all += events.compactMap { Story.Reading($0) } }
    }
    guard all.count > 2000 else { return all }
    return stride(from: 0, to: 2000, by: 1).map { all[$0 * (all.count - 1) / 1999] }
  }
}

extension Call {
  /// The job that the address names.
  ///
  /// - Throws: `JobError.unknown`.
  func job() throws -> String {
    let id = try parameter("id")
    guard Job.isID(id) else { throw JobError.unknown(id: String(id.prefix(40))) }
    return id
  }

  func card(_ view: JobView) -> JobCard { studio.cards.card(view) }
}

extension Studio {
  /// - Throws: `FormError`, `CatalogueError`, `FileTrouble`.
  func add(_ new: NewJob) async throws -> JobCard {
    let command = try await description.command(new.verb.replacing(" ", with: "-"))
    let view = try await queue.add(command.verb, form: new.values) { made in
      try Words(command: command, form: new.values, catalogue: catalogue, uploads: uploads, made: made).arguments()
    }
    return cards.card(view)
  }
}
