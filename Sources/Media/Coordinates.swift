import Foundation

/// Some of a small picture's coordinates in an orthonormal basis, rounded: two pictures are never nearer to each other than
/// these are, so what is far apart here needs no look at all the pixels.
///
/// 48 are the cosine transform of the means of squares of 8 by 8, which tell most pictures apart. 48 are a fixed random
/// pattern inside each square, which tell textures apart whose means are the same.
enum Coordinates {
  static let count = 96
  /// What rounding may add to the distance of two: each coordinate moves by half of one at most.
  static let slack = 1.02 * Double(count).squareRoot()

  /// - Parameter bytes: [32, 32, 3].
  /// - Returns: [96], -14,200...14,200, the coarse ones first.
  static func of(_ bytes: [UInt8]) -> [Int16] {
    var sums = [Int32](repeating: 0, count: 48), details = sums
    for y in 0..<32 {
      for x in 0..<32 {
        for c in 0..<3 {
          let i = (y * 32 + x) * 3 + c, block = (y / 8 * 4 + x / 8) * 3 + c
          let value = Int32(bytes[i])
          sums[block] += value
          details[block] += signs[i] ? value : -value
        }
      }
    }
    // A square's 64 values have a norm of 8.
    let means = sums.map { Float($0) / 8 }
    var coordinates: [Int16] = []
    coordinates.reserveCapacity(count)
    for wave in waves {
      var sum: Float = 0
      for i in 0..<48 { sum += wave[i] * means[i] }
      coordinates.append(Int16(sum.rounded()))
    }
    return coordinates + details.map { Int16((Float($0) / 8).rounded()) }
  }

  /// [48, 48], orthonormal: cosines across the 4 by 4 squares (DCT-II), by sums and differences of the colours.
  private static let waves: [[Float]] = {
    let colours: [[Float]] = [
      [1, 1, 1].map { $0 / Float(3).squareRoot() }, [1, 0, -1].map { $0 / Float(2).squareRoot() },
      [1, -2, 1].map { $0 / Float(6).squareRoot() },
    ]
    func cosine(_ u: Int, _ x: Int) -> Float {
      let scale: Double = u == 0 ? 0.5 : 0.5.squareRoot()
      return Float(scale * cos(Double.pi * (Double(x) + 0.5) * Double(u) / 4))
    }
    var all: [(rank: Int, wave: [Float])] = []
    for (k, colour) in colours.enumerated() {
      for v in 0..<4 {
        for u in 0..<4 {
          var wave: [Float] = []
          for y in 0..<4 { for x in 0..<4 { for c in 0..<3 { wave.append(cosine(v, y) * cosine(u, x) * colour[c]) } } }
          all.append((u + v + 2 * k, wave))
        }
      }
    }
    return all.sorted { $0.rank < $1.rank }.map(\.wave)
  }()

  /// [32, 32, 3]: as many of each sign in every square of a channel, so that a pattern is orthogonal to its mean.
  private static let signs: [Bool] = {
    var signs = [Bool](repeating: false, count: 3072)
    var state: UInt64 = 1
    for block in 0..<48 {
      var pattern = (0..<64).map { $0 < 32 }
      for i in (1..<64).reversed() {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX.
        pattern.swapAt(i, Int(state >> 33) % (i + 1))
      }
      let (top, left, c) = (block / 12 * 8, block / 3 % 4 * 8, block % 3)
      for i in 0..<64 { signs[((top + i / 8) * 32 + left + i % 8) * 3 + c] = pattern[i] }
    }
    return signs
  }()
}
