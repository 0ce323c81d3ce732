import CArchive
import Foundation
import Torch

/// A zip or tar file, read entry by entry with caps. Nothing is ever written to disk from here, so no name can escape a folder.
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

  /// Which archives are read.
  public enum Formats: Sendable {
    case zip
    case zipOrTar  // Tars also compressed by gzip, bzip2, xz or Zstandard.
  }

  /// A file in the archive. Folders and links are passed over.
  public struct Entry: Equatable, Sendable {
    /// Which of the archive's files it is, from 0: names may be there twice.
    public let number: Int
    /// Relative, with "/" between its parts; never empty, absolute or with "..". What isn't UTF-8 is read as Latin-1.
    public let name: String
    /// Uncompressed bytes as the archive claims, when it does.
    public let bytes: Int?
  }

  public let path: String
  public let limits: Limits
  private let formats: Formats
  /// A zip without files, which libarchive knows for none.
  private let isEmpty: Bool

  /// - Throws: `ArchiveError` when the file is missing or is no archive of these formats.
  public init(_ path: String, _ formats: Formats = .zip, limits: Limits = Limits()) throws(ArchiveError) {
    (self.path, self.formats, self.limits) = (path, formats, limits)
    isEmpty = Reader.start(of: path).elementsEqual([0x50, 0x4B, 5, 6])
    if !isEmpty { _ = try Reader(path, formats) }
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

  /// The entries, in the archive's order, with the first bytes of each.
  ///
  /// - Throws: `ArchiveError`.
  public func entries(startBytes: Int) throws(ArchiveError) -> [(entry: Entry, start: [UInt8])] {
    if isEmpty { return [] }
    let reader = try Reader(path, formats)
    var found: [(Entry, [UInt8])] = []
    while let header = try reader.next() {
      guard reader.isFile(header) else { continue }
      guard found.count < limits.entries else { throw ArchiveError(path, .tooManyEntries(limits.entries)) }
      let entry = try reader.entry(header, number: found.count)
      found.append((entry, reader.isEncrypted(header) ? [] : reader.start(startBytes)))
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
    if isEmpty { return }
    let reader = try Reader(path, formats)
    var (seen, files, total) = (0, 0, 0)
    while let header = try reader.next() {
      seen += 1
      guard seen <= limits.entries else { throw ArchiveError(path, .tooManyEntries(limits.entries)) }
      guard reader.isFile(header) else { continue }
      let entry = try reader.entry(header, number: files)
      files += 1
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
  static func sanitised(_ bytes: [UInt8]) -> String? {
    // Windows' archivers write backslashes. In Shift-JIS the byte is the second half of letters.
    let isText = String(validating: bytes, as: UTF8.self) != nil
    let name = String(fileName: isText ? bytes.map { $0 == 0x5C ? 0x2F : $0 } : bytes)
    guard !name.isEmpty, !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
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
      "'\(path)' is no archive that is read here: unpack it yourself and give the folder."
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

  /// libarchive turns names into the locale's encoding, and gives none where that has no such letters, as C's hasn't.
  private static let hasLetters =
    setlocale(LC_CTYPE, "C.UTF-8") != nil || setlocale(LC_CTYPE, "en_US.UTF-8") != nil

  init(_ path: String, _ formats: Archive.Formats) throws(ArchiveError) {
    _ = Self.hasLetters
    self.path = path
    handle = archive_read_new()
    guard archive_read_support_format_zip_seekable(handle) == ARCHIVE_OK else {
      throw ArchiveError(path, .damaged("libarchive can't read zip files"))
    }
    if formats == .zipOrTar {
      archive_read_support_format_tar(handle)
      archive_read_support_filter_gzip(handle)
      archive_read_support_filter_bzip2(handle)
      archive_read_support_filter_xz(handle)
      archive_read_support_filter_zstd(handle)
    }
    guard archive_read_open_filename(handle, path, 1 << 16) == ARCHIVE_OK else {
      throw ArchiveError(path, archive_errno(handle) == 2 ? .missing : Self.foreign(path))
    }
  }
  deinit { archive_read_free(handle) }

  /// What begins like a zip and has no list of files at its end was cut off.
  private static func foreign(_ path: String) -> ArchiveError.Problem {
    start(of: path).elementsEqual([0x50, 0x4B, 3, 4]) ? .damaged("it is cut short") : .notAnArchive
  }

  /// A file's first four bytes.
  static func start(of path: String) -> [UInt8] {
    guard let file = FileHandle(forReadingAtPath: path), let start = try? file.read(upToCount: 4) else { return [] }
    return Array(start)
  }

  private var reason: String { archive_error_string(handle).map { String(cString: $0) } ?? "no reason given" }

  func next() throws(ArchiveError) -> OpaquePointer? {
    var header: OpaquePointer?
    switch archive_read_next_header(handle, &header) {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: return header
    default: throw ArchiveError(path, reason.contains("format") ? Self.foreign(path) : .damaged(reason))
    }
  }

  func isFile(_ header: OpaquePointer) -> Bool {
    UInt32(archive_entry_filetype(header)) & 0o170000 == 0o100000 && archive_entry_hardlink(header) == nil
  }
  func isEncrypted(_ header: OpaquePointer) -> Bool { archive_entry_is_encrypted(header) != 0 }

  func entry(_ header: OpaquePointer, number: Int) throws(ArchiveError) -> Archive.Entry {
    let raw = archive_entry_pathname(header) ?? archive_entry_pathname_utf8(header)
    let bytes = raw.map { UnsafeBufferPointer(start: $0, count: strlen($0)).map { UInt8(bitPattern: $0) } } ?? []
    guard let safe = Archive.sanitised(bytes) else { throw ArchiveError(path, .unsafeName(String(fileName: bytes))) }
    let size = archive_entry_size_is_set(header) != 0 ? Int(archive_entry_size(header)) : nil
    return Archive.Entry(number: number, name: safe, bytes: size)
  }

  /// The first bytes of the entry that was come to; fewer where it has fewer, or is damaged.
  func start(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count), filled = 0
    while filled < count {
      let read = bytes.withUnsafeMutableBytes { archive_read_data(handle, $0.baseAddress! + filled, count - filled) }
      guard read > 0 else { break }
      filled += read
    }
    return Array(bytes[..<filled])
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
