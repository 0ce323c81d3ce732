import Foundation

/// A zip of files as they are, without compression (PKWARE APPNOTE 6.3.10, with ZIP64): pictures and weights don't get smaller.
public final class ZipWriter {
  private let file: Int32
  private let path: String
  private var offset: UInt64 = 0
  private var directory = Data()
  private var count: UInt64 = 0

  /// - Parameter path: appears when `finish` has been called.
  /// - Throws: `FileTrouble`.
  public init(_ path: String) throws(FileTrouble) {
    self.path = path
    file = open(path + ".part", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw .last(path) }
  }

  deinit { close(file) }

  /// - Throws: `FileTrouble`.
  public func add(_ name: String, _ data: Data) throws(FileTrouble) {
    try begin(
      name, size: UInt64(data.count), crc: CRC32.of(data), time: Int32(clamping: Int(Date().timeIntervalSince1970)))
    try write(data)
  }

  /// Adds a plain file; a link isn't followed.
  ///
  /// - Throws: `FileTrouble`.
  public func add(_ name: String, file source: String) throws(FileTrouble) {
    // Read twice: the sum stands before the bytes.
    var crc = CRC32(), size: UInt64 = 0
    try read(source) { data throws(FileTrouble) in
      crc.add(data)
      size += UInt64(data.count)
    }
    var facts = stat()
    guard lstat(source, &facts) == 0 else { throw .last(source) }
    try begin(name, size: size, crc: crc.value, time: Int32(clamping: facts.modified))
    var rest = size
    try read(source) { data throws(FileTrouble) in
      // A log that grows meanwhile is cut where it was.
      let part = data.prefix(Int(min(rest, UInt64(data.count))))
      rest -= UInt64(part.count)
      try write(part)
    }
    guard rest == 0 else { throw .failed(path: source, reason: "it became shorter meanwhile") }
  }

  /// - Throws: `FileTrouble`.
  public func finish() throws(FileTrouble) {
    let start = offset
    try write(directory)
    var end = Data()
    // ZIP64's end, its locator, and the old one that points at them.
    end.little(0x0606_4b50 as UInt32)
    end.little(44 as UInt64)
    end.little(45 as UInt16)
    end.little(45 as UInt16)
    end.little(0 as UInt64)
    for value in [count, count, UInt64(directory.count), start] { end.little(value) }
    end.little(0x0706_4b50 as UInt32)
    end.little(0 as UInt32)
    end.little(start + UInt64(directory.count))
    end.little(1 as UInt32)
    end.little(0x0605_4b50 as UInt32)
    end.little(0 as UInt32)
    for _ in 0..<2 { end.little(UInt16(min(count, 0xFFFF))) }
    end.little(UInt32(min(UInt64(directory.count), 0xFFFF_FFFF)))
    end.little(UInt32(min(start, 0xFFFF_FFFF)))
    end.little(0 as UInt16)
    try write(end)
    guard fsync(file) == 0, rename(path + ".part", path) == 0 else { throw .last(path) }
    AtomicFile.syncFolder((path as NSString).deletingLastPathComponent)
  }

  /// - Parameter time: seconds since 1970.
  private func begin(_ name: String, size: UInt64, crc: UInt32, time: Int32) throws(FileTrouble) {
    let bytes = Data(name.utf8), start = offset
    var sizes = Data()
    for value in [size, size] { sizes.little(value) }
    // The extended timestamp, whose times have seconds and no zone.
    var stamp = Data()
    for value in [0x5455, 5] as [UInt16] { stamp.little(value) }
    stamp.append(1)
    stamp.little(time)
    func facts(_ extra: Int) -> Data {
      var data = Data()
      // Version 4.5, names in UTF-8, stored, 1 January 1980.
      for value in [45, 0x0800, 0, 0, 0x21] as [UInt16] { data.little(value) }
      for value in [crc, 0xFFFF_FFFF, 0xFFFF_FFFF] { data.little(value) }
      for value in [UInt16(bytes.count), UInt16(extra)] { data.little(value) }
      return data
    }
    var head = Data()
    head.little(0x0403_4b50 as UInt32)
    head += facts(20 + stamp.count) + bytes
    for value in [1, 16] as [UInt16] { head.little(value) }
    try write(head + sizes + stamp)
    directory.little(0x0201_4b50 as UInt32)
    directory.little(0x032D as UInt16)
    directory += facts(28 + stamp.count)
    for value in [0, 0, 0] as [UInt16] { directory.little(value) }
    directory.little(0o100644 << 16 as UInt32)
    directory.little(0xFFFF_FFFF as UInt32)
    directory += bytes
    for value in [1, 24] as [UInt16] { directory.little(value) }
    directory += sizes
    directory.little(start)
    directory += stamp
    count += 1
  }

  private func write(_ data: Data) throws(FileTrouble) {
    guard data.withUnsafeBytes({ AtomicFile.writeAll($0, to: file) }) else { throw .last(path) }
    offset += UInt64(data.count)
  }

  private func read(_ source: String, _ body: (Data) throws(FileTrouble) -> Void) throws(FileTrouble) {
    let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard input >= 0 else { throw .last(source) }
    defer { close(input) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Foundation.read(input, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .last(source) }
      if count == 0 { return }
      try body(Data(buffer[..<count]))
    }
  }
}

/// The checksum of zip and PNG (ISO 3309, polynomial 0xEDB88320).
public struct CRC32 {
  private static let table: [UInt32] = (0..<256).map { start in
    (0..<8).reduce(UInt32(start)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }
  private var state: UInt32 = 0xFFFF_FFFF

  public init() {}
  public var value: UInt32 { state ^ 0xFFFF_FFFF }

  public mutating func add(_ data: Data) {
    data.withUnsafeBytes { bytes in
      CRC32.table.withUnsafeBufferPointer { table in
        for byte in bytes { state = table[Int((state ^ UInt32(byte)) & 255)] ^ state >> 8 }
      }
    }
  }

  static func of(_ data: Data) -> UInt32 {
    var crc = CRC32()
    crc.add(data)
    return crc.value
  }
}

extension Data {
  mutating func little(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}

extension stat {
  /// Seconds since 1970.
  public var modified: Int {
    #if os(Linux)
      st_mtim.tv_sec
    #else
      st_mtimespec.tv_sec
    #endif
  }
}
