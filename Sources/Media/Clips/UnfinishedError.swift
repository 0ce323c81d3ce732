import Torch

/// Work that was stopped or killed, and what may be done with it.
public enum UnfinishedError: Explained, Equatable {
  case nothingToResume(String)
  case unfinished(String)
  /// Another process writes it.
  case busy(String)

  public var sentence: String {
    switch self {
    case .nothingToResume(let out):
      "There is no unfinished work for \(out) with these settings: leave out --resume."
    case .unfinished(let out):
      "There is unfinished work for \(out): go on with it by --resume, or begin anew by --force."
    case .busy(let out): "Another process is writing \(out): wait until it has ended, or write to another file."
    }
  }
  public var exit: Exit {
    switch self {
    case .nothingToResume: .missingInput
    case .unfinished, .busy: .cannotCreate
    }
  }
}
