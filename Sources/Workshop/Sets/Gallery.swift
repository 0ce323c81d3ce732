import Archives
import Foundation
import Media
import Torch

/// A file that isn't used, and why, as the end of a sentence that begins with its name: "is cut short".
public struct SetAside: Codable, Hashable, Sendable {
  public let name: String
  public let reason: String
}

/// Why a folder's pictures can't be used at all.
public enum GalleryError: Explained, Equatable {
  case missing(path: String)
  case unreadable(path: String, why: String)
  /// Nothing there looks like a picture; `others` files don't.
  case noPictures(path: String, others: Int)
  /// All that looked like pictures was set aside.
  case nothingLeft(path: String, first: SetAside, count: Int)

  public var sentence: String {
    switch self {
    case .missing(let path): "There is nothing at \(path): check the name of the folder."
    case .unreadable(let path, let why): "\(path) can't be read (\(why)): check that you may open it."
    case .noPictures(let path, let others):
      "No picture is in \(path)\(others == 0 ? "" : ", only \(counted(others, "other file"))"): "
        + "name a folder with JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF files."
    case .nothingLeft(let path, let first, let count):
      count == 1
        ? "The only picture in \(path), \(first.name), \(first.reason): copy it again from where it came from."
        : "None of the \(count) pictures in \(path) can be used; \(first.name) \(first.reason): "
          + "copy them again from where they came from."
    }
  }

  public var exit: Exit {
    switch self {
    case .missing: .missingInput
    case .unreadable: .io
    case .noPictures, .nothingLeft: .data
    }
  }
}

/// The pictures of a folder with all its folders, of a zip or tar file, or one picture, in an order that doesn't change.
public struct Gallery: Sendable {
  enum Kind: Sendable { case folder, archive, file }
  /// A file that may be a picture.
  struct Candidate: Sendable {
    /// As the artist knows it: its path inside the folder or the archive.
    let name: String
    /// Empty in an archive, where `number` tells it.
    let file: FilePath
    let number: Int
    /// Bytes, inode and times: another file, or a changed one, has others.
    let stamp: String
    var path: String { file.shown }
  }

  public let path: String
  let kind: Kind
  var isArchive: Bool { kind == .archive }
  let candidates: [Candidate]
  /// Files and folders whose names begin with a dot, and other litter of systems, passed over.
  public let hidden: Int
  /// Files that are no pictures by name and by their first bytes, passed over.
  public let others: Int
  /// Folders and files that can't be looked into, archives inside among them.
  public let unreadable: [SetAside]
  /// Where crops by hand are written, by the pictures' names.
  let crops: [String: HandCrops.Place]

  /// How many files may be pictures.
  public var count: Int { candidates.count }

  /// Only these candidates, by their numbers in ascending order.
  func keeping(_ numbers: [Int]) -> Gallery {
    Gallery(
      path: path, kind: kind, candidates: numbers.map { candidates[$0] }, hidden: hidden, others: others,
      unreadable: unreadable, crops: crops)
  }

  private init(
    path: String, kind: Kind, candidates: [Candidate], hidden: Int, others: Int, unreadable: [SetAside],
    crops: [String: HandCrops.Place]
  ) {
    (self.path, self.kind, self.candidates) = (path, kind, candidates)
    (self.hidden, self.others, self.unreadable, self.crops) = (hidden, others, unreadable, crops)
  }

  /// Lists the files; reads none but the first bytes of those whose names don't tell.
  ///
  /// - Throws: `GalleryError`, `ArchiveError`, `PictureError`.
  public init(_ path: String) throws {
    self.path = path.absolutePath
    var facts = stat()
    guard stat(self.path, &facts) == 0 else {
      throw errno == ENOENT || errno == ENOTDIR
        ? GalleryError.missing(path: self.path) : .unreadable(path: self.path, why: reasonOfLastError())
    }
    let stamp = FolderWalk.stamp(facts)
    if facts.st_mode & S_IFMT == S_IFDIR {
      var walk = FolderWalk()
      try walk.enter(self.path)
      kind = .folder
      candidates = walk.found.candidates.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      (hidden, others, unreadable) = (walk.found.hidden, walk.found.others, walk.found.unreadable)
      crops = walk.found.crops
    } else if FileKind(start: try FileBytes.read(self.path, first: FileKind.signatureBytes)) == .archive {
      var found = FoundFiles()
      for (entry, start) in try Archive(self.path, .zipOrTar).entries(startBytes: FileKind.signatureBytes) {
        let parts = entry.name.split(separator: "/")
        guard !parts.contains(where: { FoundFiles.isLitter(String($0)) }) else {
          found.hidden += 1
          continue
        }
        found.add(entry.name, FilePath(bytes: []), number: entry.number, stamp: stamp) { start }
      }
      kind = .archive
      (candidates, hidden, others, unreadable) = (found.candidates, found.hidden, found.others, found.unreadable)
      crops = found.crops
    } else {
      kind = .file
      candidates = [
        Candidate(
          name: (self.path as NSString).lastPathComponent, file: FilePath(self.path), number: 0, stamp: stamp)
      ]
      (hidden, others, unreadable) = (0, 0, [])
      crops = HandCrops.beside(self.path)
    }
    guard !candidates.isEmpty else { throw GalleryError.noPictures(path: self.path, others: others) }
  }

  /// Reads all files, some at once, works on each on its own core, and collects the results in order on this thread.
  ///
  /// - Parameters:
  ///   - work: given a file's number, name, and bytes or what keeps them from being read.
  ///   - collect: given the same number and the result.
  /// - Throws: `ArchiveError`, and what `collect` throws.
  func forEach<Result: Sendable>(
    _ work: @Sendable (Int, String, Swift.Result<[UInt8], PictureError>) -> Result,
    collect: (Int, Result) throws -> Void
  ) throws {
    if isArchive { return try forEachEntry(work, collect: collect) }
    let some = 16 * ProcessInfo.processInfo.activeProcessorCount
    for start in stride(from: 0, to: candidates.count, by: some) {
      let part = candidates[start..<min(start + some, candidates.count)]
      let results = inParallel(part.count) { i in
        let candidate = candidates[start + i]
        let bytes = Swift.Result<[UInt8], PictureError> { () throws(PictureError) in
          try FileBytes.read(candidate.file)
        }
        return work(start + i, candidate.name, bytes)
      }
      for (i, result) in results.enumerated() { try collect(start + i, result) }
    }
  }

  /// The same for an archive, which is read from front to back: some entries are held in memory at once.
  private func forEachEntry<Result: Sendable>(
    _ work: @Sendable (Int, String, Swift.Result<[UInt8], PictureError>) -> Result,
    collect: (Int, Result) throws -> Void
  ) throws {
    var held: [(name: String, bytes: [UInt8])] = []
    var next = 0
    func finish() throws {
      let (part, start) = (held, next)
      let results = inParallel(part.count) { work(start + $0, part[$0].name, .success(part[$0].bytes)) }
      for (i, result) in results.enumerated() { try collect(start + i, result) }
      next += part.count
      held = []
    }
    var failure: (any Error)?
    try Archive(path, .zipOrTar).forEach { entry, read throws(ArchiveError) in
      guard next + held.count < candidates.count else { return false }
      guard entry.number == candidates[next + held.count].number else { return true }
      held.append((entry.name, try read()))
      let bytes = held.reduce(0) { $0 + $1.bytes.count }
      guard held.count >= 16 * ProcessInfo.processInfo.activeProcessorCount || bytes > 256 << 20 else { return true }
      do { try finish() } catch { failure = error }
      return failure == nil
    }
    if let failure { throw failure }
    try finish()
  }
}

/// What the system says about the call that just failed, such as "permission denied".
func reasonOfLastError() -> String {
  let words = String(cString: strerror(errno))
  return words.prefix(1).lowercased() + words.dropFirst()
}

/// "1 picture", "2 pictures", "1,204 pictures".
public func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// With a comma before every three digits.
public func grouped(_ number: Int) -> String {
  let digits = Array(String(number))
  return digits.indices.reduce(into: "") { text, i in
    if i > 0 && (digits.count - i).isMultiple(of: 3) && digits[i - 1] != "-" { text.append(",") }
    text.append(digits[i])
  }
}

/// The results of `work` for 0 to `count`, made on all cores.
func inParallel<Result: Sendable>(_ count: Int, _ work: @Sendable (Int) -> Result) -> [Result] {
  let slots = Slots<Result>(count)
  DispatchQueue.concurrentPerform(iterations: count) { slots.fill($0, work($0)) }
  return slots.results
}

/// Results that come in any order from any thread.
private final class Slots<Result: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result?]
  init(_ count: Int) { values = Array(repeating: nil, count: count) }
  func fill(_ index: Int, _ value: Result) { lock.withLock { values[index] = value } }
  var results: [Result] { lock.withLock { values.map { $0! } } }
}
