import Foundation
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
  /// Numbers whose black and white can't be told.
  case unknownRange(name: String, least: Double, most: Double)
  /// A camera's raw picture.
  case cameraRaw(name: String)
  /// PQ or HLG.
  case highRange(name: String, curve: String)
  /// A kind of its format that libvips doesn't read, as the end of "it has ...".
  case unread(name: String, why: String)
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
    case .unknownRange(_, let least, let most):
      "has numbers from \(Self.spoken(least)) to \(Self.spoken(most)), of which black and white can't be told"
    case .cameraRaw: "is a camera's raw picture, which isn't read here"
    case .highRange(_, let curve): "is in high dynamic range (\(curve)), which isn't read here"
    case .unread(_, let why): "has \(why), which aren't read here"
    case .noEngine: "can't be read, since libvips doesn't start"
    }
  }

  public var name: String {
    switch self {
    case .missing(let name), .unreadable(let name, _), .notAFile(let name), .empty(let name),
      .notAPicture(let name, _), .noLoader(let name, _), .tooLarge(let name, _, _, _), .tooHeavy(let name, _, _),
      .cutShort(let name), .damaged(let name), .notNumbers(let name), .unknownRange(let name, _, _),
      .cameraRaw(let name), .highRange(let name, _), .unread(let name, _):
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
      case .unknownRange: "save it with 8 or 16 bits a channel"
      case .cameraRaw: "develop it to a TIFF or JPEG first"
      case .highRange: "save it in sRGB"
      case .notAPicture, .unread: "save it as PNG or JPEG"
      case .noLoader: "save it as PNG or JPEG"
      case .tooLarge, .tooHeavy: "save it smaller"
      case .noEngine: "install libvips again"
      }
    return "\(name) \(reason): \(next)."
  }

  private static func spoken(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : String(format: "%.4g", value)
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
