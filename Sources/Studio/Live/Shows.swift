import Catalogue
import Files
import Foundation
import Jobs

struct NewShow: Codable, Sendable {
  /// `model:…` or `run:…`.
  let run: String
  let seeds: String?
  /// Frames a second at most, 1 to 60.
  let rate: Double?
}

/// The OSC port, as pages see it.
struct OSCState: Codable, Sendable, Equatable {
  /// nil while it is closed.
  let port: Int?
  let isFromOthers: Bool
  let entries: [OSCMap.Entry]
}

struct OSCOpening: Codable, Sendable {
  let isOpen: Bool
  let port: Int?
  let isFromOthers: Bool?
}

struct OSCLesson: Codable, Sendable {
  let track: String
  /// Left out where the track is to forget its knob.
  let address: String?
  let argument: Int?
  let low: Double?
  let high: Double?
}

/// The generators that are played, two at most, and the port that hears OSC for all of them.
actor Shows {
  private let configuration: Configuration
  private let catalogue: Catalogue
  private let hub: Hub
  private var shows: [Show] = []
  private var port: OSCPort?
  private var map: OSCMap

  static let most = 2
  /// Seconds without a page, after which a show ends.
  static let patience = 30.0

  init(_ configuration: Configuration, _ catalogue: Catalogue, _ hub: Hub) {
    (self.configuration, self.catalogue, self.hub) = (configuration, catalogue, hub)
    map = OSCMap(folder: configuration.folder)
  }

  var all: [Show.View] { shows.map(\.view) }

  /// - Throws: `LiveTrouble.unknown`.
  func show(_ id: String) throws(LiveTrouble) -> Show {
    guard let show = shows.first(where: { $0.id == id }) else { throw .unknown(id) }
    return show
  }

  /// - Throws: `LiveTrouble`, `FormError`, `CatalogueError`, `JobError`.
  func begin(_ new: NewShow) throws -> Show {
    shows.removeAll(where: \.hasEnded)
    guard shows.count < Shows.most else { throw LiveTrouble.tooMany }
    let seeds = try LiveTrouble.seeds(new.seeds ?? "0-5"), rate = new.rate ?? 25
    guard (1...60).contains(rate) else { throw LiveTrouble.value("rate", 1...60) }
    let thing = try source(new.run)
    let recordings = Timelines.folder(configuration.workspace)
    try AtomicFile.makeFolder(recordings)
    let show = try Show(
      configuration.atelier, run: new.run, name: thing.name, file: thing.file, sliders: thing.sliders, seeds: seeds,
      rate: rate, workspace: configuration.workspace, recordings: recordings
    ) { [hub] word in hub.send("live", word) }
    shows.append(show)
    return show
  }

  /// The generator that a form names, and the file of its sliders, as `atelier sliders` writes it.
  private func source(_ word: String) throws -> (name: String, file: String, sliders: String) {
    let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, isCatalogueID(parts[1]) else { throw FormError.badValue("run", String(word.prefix(60))) }
    switch parts[0] {
    case "run":
      let run = try catalogue.run(parts[1]), file = catalogue.file(run.path)
      return (run.name, file, file + "/sliders.json")
    case "model":
      let model = try catalogue.model(parts[1])
      return (
        model.name, catalogue.file(model.path), "\(configuration.workspace)/models/\(model.name)-sliders.json"
      )
    default: throw FormError.badValue("run", String(word.prefix(60)))
    }
  }

  /// Looks now and then after shows that nobody watches, and those that don't end.
  func run() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(5))
      shows.removeAll { $0.hasEnded && ($0.secondsAlone ?? 0) > 60 }
      for show in shows where !show.hasEnded && (show.secondsAlone ?? 0) > Shows.patience { show.stop() }
      if shows.allSatisfy(\.hasEnded) { close() }
    }
  }

  // MARK: OSC

  var osc: OSCState {
    OSCState(port: port?.port, isFromOthers: port?.isFromOthers ?? false, entries: map.entries)
  }

  /// - Throws: `LiveTrouble.port`.
  func open(_ opening: OSCOpening) throws -> OSCState {
    close()
    guard opening.isOpen else { return osc }
    let number = opening.port ?? 9000
    guard (0...65535).contains(number) else { throw LiveTrouble.value("port", 0...65535) }
    port = try OSCPort(number, isFromOthers: opening.isFromOthers ?? false) { [weak self] messages in
      Task { await self?.hear(messages) }
    }
    return osc
  }

  private func close() {
    port?.close()
    port = nil
  }

  /// - Throws: `LiveTrouble.value`, `FileTrouble`.
  func learn(_ lesson: OSCLesson) throws -> OSCState {
    var changed = map
    if let address = lesson.address {
      let numbers = [lesson.low ?? 0, lesson.high ?? 1]
      guard address.hasPrefix("/"), address.utf8.count <= 200, (1...100).contains(lesson.track.count),
        numbers.allSatisfy(\.isFinite), (0...63).contains(lesson.argument ?? 0)
      else { throw CallError.bad("A knob has an address such as /1/fader1, and sends numbers") }
      changed.learn(
        OSCMap.Entry(
          address: address, argument: lesson.argument ?? 0, track: lesson.track, low: numbers[0], high: numbers[1]))
      guard changed.entries.count <= 256 else { throw CallError.bad("256 knobs are the most") }
    } else {
      changed.entries.removeAll { $0.track == lesson.track }
    }
    try changed.write(folder: configuration.folder)
    map = changed
    return osc
  }

  private func hear(_ messages: [OSC.Message]) {
    for show in shows where !show.hasEnded {
      let moves = map.moves(messages, show.view.tracks)
      if !moves.isEmpty { _ = try? show.obey(LiveLine(tracks: moves), isFromPage: false) }
      if let word = messages.last(where: { OSC.matches($0.address, "/atelier/record") })?.values.first?.level {
        _ = try? show.obey(LiveLine(record: word != 0), isFromPage: false)
      }
      // What a page needs to learn a knob.
      if let message = messages.last(where: { $0.address.utf8.count <= 200 }),
        let argument = message.values.firstIndex(where: { $0.level != nil })
      {
        var word = LiveWord(show: show.id)
        word.heard = OSCHeard(
          address: message.address, argument: argument, level: message.values[argument].level ?? 0)
        hub.send("live", word)
      }
    }
  }
}
