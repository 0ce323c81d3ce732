import Files
import Foundation

/// What the files of a workspace say: every row of the catalogue follows from it.
struct Scan {
  var sets: [PictureSetRow] = []
  var runs: [RunRow] = []
  var checkpoints: [CheckpointRow] = []
  var models: [ModelRow] = []
  var pictures: [PictureRow] = []

  private let workspace: String
  /// Rows of before, whose files needn't be read again where size and time are the same.
  private let known: [String: PictureRow]
  /// Bytes of checkpoints that were whole. Their files are replaced, never changed.
  private var wholeFiles: [String: Int] = [:]

  /// Looks at nothing by itself, but knows the runs that there are.
  init(workspace: String, runs: [RunRow], known: [PictureRow]) {
    self.workspace = workspace
    self.runs = runs
    self.known = Dictionary(uniqueKeysWithValues: known.map { ($0.path, $0) })
  }

  /// Looks at a run alone, and knows the sets that there are and its checkpoints of before: whole ones needn't be read again.
  init(workspace: String, sets: [PictureSetRow], run name: String, known: [CheckpointRow]) {
    self.init(workspace: workspace, runs: [], known: [])
    self.sets = sets
    wholeFiles = Dictionary(uniqueKeysWithValues: known.filter(\.isWhole).map { ($0.path, $0.bytes) })
    addRun("runs/\(name)", name)
  }

  /// Looks at everything.
  ///
  /// - Parameter bundled: the folder of models that came with Atelier.
  init(workspace: String, bundled: String?, known: [PictureRow] = []) {
    self.init(workspace: workspace, runs: [], known: known)
    for name in names("sets") { addSet("sets/\(name)", name) }
    for name in names("runs") { addRun("runs/\(name)", name) }
    for file in files(under: "models", endings: ["safetensors"]) { addModel(file, at: "\(workspace)/\(file)") }
    for file in files(under: "models", endings: ["json"]) { addLargeModel(file) }
    for name in (bundled.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []).sorted()
    where name.hasSuffix(".safetensors") {
      addModel("bundled/\(name)", at: "\(bundled!)/\(name)")
    }
    for name in names("jobs") { addJob(name) }
  }

  // MARK: Files

  /// Folders in a folder of the workspace, in order; a link isn't followed.
  func names(_ folder: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "\(workspace)/\(folder)")) ?? []
    return all.sorted().filter { !$0.hasPrefix(".") && kind("\(folder)/\($0)") == S_IFDIR }
  }

  private func kind(_ path: String) -> mode_t { (facts(path)?.st_mode ?? 0) & S_IFMT }

  private func facts(_ path: String) -> stat? {
    var facts = stat()
    return lstat(path.hasPrefix("/") ? path : "\(workspace)/\(path)", &facts) == 0 ? facts : nil
  }

  /// Plain files below a folder, in order, by their paths in the workspace. Links are left out: they may lead anywhere.
  func files(under folder: String, endings: Set<String>? = nil) -> [String] {
    var found: [String] = [], folders = [folder]
    while let folder = folders.popLast() {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(workspace)/\(folder)")) ?? []
      where !name.hasPrefix(".") {
        let path = "\(folder)/\(name)"
        switch kind(path) {
        case S_IFDIR: folders.append(path)
        case S_IFREG where endings?.contains((name as NSString).pathExtension.lowercased()) != false: found.append(path)
        default: break
        }
      }
    }
    return found.sorted()
  }

  static func time(_ facts: stat) -> Date { Date(timeIntervalSince1970: Double(facts.modified)) }

  // MARK: Rows

  static let pictureEndings: Set<String> = [
    "png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "avif", "heic", "bmp",
  ]
  static let filmEndings: Set<String> = ["mp4", "mov", "mkv", "webm", "gif", "apng", "webp"]

  private mutating func addSet(_ path: String, _ name: String) {
    let all = files(under: path)
    let pictures = all.filter { Scan.pictureEndings.contains(($0 as NSString).pathExtension.lowercased()) }
    let stems = Set(all.filter { $0.hasSuffix(".txt") }.map { ($0 as NSString).deletingPathExtension })
    let sizes = pictures.compactMap { facts($0) }
    sets.append(
      PictureSetRow(
        id: catalogueID(path), path: path, name: name, pictures: pictures.count,
        captions: pictures.count { stems.contains(($0 as NSString).deletingPathExtension) },
        bytes: sizes.reduce(0) { $0 + Int($1.st_size) }, made: facts(path).map(Scan.time) ?? .distantPast))
  }

  private mutating func addRun(_ path: String, _ name: String) {
    let folder = "\(workspace)/\(path)"
    guard let record = FileManager.default.value(JSON.self, at: folder + "/settings.json"),
      let recipe = record["recipe"]?.string, let time = facts(path + "/settings.json").map(Scan.time)
    else { return }
    let log = RunLog(folder + "/log.jsonl")
    let pictures = record["pictures"]?.string ?? ""
    let set = sets.first { pictures == "\(workspace)/\($0.path)" }
    let run = RunRow(
      id: catalogueID(path), path: path, name: name, recipe: recipe, settings: record["settings"]?.string ?? "{}",
      pictures: pictures, pictureSet: set?.id, count: record["count"]?.integer ?? 0,
      seed: record["plan"]?["seed"]?.integer ?? 0, picturesSeen: log.picturesSeen, seconds: log.seconds,
      ending: log.ending, kid: log.kid, made: time)
    runs.append(run)
    let best = files(under: path + "/best", endings: ["safetensors"])
    for file in files(under: path + "/checkpoints", endings: ["safetensors"]) + best {
      guard let size = facts(file)?.st_size else { continue }
      let stem = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
      checkpoints.append(
        CheckpointRow(
          id: catalogueID(file), path: file, run: run.id, picturesSeen: Int(stem) ?? 0, bytes: Int(size),
          isBest: best.contains(file),
          isWhole: wholeFiles[file] == Int(size) || Facts.safetensors("\(workspace)/\(file)")?.isWhole ?? false))
    }
  }

  private mutating func addModel(_ path: String, at file: String) {
    guard let size = facts(file)?.st_size, let (words, isWhole) = Facts.safetensors(file), isWhole else { return }
    let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    models.append(
      ModelRow(
        id: catalogueID(path), path: path, name: stem, recipe: words["recipe"] ?? words["modelspec.architecture"] ?? "",
        licence: words["modelspec.license"] ?? "", bytes: Int(size), words: text(words)))
  }

  /// A large model that `models add` registered where it lies: a small file has its place.
  private mutating func addLargeModel(_ path: String) {
    guard let added = FileManager.default.value(JSON.self, at: "\(workspace)/\(path)"),
      let family = added["family"]?.string, added["path"]?.string.map({ access($0, F_OK) == 0 }) == true
    else { return }
    let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    models.append(
      ModelRow(
        id: catalogueID(path), path: path, name: stem, recipe: family, licence: added["licence"]?.string ?? "",
        bytes: added["bytes"]?.integer ?? 0, words: "{}"))
  }

  private mutating func addJob(_ id: String) {
    guard let job = FileManager.default.value(JSON.self, at: "\(workspace)/jobs/\(id)/job.json") else { return }
    let verb = (job["verb"]?.list ?? []).compactMap(\.string).joined(separator: " ")
    for path in files(under: "jobs/\(id)/made") {
      if let row = picture(path, job: id, verb: verb) { pictures.append(row) }
    }
  }

  /// The row of a file that a job made; nil for what is neither a picture nor a film.
  func picture(_ path: String, job: String, verb: String) -> PictureRow? {
    let ending = (path as NSString).pathExtension.lowercased()
    guard ending == "png" || Scan.filmEndings.contains(ending), let facts = facts(path) else { return nil }
    let (bytes, made) = (Int(facts.st_size), Scan.time(facts))
    if let row = known[path], row.bytes == bytes, row.made == made {
      // Its run may have come or gone since.
      let isSame = row.run.map { id in runs.contains { $0.id == id } } ?? !row.words.contains("\"Run\"")
      if isSame, row.job == job, row.verb == verb { return row }
      let words = JSON(parsing: Data(row.words.utf8))?.object?.compactMapValues(\.string) ?? [:]
      return PictureRow(
        id: row.id, path: path, kind: row.kind, job: job, verb: verb, run: run(named: words["Run"]), seed: row.seed,
        width: row.width, height: row.height, bytes: bytes, made: made, content: row.content, words: row.words)
    }
    let file = "\(workspace)/\(path)"
    if let png = Facts.png(file) {
      let isOne = png.words["Seed"] != nil || !["generate", "compare", "inspect", "film"].contains(verb)
      return PictureRow(
        id: catalogueID(path), path: path, kind: isOne ? .picture : .sheet, job: job, verb: verb,
        run: run(named: png.words["Run"]), seed: png.words["Seed"].flatMap(Int.init), width: png.width,
        height: png.height, bytes: bytes, made: made, content: png.content, words: text(png.words))
    }
    guard ending != "png", let content = Facts.content(file) else { return nil }
    return PictureRow(
      id: catalogueID(path), path: path, kind: .film, job: job, verb: verb, run: nil, seed: nil, width: 0, height: 0,
      bytes: bytes, made: made, content: content, words: "{}")
  }

  /// A picture names its run by the folder's name alone.
  private func run(named name: String?) -> String? { name.flatMap { name in runs.first { $0.name == name }?.id } }

  private func text(_ words: [String: String]) -> String { JSON.object(words.mapValues { .string($0) }).text }
}

/// What a run's log.jsonl comes to, without keeping its readings.
private struct RunLog {
  var picturesSeen = 0
  var seconds = 0.0
  var ending: String?
  var kid: Double?

  init(_ path: String) {
    guard let data = FileManager.default.contents(atPath: path) else { return }
    let lines = data.split(separator: 10)
    for line in lines where line.range(of: Data("\"measured\"".utf8)) != nil {
      if let event = JSON(parsing: line), event["isBest"]?.bool == true { kid = event["kid"]?.number }
    }
    // The newest that says it; a line that was cut off says nothing.
    for line in lines.reversed() {
      guard let event = JSON(parsing: line) else { continue }
      if ending == nil, event["event"]?.string == "finished" { ending = event["ending"]?.string }
      if let seen = event["picturesSeen"]?.integer {
        picturesSeen = seen
        if let time = event["seconds"]?.number {
          seconds = time
          break
        }
      }
    }
  }
}
