import CArchive
import Torch

/// A zip file, read entry by entry with caps. Nothing is ever written to disk from here, so no name can escape a folder.
public struct Archive {
  /// What a file from somewhere else may ask for.
  public struct Limits: Sendable {
    public var entries = 2_000_000  // Files in the archive.
    public var entryBytes = 512 << 20  // Uncompressed bytes of one file.
    public var totalBytes = 16 << 30  // Uncompressed bytes of all files that are read in one pass.

    public init() {}
    /// One cap for a file and for all of them.
    public init(bytes: Int) { (entryBytes, totalBytes) = (bytes, bytes) }
  }

  /// A file in the archive. Folders and links are passed over.
  public struct Entry: Equatable, Sendable {
    /// Relative, with "/" between its parts; never empty, absolute or with "..".
    public let name: String
    /// Uncompressed bytes as the archive claims, when it does.
    public let bytes: Int?
  }

  public let path: String
  public let limits: Limits

  /// - Throws: `ArchiveError` when the file is missing or is no zip file.
  public init(_ path: String, limits: Limits = Limits()) throws(ArchiveError) {
    (self.path, self.limits) = (path, limits)
    _ = try Reader(path)
  }

  /// The entries, in the archive's order.
  public func entries() throws(ArchiveError) -> [Entry] {
    var found: [Entry] = []
    try forEach { entry, _ throws(ArchiveError) in
      found.append(entry)
      return true
    }
    return found
  }

  /// Visits each file in order; `read` gives its bytes, and only within the visit.
  ///
  /// - Parameter visit: returns false to stop.
  /// - Throws: `ArchiveError` when the archive is damaged, encrypted, has unsafe names, or is larger than the limits.
  public func forEach(
    _ visit: (_ entry: Entry, _ read: () throws(ArchiveError) -> [UInt8]) throws(ArchiveError) -> Bool
  ) throws(ArchiveError) {
    let reader = try Reader(path)
    var (seen, total) = (0, 0)
    while let header = try reader.next() {
      seen += 1
      guard seen <= limits.entries else { throw ArchiveError(path, .tooManyEntries(limits.entries)) }
      guard reader.isFile(header) else { continue }
      let entry = try reader.entry(header)
      let read = { () throws(ArchiveError) -> [UInt8] in
        if reader.isEncrypted(header) { throw ArchiveError(path, .encrypted(entry.name)) }
        let bytes = try reader.bytes(of: entry, atMost: min(limits.entryBytes, limits.totalBytes - total))
        total += bytes.count
        return bytes
      }
      guard try visit(entry, read) else { return }
    }
  }

  /// The bytes of one file, or nil when there is none of that name.
  public func read(_ name: String) throws(ArchiveError) -> [UInt8]? {
    var found: [UInt8]?
    try forEach { entry, read throws(ArchiveError) in
      guard entry.name == name else { return true }
      found = try read()
      return false
    }
    return found
  }

  /// A relative name with "/" between its parts, or nil when it is empty, absolute, or climbs out of its folder.
  static func sanitised(_ name: String) -> String? {
    guard !name.isEmpty, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
    // Windows' archivers write backslashes.
    let name = name.replacing("\\", with: "/")
    guard !name.hasPrefix("/") else { return nil }
    let parts = name.split(separator: "/").filter { $0 != "." }
    guard let first = parts.first, !parts.contains(".."), !first.hasSuffix(":") else { return nil }
    return parts.joined(separator: "/")
  }
}

/// Why a zip file couldn't be read.
public struct ArchiveError: Explained, Equatable {
  public enum Problem: Equatable, Sendable {
    case missing
    case notAnArchive
    case damaged(String)
    case encrypted(String)
    case unsafeName(String)
    case tooLarge(String, limit: Int)
    case tooManyEntries(Int)
  }
  public let path: String
  public let problem: Problem

  public init(_ path: String, _ problem: Problem) { (self.path, self.problem) = (path, problem) }

  public var sentence: String {
    switch problem {
    case .missing:
      "There is no file at '\(path)': check the path."
    case .notAnArchive:
      "'\(path)' is not a zip file: unpack it yourself and give the folder."
    case .damaged(let reason):
      "The archive '\(path)' is damaged (\(reason)): copy or download it again."
    case .encrypted(let name):
      "'\(name)' in '\(path)' is encrypted: unpack it with its password and give the folder."
    case .unsafeName(let name):
      "The archive '\(path)' has an entry named '\(name)', which points outside it: don't trust this file."
    case .tooLarge(let name, let limit):
      "'\(name)' in '\(path)' is larger than the limit of \(limit >> 20) MB: unpack it yourself and give the folder."
    case .tooManyEntries(let limit):
      "The archive '\(path)' has more than \(limit) entries: split it, or unpack it and give the folder."
    }
  }
  public var exit: Exit { problem == .missing ? .missingInput : .data }
}

/// One pass of libarchive over a file.
private final class Reader {
  let path: String
  let handle: OpaquePointer

  init(_ path: String) throws(ArchiveError) {
    self.path = path
    handle = archive_read_new()
    guard archive_read_support_format_zip_seekable(handle) == ARCHIVE_OK else {
      throw ArchiveError(path, .damaged("libarchive can't read zip files"))
    }
    guard archive_read_open_filename(handle, path, 1 << 16) == ARCHIVE_OK else {
      throw ArchiveError(path, archive_errno(handle) == 2 ? .missing : .notAnArchive)
    }
  }
  deinit { archive_read_free(handle) }

  private var reason: String { archive_error_string(handle).map { String(cString: $0) } ?? "no reason given" }

  func next() throws(ArchiveError) -> OpaquePointer? {
    var header: OpaquePointer?
    switch archive_read_next_header(handle, &header) {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: return header
    default: throw ArchiveError(path, reason.contains("format") ? .notAnArchive : .damaged(reason))
    }
  }

  func isFile(_ header: OpaquePointer) -> Bool { archive_entry_filetype(header) & 0o170000 == 0o100000 }
  func isEncrypted(_ header: OpaquePointer) -> Bool { archive_entry_is_encrypted(header) != 0 }

  func entry(_ header: OpaquePointer) throws(ArchiveError) -> Archive.Entry {
    // In the C locale the UTF-8 form of an old archive's name may be absent; the raw bytes never are.
    let raw = archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header)
    let name = raw.map { String(cString: $0) } ?? ""
    guard let safe = Archive.sanitised(name) else { throw ArchiveError(path, .unsafeName(name)) }
    let size = archive_entry_size_is_set(header) != 0 ? Int(archive_entry_size(header)) : nil
    return Archive.Entry(name: safe, bytes: size)
  }

  /// Reads in pieces, so that a false size in the header costs nothing.
  func bytes(of entry: Archive.Entry, atMost limit: Int) throws(ArchiveError) -> [UInt8] {
    if let claimed = entry.bytes, claimed > limit { throw ArchiveError(path, .tooLarge(entry.name, limit: limit)) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(entry.bytes ?? 0, 64 << 20))
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = archive_read_data(handle, &piece, piece.count)
      if count == 0 { break }
      guard count > 0 else { throw ArchiveError(path, .damaged("\(entry.name): \(reason)")) }
      guard bytes.count + count <= limit else { throw ArchiveError(path, .tooLarge(entry.name, limit: limit)) }
      bytes.append(contentsOf: piece[..<count])
    }
    guard bytes.count == entry.bytes ?? bytes.count else {
      throw ArchiveError(path, .damaged("\(entry.name): \(bytes.count) bytes of \(entry.bytes ?? 0)"))
    }
    return bytes
  }
}
