import Torch

/// Work that was stopped or killed, and what may be done with it.
public enum UnfinishedError: Explained, Equatable {
  case nothingToResume(String)
  case unfinished(String)
  /// Another process writes it.
  case busy(String)
  /// No shard has begun.
  case nothingToJoin(String)
  /// Frames that shards haven't made yet, from 0 on.
  case missing(String, frames: [Range<Int>])

  public var sentence: String {
    switch self {
    case .nothingToResume(let out):
      "There is no unfinished work for \(out) with these settings: leave out --resume."
    case .unfinished(let out):
      "There is unfinished work for \(out): go on with it by --resume, or begin anew by --force."
    case .nothingToJoin(let out):
      "There are no shards of \(out) with these settings: make them by --shard 1/4, --shard 2/4 and so on first."
    case .missing(let out, let frames):
      "\(out) lacks \(frames.prefix(4).map { "frames \($0.lowerBound) to \($0.upperBound - 1)" }.joined(separator: ", "))"
        + "\(frames.count > 4 ? " and others" : ""): run those shards again, then --join."
    case .busy(let out): "Another process is writing \(out): wait until it has ended, or write to another file."
    }
  }
  public var exit: Exit {
    switch self {
    case .nothingToResume, .nothingToJoin, .missing: .missingInput
    case .unfinished, .busy: .cannotCreate
    }
  }
}
