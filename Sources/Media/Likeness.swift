/// What two pictures are compared by: small, and nearly the same after resampling, recompression or a change of format.
public struct Likeness: Equatable, Sendable {
  /// Side of the small picture.
  public static let side = 32
  /// Differences are taken in parts of a picture's own contrast, or a line drawing would be like an empty page.
  ///
  /// Measured on 479 emoji: saved as JPEG of quality 50 they differ from themselves by 0.10 (99 of 100) and 0.133 (all),
  /// of half the size by 0.19 at most in 99; the two most alike of them differ by 0.179, two kinds of open mouth.
  static let bound = 0.14
  /// Contrast that an empty page is taken to have, of 255.
  private static let leastContrast = 4.0

  /// [32, 32, 3], sRGB.
  let small: [UInt8]
  /// Standard deviation of all values.
  let contrast: Double
  /// Tells most pictures apart without a look at all of `small`.
  let coordinates: [Int16]
  /// The same for the same small picture only.
  let fingerprint: Fingerprint

  /// - Parameter picture: resampled to 32 by 32, 3 channels.
  public init(_ picture: Picture) {
    let side = Self.side
    precondition(picture.width == side && picture.height == side && picture.channels == 3)
    small = picture.bytes
    var (sum, squares) = (0, 0)
    for byte in picture.bytes {
      let value = Int(byte)
      sum += value
      squares += value * value
    }
    let count = Double(small.count), mean = Double(sum) / count
    contrast = max(Self.leastContrast, max(0, Double(squares) / count - mean * mean).squareRoot())
    coordinates = Coordinates.of(small)
    fingerprint = Fingerprint(small)
  }

  /// Whether these are the same picture to the eye, saved in another way.
  public func isNear(_ other: Likeness) -> Bool {
    let sum = small.withUnsafeBufferPointer { a in
      other.small.withUnsafeBufferPointer { b in Self.squaredDifference(a, b) }
    }
    return Self.areNear(sum, contrast, other.contrast)
  }

  /// Of all values of two small pictures, summed.
  static func squaredDifference(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
    precondition(a.count == b.count)
    var sum: Int32 = 0  // At most 3072 × 255².
    for i in a.indices {
      let d = Int32(Int16(a[i]) &- Int16(b[i]))
      sum &+= d &* d
    }
    return Int(sum)
  }

  /// - Parameter squaredDifference: of all values of two small pictures, summed.
  static func areNear(_ squaredDifference: Int, _ a: Double, _ b: Double) -> Bool {
    (Double(squaredDifference) / Double(3 * side * side)).squareRoot() < bound * min(a, b)
  }

  /// Whether it is of one colour, to the eye.
  public var isBlank: Bool { contrast <= Self.leastContrast }

  /// Largest distance of a pixel's channels from each other, 0...255: 0 for grey.
  public var colourfulness: Int {
    stride(from: 0, to: small.count, by: 3).reduce(0) { most, i in
      let (r, g, b) = (Int(small[i]), Int(small[i + 1]), Int(small[i + 2]))
      return max(most, max(r, max(g, b)) - min(r, min(g, b)))
    }
  }
}
