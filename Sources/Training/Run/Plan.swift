import Torch

/// How long a run trains.
public enum Length: Codable, Sendable, Equatable {
  /// Pictures to see in all, earlier parts of the run included.
  case pictures(Int)
  /// Minutes of training in all, earlier parts included. Not reproducible to the bit: schedules follow the clock.
  case minutes(Double)
}

/// How a run is to go.
public struct Plan: Codable, Sendable, Equatable {
  public var length: Length
  public var seed: UInt64 = 0
  public var saveSeconds = 120.0  // Between checkpoints.
  public var sampleSeconds = 60.0  // Between sheets of samples; the first ones come sooner.
  public var reportSeconds = 1.0  // Between readings.
  public var checkSteps = 16  // Between looks for NaN: each waits for the device.
  public var keep = 3  // Checkpoints kept.
  public var samples = 36  // Pictures on a sheet.
  /// Where its end was begun before it was due; nil where it runs as long as planned.
  public var end: End?

  /// The end of a run, in which rates fall, begun at any time: what it has seen by then, and the fraction of a run that this
  /// becomes.
  public struct End: Codable, Sendable, Equatable {
    public var picturesSeen: Int, seconds: Double, fraction: Double
    public init(picturesSeen: Int, seconds: Double, fraction: Double) {
      (self.picturesSeen, self.seconds, self.fraction) = (picturesSeen, seconds, fraction)
    }
  }

  public init(_ length: Length, seed: UInt64 = 0) { (self.length, self.seed) = (length, seed) }
}

extension Plan {
  /// The same run with its end begun now, so that rates fall from here on.
  ///
  /// - Parameters:
  ///   - hold: the fraction of a run after which rates fall.
  ///   - length: of the whole run; nil for a third of what was seen, as in a run whose rates hold for three quarters.
  public func ending(after facts: Checkpoint.Facts, hold: Double, in length: Length? = nil) -> Plan {
    var plan = self
    let reached = Clock(self, facts).fraction(facts)
    plan.end = End(picturesSeen: facts.picturesSeen, seconds: facts.seconds, fraction: max(hold, reached))
    plan.length =
      switch (length, self.length) {
      case (let length?, _): length
      case (nil, .pictures): .pictures(facts.picturesSeen + (facts.picturesSeen + 2) / 3)
      case (nil, .minutes): .minutes(facts.seconds / 60 * 4 / 3)
      }
    return plan
  }
}

/// One value of a step as reported.
public struct Figure: Codable, Sendable, Equatable {
  public let name: String, value: Double
  public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
}

/// How a run is going.
public struct Report: Codable, Sendable, Equatable {
  public let picturesSeen: Int
  /// 0...1 of the run.
  public let fraction: Double
  /// Training time so far.
  public let seconds: Double
  /// Of the last seconds.
  public let picturesPerSecond: Double
  public let secondsLeft: Double
  /// Since the run began or was resumed: what sheets, checkpoints and measurements took.
  public let secondsAside: Double
  public let figures: [Figure]
}

/// What the loop tells while it runs.
public enum LoopEvent {
  case reading(Report)
  /// Pictures [N, C, H, W] in -1...1: of the fixed seeds 0, 1, …, or a transfer recipe's examples, in rows of so many.
  case sample(Tensor, columns: Int?, picturesSeen: Int)
  case saved(path: String, picturesSeen: Int)
  case rolledBack(reason: String, to: Int)
  case finished(Ending, Report)
}

/// Why a loop ended.
public enum Ending: String, Codable, Sendable {
  case completed
  /// It was asked to stop; the state is saved.
  case stopped
}

/// Why a loop gave up.
public enum LoopError: Explained {
  case checkpoint(CheckpointError)
  case diverged(reason: String, picturesSeen: Int)
  /// Another process of its group is gone.
  case lost(ProcessGroupError)

  public var sentence: String {
    switch self {
    case .checkpoint(let error): error.sentence
    case .lost(let error): error.sentence
    case .diverged(let reason, let picturesSeen):
      "Training diverged again after \(picturesSeen) pictures (\(reason)), though the learning rate was halved three "
        + "times: the last good checkpoint is kept; start a new run with a smaller learning rate or another recipe."
    }
  }
  public var exit: Exit {
    switch self {
    case .checkpoint(let error): error.exit
    case .lost(let error): error.exit
    case .diverged: .data
    }
  }
}
