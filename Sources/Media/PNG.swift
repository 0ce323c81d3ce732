/// Reads and adds the words in a PNG file (PNG specification, third edition, section 11.3.3).
public enum PNG {
  /// One chunk's type and data.
  struct Chunk: Equatable {
    let type: String
    let data: ArraySlice<UInt8>
  }

  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The keyword under which XMP is kept (XMP specification, part 3, section 1.1.5).
  static let xmpKeyword = "XML:com.adobe.xmp"

  /// - Returns: the chunks up to IEND whose checksums are right; nil for what is no whole PNG.
  static func chunks(_ file: [UInt8]) -> [Chunk]? {
    guard file.starts(with: signature) else { return nil }
    var chunks: [Chunk] = []
    var at = signature.count
    while at + 12 <= file.count {
      let length = file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - at - 12 else { return nil }
      let end = at + 8 + length
      guard checksum(file[at + 4..<end]) == file[end..<end + 4].reduce(0, { $0 << 8 | UInt32($1) }) else { return nil }
      chunks.append(Chunk(type: String(decoding: file[at + 4..<at + 8], as: UTF8.self), data: file[at + 8..<end]))
      if chunks.last?.type == "IEND" { return chunks }
      at = end + 4
    }
    return nil
  }

  /// The words in a PNG file, in its order: uncompressed tEXt and iTXt. XMP comes under "XML:com.adobe.xmp".
  ///
  /// - Returns: nil for what is no whole PNG.
  public static func text(_ file: [UInt8]) -> [(key: String, value: String)]? {
    chunks(file)?.compactMap { chunk in
      let parts = chunk.data.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      let key = latin1(parts[0])
      switch chunk.type {
      case "tEXt": return (key, latin1(parts[1]))
      case "iTXt":
        // After the keyword: two bytes on compression, then the language and the translated keyword, each ended by 0.
        guard parts[1].count >= 2, parts[1].first == 0 else { return nil }
        let rest = parts[1].dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        return rest.count == 3 ? (key, String(decoding: rest[2], as: UTF8.self)) : nil
      default: return nil
      }
    }
  }

  /// The file with these words after its header: tEXt where Latin-1 can say them, else iTXt.
  ///
  /// - Parameters:
  ///   - keys: 1 to 79 Latin-1 characters, as PNG asks.
  ///   - xmp: an XMP packet.
  static func adding(_ text: [(key: String, value: String)], xmp: String?, to file: [UInt8]) -> [UInt8] {
    let header = signature.count + 25  // IHDR is always the first chunk, and 13 bytes long.
    precondition(file.count > header && file.starts(with: signature), "not a PNG")
    var added: [UInt8] = []
    for (key, value) in text {
      precondition((1...79).contains(key.unicodeScalars.count), "a PNG key has 1 to 79 characters: \(key)")
      if let plain = latin1(value) {
        added += chunk("tEXt", (latin1(key) ?? Array(key.utf8)) + [0] + plain)
      } else {
        added += international(key, value)
      }
    }
    if let xmp { added += international(xmpKeyword, xmp) }
    return Array(file[..<header]) + added + Array(file[header...])
  }

  private static func international(_ key: String, _ value: String) -> [UInt8] {
    chunk("iTXt", (latin1(key) ?? Array(key.utf8)) + [0, 0, 0, 0, 0] + Array(value.utf8))
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    return bigEndian(UInt32(data.count)) + body + bigEndian(checksum(body[...]))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  private static func latin1(_ text: String) -> [UInt8]? {
    let scalars = text.unicodeScalars
    return scalars.allSatisfy { (1..<256).contains($0.value) } ? scalars.map { UInt8($0.value) } : nil
  }

  /// CRC-32 as PNG's annex D computes it.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 255)] ^ ($0 >> 8) }
  }
  private static let table: [UInt32] = (0..<256).map { n in
    (0..<8).reduce(UInt32(n)) { c, _ in c & 1 == 1 ? 0xEDB8_8320 ^ (c >> 1) : c >> 1 }
  }
}
