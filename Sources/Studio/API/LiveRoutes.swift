import Files
import Foundation
import HTTPTypes
import Hummingbird

struct NewTimeline: Codable, Sendable {
  /// `model:…` or `run:…`.
  let run: String
  /// As docs/film.md has it, in JSON. A sound is named by the film's form, never here.
  let timeline: [String: JSON]
}

struct LiveAnswer: Codable, Sendable {
  /// Frames whose `answers` are as many, or more, obey it.
  let line: Int
}

extension Routes {
  static let live: [Route] = [
    .get("/api/live", "The generators that are played.") { await $0.studio.shows.all },
    .write("/api/live", "Plays a generator: a process that makes frames until nobody watches.", NewShow.self) {
      call, new in try await call.studio.shows.begin(new).view
    },
    .get("/api/live/osc", "The port that hears OSC, and which knob moves what.") { await $0.studio.shows.osc },
    .write("/api/live/osc", "Opens the port that hears OSC (UDP), or closes it.", OSCOpening.self) { call, opening in
      try await call.studio.shows.open(opening)
    },
    .write("/api/live/osc/learn", "Lets a knob move a track, or a track forget its knob.", OSCLesson.self) {
      call, lesson in try await call.studio.shows.learn(lesson)
    },
    .get("/api/live/{id}", "One show, and how all that moves it stands.") { try await $0.show().view },
    .write("/api/live/{id}", "Moves what is played, or records it.", LiveLine.self) { call, line in
      LiveAnswer(line: try await call.show().obey(line))
    },
    .write("/api/live/{id}/stop", "Ends a show; what was recorded until then is written.", Nothing.self) {
      call, nothing in
      try await call.show().stop()
      return nothing
    },
    .raw(
      .get, "/api/live/{id}/frames",
      "Frames as they come: each a line of JSON with width, height, channels and bytes, and then so many bytes.",
      type: "application/octet-stream"
    ) { call in
      let frames = try await call.show().frames()
      let body = ResponseBody { writer in
        for await frame in frames { try await writer.write(frame) }
        try await writer.finish(nil)
      }
      return Response(status: .ok, headers: [.contentType: "application/octet-stream"], body: body)
    },
    .get("/api/timelines", "Timelines that were recorded or written, from the newest.") {
      Timelines.all($0.studio.configuration.workspace)
    },
    .write("/api/timelines", "Writes a timeline, for a film.", NewTimeline.self) { call, new in
      try call.studio.write(new)
    },
  ]
}

extension Call {
  /// - Throws: `LiveTrouble.unknown`.
  func show() async throws -> Show { try await studio.shows.show(thing()) }
}

extension Studio {
  private static let timelineKeys: Set = [
    "seconds", "rate", "loop", "period", "path", "wave", "keys", "tracks", "seed",
  ]

  /// - Throws: `CallError`, `FormError`, `CatalogueError`, `FileTrouble`.
  func write(_ new: NewTimeline) throws -> TimelineCard {
    if let other = new.timeline.keys.first(where: { !Studio.timelineKeys.contains($0) }) {
      throw CallError.bad("A timeline has no \(other.prefix(40)) here")
    }
    let parts = new.run.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, ["run", "model"].contains(parts[0]) else { throw FormError.badValue("run", new.run) }
    let name = try parts[0] == "run" ? catalogue.run(parts[1]).name : catalogue.model(parts[1]).name
    let workspace = configuration.workspace
    let id = try Timelines.write(.object(new.timeline), run: new.run, name: name, workspace)
    guard let card = Timelines.all(workspace).first(where: { $0.id == id }) else {
      throw CallError.unknown("timeline of that name")
    }
    return card
  }
}
