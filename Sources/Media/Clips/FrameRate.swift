import CFFmpeg

/// Frames a second, exactly: 30000/1001 is no decimal number.
public struct FrameRate: Hashable, Sendable, Codable, CustomStringConvertible {
  public let numerator: Int
  public let denominator: Int
  /// Of films that are read and written.
  public static let most = 1000.0

  public init(_ numerator: Int, _ denominator: Int = 1) {
    precondition(numerator > 0 && denominator > 0, "a rate is above 0")
    var (a, b) = (numerator, denominator)
    let divisor = Int(av_gcd(Int64(a), Int64(b)))
    (a, b) = (a / divisor, b / divisor)
    // FFmpeg has 32 bits for each. A file's rate may need all of them, and twice that rate one more.
    if max(a, b) > Int(Int32.max) {
      var reduced: (Int32, Int32) = (0, 0)
      av_reduce(&reduced.0, &reduced.1, Int64(a), Int64(b), Int64(Int32.max))
      (a, b) = (max(1, Int(reduced.0)), max(1, Int(reduced.1)))
    }
    (self.numerator, self.denominator) = (a, b)
  }

  /// - Parameter text: "24", "29.97" (taken as 30000/1001) or "30000/1001"; from 1 to 1000.
  /// - Throws: `ClipError.badRate`.
  public init(_ text: String) throws(ClipError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, let a = Int(parts[0]), let b = Int(parts[1]), a > 0, b > 0, a < 1 << 30, b < 1 << 30 {
      self.init(a, b)
    } else if parts.count == 1, let value = Double(text), value.isFinite, value > 0, value <= Self.most {
      let ntsc = (value * 1001 / 1000).rounded()
      if value != value.rounded(), abs(ntsc * 1000 / 1001 - value) < 0.005 {
        self.init(Int(ntsc) * 1000, 1001)
      } else {
        let found = av_d2q(value, 1_000_000)
        guard found.num > 0 && found.den > 0 else { throw .badRate(text) }
        self.init(Int(found.num), Int(found.den))
      }
    } else {
      throw .badRate(text)
    }
    guard (1...Self.most).contains(value) else { throw .badRate(text) }
  }

  public var value: Double { Double(numerator) / Double(denominator) }
  public var description: String { denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)" }
  /// Seconds at which a frame is shown.
  public func time(of frame: Int) -> Double { Double(frame) * Double(denominator) / Double(numerator) }

  var rational: AVRational { AVRational(num: Int32(numerator), den: Int32(denominator)) }
  var inverse: AVRational { AVRational(num: Int32(denominator), den: Int32(numerator)) }
}
