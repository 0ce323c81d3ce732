import Files
import Foundation

/// The lines of an events.jsonl as they come. A line that is being written, or was cut off, is left for later.
public struct EventLines: Sendable {
  public let path: String
  /// Bytes that were read so far.
  public private(set) var offset: UInt64 = 0

  public init(path: String) { self.path = path }

  /// What came since the last call; lines that aren't JSON are passed over.
  public mutating func next(limit: Int = 4 << 20) -> [JSON] {
    guard let file = FileHandle(forReadingAtPath: path) else { return [] }
    defer { try? file.close() }
    guard let end = try? file.seekToEnd(), end > offset else { return [] }
    try? file.seek(toOffset: offset)
    guard let data = try? file.read(upToCount: limit), let last = data.lastIndex(of: 10) else { return [] }
    offset += UInt64(last - data.startIndex + 1)
    return data[..<last].split(separator: 10).compactMap { JSON(parsing: Data($0)) }
  }

  /// The last whole line, without reading the file as a whole.
  var last: JSON? {
    guard let file = FileHandle(forReadingAtPath: path), let end = try? file.seekToEnd() else { return nil }
    defer { try? file.close() }
    try? file.seek(toOffset: end > 1 << 20 ? end - 1 << 20 : 0)
    guard let data = try? file.readToEnd(), let stop = data.lastIndex(of: 10) else { return nil }
    return data[..<stop].split(separator: 10).last.flatMap { JSON(parsing: Data($0)) }
  }
}
