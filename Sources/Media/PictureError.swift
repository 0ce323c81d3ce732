import Torch

/// Why a picture can't be had. `name` is the file's, or the entry's in an archive.
public enum PictureError: Explained, Equatable {
  case missing(name: String)
  /// The system refuses to read it, in its words.
  case unreadable(name: String, why: String)
  /// A folder, a pipe or a device.
  case notAFile(name: String)
  case empty(name: String)
  /// The bytes begin like nothing that is read here; `kind` says like what, where that is known.
  case notAPicture(name: String, kind: String?)
  /// This machine's libvips has no loader for the format.
  case noLoader(name: String, format: PictureFormat)
  /// More pixels than the cap, by what the file's header claims.
  case tooLarge(name: String, width: Int, height: Int, megapixels: Int)
  /// More bytes than the cap.
  case tooHeavy(name: String, megabytes: Int, cap: Int)
  /// The file ends before the picture does.
  case cutShort(name: String)
  case damaged(name: String)
  /// Pixels in floating point that are NaN.
  case notNumbers(name: String)
  /// libvips itself doesn't start.
  case noEngine

  /// What is wrong, as the end of a sentence that begins with the name: "is cut short".
  public var reason: String {
    switch self {
    case .missing: "isn't there"
    case .unreadable(_, let why): "can't be read (\(why))"
    case .notAFile: "isn't a file"
    case .empty: "is empty"
    case .notAPicture(_, let kind?): "is \(kind), which isn't read here"
    case .notAPicture(_, nil): "isn't a picture"
    case .noLoader(_, let format): "is \(format.spoken), which libvips can't read on this machine"
    case .tooLarge(_, let width, let height, let cap):
      "claims \(width) by \(height) pixels, more than \(cap) megapixels"
    case .tooHeavy(_, let megabytes, let cap): "has \(megabytes) MB, more than \(cap) MB"
    case .cutShort: "is cut short"
    case .damaged: "is damaged"
    case .notNumbers: "has pixels that aren't numbers (NaN)"
    case .noEngine: "can't be read, since libvips doesn't start"
    }
  }

  public var name: String {
    switch self {
    case .missing(let name), .unreadable(let name, _), .notAFile(let name), .empty(let name),
      .notAPicture(let name, _), .noLoader(let name, _), .tooLarge(let name, _, _, _), .tooHeavy(let name, _, _),
      .cutShort(let name), .damaged(let name), .notNumbers(let name):
      name
    case .noEngine: "The picture"
    }
  }

  public var sentence: String {
    let next =
      switch self {
      case .missing: "check the name"
      case .unreadable: "check that you may read it"
      case .notAFile: "name one picture"
      case .empty, .cutShort, .damaged: "copy it again from where it came from"
      case .notNumbers: "mend it where it was made, or leave it out"
      case .notAPicture: "save it as PNG or JPEG"
      case .noLoader: "save it as PNG or JPEG"
      case .tooLarge, .tooHeavy: "save it smaller"
      case .noEngine: "install libvips again"
      }
    return "\(name) \(reason): \(next)."
  }

  public var exit: Exit {
    switch self {
    case .missing: .missingInput
    case .unreadable, .notAFile: .io
    case .noEngine: .unavailable
    default: .data
    }
  }
}
