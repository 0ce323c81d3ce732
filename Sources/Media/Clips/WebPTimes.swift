import Foundation

/// The times of an animated WebP: FFmpeg's encoder leaves the last frame's to chance.
enum WebPTimes {
  /// Sets the last frame's duration, so that all together last so long.
  ///
  /// - Throws: `FileError`.
  static func setLength(of path: String, milliseconds: Int) throws(FileError) {
    guard let file = FileHandle(forUpdatingAtPath: path), let data = try? file.readToEnd() else {
      throw FileError.last(path)
    }
    let bytes = [UInt8](data)
    func number(_ at: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
    // "RIFF", size, "WEBP", then chunks: a name, a size, that many bytes, even.
    var (at, before) = (12, 0)
    var last: Int?
    while at + 8 <= bytes.count {
      let size = number(at + 4, 4)
      if Array(bytes[at..<at + 4]) == Array("ANMF".utf8), at + 8 + 16 <= bytes.count {
        if let last { before += number(last, 3) }
        // After the place and the size of what changes, three bytes each.
        last = at + 8 + 12
      }
      at += 8 + size + size % 2
    }
    guard let last else { return }
    let rest = min(0xFF_FFFF, max(1, milliseconds - before))
    do {
      try file.seek(toOffset: UInt64(last))
      try file.write(contentsOf: [UInt8(rest & 255), UInt8(rest >> 8 & 255), UInt8(rest >> 16)])
      try file.close()
    } catch {
      throw FileError.last(path)
    }
  }
}
