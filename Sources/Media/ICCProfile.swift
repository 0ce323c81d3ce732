/// What the head of an ICC profile says (ICC.1:2022, section 7.2 and 9.2.22).
struct ICCProfile {
  enum Space: String { case rgb = "RGB ", grey = "GRAY", cmyk = "CMYK", lab = "Lab " }
  /// Of the values that it is for; nil for others, and for what is no profile.
  let space: Space?
  /// Such as "Adobe RGB (1998)".
  let name: String

  init(_ bytes: [UInt8]) {
    guard bytes.count >= 132, bytes[36..<40].elementsEqual("acsp".utf8) else {
      (space, name) = (nil, "damaged")
      return
    }
    space = Space(rawValue: String(decoding: bytes[16..<20], as: UTF8.self))
    name = Self.description(bytes) ?? "without a name"
  }

  private static func description(_ bytes: [UInt8]) -> String? {
    func number(_ at: Int) -> Int? {
      at >= 0 && at + 4 <= bytes.count ? bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } : nil
    }
    guard let count = number(128), count <= 200 else { return nil }
    for i in 0..<count {
      let entry = 132 + 12 * i
      guard let tag = number(entry), tag == 0x6465_7363, let at = number(entry + 4) else { continue }
      guard at + 12 <= bytes.count else { return nil }
      if bytes[at..<at + 4].elementsEqual("desc".utf8), let length = number(at + 8), at + 12 + length <= bytes.count {
        return readable(String(decoding: bytes[at + 12..<at + 12 + length].prefix { $0 != 0 }, as: UTF8.self))
      }
      guard bytes[at..<at + 4].elementsEqual("mluc".utf8), let length = number(at + 20), let start = number(at + 24),
        at + start + length <= bytes.count
      else { return nil }
      let text = Array(bytes[at + start..<at + start + length])
      let units = stride(from: 0, to: text.count - 1, by: 2).map { UInt16(text[$0]) << 8 | UInt16(text[$0 + 1]) }
      return readable(String(decoding: units.prefix { $0 != 0 }, as: UTF16.self))
    }
    return nil
  }

  private static func readable(_ text: String) -> String? {
    let line = String(text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(60).map(Character.init))
    return line.isEmpty ? nil : line
  }
}
