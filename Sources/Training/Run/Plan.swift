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

  public init(_ length: Length, seed: UInt64 = 0) { (self.length, self.seed) = (length, seed) }
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

  public var sentence: String {
    switch self {
    case .checkpoint(let error):
      error.sentence
    case .diverged(let reason, let picturesSeen):
      "Training diverged again after \(picturesSeen) pictures (\(reason)), though the learning rate was halved three "
        + "times: the last good checkpoint is kept; start a new run with a smaller learning rate or another recipe."
    }
  }
  public var exit: Exit {
    switch self {
    case .checkpoint(let error): error.exit
    case .diverged: .data
    }
  }
}
