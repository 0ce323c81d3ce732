import Foundation

/// Reads a zip of stored files, whoever made it: nothing in it is believed before it is checked.
///
/// Entries are taken from the directory at the end. Each lies by itself in the file, and its name leads nowhere else, so that
/// what comes out is never more than what went in.
public final class ZipReader {
  public struct Entry: Sendable, Equatable {
    public let name: String
    public let size: UInt64
    /// Seconds since 1970, where the zip says it.
    public let time: Int?
    let crc: UInt32
    /// Of the local header.
    let offset: UInt64
  }

  public let entries: [Entry]
  private let file: Int32
  private let length: UInt64

  /// Of a name, in bytes; of a directory.
  private static let longestName = 1000, mostEntries = 500_000

  /// - Throws: `ZipTrouble`, `FileTrouble`.
  public init(_ path: String) throws {
    file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw FileTrouble.last(path) }
    do {
      length = UInt64(max(0, lseek(file, 0, SEEK_END)))
      entries = try ZipReader.directory(file, length)
    } catch {
      close(file)
      throw error
    }
  }

  deinit { close(file) }

  /// Gives an entry's bytes in parts, and looks at their sum in the end.
  ///
  /// - Throws: `ZipTrouble`, and what `body` throws.
  public func read(_ entry: Entry, _ body: (Data) throws -> Void) throws {
    let head = try ZipReader.bytes(file, entry.offset, 30)
    let start = entry.offset + 30 + UInt64(head.number(26, 2)) + UInt64(head.number(28, 2))
    var at = start, crc = CRC32()
    while at < start + entry.size {
      let part = try ZipReader.bytes(file, at, Int(min(1 << 20, start + entry.size - at)))
      crc.add(part)
      try body(part)
      at += UInt64(part.count)
    }
    guard crc.value == entry.crc else { throw ZipTrouble.damaged(entry.name) }
  }

  /// A small entry as a whole.
  ///
  /// - Throws: `ZipTrouble`.
  public func data(_ entry: Entry, limit: Int) throws -> Data {
    guard entry.size <= limit else { throw ZipTrouble.damaged(entry.name) }
    var all = Data()
    try read(entry) { all += $0 }
    return all
  }

  private static func directory(_ file: Int32, _ length: UInt64) throws -> [Entry] {
    guard length >= 22 else { throw ZipTrouble.noZip }
    let tailStart = length - min(length, 22 + 0xFFFF)
    let tail = try bytes(file, tailStart, Int(length - tailStart))
    guard
      let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: { tail.number($0, 4) == 0x0605_4b50 })
    else { throw ZipTrouble.noZip }
    var count = tail.number(end + 10, 2), size = tail.number(end + 12, 4), start = tail.number(end + 16, 4)
    if end >= 20, tail.number(end - 20, 4) == 0x0706_4b50 {
      let place = tail.number(end - 12, 8)
      guard place <= length, length - place >= 56 else { throw ZipTrouble.noZip }
      let large = try bytes(file, place, 56)
      guard large.number(0, 4) == 0x0606_4b50 else { throw ZipTrouble.noZip }
      (count, size, start) = (large.number(32, 8), large.number(40, 8), large.number(48, 8))
    }
    guard count <= mostEntries, size <= 1 << 29, start <= length, size <= length - start else { throw ZipTrouble.noZip }
    let directory = try bytes(file, start, Int(size))
    var entries: [Entry] = [], names = Set<String>(), at = 0
    for _ in 0..<count {
      let (entry, next) = try self.entry(directory, at)
      guard names.insert(entry.name.lowercased()).inserted else { throw ZipTrouble.name(entry.name) }
      entries.append(entry)
      at = next
    }
    try check(entries, file, start)
    return entries
  }

  private static func entry(_ directory: Data, _ at: Int) throws -> (Entry, next: Int) {
    guard at + 46 <= directory.count, directory.number(at, 4) == 0x0201_4b50 else { throw ZipTrouble.noZip }
    let nameLength = Int(directory.number(at + 28, 2)), extraLength = Int(directory.number(at + 30, 2))
    let next = at + 46 + nameLength + extraLength + Int(directory.number(at + 32, 2))
    guard next <= directory.count, nameLength <= longestName else { throw ZipTrouble.noZip }
    let bytes = directory[(directory.startIndex + at + 46)...].prefix(nameLength)
    guard let name = String(validating: bytes, as: UTF8.self), isSafe(name) else {
      throw ZipTrouble.name(String(decoding: bytes.prefix(60), as: UTF8.self))
    }
    let kind = directory.number(at + 38, 4) >> 16 & 0o170000
    guard kind == 0 || kind == 0o100000 else { throw ZipTrouble.name(name) }
    let (flags, method) = (directory.number(at + 8, 2), directory.number(at + 10, 2))
    guard method == 0, flags & 1 == 0 else { throw ZipTrouble.packed(name) }
    var packed = directory.number(at + 20, 4), size = directory.number(at + 24, 4),
      offset = directory.number(at + 42, 4)
    var time: Int?
    // What is too large for four bytes stands in the extra field of kind 1, in this order.
    var field = at + 46 + nameLength
    while field + 4 <= at + 46 + nameLength + extraLength {
      let (kind, length) = (directory.number(field, 2), Int(directory.number(field + 2, 2)))
      var place = field + 4
      func eight(_ value: UInt64) throws -> UInt64 {
        guard value == 0xFFFF_FFFF else { return value }
        guard place + 8 <= min(field + 4 + length, directory.count) else { throw ZipTrouble.noZip }
        defer { place += 8 }
        return directory.number(place, 8)
      }
      if kind == 1 {
        size = try eight(size)
        packed = try eight(packed)
        offset = try eight(offset)
      }
      if kind == 0x5455, length >= 5, field + 9 <= directory.count, directory.number(field + 4, 1) & 1 == 1 {
        time = Int(Int32(truncatingIfNeeded: directory.number(field + 5, 4)))
      }
      field += 4 + length
    }
    guard packed == size else { throw ZipTrouble.packed(name) }
    let crc = UInt32(directory.number(at + 16, 4))
    return (Entry(name: name, size: size, time: time, crc: crc, offset: offset), next)
  }

  /// Each lies before the directory, and none on another: a small file can't come out as a large one.
  private static func check(_ entries: [Entry], _ file: Int32, _ end: UInt64) throws {
    var last: UInt64 = 0
    for entry in entries.sorted(by: { $0.offset < $1.offset }) {
      guard entry.offset >= last, entry.offset < end, end - entry.offset >= 30 else {
        throw ZipTrouble.damaged(entry.name)
      }
      let head = try bytes(file, entry.offset, 30)
      let start = entry.offset + 30 + head.number(26, 2) + head.number(28, 2)
      guard head.number(0, 4) == 0x0403_4b50, start <= end, entry.size <= end - start else {
        throw ZipTrouble.damaged(entry.name)
      }
      last = start + entry.size
    }
  }

  /// A path of plain names: nothing leads up, to a root, to a hidden file, or is read otherwise by another system.
  static func isSafe(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return !name.isEmpty && parts.count <= 12
      && parts.allSatisfy { part in
        !part.isEmpty && !part.hasPrefix(".") && part.utf8.count <= 255
          && !part.unicodeScalars.contains { $0.value < 32 || $0.value == 127 || $0 == "\\" || $0 == ":" }
      }
  }

  private static func bytes(_ file: Int32, _ at: UInt64, _ count: Int) throws -> Data {
    var data = Data(count: count), done = 0
    while done < count {
      let read = data.withUnsafeMutableBytes {
        pread(file, $0.baseAddress! + done, count - done, off_t(at) + off_t(done))
      }
      if read < 0 && errno == EINTR { continue }
      guard read > 0 else { throw ZipTrouble.noZip }
      done += read
    }
    return data
  }
}

extension Data {
  /// A number of the lowest byte first; its place is counted from the beginning.
  fileprivate func number(_ at: Int, _ count: Int) -> UInt64 {
    (0..<count).reversed().reduce(0) { $0 << 8 | UInt64(self[startIndex + at + $1]) }
  }
}

/// Why a zip isn't read.
public enum ZipTrouble: Refusal, Equatable {
  case noZip
  case packed(String)
  case name(String)
  case damaged(String)

  public var sentence: String {
    switch self {
    case .noZip: "That is no whole zip: export the project again, and send it as it is."
    case .packed(let name):
      "\(name.prefix(60)) is compressed, as other programs do it: send the zip as it was exported."
    case .name(let name): "\(name.prefix(60)) is no name that a project has: the zip isn't taken."
    case .damaged(let name): "\(name.prefix(60)) is damaged in the zip: export the project again."
    }
  }
  public var status: Int { 422 }
  public var exitCode: Int32 { 65 }
}
