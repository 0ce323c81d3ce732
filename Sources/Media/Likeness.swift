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
  public let small: [UInt8]
  /// Mean of all values, 0...255.
  let mean: Double
  /// Standard deviation of all values.
  let contrast: Double
  /// [4, 4, 3]: means of squares of 8 by 8.
  private let blocks: [Float]

  /// - Parameter picture: resampled to 32 by 32, 3 channels.
  public init(_ picture: Picture) {
    let side = Self.side
    precondition(picture.width == side && picture.height == side && picture.channels == 3)
    small = picture.bytes
    var (sum, squares) = (0, 0)
    var blocks = [Int](repeating: 0, count: 48)
    for (i, byte) in picture.bytes.enumerated() {
      let value = Int(byte)
      sum += value
      squares += value * value
      let (y, x, c) = (i / (3 * side), i / 3 % side, i % 3)
      blocks[(y / 8 * 4 + x / 8) * 3 + c] += value
    }
    let count = Double(small.count)
    mean = Double(sum) / count
    contrast = max(Self.leastContrast, max(0, Double(squares) / count - mean * mean).squareRoot())
    self.blocks = blocks.map { Float($0) / 64 }
  }

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
  public func isNear(_ other: Likeness) -> Bool {
    let bound = Self.bound * min(contrast, other.contrast)
    // Means of parts never differ more than the parts do (Jensen), so most pairs end here.
    guard abs(mean - other.mean) < bound, blockDifference(from: other) < bound else { return false }
    return difference(from: other) < bound
  }

  /// Whether it is of one colour, to the eye.
  public var isBlank: Bool { contrast <= Self.leastContrast }

  private func blockDifference(from other: Likeness) -> Double {
    var sum: Float = 0
    for i in blocks.indices {
      let d = blocks[i] - other.blocks[i]
      sum += d * d
    }
    return (Double(sum) / Double(blocks.count)).squareRoot()
  }

  /// Largest distance of a pixel's channels from each other, 0...255: 0 for grey.
  public var colourfulness: Int {
    stride(from: 0, to: small.count, by: 3).reduce(0) { most, i in
      let (r, g, b) = (Int(small[i]), Int(small[i + 1]), Int(small[i + 2]))
      return max(most, max(r, max(g, b)) - min(r, min(g, b)))
    }
  }

  /// All pairs that are near each other, each once, the smaller number first.
  public static func nearPairs(_ all: [Likeness]) -> [(Int, Int)] {
    let order = all.indices.sorted { all[$0].mean < all[$1].mean }
    var pairs: [(Int, Int)] = []
    for (k, i) in order.enumerated() {
      let reach = all[i].mean + bound * all[i].contrast
      for j in order[(k + 1)...] {
        guard all[j].mean < reach else { break }
        if all[i].isNear(all[j]) { pairs.append((min(i, j), max(i, j))) }
      }
    }
    return pairs.sorted { $0 < $1 }
  }
}
