import Catalogue
import Files
import Foundation
import Jobs

/// What a zip of a project says of itself: project.json, its first entry.
///
///     sets/NAME/…        pictures and captions as they are
///     runs/NAME/…        settings, log, checkpoints, samples
///     jobs/ID/made/…     pictures and films
///     timelines/…        recordings
struct ProjectNote: Codable, Sendable, Equatable {
  struct Made: Codable, Sendable, Equatable {
    let id: String
    let verb: [String]
    /// What the form gave: the same can be asked again.
    let form: [String: [String]]
    let made: Date
  }

  static let format = "atelier project 1"
  var format = ProjectNote.format
  let name: String
  let made: Date
  /// The folder that the paths in its files begin with.
  let workspace: String
  /// Names.
  let sets: [String]
  let runs: [String]
  /// When each set was made.
  let times: [String: Date]
  let jobs: [Made]
  /// Favourites, tags and boards of its pictures.
  let marks: Marks
}

/// A project that was packed, as pages see it.
struct ProjectCard: Codable, Sendable, Equatable {
  let id: String
  let name: String
  let bytes: Int
  let made: Date
}

struct NewProject: Codable, Sendable {
  let name: String
  /// Ids; left out for all.
  let sets: [String]?
  let runs: [String]?
  /// Whether pictures and films of jobs go with it, where they were made by its runs, and favourites, or all.
  let pictures: Extent?

  enum Extent: String, Codable, Sendable, CaseIterable { case all, favourites, none }
}

enum ProjectTrouble: Refusal, Equatable {
  case empty
  case unknownFormat
  case place(String)
  case tooLarge
  case noRoom(needed: UInt64)

  var sentence: String {
    switch self {
    case .empty: "There is nothing to pack: choose a set, a run or pictures."
    case .unknownFormat:
      "That zip is no project of Atelier, or of a later version: update Atelier, or choose another file."
    case .place(let name): "\(name.prefix(60)) has no place in a project: the zip isn't taken."
    case .tooLarge: "A project may have 64 GB: export its runs one by one."
    case .noRoom(let bytes): "\(bytes >> 20) MB are needed, and the disk has less: free some space, then try again."
    }
  }
  var status: Int {
    switch self {
    case .empty, .unknownFormat, .place: 422
    case .tooLarge: 413
    case .noRoom: 507
    }
  }
  var exitCode: Int32 { 65 }
}

enum Projects {
  /// Bytes of a zip.
  static let limit: UInt64 = 64 << 30
  /// Endings of what each folder may have: no locks, and nothing that a stranger could have run.
  private static let endings: [String: Set<String>] = [
    "sets": [
      "png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "avif", "heic", "bmp", "txt", "crop", "csv", "json", "mp4",
      "mov", "mkv", "webm", "apng",
    ],
    "runs": ["json", "jsonl", "safetensors", "png", "txt", "md", "csv", "yaml", "mp4", "webp", "gif"],
    "jobs": ["png", "jpg", "jpeg", "webp", "tif", "avif", "gif", "apng", "mp4", "mov", "mkv", "webm", "json", "txt"],
    "timelines": ["yaml", "json"],
  ]

  /// Whether a file of its kind goes with a project.
  static func isKind(_ path: String) -> Bool {
    let folder = path.split(separator: "/").first.map(String.init) ?? ""
    return endings[folder]?.contains((path as NSString).pathExtension.lowercased()) == true
  }

  static func folder(_ workspace: String) -> String { workspace + "/projects" }

  static func all(_ workspace: String) -> [ProjectCard] {
    let folder = folder(workspace)
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".zip") }
      .compactMap { name in
        var facts = stat()
        guard lstat("\(folder)/\(name)", &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return ProjectCard(
          id: catalogueID("projects/\(name)"), name: String(name.dropLast(4)), bytes: Int(facts.st_size),
          made: Date(timeIntervalSince1970: Double(facts.modified)))
      }.sorted { ($0.made, $0.name) > ($1.made, $1.name) }
  }

  static func freeBytes(_ folder: String) -> UInt64 {
    let facts = try? FileManager.default.attributesOfFileSystem(forPath: folder)
    return (facts?[.systemFreeSize] as? NSNumber)?.uint64Value ?? .max
  }

  /// A name that is free for a file or a folder.
  static func free(_ name: String, ending: String, in folder: String) -> String {
    let word = String(name.map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" ? $0 : "-" }.prefix(60))
      .trimmingCharacters(in: ["-"])
    let stem = word.isEmpty ? "project" : word
    for number in 1... {
      let free = number == 1 ? stem : "\(stem)-\(number)"
      if access("\(folder)/\(free)\(ending)", F_OK) != 0 { return free }
    }
    return stem
  }
}
