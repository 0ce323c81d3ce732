import Foundation
import Training

/// What a verb tells while it works: the one language of the terminal, of `--json` and of a studio around it.
///
/// On the wire an event is one flat JSON object a line, see docs/json.md. The last one is `finished` or `failed`.
public enum Event: Sendable, Equatable {
  /// How far work is that takes a while.
  case progress(Progress)
  /// Something that an artist should know: what takes time, what is left out.
  case note(String)
  /// A file that can't be used, and why.
  case leftOut(SetAside)
  /// A file that was written.
  case made(MadeFile)
  /// A generated picture that is likely a copy.
  case copy(FoundCopy)
  case projected(Projected)
  case slider(name: String, method: String, layers: [Int]?)
  case model(ListedModel)
  case recipe(RecipeReference)

  // Of a training:
  /// - Parameters:
  ///   - packed: names the first of the files that can't be used.
  ///   - leftOut: how many there are.
  case packed(Packed, leftOut: Int)
  /// What was chosen for these pictures, and why.
  case chosen(recipe: String, settings: String, words: String)
  case estimate(Estimate)
  /// - Parameters:
  ///   - pictures: how many there are to learn from.
  ///   - picturesSeen: by the run before it is gone on with.
  case started(run: String, recipe: String, pictures: Int, picturesSeen: Int)
  case reading(Report)
  case sample(path: String, picturesSeen: Int)
  case saved(path: String, picturesSeen: Int)
  case rolledBack(reason: String, picturesSeen: Int)
  /// How good what it makes is.
  case measured(Quality, isBest: Bool)
  /// What goes wrong, and why.
  case trouble(Trouble)

  case finished(Result)
  /// The verb gave up: the sentence that stands on standard error, and the exit code.
  case failed(text: String, exitCode: Int)
}

extension Event {
  /// What progress counts.
  public enum Work: String, Codable, Sendable, CaseIterable {
    /// Files that are made ready for a training or a measurement.
    case packing
    /// Files that are looked at.
    case files
    case pictures, films, frames, steps, sequences
  }

  /// How far work is.
  public struct Progress: Codable, Sendable, Equatable {
    public var task: Work
    /// Of what the task says, from 0.
    public var done: Int, total: Int
    /// 0...1 of all work. It is finer than `done` where one part takes long, and differs where parts take differently long.
    public var fraction: Double
    /// Parts a second; nil until it is known.
    public var rate: Double?
    /// At the speed so far; nil until it is known.
    public var secondsLeft: Double?
    /// What is worked on, in words.
    public var item: String?
    /// Other numbers, by their names.
    public var figures: [Figure]?
  }
}

/// How fast work goes, and how long the rest takes: the one place where that is computed.
public struct Pace {
  private let task: Event.Work
  private var start: Double
  private var first: Int, firstFraction: Double?
  private var last: (done: Int, total: Int)?

  /// Begins now.
  ///
  /// - Parameters:
  ///   - done: parts that were done before, and tell nothing about the speed.
  ///   - fraction: of all work that they were, where parts don't say it.
  public init(_ task: Event.Work, from done: Int = 0, fraction: Double? = nil) {
    self.init(task, from: done, fraction: fraction, now: ProcessInfo.processInfo.systemUptime)
  }

  init(_ task: Event.Work, from done: Int, fraction: Double? = nil, now: Double) {
    (self.task, first, firstFraction, start) = (task, done, fraction, now)
  }

  /// The event that so many parts are done.
  ///
  /// - Parameter fraction: of all work, where parts don't say it.
  public mutating func at(
    _ done: Int, of total: Int, fraction: Double? = nil, item: String? = nil, figures: [Figure]? = nil
  ) -> Event {
    .progress(
      progress(done, of: total, fraction, item, figures, now: ProcessInfo.processInfo.systemUptime))
  }

  mutating func progress(
    _ done: Int, of total: Int, _ given: Double? = nil, _ item: String? = nil, _ figures: [Figure]? = nil, now: Double
  ) -> Event.Progress {
    let fraction = given ?? Double(done) / Double(max(1, total))
    // Other work of the same kind counts anew.
    if let last, last.total != total || done < last.done { (first, firstFraction, start) = (done, fraction, now) }
    last = (done, total)
    let before = firstFraction ?? Double(first) / Double(max(1, total))
    let seconds = now - start
    // Steps take differently long; a part of a picture is a part of the work.
    let parts = task == .steps ? Double(done - first) : (fraction - before) * Double(total)
    let isKnown = seconds > 0 && fraction > before
    return Event.Progress(
      task: task, done: done, total: total, fraction: min(1, max(0, fraction)),
      rate: seconds > 0 && parts > 0 ? parts / seconds : nil,
      secondsLeft: isKnown ? max(0, seconds * (1 - fraction) / (fraction - before)) : fraction >= 1 ? 0 : nil,
      item: item, figures: figures)
  }
}
