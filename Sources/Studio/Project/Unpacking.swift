import Catalogue
import Files
import Foundation
import Jobs

/// What came in with a project.
struct Unpacked: Codable, Sendable, Equatable {
  var name: String
  /// Names that they have here.
  var sets: [String] = []
  var runs: [String] = []
  var pictures = 0
  /// What was here already, the same or another of that name, and stays as it is.
  var here: [String] = []
}

extension Studio {
  /// Unpacks a project into the workspace: beside what is there, in place of nothing.
  ///
  /// Everything lies in a folder of its own until all of it was looked at. A job of a project becomes one that has ended:
  /// nothing of a stranger's zip is ever run.
  ///
  /// - Throws: `ProjectTrouble`, `ZipTrouble`, `FileTrouble`.
  func unpack(_ path: String) async throws -> Unpacked {
    let workspace = configuration.workspace, staging = "\(configuration.folder)/project-\(UUID().uuidString).part"
    let note: ProjectNote = try await withCheckedThrowingContinuation { done in
      Thread.detachNewThread { done.resume(with: Result { try Unpacking(workspace, staging).stage(path) }) }
    }
    defer { try? FileManager.default.removeItem(atPath: staging) }
    var result = Unpacked(name: note.name)
    for name in note.runs where try settle("runs", name, staging, &result) { result.runs.append(name) }
    for name in note.sets where try settle("sets", name, staging, &result) { result.sets.append(name) }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: staging + "/timelines"))?.sorted() ?? [] {
      _ = try settle("timelines", name, staging, &result)
    }
    for job in note.jobs {
      let made = "\(staging)/jobs/\(job.id)"
      guard Foundation.access(made, F_OK) == 0 else { continue }
      // Its job.json is written here, of what the note says; the queue takes it as ended.
      try JobFolder(made).adopt(id: job.id, verb: job.verb, form: job.form, made: job.made)
      if try settle("jobs", job.id, staging, &result) {
        try await queue.take(job.id)
        result.pictures += catalogue.files(under: ["jobs/\(job.id)/made"]).count
      }
    }
    try catalogue.refresh()
    if note.marks != Marks() { try catalogue.add(note.marks) }
    hub.send("catalogue", ["job": ""])
    return result
  }

  /// Moves a folder or a file to its place, where nothing of that name is there.
  ///
  /// - Returns: whether it was moved.
  private func settle(_ kind: String, _ name: String, _ staging: String, _ result: inout Unpacked) throws -> Bool {
    let from = "\(staging)/\(kind)/\(name)", to = "\(configuration.workspace)/\(kind)/\(name)"
    guard Foundation.access(from, F_OK) == 0 else { return false }
    try AtomicFile.makeFolder("\(configuration.workspace)/\(kind)")
    guard Foundation.access(to, F_OK) != 0 else {
      result.here.append("\(kind)/\(name)")
      return false
    }
    guard rename(from, to) == 0 else { throw FileTrouble.last(to) }
    return true
  }
}

/// Looks at a zip, and lays its files down beside the workspace's own.
private struct Unpacking {
  let workspace: String
  let staging: String

  init(_ workspace: String, _ staging: String) { (self.workspace, self.staging) = (workspace, staging) }

  func stage(_ path: String) throws -> ProjectNote {
    do { return try staged(path) } catch {
      try? FileManager.default.removeItem(atPath: staging)
      throw error
    }
  }

  private func staged(_ path: String) throws -> ProjectNote {
    let zip = try ZipReader(path)
    guard let first = zip.entries.first(where: { $0.name == "project.json" }),
      let note = try? JSON.decoder.decode(ProjectNote.self, from: zip.data(first, limit: 64 << 20)),
      note.format == ProjectNote.format
    else { throw ProjectTrouble.unknownFormat }
    let (sets, runs, jobs) = (Set(note.sets), Set(note.runs), Set(note.jobs.map(\.id)))
    guard note.jobs.allSatisfy({ Job.isID($0.id) && $0.verb.count <= 3 }), note.name.count <= 200 else {
      throw ProjectTrouble.unknownFormat
    }
    for entry in zip.entries where entry.name != "project.json" {
      let parts = entry.name.split(separator: "/").map(String.init)
      let isKnown =
        switch parts[0] {
        case "sets": parts.count > 2 && sets.contains(parts[1])
        case "runs": parts.count > 2 && runs.contains(parts[1])
        case "jobs": parts.count > 3 && jobs.contains(parts[1]) && parts[2] == "made"
        case "timelines": parts.count == 2
        default: false
        }
      guard isKnown, Projects.isKind(entry.name) else {
        throw ProjectTrouble.place(entry.name)
      }
    }
    let size = zip.entries.reduce(UInt64(0)) { $0 + $1.size }
    guard size <= Projects.limit else { throw ProjectTrouble.tooLarge }
    guard size + 256 << 20 < Projects.freeBytes(workspace) else { throw ProjectTrouble.noRoom(needed: size) }
    for entry in zip.entries where entry.name != "project.json" { try lay(entry, of: zip) }
    for (set, time) in note.times where sets.contains(set) { Unpacking.date("\(staging)/sets/\(set)", time) }
    for run in runs { try turn("\(staging)/runs/\(run)/settings.json", from: note.workspace) }
    return note
  }

  private func lay(_ entry: ZipReader.Entry, of zip: ZipReader) throws {
    let path = "\(staging)/\(entry.name)"
    try AtomicFile.makeFolder((path as NSString).deletingLastPathComponent)
    let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw FileTrouble.last(path) }
    defer { close(file) }
    try zip.read(entry) { data in
      guard data.withUnsafeBytes({ AtomicFile.writeAll($0, to: file) }) else { throw FileTrouble.last(path) }
    }
    // The gallery's order, and when a run was begun.
    if let time = entry.time { Unpacking.date(path, Date(timeIntervalSince1970: Double(time))) }
  }

  private static func date(_ path: String, _ time: Date) {
    try? FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
  }

  /// A run says where its pictures were: in this workspace now. All else in the file stays as it is, to the byte.
  private func turn(_ path: String, from other: String) throws {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8), other.hasPrefix("/") else { return }
    func words(_ text: String) -> String { String(JSON.string(text + "/sets/").text.dropLast()) }
    let turned = text.replacingOccurrences(of: words(other), with: words(workspace))
    guard turned != text, let facts = try? FileManager.default.attributesOfItem(atPath: path) else { return }
    try AtomicFile.write(Data(turned.utf8), to: path)
    if let time = facts[.modificationDate] as? Date { Unpacking.date(path, time) }
  }
}
