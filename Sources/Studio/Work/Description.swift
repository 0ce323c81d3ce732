import Catalogue
import Files
import Foundation
import Jobs

/// What the command line says of itself, asked once.
actor Description {
  private let program: String
  private var known: Task<Commands, any Error>?
  private var recipes: [String: JSON] = [:]

  init(program: String) { self.program = program }

  /// - Throws: `OpeningError.noProgram`.
  func commands() async throws -> Commands {
    if let known { return try await known.value }
    let task = Task { [program] in try await Commands.described(by: program) }
    known = task
    do { return try await task.value } catch {
      known = nil
      throw error
    }
  }

  /// - Throws: `FormError.noCommand`.
  func command(_ name: String) async throws -> Command {
    guard let command = try await commands().find(name) else { throw FormError.noCommand(String(name.prefix(60))) }
    return command
  }

  /// The recipes for training, or one with its settings: events of `recipes` (docs/json.md).
  ///
  /// - Throws: `CallError.unknown`.
  func recipes(_ name: String? = nil) async throws -> [JSON] {
    if let known = recipes[name ?? ""] { return known.list ?? [] }
    let told = try await output(of: program, ["recipes"] + (name.map { [$0] } ?? []) + ["--json"])
    let events = told.output.split(separator: 10).compactMap { JSON(parsing: Data($0)) }.filter {
      $0["event"]?.string == "recipe"
    }
    guard told.status == 0, !events.isEmpty else { throw CallError.unknown("recipe \(name?.prefix(60) ?? "")") }
    recipes[name ?? ""] = .list(events)
    return events
  }
}

/// Keeps the catalogue up with what jobs make, away from those who ask.
final class Refresher: Sendable {
  private let stream: AsyncStream<JobView>
  private let continuation: AsyncStream<JobView>.Continuation
  private let catalogue: Catalogue
  private let hub: Hub

  init(_ catalogue: Catalogue, _ hub: Hub) {
    (self.catalogue, self.hub) = (catalogue, hub)
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
  }

  func heard(_ view: JobView) { continuation.yield(view) }

  func run() async {
    var seen: [String: Int] = [:], saved: [String: Int] = [:]
    for await view in stream {
      let made = view.story.made.count
      do {
        let isSaved = view.story.saved > (saved[view.id] ?? 0)
        saved[view.id] = view.story.saved
        if view.state.hasEnded {
          // Whatever it was: a model that was installed, a run that was made better.
          try catalogue.refresh()
          seen[view.id] = made
        } else if isSaved, let run = view.story.run {
          try catalogue.refresh(run: run)
        } else if made > (seen[view.id] ?? 0) {
          try catalogue.refresh(job: view.id, verb: view.job.verb.joined(separator: " "))
          seen[view.id] = made
        } else {
          continue
        }
        hub.send("catalogue", ["job": view.id])
      } catch {
        FileHandle.standardError.write(
          Data("atelier: the catalogue can't follow: \(error); run atelier doctor.\n".utf8))
      }
    }
  }
}
