import Torch

/// What is wrong inside a PyTorch checkpoint.
public enum CheckpointProblem: Error, Equatable, Sendable {
  case missing
  case unreadable
  /// A temporary file couldn't be made.
  case unwritable
  /// Neither PyTorch's zip format nor its older one.
  case notACheckpoint
  /// Programs, not only weights.
  case torchScript
  case damaged(String)
  /// The pickle names a function or class that no tensor needs.
  case forbiddenGlobal(String)
  case forbiddenOpcode(String, at: Int)
  case outOfBounds(String)
  case tooLarge(String)
  case archive(ArchiveError.Problem)
}

/// Why a PyTorch checkpoint wasn't read.
public struct CheckpointFileError: Explained, Equatable {
  public let path: String
  public let problem: CheckpointProblem

  public init(_ path: String, _ problem: CheckpointProblem) { (self.path, self.problem) = (path, problem) }

  public var sentence: String {
    switch problem {
    case .missing:
      "There is no file at '\(path)': check the path."
    case .unreadable:
      "'\(path)' can't be read: check its permissions."
    case .unwritable:
      "'\(path)' can't be written: free some space there, or set TMPDIR to a folder with more."
    case .notACheckpoint:
      "'\(path)' is neither a PyTorch checkpoint nor a safetensors file: give the file with the weights."
    case .torchScript:
      "'\(path)' is a TorchScript program: save its state_dict with torch.save and import that."
    case .damaged(let reason):
      "The checkpoint '\(path)' is damaged (\(reason)): copy or download it again."
    case .forbiddenGlobal(let name):
      "'\(path)' wants to use '\(name)', which weights don't need and which could run a program: nothing was imported; "
        + "save only its state_dict with torch.save, or don't trust it."
    case .forbiddenOpcode(let name, let place):
      "'\(path)' uses the pickle opcode \(name) at byte \(place), which weights don't need: nothing was imported; "
        + "save only its state_dict with torch.save, or don't trust it."
    case .outOfBounds(let what):
      "'\(path)' describes \(what): it is damaged or made to do harm; don't use it."
    case .tooLarge(let what):
      "\(what) in '\(path)' is beyond what weights need: it is damaged or made to do harm; don't use it."
    case .archive(let problem):
      ArchiveError(path, problem).sentence
    }
  }

  public var exit: Exit {
    switch problem {
    case .missing, .archive(.missing): .missingInput
    case .unreadable, .unwritable: .io
    default: .data
    }
  }
}
