import Catalogue
import Files
import Foundation

/// A timeline that a show has recorded or the film page has written: a file of `timelines` in the workspace.
struct TimelineCard: Codable, Sendable, Equatable {
  let id: String
  let name: String
  /// The generator that it was played on, as a form names it, where that is known.
  let run: String?
  let generator: String?
  let made: Date
}

/// What no timeline says itself lies beside it: NAME.json.
private struct TimelineNote: Codable {
  let run: String
  let generator: String
}

enum Timelines {
  static func folder(_ workspace: String) -> String { workspace + "/timelines" }

  private static func id(_ name: String) -> String { catalogueID("timelines/\(name)") }

  /// From the newest.
  static func all(_ workspace: String) -> [TimelineCard] {
    let folder = folder(workspace)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.compactMap { name in
      var facts = stat()
      guard lstat("\(folder)/\(name)", &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
      let stem = String(name.dropLast(5))
      let note = FileManager.default.value(TimelineNote.self, at: "\(folder)/\(stem).json")
      return TimelineCard(
        id: id(name), name: stem, run: note?.run, generator: note?.generator,
        made: Date(timeIntervalSince1970: Double(facts.modified)))
    }.sorted { ($0.made, $0.name) > ($1.made, $1.name) }
  }

  /// - Throws: `CallError.unknown`.
  static func file(_ id: String, _ workspace: String) throws(CallError) -> String {
    guard let card = all(workspace).first(where: { $0.id == id }) else { throw .unknown("timeline of that name") }
    return "\(folder(workspace))/\(card.name).yaml"
  }

  /// Notes what a recording was played on.
  ///
  /// - Returns: its id.
  static func note(_ path: String, run: String, name: String) -> String {
    let file = (path as NSString).lastPathComponent
    try? AtomicFile.write(
      TimelineNote(run: run, generator: name), to: (path as NSString).deletingPathExtension + ".json")
    return id(file)
  }

  /// Writes a new timeline. JSON is YAML, too (YAML 1.2, section 1.3), and nothing in it can be taken for something else.
  ///
  /// - Returns: its id.
  /// - Throws: `FileTrouble`.
  static func write(_ timeline: JSON, run: String, name: String, _ workspace: String) throws -> String {
    let folder = folder(workspace)
    try AtomicFile.makeFolder(folder)
    for number in 1..<100_000 {
      let path = "\(folder)/film-\(number).yaml"
      // The name is taken first, so that two pages never write the same one.
      let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644)
      guard file >= 0 else {
        if errno == EEXIST { continue }
        throw FileTrouble.last(path)
      }
      close(file)
      try AtomicFile.write(timeline, to: path)
      return note(path, run: run, name: name)
    }
    throw FileTrouble.failed(path: folder, reason: "it is full of timelines")
  }
}
