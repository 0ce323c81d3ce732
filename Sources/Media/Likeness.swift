import Foundation

/// What two pictures are compared by: small, and the same after resampling, recompression or a change of format.
public struct Likeness: Equatable, Sendable {
  /// Side of the small picture.
  public static let side = 32

  /// The 64 lowest frequencies of the picture in grey, each above or below their median ("pHash", Zauner 2010, 3.2.1).
  public let hash: UInt64
  /// [32, 32, 3], sRGB.
  public let small: [UInt8]

  /// - Parameter picture: resampled to 32 by 32, 3 channels.
  public init(_ picture: Picture) {
    precondition(picture.width == Self.side && picture.height == Self.side && picture.channels == 3)
    small = picture.bytes
    hash = Self.hash(of: picture.bytes)
  }

  /// Bits in which the hashes differ, 0...64.
  public func distance(to other: Likeness) -> Int { (hash ^ other.hash).nonzeroBitCount }

  /// Root of the mean squared difference of the small pictures, 0...255.
  public func difference(from other: Likeness) -> Double {
    var sum = 0
    for i in small.indices {
      let d = Int(small[i]) - Int(other.small[i])
      sum += d * d
    }
    return (Double(sum) / Double(small.count)).squareRoot()
  }

  /// Whether these are the same picture to the eye, saved in another way.
  ///
  /// Ten bits is the usual bound for the hash; flat drawings pass it easily, so the small pictures must agree as well: a
  /// JPEG of quality 50, or of half the size, differs by 1 to 3 of 255, two faces of one emoji font by 8 and more.
  public func isNear(_ other: Likeness) -> Bool { distance(to: other) <= 10 && difference(from: other) < 5 }

  /// Largest distance of a pixel's channels from each other, 0...255: 0 for grey.
  public var colourfulness: Int {
    stride(from: 0, to: small.count, by: 3).reduce(0) { most, i in
      let (r, g, b) = (Int(small[i]), Int(small[i + 1]), Int(small[i + 2]))
      return Swift.max(most, Swift.max(r, g, b) - Swift.min(r, g, b))
    }
  }

  private static func hash(of pixels: [UInt8]) -> UInt64 {
    let n = side
    // Discrete cosine transform, type II, of which only frequencies 0 to 7 are wanted: rows, then columns.
    var rows = [Double](repeating: 0, count: n * 8)
    var frequencies = [Double](repeating: 0, count: 64)
    for y in 0..<n {
      for x in 0..<n {
        let i = 3 * (y * n + x)
        let (r, g, b) = (Double(pixels[i]), Double(pixels[i + 1]), Double(pixels[i + 2]))
        let grey: Double = 0.299 * r + 0.587 * g + 0.114 * b
        for u in 0..<8 { rows[y * 8 + u] += grey * cosines[u * n + x] }
      }
      for v in 0..<8 {
        for u in 0..<8 { frequencies[v * 8 + u] += rows[y * 8 + u] * cosines[v * n + y] }
      }
    }
    // The first is the mean, which says nothing about the drawing.
    let median = frequencies.dropFirst().sorted()[31]
    var hash: UInt64 = 0
    for (bit, value) in frequencies.enumerated() where value > median { hash |= 1 << UInt64(bit) }
    return hash
  }

  private static let cosines: [Double] = (0..<8).flatMap { u in
    (0..<side).map { x in cos(Double.pi * Double(u) * (Double(x) + 0.5) / Double(side)) }
  }
}
