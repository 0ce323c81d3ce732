import Foundation
import Media
import Models
import Torch
import Yams

/// What happens when in a film: the points of its path, what changes on the way, and what it hears.
///
/// As YAML:
/// ```yaml
/// seconds: 12
/// path: spline          # sphere, spline, process or fade
/// keys:
///   - {seed: 3}
///   - {seed: 41, at: 4, ease: smooth}
/// tracks:
///   truncation: 0.8
///   smile: [{at: 0, value: -2}, {at: 12, value: 2}]  # a slider of the generator
///   zoom: [{at: 0, value: 1}, {at: 6, value: 1.3, ease: smooth}, {at: 12, value: 1}]
/// sound: song.flac
/// react:
///   - {hear: onset, move: path, by: 0.4}
/// ```
public struct FilmTimeline: Codable, Sendable, Equatable {
  /// A point of the path.
  public struct Key: Codable, Sendable, Equatable {
    /// nil for the film's own; of GANs each key has one.
    public var seed: UInt64?
    /// Of a large model: what is drawn there; nil for the film's own.
    public var prompt: String?
    /// Seconds; nil for even distances, or after the one before.
    public var at: Double?
    public var ease: LatentPath.Ease?
    public init(seed: UInt64?, prompt: String? = nil, at: Double? = nil, ease: LatentPath.Ease? = nil) {
      (self.seed, self.prompt, self.at, self.ease) = (seed, prompt, at, ease)
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      prompt = try container.decodeIfPresent(String.self, forKey: .prompt)
      // A key is where something is, which its words may say alone.
      seed =
        prompt == nil
        ? try container.decode(UInt64.self, forKey: .seed) : try container.decodeIfPresent(UInt64.self, forKey: .seed)
      at = try container.decodeIfPresent(Double.self, forKey: .at)
      ease = try container.decodeIfPresent(LatentPath.Ease.self, forKey: .ease)
    }
  }

  /// A value that may change over time.
  public enum Property: String, Codable, Sendable, CaseIterable {
    /// 0...1, of latents.
    case truncation
    /// Seconds of the path a second; only `react` may leave it out.
    case speed
    /// Where on the path it is, in seconds, in place of `speed`.
    case place
    /// Of the camera: 1 is the whole picture.
    case zoom
    /// Of the camera: parts of the picture's width and height to the right and down.
    case x, y
    /// Degrees clockwise.
    case turn

    var standard: Double { [.truncation, .speed, .zoom].contains(self) ? 1 : 0 }
    var range: ClosedRange<Double> {
      switch self {
      case .truncation: 0...1
      case .speed: -20...20
      case .place: -36_000...36_000
      case .zoom: 0.1...20
      case .x, .y: -5...5
      case .turn: -36_000...36_000
      }
    }
  }

  /// A value that stays, or values at times.
  public struct Track: Codable, Sendable, Equatable {
    public struct Point: Codable, Sendable, Equatable {
      public var at: Double
      public var value: Double
      public var ease: LatentPath.Ease?
    }
    public var points: [Point]
    public init(_ value: Double) { points = [Point(at: 0, value: value)] }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let value = try? container.decode(Double.self) {
        points = [Point(at: 0, value: value)]
      } else {
        points = try container.decode([Point].self)
      }
    }
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(points)
    }

    func value(at time: Double) -> Double {
      guard let first = points.first, time > first.at else { return points.first?.value ?? 0 }
      let after = points.firstIndex { $0.at > time } ?? points.count
      let from = points[after - 1]
      guard after < points.count else { return from.value }
      let t = (from.ease ?? .linear)((time - from.at) / (points[after].at - from.at))
      return from.value + (points[after].value - from.value) * t
    }
  }

  /// An audio reaction.
  public struct Reaction: Codable, Sendable, Equatable {
    public enum Target: String, Codable, Sendable, CaseIterable { case path, truncation, zoom, x, y, turn }
    public var hear: SoundAnalysis.Feature
    public var move: Target
    /// Of a path: seconds that it goes on at each onset, or a second at full level. Of a track: what is added at full level.
    public var by: Double
    public init(hear: SoundAnalysis.Feature, move: Target, by: Double) {
      (self.hear, self.move, self.by) = (hear, move, by)
    }

    /// - Parameter words: "onset:path:0.5".
    /// - Throws: `FilmError.reaction`.
    public init(_ words: String) throws(FilmError) {
      let parts = words.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3, let hear = SoundAnalysis.Feature(rawValue: parts[0]),
        let move = Target(rawValue: parts[1]),
        let by = Double(parts[2]), by.isFinite
      else { throw .reaction(words) }
      self.init(hear: hear, move: move, by: by)
    }
  }

  public var seconds: Double?
  public var rate: String?
  /// Whether the end is the beginning.
  public var loop: Bool?
  /// Seconds after which the path is where it began; nil for the film's length in a loop, and for never elsewhere.
  public var period: Double?
  public var path: LatentPath.Shape?
  /// Seconds that a process remembers.
  public var wave: Double?
  public var keys: [Key]?
  /// Of a large model: what is drawn where no key says it.
  public var prompt: String?
  public var tracks: [String: Track]?
  public var sound: String?
  public var react: [Reaction]?
  /// Random seed.
  public var seed: UInt64?
  public init() {}

  /// - Throws: `FilmError.timeline`, `FileError`-like sentences for what can't be read.
  public init(file path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else { throw FilmError.missing(path) }
    guard data.count < 1 << 20, let text = String(data: data, encoding: .utf8) else {
      throw FilmError.timeline(path, why: "it is no text of less than a megabyte")
    }
    do { self = try YAMLDecoder().decode(FilmTimeline.self, from: text) } catch {
      throw FilmError.timeline(path, why: Self.explained(error))
    }
    let known = Set(FilmTimeline.names)
    if let node = try? Yams.compose(yaml: text), let mapping = node.mapping {
      let others = mapping.keys.compactMap(\.string).filter { !known.contains($0) }
      if let other = others.first {
        throw FilmError.timeline(path, why: "'\(other)' isn't one of \(FilmTimeline.names.joined(separator: ", "))")
      }
    }
    // A sound lies beside the timeline.
    if let sound, !sound.hasPrefix("/") {
      self.sound = path.parentPath.isEmpty ? sound : "\(path.parentPath)/\(sound)"
    }
  }

  private static let names = [
    "seconds", "rate", "loop", "period", "path", "wave", "keys", "prompt", "tracks", "sound", "react", "seed",
  ]

  private static func explained(_ error: any Error) -> String {
    switch error {
    case let error as YamlError: "\(error)".split(separator: "\n").joined(separator: " ")
    case DecodingError.keyNotFound(let key, let context):
      "\(place(context)) lacks '\(key.stringValue)'"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      "\(place(context)): \(context.debugDescription)"
    default: "\(error)"
    }
  }
  private static func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map { "[\($0 + 1)]" } ?? $0.stringValue }
    return path.isEmpty ? "the file" : path.joined(separator: " ")
  }
}

/// Why a film can't be made.
public enum FilmError: Explained, Equatable {
  case missing(String)
  case timeline(String, why: String)
  case reaction(String)
  case track(String, sliders: [String])
  case badNumber(option: String, value: Double, range: String)
  case times(String)
  case noKeys(shape: String)
  case noSoundToHear
  case noLatents(String, recipe: String)
  /// Words for a model that draws by none.
  case wordless(String)
  /// What only other models have, such as truncation.
  case notByWords(String, what: String)
  case seedsAfterPicture
  case loopAfterPicture

  public var sentence: String {
    switch self {
    case .missing(let path): "The timeline \(path) isn't there: check the name."
    case .timeline(let path, let why):
      "The timeline \(path) can't be read, since \(why): see docs/film.md for what it may say."
    case .reaction(let words):
      "--react can't be '\(words)': give what is heard (loudness, low, mid, high, onset), what moves (path, truncation, zoom, x, y, turn) and by how much, such as onset:path:0.5."
    case .track(let name, let sliders):
      "There is no track '\(name)': use truncation, speed, place, zoom, x, y or turn, or a slider\(sliders.isEmpty ? " that `atelier sliders` finds" : ": " + sliders.joined(separator: ", "))."
    case .badNumber(let option, let value, let range): "\(option) can't be \(value): use a number \(range)."
    case .times(let why): "The times don't fit: \(why)."
    case .noKeys(let shape):
      "A path of the shape '\(shape)' goes from seed to seed: name two --seeds, or use --path process."
    case .noSoundToHear: "There is no sound to react to: name a file by --sound, or leave --react out."
    case .noLatents(let name, let recipe):
      "\(name) (\(recipe)) has no latent space, so there is no path to film: name a run of a GAN."
    case .wordless(let name):
      "The film says prompts, and \(name) draws by none: leave them out, and give each key a seed."
    case .notByWords(let name, let what): "\(name) draws by words and has no \(what): leave it out."
    case .seedsAfterPicture:
      "In a film that begins with a picture, frames follow from one another and keys have no seeds: give them prompts alone."
    case .loopAfterPicture:
      "A film that begins with a picture doesn't come back to it: leave loop and period out of the timeline."
    }
  }
  public var exit: Exit {
    switch self {
    case .missing: .missingInput
    case .timeline: .data
    default: .usage
    }
  }
}
