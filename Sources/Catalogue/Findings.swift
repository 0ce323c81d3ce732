import Files
import Foundation
import GRDB

/// Something in the workspace that isn't as it should be, with what to do about it. Nothing is done by itself.
public struct Finding: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case missingPicture
    case movedPicture
    case damagedPicture
    case missingRun
    case movedRun
    case halfRun
    case halfCheckpoint
    case damagedSettings
    case missingPictures
    case emptySet
    case damagedModel
    case lostJob
    case unfinishedWork
    case foreignFile
    case leftover
    case damagedCatalogue
  }

  public let kind: Kind
  /// In the workspace.
  public let path: String
  public let sentence: String
}

extension Catalogue {
  /// Looks for what is missing, moved, half, foreign or orphaned.
  ///
  /// - Throws: GRDB's errors.
  public func findings() throws -> [Finding] {
    let look = Look(self)
    var found = look.jobs() + look.runs() + look.sets() + look.models() + look.foreign()
    found += try look.marks()
    return found.sorted { ($0.path, $0.kind.rawValue) < ($1.path, $1.kind.rawValue) }
  }
}

/// One look at the files.
private struct Look {
  let catalogue: Catalogue
  let scan: Scan
  let workspace: String

  init(_ catalogue: Catalogue) {
    self.catalogue = catalogue
    workspace = catalogue.workspace
    scan = Scan(workspace: workspace, bundled: nil)
  }

  private func isThere(_ path: String) -> Bool {
    access(path.hasPrefix("/") ? path : "\(workspace)/\(path)", F_OK) == 0
  }

  private func entries(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(workspace)/\(folder)")) ?? []).sorted()
  }

  /// Events of a job's attempts, of the kinds that name files.
  private func made(by id: String) -> (pictures: [String], run: String?) {
    var pictures: [String] = [], run: String?
    for attempt in entries("jobs/\(id)/attempts") {
      guard let data = FileManager.default.contents(atPath: "\(workspace)/jobs/\(id)/attempts/\(attempt)/events.jsonl")
      else { continue }
      for line in data.split(separator: 10) where line.range(of: Data("\"reading\"".utf8)) == nil {
        guard let event = JSON(parsing: line), let kind = event["event"]?.string else { continue }
        if kind == "started" { run = event["run"]?.string ?? run }
        if ["picture", "film", "sheet", "interpolation", "map", "mixing"].contains(kind),
          let path = event["path"]?.string
        {
          pictures.append(path)
        }
      }
    }
    return (pictures, run)
  }

  func jobs() -> [Finding] {
    var found: [Finding] = []
    let contents = Dictionary(scan.pictures.map { ($0.content, $0.path) }) { first, _ in first }
    var claimed = Set<String>(), lost: [(job: String, run: String)] = []
    for id in scan.names("jobs") {
      guard FileManager.default.value(JSON.self, at: "\(workspace)/jobs/\(id)/job.json") != nil else {
        found.append(
          Finding(
            kind: .lostJob, path: "jobs/\(id)",
            sentence:
              "The job jobs/\(id) has no job.json that can be read: restore it from a copy, or delete the folder."))
        continue
      }
      let made = made(by: id)
      for path in made.pictures where path.hasPrefix(workspace + "/") && !isThere(path) {
        let name = String(path.dropFirst(workspace.count + 1))
        let mark = catalogue.allMarks.pictures.first { $0.path == name }
        if let mark, let now = contents[mark.content] {
          found.append(
            Finding(
              kind: .movedPicture, path: name,
              sentence: "\(name) was moved to \(now), and keeps its marks: there is nothing to do."))
        } else {
          found.append(
            Finding(
              kind: .missingPicture, path: name,
              sentence:
                "\(name), which the job \(id) made, is missing: restore it from a copy, or make it again from the job's page."
            ))
        }
      }
      if let run = made.run {
        if isThere(run + "/settings.json") { claimed.insert(run) } else { lost.append((id, run)) }
      }
      for name in entries("jobs/\(id)/made") where name.hasSuffix(".unfinished") {
        found.append(
          Finding(
            kind: .unfinishedWork, path: "jobs/\(id)/made/\(name)",
            sentence: "The job \(id) has unfinished work: retry it to go on, or delete \(name)."))
      }
      for path in scan.files(under: "jobs/\(id)/made", endings: ["png"]) where Facts.png("\(workspace)/\(path)") == nil
      {
        found.append(
          Finding(
            kind: .damagedPicture, path: path,
            sentence: "\(path) is no whole PNG: make it again from the job's page, or delete it."))
      }
    }
    for (job, run) in lost {
      let name = (run as NSString).lastPathComponent
      // Its log still names the folder that it was.
      let now = scan.runs.first { row in
        !claimed.contains("\(workspace)/\(row.path)") && logNames(run, in: "\(workspace)/\(row.path)/log.jsonl")
      }
      if let now {
        found.append(
          Finding(
            kind: .movedRun, path: now.path,
            sentence:
              "The run \(name) of the job \(job) was moved to \(now.path): move it back to go on with it from its job, or go on by `atelier train --resume --run \(now.name)`."
          ))
      } else {
        let shown = run.hasPrefix(workspace + "/") ? String(run.dropFirst(workspace.count + 1)) : run
        found.append(
          Finding(
            kind: .missingRun, path: shown,
            sentence:
              "The run \(shown) of the job \(job) is missing: restore it from a copy, or train again from the job's page."
          ))
      }
    }
    return found
  }

  private func logNames(_ run: String, in log: String) -> Bool {
    let data = FileManager.default.contents(atPath: log)
    return data?.range(of: Data("\(run)/".utf8)) != nil
  }

  func runs() -> [Finding] {
    var found: [Finding] = []
    for name in scan.names("runs") {
      let path = "runs/\(name)"
      guard let run = scan.runs.first(where: { $0.path == path }) else {
        let isDamaged = isThere(path + "/settings.json")
        found.append(
          Finding(
            kind: isDamaged ? .damagedSettings : .halfRun, path: path,
            sentence: isDamaged
              ? "\(path)/settings.json can't be understood: restore it from a copy; without it the run can't go on."
              : "\(path) has no settings.json, so it is no run: it was cut off as it began, and can be deleted."))
        continue
      }
      let checkpoints = scan.checkpoints.filter { $0.run == run.id }
      if checkpoints.isEmpty {
        found.append(
          Finding(
            kind: .halfRun, path: path,
            sentence: "\(path) has no checkpoint, so it can neither go on nor make pictures: train again, or delete it."
          ))
      }
      for half in checkpoints where !half.isWhole {
        found.append(
          Finding(
            kind: .halfCheckpoint, path: half.path,
            sentence: "\(half.path) is cut short: the run goes on from the one before; delete this one."))
      }
      if !run.pictures.isEmpty, !isThere(run.pictures) {
        found.append(
          Finding(
            kind: .missingPictures, path: path,
            sentence:
              "The pictures of \(path) are no longer at \(run.pictures): put them back before it goes on; `generate` doesn't need them."
          ))
      }
    }
    return found
  }

  func sets() -> [Finding] {
    scan.sets.filter { $0.pictures == 0 }.map {
      Finding(
        kind: .emptySet, path: $0.path,
        sentence: "The set \($0.path) has no pictures: add some in the studio, or delete the folder.")
    }
  }

  func models() -> [Finding] {
    scan.files(under: "models", endings: ["safetensors"]).filter {
      Facts.safetensors("\(workspace)/\($0)")?.isWhole != true
    }
    .map {
      Finding(
        kind: .damagedModel, path: $0,
        sentence: "\($0) is cut short, or no safetensors file: install it again, or delete it.")
    }
  }

  /// What nobody here wrote, and what a crash left behind.
  func foreign() -> [Finding] {
    let known: Set = ["cache", "models", "runs", "jobs", "sets", "studio", "timelines", "uploads", "projects", "aside"]
    var found: [Finding] = []
    for name in entries("") where !name.hasPrefix(".") && !known.contains(name) && !name.hasPrefix("demo-") {
      found.append(foreignFile(name))
    }
    for folder in ["runs", "jobs", "sets"] {
      let folders = Set(scan.names(folder))
      for name in entries(folder) where !name.hasPrefix(".") && !folders.contains(name) {
        found.append(foreignFile("\(folder)/\(name)"))
      }
    }
    for folder in ["jobs", "runs", "models", "studio", "sets"] {
      for path in scan.files(under: folder) where path.hasSuffix(".part") {
        found.append(
          Finding(
            kind: .leftover, path: path, sentence: "\(path) was being written when something was cut off: delete it."))
      }
    }
    for name in entries("studio")
    where name.contains(".damaged-") && name.hasSuffix(".sqlite") == false && !name.hasSuffix("-wal")
      && !name.hasSuffix("-shm")
    {
      found.append(
        Finding(
          kind: .damagedCatalogue, path: "studio/\(name)",
          sentence: "studio/\(name) is a catalogue that was damaged; a new one was made from the files: delete it."))
    }
    return found
  }

  private func foreignFile(_ path: String) -> Finding {
    Finding(
      kind: .foreignFile, path: path,
      sentence: "\(path) is nothing that Atelier wrote, and is left alone: move it to where it belongs.")
  }

  /// Marks of pictures that no job tells of any more.
  func marks() throws -> [Finding] {
    let told = Set(scan.names("jobs").flatMap { made(by: $0).pictures })
    return try catalogue.database.read { db in
      try catalogue.allMarks.pictures.compactMap { mark in
        guard try catalogue.place(of: mark, db) == nil, !told.contains("\(workspace)/\(mark.path)") else { return nil }
        return Finding(
          kind: .missingPicture, path: mark.path,
          sentence: "\(mark.path), a picture with marks, is missing: restore it from a copy; its marks wait for it.")
      }
    }
  }
}
