import Media

/// The colours of a sprite, transparency with them: what its other frames are drawn in.
struct SpritePalette {
  /// The most colours; more is no palette.
  static let most = 1024
  /// Each [R, G, B, A], colours multiplied by alpha.
  private let colours: [SIMD4<Int32>]
  /// As they were.
  private let originals: [[UInt8]]
  private let channels: Int

  /// - Throws: `AnimateError.manyColours`.
  init(_ picture: Picture, _ path: String) throws(AnimateError) {
    channels = picture.channels
    var seen: Set<UInt32> = [], found: [[UInt8]] = []
    for i in stride(from: 0, to: picture.bytes.count, by: channels) {
      var pixel = Array(picture.bytes[i..<i + channels])
      // Under what can't be seen there is one colour.
      if channels == 4 && pixel[3] == 0 { pixel = [0, 0, 0, 0] }
      if seen.insert(pixel.reduce(0) { $0 << 8 | UInt32($1) }).inserted { found.append(pixel) }
    }
    guard found.count <= Self.most else { throw .manyColours(path, count: found.count) }
    originals = found
    colours = found.map(Self.weighed)
  }

  private static func weighed(_ pixel: [UInt8]) -> SIMD4<Int32> {
    let alpha: Int32 = pixel.count == 4 ? Int32(pixel[3]) : 255
    return SIMD4(
      Int32(pixel[0]) * alpha / 255, Int32(pixel[1]) * alpha / 255, Int32(pixel[2]) * alpha / 255, alpha)
  }

  /// Each pixel as the nearest of the colours, with its alpha.
  func nearest(_ picture: Picture) -> Picture {
    var known: [UInt32: Int] = [:]
    var out: [UInt8] = []
    out.reserveCapacity(picture.width * picture.height * channels)
    for i in stride(from: 0, to: picture.bytes.count, by: picture.channels) {
      let pixel = Array(picture.bytes[i..<i + picture.channels])
      let key = pixel.reduce(0) { $0 << 8 | UInt32($1) }
      let index: Int
      if let found = known[key] {
        index = found
      } else {
        let wanted = Self.weighed(pixel)
        index = colours.indices.min { distance(colours[$0], wanted) < distance(colours[$1], wanted) }!
        known[key] = index
      }
      out += originals[index]
    }
    return Picture(width: picture.width, height: picture.height, channels: channels, bytes: out)
  }

  private func distance(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> Int32 {
    let d = a &- b
    return (d &* d).wrappedSum()
  }
}
