import Files
import Foundation

/// What an artist marked: the one thing that no picture's file says. It lies in `studio/marks.json` of the workspace.
///
/// A picture is named by its path and by its content, so that a file that was moved keeps its marks.
public struct Marks: Codable, Sendable, Equatable {
  public struct Picture: Codable, Sendable, Equatable {
    public var path: String
    public var content: String
    public var favourite: Date?
    public var trashed: Date?
    public var tags: [String] = []
    /// Names of boards.
    public var boards: [String] = []

    var isEmpty: Bool { favourite == nil && trashed == nil && tags.isEmpty && boards.isEmpty }
  }

  public var format = "atelier marks 1"
  public var boards: [String] = []
  public var pictures: [Picture] = []

  public init() {}

  static func path(_ workspace: String) -> String { workspace + "/studio/marks.json" }

  /// - Throws: `CatalogueError.damagedMarks`: nothing is written over a file that can't be read.
  init(workspace: String) throws(CatalogueError) {
    let path = Marks.path(workspace)
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard let marks = FileManager.default.value(Marks.self, at: path), marks.format == "atelier marks 1" else {
      throw .damagedMarks(path: path)
    }
    self = marks
  }

  /// - Throws: `FileTrouble`.
  func write(workspace: String) throws(FileTrouble) {
    try AtomicFile.makeFolder(workspace + "/studio", mode: 0o700)
    try AtomicFile.write(self, to: Marks.path(workspace))
  }
}

/// Why the catalogue can't do what is asked.
public enum CatalogueError: Refusal, Equatable {
  case damagedMarks(path: String)
  case unknown(String, id: String)
  case badName(String)

  public var sentence: String {
    switch self {
    case .damagedMarks(let path):
      "\(path), which has favourites, boards and tags, can't be understood: restore it from a copy, or move it away."
    case .unknown(let what, let id): "There is no \(what) \(id): reload the page to see those that are there."
    case .badName(let what): "A \(what) has 1 to 100 characters on one line: give it another name."
    }
  }
  public var status: Int {
    switch self {
    case .damagedMarks: 500
    case .unknown: 404
    case .badName: 422
    }
  }
  public var exitCode: Int32 { if case .unknown = self { 66 } else { 65 } }
}
