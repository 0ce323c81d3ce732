import Files
import Foundation

/// What a job has told so far, as a page shows it: the sum of its events (docs/json.md).
public struct Story: Sendable, Equatable, Codable {
  /// In 0...1; nil until something is known.
  public var fraction: Double?
  public var secondsLeft: Double?
  /// What is counted, such as "pictures", and how far it is.
  public var task: String?
  public var done: Int?
  public var total: Int?
  /// The newest of a training's readings.
  public var reading: Reading?
  /// The folder of a training's run.
  public var run: String?
  /// The newest sheet of samples.
  public var sheet: String?
  /// Checkpoints that were saved.
  public var saved = 0
  public var bestPicturesSeen: Int?
  /// Notes, troubles and measurements, in words; the newest last, forty at most.
  public var notes: [String] = []
  /// What is wrong, by an autopilot.
  public var trouble: String?
  /// Files that were written, 2,000 at most.
  public var made: [Made] = []
  /// The sentence of a failure.
  public var failure: String?
  /// Fields of the last line, `finished`.
  public var result: [String: JSON]?

  public struct Reading: Sendable, Equatable, Codable {
    public var picturesSeen: Double
    public var seconds: Double
    public var picturesPerSecond: Double?
    public var figures: [String: Double]
  }
  public struct Made: Sendable, Equatable, Codable {
    /// picture, film, sheet, interpolation, map or mixing.
    public var kind: String
    public var path: String
    public var seed: Double?
  }

  public init() {}

  public mutating func add(_ event: JSON) {
    switch event["event"]?.string {
    case "progress":
      (fraction, secondsLeft) = (event["fraction"]?.number, event["secondsLeft"]?.number)
      (task, done, total) = (event["task"]?.string, event["done"]?.integer, event["total"]?.integer)
    case "reading":
      (fraction, secondsLeft) = (event["fraction"]?.number, event["secondsLeft"]?.number)
      (task, done, total) = ("training", nil, nil)
      reading = Reading(event)
    case "started": run = event["run"]?.string
    case "sample": sheet = event["path"]?.string
    case "saved": saved += 1
    case "measured":
      if event["isBest"]?.bool == true { bestPicturesSeen = event["picturesSeen"]?.integer }
      note("KID × 1000: \(event["kid"]?.number.map { String(format: "%.1f", $0) } ?? "?")")
    case "note": note(event["text"]?.string)
    case "chosen": note(event["words"]?.string)
    case "trouble":
      trouble = event["text"]?.string
      note(trouble)
    case "rolledBack": note(event["reason"]?.string)
    case "leftOut": note("\(event["name"]?.string ?? "?") \(event["reason"]?.string ?? "")")
    case "picture", "film", "sheet", "interpolation", "map", "mixing":
      if made.count < 2000, let kind = event["event"]?.string, let path = event["path"]?.string {
        made.append(Made(kind: kind, path: path, seed: event["seed"]?.number))
      }
    case "failed": failure = event["text"]?.string
    case "finished":
      result = event.object
      fraction = 1
      secondsLeft = 0
    default: break
    }
  }

  private mutating func note(_ words: String?) {
    guard let words, notes.last != words else { return }
    notes.append(words)
    if notes.count > 40 { notes.removeFirst() }
  }
}

extension Story.Reading {
  public init?(_ event: JSON) {
    guard event["event"]?.string == "reading", let seen = event["picturesSeen"]?.number else { return nil }
    picturesSeen = seen
    seconds = event["seconds"]?.number ?? 0
    picturesPerSecond = event["picturesPerSecond"]?.number
    figures = [:]
    for figure in event["figures"]?.list ?? [] {
      if let name = figure["name"]?.string, let value = figure["value"]?.number { figures[name] = value }
    }
  }
}
