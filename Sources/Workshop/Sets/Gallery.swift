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

/// The pictures of a folder with all its folders, of a zip file, or one picture, in an order that doesn't change.
public struct Gallery: Sendable {
  /// A file that may be a picture.
  struct Candidate: Sendable {
    /// As the artist knows it: its path inside the folder or the archive.
    let name: String
    let path: String
    /// Bytes, inode and times: another file, or a changed one, has others.
    let stamp: String
  }

  public let path: String
  let isArchive: Bool
  let candidates: [Candidate]
  /// Files and folders whose names begin with a dot, passed over.
  public let hidden: Int
  /// Files that are no pictures by name and by their first bytes, passed over.
  public let others: Int
  /// Folders and files that can't be looked into.
  public let unreadable: [SetAside]

  /// How many files may be pictures.
  public var count: Int { candidates.count }

  /// Only these candidates, by their numbers in ascending order.
  func keeping(_ numbers: [Int]) -> Gallery {
    Gallery(
      path: path, isArchive: isArchive, candidates: numbers.map { candidates[$0] }, hidden: hidden, others: others,
      unreadable: unreadable)
  }

  private init(
    path: String, isArchive: Bool, candidates: [Candidate], hidden: Int, others: Int, unreadable: [SetAside]
  ) {
    (self.path, self.isArchive, self.candidates) = (path, isArchive, candidates)
    (self.hidden, self.others, self.unreadable) = (hidden, others, unreadable)
  }

  /// Lists the files; reads none but the first bytes of those whose names don't tell.
  ///
  /// - Throws: `GalleryError`, `ArchiveError`.
  public init(_ path: String) throws {
    self.path = path.absolutePath
    var facts = stat()
    guard stat(self.path, &facts) == 0 else {
      throw errno == ENOENT || errno == ENOTDIR
        ? GalleryError.missing(path: self.path) : .unreadable(path: self.path, why: reasonOfLastError())
    }
    if facts.st_mode & S_IFMT == S_IFDIR {
      var walk = Walk()
      try walk.enter(self.path)
      isArchive = false
      candidates = walk.candidates.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      (hidden, others, unreadable) = (walk.hidden, walk.others, walk.unreadable)
    } else if try FileBytes.read(self.path, first: 4).elementsEqual([0x50, 0x4B, 3, 4]) {
      let entries = try Archive(self.path).entries()
      let visible = entries.filter { entry in
        // The Finder adds a folder of its own notes to every archive.
        !entry.name.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
      }
      isArchive = true
      let named = visible.filter { Walk.isPictureName($0.name) }
      let stamp = Walk.stamp(facts)
      candidates = named.map { Candidate(name: $0.name, path: "", stamp: stamp) }
      (hidden, others, unreadable) = (entries.count - visible.count, visible.count - named.count, [])
    } else {
      isArchive = false
      candidates = [
        Candidate(
          name: (self.path as NSString).lastPathComponent, path: self.path, stamp: Walk.stamp(facts))
      ]
      (hidden, others, unreadable) = (0, 0, [])
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
          try FileBytes.read(candidate.path)
        }
        return work(start + i, candidate.name, bytes)
      }
      for (i, result) in results.enumerated() { try collect(start + i, result) }
    }
  }

  /// The same for a zip file, which is read from front to back: some entries are held in memory at once.
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
    try Archive(path).forEach { entry, read throws(ArchiveError) in
      guard next + held.count < candidates.count, entry.name == candidates[next + held.count].name else { return true }
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

/// A walk through a folder's folders. Links are followed, each folder once.
private struct Walk {
  var candidates: [Gallery.Candidate] = []
  var hidden = 0
  var others = 0
  var unreadable: [SetAside] = []
  private var seen: Set<[UInt64]> = []

  static func isPictureName(_ name: String) -> Bool {
    PictureFormat.extensions.contains((name as NSString).pathExtension.lowercased())
  }

  static func stamp(_ facts: stat) -> String {
    #if canImport(Darwin)
      let (modified, changed) = (facts.st_mtimespec, facts.st_ctimespec)
    #else
      let (modified, changed) = (facts.st_mtim, facts.st_ctim)
    #endif
    return "\(facts.st_size) \(facts.st_dev) \(facts.st_ino) \(modified.tv_sec).\(modified.tv_nsec) "
      + "\(changed.tv_sec).\(changed.tv_nsec)"
  }

  /// - Throws: `GalleryError.unreadable` for the folder itself; those inside are noted.
  mutating func enter(_ path: String) throws(GalleryError) {
    var facts = stat()
    stat(path, &facts)
    _ = isNew(facts)
    guard let names = Self.names(in: path) else { throw .unreadable(path: path, why: reasonOfLastError()) }
    for name in names { visit(name, at: "\(path)/\(name)") }
  }

  private mutating func visit(_ name: String, at path: String) {
    guard !(name as NSString).lastPathComponent.hasPrefix(".") else {
      hidden += 1
      return
    }
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      let leadsNowhere = errno == ELOOP || errno == ENOENT
      let reason = leadsNowhere ? "is a link to nothing" : "can't be read (\(reasonOfLastError()))"
      unreadable.append(SetAside(name: name, reason: reason))
      return
    }
    switch facts.st_mode & S_IFMT {
    case S_IFDIR:
      guard isNew(facts) else { return }
      guard let names = Self.names(in: path) else {
        unreadable.append(SetAside(name: name, reason: "can't be opened (\(reasonOfLastError()))"))
        return
      }
      for inner in names { visit("\(name)/\(inner)", at: "\(path)/\(inner)") }
    case S_IFREG:
      // A name without a picture's ending may still be one: what a phone or a browser saved without a name.
      if Self.isPictureName(name) || Self.beginsLikeAPicture(path) {
        candidates.append(Gallery.Candidate(name: name, path: path, stamp: Self.stamp(facts)))
      } else {
        others += 1
      }
    default: others += 1
    }
  }

  private mutating func isNew(_ facts: stat) -> Bool {
    seen.insert([UInt64(truncatingIfNeeded: facts.st_dev), UInt64(truncatingIfNeeded: facts.st_ino)]).inserted
  }

  private static func beginsLikeAPicture(_ path: String) -> Bool {
    guard let start = try? FileBytes.read(path, first: 32) else { return false }
    return PictureFormat(start: start) != nil
  }

  /// In the system's order; nil with `errno` set when the folder can't be opened.
  private static func names(in path: String) -> [String]? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
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
