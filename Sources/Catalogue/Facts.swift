import Files
import Foundation

/// What a file says of itself, read from its first and last bytes.
enum Facts {
  struct PNG {
    var width: Int
    var height: Int
    /// Its text chunks, XMP left out.
    var words: [String: String] = [:]
    var content = ""
  }

  /// Reads a PNG's header and text (PNG specification, third edition, section 11); nil for what isn't one, or is cut short.
  static func png(_ path: String) -> PNG? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    guard let head = try? file.read(upToCount: 1 << 16), head.count > 33,
      head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    else { return nil }
    let bytes = [UInt8](head)
    func number(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    var facts = PNG(width: number(16), height: number(20))
    var at = 8
    while at + 8 <= bytes.count {
      let length = number(at), kind = String(decoding: bytes[at + 4..<at + 8], as: UTF8.self)
      if kind == "IDAT" || at + 12 + length > bytes.count { break }
      if kind == "tEXt" || kind == "iTXt" {
        let parts = bytes[at + 8..<at + 8 + length].split(separator: 0, omittingEmptySubsequences: false)
        let key = String(decoding: parts[0], as: UTF8.self)
        // After the keyword, iTXt has two bytes on compression, the language and the translated keyword.
        let value = kind == "tEXt" ? parts.dropFirst().first : parts.count >= 6 ? parts.last : nil
        if let value, !key.hasPrefix("XML:") {
          facts.words[key] = kind == "tEXt" ? latin1(value) : String(decoding: value, as: UTF8.self)
        }
      }
      at += 12 + length
    }
    // The checksum of the last pixels and the size tell one picture from another without reading all of it.
    guard let size = try? file.seekToEnd(), size > 45, (try? file.seek(toOffset: size - 16)) != nil,
      let tail = try? file.read(upToCount: 16), tail.count == 16,
      tail[tail.startIndex + 8..<tail.startIndex + 12] == Data("IEND".utf8)
    else { return nil }
    facts.content = digest(head.prefix(4096) + tail + Data("\(size)".utf8))
    return facts
  }

  /// Of a film, or whatever else: its size, its beginning and its end.
  static func content(_ path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd(), size > 0 else { return nil }
    defer { try? file.close() }
    try? file.seek(toOffset: 0)
    let head = (try? file.read(upToCount: 4096)) ?? Data()
    try? file.seek(toOffset: size > 4096 ? size - 4096 : 0)
    return digest(head + ((try? file.readToEnd()) ?? Data()) + Data("\(size)".utf8))
  }

  /// The metadata of a safetensors file, and whether the file is as long as its header says; nil for another kind of file.
  static func safetensors(_ path: String) -> (words: [String: String], isWhole: Bool)? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    guard let head = try? file.read(upToCount: 8), head.count == 8 else { return nil }
    let length = head.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    // The format's own cap.
    guard length > 1, length <= 100 << 20, let header = try? file.read(upToCount: Int(length)) else { return nil }
    guard header.count == Int(length), let entries = JSON(parsing: header)?.object else { return ([:], false) }
    let words = (entries["__metadata__"]?.object ?? [:]).compactMapValues(\.string)
    let end = entries.values.compactMap { $0["data_offsets"]?.list?.last?.number }.max() ?? 0
    let size = (try? file.seekToEnd()) ?? 0
    return (words, Double(size) == Double(8 + length) + end)
  }

  private static func digest(_ data: Data) -> String {
    Digest.hexadecimal(data, bytes: 8)
  }
  private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }
}
