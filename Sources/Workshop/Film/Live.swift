import Foundation
import Media
import Models
import Torch
import Training

/// What a line tells a generator that is played live. What it leaves out stays as it is.
public struct LiveChange: Codable, Sendable, Equatable {
  /// The pictures that the path passes, a second apart, and closes; it begins at the first one.
  public var seeds: [UInt64]?
  public var path: LatentPath.Shape?
  /// Where on the path it is, in seconds.
  public var place: Double?
  /// Values of `speed`, `truncation`, `zoom`, `x`, `y`, `turn`, and of sliders by their names.
  public var tracks: [String: Double]?
  /// Begins a recording, or ends it and writes its timeline.
  public var record: Bool?
  public var stop: Bool?
  public init() {}
}

/// A frame that is shown, or word of what became of a line: a line of JSON, and the frame's bytes after it.
public struct LiveFrame: Codable, Sendable, Equatable {
  /// Since the start, at the show's rate; those that took too long are left out.
  public var frame: Int
  /// How many lines it has obeyed.
  public var answers: Int
  public var width = 0, height = 0, channels = 0
  /// Of the picture, [height, width, channels], right after this line.
  public var bytes = 0
  /// Where on the path it is, in seconds.
  public var place = 0.0
  /// The timeline that was written.
  public var recorded: String?
  /// Why the last line wasn't obeyed.
  public var error: String?
}

/// Why a generator can't be played as a line says.
public enum LiveError: Explained, Equatable {
  case line(why: String)
  case seeds(Int)
  case recording

  public var sentence: String {
    switch self {
    case .line(let why):
      "The line can't be read, since \(why): give a JSON object such as {\"tracks\": {\"speed\": 0.5}}."
    case .seeds(let count): "\(count == 1 ? "One seed is" : "\(count) seeds are") no path: name 2 to 64."
    case .recording: "A recording has one path: end it before you change the seeds or the shape of the path."
    }
  }
  public var exit: Exit { .usage }
}

/// A request to `live`.
public struct LiveRequest: Sendable {
  /// Frames a second at most.
  public var rate = FrameRate(20)
  public var seeds: [UInt64] = [0, 1, 2, 3, 4, 5]
  public var path = LatentPath.Shape.spline
  /// The folder for timelines of what is recorded.
  public var recordings: String
  public init(recordings: String) { self.recordings = recordings.absolutePath }
}

/// Plays a generator as an instrument: draws frames at a rate while something moves, and obeys lines.
///
/// - Parameters:
///   - lines: waits so many seconds, or until a line comes where it is given nil, and returns the lines that came; nil at
///     their end.
///   - show: is given a frame, and its bytes.
/// - Throws: `FilmError`, `SliderError`, `GeneratorError`, and what `show` throws.
public func live(
  _ request: LiveRequest, with generator: Generator, in workspace: Workspace,
  lines: (_ seconds: Double?) -> [String]?, show: (LiveFrame, [UInt8]) throws -> Void
) throws {
  var player = try LivePlayer(request, generator, in: workspace)
  let clock = ContinuousClock(), start = clock.now
  func now() -> Double { (clock.now - start) / .seconds(1) }
  var (frame, answers) = (0, 0)
  func draw() throws {
    let picture = player.picture
    var shown = LiveFrame(frame: frame, answers: answers)
    (shown.width, shown.height, shown.channels) = (picture.width, picture.height, picture.channels)
    (shown.bytes, shown.place) = (picture.bytes.count, player.place)
    do { try show(shown, picture.bytes) } catch {
      // Whoever watched is gone, such as a studio that was killed: what was recorded stays.
      _ = try player.finishRecording(at: frame)
      throw error
    }
  }
  func tell(recorded: String? = nil, error: String? = nil) throws {
    guard recorded != nil || error != nil else { return }
    var word = LiveFrame(frame: frame, answers: answers)
    (word.recorded, word.error) = (recorded, error)
    try show(word, [])
  }
  try draw()
  var hasEnded = false
  while !hasEnded {
    let isMoving = player.isMoving
    guard let came = lines(isMoving ? max(0, request.rate.time(of: frame + 1) - now()) : nil) else { break }
    guard isMoving || !came.isEmpty else { continue }
    // What took too long is left out, so that the picture is never late.
    let last = frame
    frame = max(frame + 1, Int(now() * request.rate.value))
    player.advance(by: frame - last)
    for line in came {
      answers += 1
      do {
        let change = try player.change(line)
        try tell(recorded: player.obey(change, at: frame))
        hasEnded = hasEnded || change.stop == true
      } catch let error as any Explained {
        try tell(error: error.sentence)
      }
    }
    player.note(frame, isHeld: !isMoving)
    try draw()
  }
  try tell(recorded: player.finishRecording(at: frame))
}

/// A generator, and where everything that moves its pictures stands.
private struct LivePlayer {
  private let request: LiveRequest
  private let generator: Generator
  private let model: any PictureModel
  private let sliders: Sliders?
  private let styles: (layers: Int, width: Int)?
  private let camera: Camera
  private var painter: FilmPainter
  private var seeds: [UInt64], shape: LatentPath.Shape
  private(set) var place = 0.0
  private var tracks: [String: Double] = [:]
  private var recording: LiveRecording?

  init(_ request: LiveRequest, _ generator: Generator, in workspace: Workspace) throws {
    (self.request, self.generator) = (request, generator)
    model = try generator.pictureModel()
    guard model.offers.latent != nil else { throw FilmError.noLatents(generator.name, recipe: generator.facts.recipe) }
    sliders = model is any StyleModel ? try Sliders(of: generator, in: workspace) : nil
    styles = (model as? any StyleModel).map {
      let shape = $0.styles(PictureRequest(seeds: [0])).shape
      return (shape[1], shape[2])
    }
    (seeds, shape) = (request.seeds, request.path)
    camera = Camera(width: generator.settings.size.width, height: generator.settings.size.height, keepsPixels: false)
    painter = try Self.painter(seeds, shape, model, generator, camera)
  }

  private static func painter(
    _ seeds: [UInt64], _ shape: LatentPath.Shape, _ model: any PictureModel, _ generator: Generator, _ camera: Camera
  ) throws -> FilmPainter {
    var timeline = FilmTimeline()
    (timeline.seconds, timeline.period) = (Double(seeds.count), Double(seeds.count))
    (timeline.path, timeline.keys) = (shape, seeds.map { FilmTimeline.Key(seed: $0) })
    let plan = try FilmPlan(timeline)
    return FilmPainter(
      path: latentPath(plan, model, of: generator), seeds: seeds, seed: plan.seed, period: plan.period, model: model,
      generator: generator, camera: camera)
  }

  /// It stands still until it is told a speed.
  private var speed: Double { tracks[FilmTimeline.Property.speed.rawValue] ?? 0 }
  var isMoving: Bool { model.offers.moves || speed != 0 }
  mutating func advance(by frames: Int) { place += speed * request.rate.time(of: frames) }

  private func value(_ property: FilmTimeline.Property) -> Double { tracks[property.rawValue] ?? property.standard }

  /// - Throws: `LiveError.line`.
  func change(_ line: String) throws(LiveError) -> LiveChange {
    do { return try JSONDecoder().decode(LiveChange.self, from: Data(line.utf8)) } catch {
      throw .line(why: "it isn't what is known here")
    }
  }

  /// - Returns: the timeline that was written, where a recording ends.
  /// - Throws: `LiveError`, `FilmError`, `FileError`; nothing has changed then.
  mutating func obey(_ change: LiveChange, at frame: Int) throws -> String? {
    for (name, value) in change.tracks ?? [:] {
      let property = FilmTimeline.Property(rawValue: name)
      let known = sliders?.sliders.map(\.name) ?? []
      guard property != nil && property != .place || known.contains(name) else {
        throw FilmError.track(name, sliders: known)
      }
      let range = property?.range ?? -20...20
      guard range.contains(value) else {
        throw FilmError.badNumber(
          option: "The track '\(name)'", value: value, range: "from \(range.lowerBound) to \(range.upperBound)")
      }
    }
    if let place = change.place, !FilmTimeline.Property.place.range.contains(place) {
      throw FilmError.badNumber(option: "place", value: place, range: "from -36000 to 36000")
    }
    if change.seeds != nil || change.path != nil {
      guard recording == nil else { throw LiveError.recording }
      let (seeds, shape) = (change.seeds ?? seeds, change.path ?? shape)
      guard (2...64).contains(seeds.count) else { throw LiveError.seeds(seeds.count) }
      painter = try Self.painter(seeds, shape, model, generator, camera)
      (self.seeds, self.shape) = (seeds, shape)
      if change.seeds != nil { place = 0 }
    }
    if let place = change.place { self.place = place }
    tracks.merge(change.tracks ?? [:]) { $1 }
    switch change.record {
    case true?: recording = recording ?? LiveRecording(begin: frame)
    case false?: return try finishRecording(at: frame)
    case nil: break
    }
    return nil
  }

  private var moment: FilmMoment {
    var moves: Tensor?
    let standing = tracks.filter { FilmTimeline.Property(rawValue: $0.key) == nil }
    if let sliders, let styles, !standing.isEmpty {
      moves = try? sliders.moves(standing, layers: styles.layers, width: styles.width)
    }
    return FilmMoment(
      place: place, truncation: value(.truncation), moves: moves, zoom: value(.zoom), x: value(.x), y: value(.y),
      turn: value(.turn))
  }

  var picture: Picture { painter.seen(painter.made([moment])[0], moment) }

  /// Keeps how everything stands, where it is recorded.
  ///
  /// - Parameter isHeld: whether nothing moved since the frame before.
  mutating func note(_ frame: Int, isHeld: Bool) {
    var values = tracks
    values["speed"] = nil
    values["place"] = place
    recording?.add(values, at: frame, isHeld: isHeld)
  }

  mutating func finishRecording(at frame: Int) throws -> String? {
    guard let recording else { return nil }
    self.recording = nil
    return try recording.write(
      to: request.recordings, rate: request.rate, frames: frame, seeds: seeds, path: shape, name: generator.shownName)
  }
}
