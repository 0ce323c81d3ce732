import Files
import Foundation
import GRDB

/// A name of a thing in the workspace that says nothing about where it is: 16 digits of the SHA-256 of its path there.
public func catalogueID(_ path: String) -> String {
  Digest.hexadecimal(path.utf8, bytes: 8)
}

/// Whether a word can be such a name.
public func isCatalogueID(_ word: String) -> Bool {
  word.utf8.count == 16 && word.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
}

/// A table's row; `path` is in the workspace, without its folder.
protocol Row: Codable, FetchableRecord, PersistableRecord, Identifiable, Equatable, Sendable where ID == String {
  var id: String { get }
  var path: String { get }
}

/// A set of pictures to learn from.
public struct PictureSetRow: Row, Codable {
  public static let databaseTableName = "sets"
  public let id: String
  public let path: String
  public let name: String
  public let pictures: Int
  /// Pictures with a caption: a text file of their name beside them.
  public let captions: Int
  public let bytes: Int
  public let made: Date
}

/// A training.
public struct RunRow: Row, Codable {
  public static let databaseTableName = "runs"
  public let id: String
  public let path: String
  public let name: String
  public let recipe: String
  /// The recipe's settings, as JSON.
  public let settings: String
  /// Where its pictures were, and the set that is still there.
  public let pictures: String
  public let pictureSet: String?
  public let count: Int
  public let seed: Int
  public let picturesSeen: Int
  /// Of training.
  public let seconds: Double
  /// completed, stopped, or nil while it trains and where it was cut off.
  public let ending: String?
  /// KID × 1000 of the best checkpoint.
  public let kid: Double?
  public let made: Date
}

/// A checkpoint of a run.
public struct CheckpointRow: Row, Codable {
  public static let databaseTableName = "checkpoints"
  public let id: String
  public let path: String
  public let run: String
  public let picturesSeen: Int
  public let bytes: Int
  /// Whether `generate` takes it: the best, where it was measured.
  public let isBest: Bool
  /// Whether the file is as long as its header says.
  public let isWhole: Bool
}

/// A picture or a film that a job made.
public struct PictureRow: Row, Codable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case picture
    /// Several pictures on one: a sheet, an interpolation, a map, a mixing.
    case sheet
    case film
  }

  public static let databaseTableName = "pictures"
  public let id: String
  public let path: String
  public let kind: Kind
  public let job: String
  /// As it is typed, such as "generate".
  public let verb: String
  public let run: String?
  public let seed: Int?
  public let width: Int
  public let height: Int
  public let bytes: Int
  public let made: Date
  /// What is the same for the same content, so that a file that was moved is known again.
  public let content: String
  /// What the file says about its making, as JSON.
  public let words: String
}

/// A file of weights in the workspace, or one that came with Atelier.
public struct ModelRow: Row, Codable {
  public static let databaseTableName = "models"
  public let id: String
  public let path: String
  public let name: String
  public let recipe: String
  public let licence: String
  public let bytes: Int
  public let words: String

  /// Whether it is a large model that lies elsewhere.
  public var isAdded: Bool { path.hasSuffix(".json") }
}
