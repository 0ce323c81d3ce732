import CFFmpeg
import Foundation

/// When each frame of a film that is written is shown: the first from 0 on, each until its end.
struct FrameTimes {
  /// Seconds.
  private(set) var ends: [Double] = []
  let rate: FrameRate

  init(_ rate: FrameRate) { self.rate = rate }

  var length: Double { ends.last ?? 0 }

  /// - Parameter end: seconds; nil for an even rate's.
  mutating func add(until end: Double?) {
    // What a frame can be shown for is more than nothing.
    ends.append(end.map { max($0, length + 1e-6) } ?? rate.time(of: ends.count + 1))
  }

  mutating func add(_ more: [Double]) { ends += more }

  /// Whether all last as long as the rate says.
  var isEven: Bool { ends.indices.allSatisfy { abs(ends[$0] - rate.time(of: $0 + 1)) < 1e-6 } }

  /// The beginning and the length of each frame in a time base's ticks, none of them without any.
  ///
  /// - Parameters:
  ///   - lead: seconds before the first frame.
  ///   - least: ticks that each is shown for; later frames make up for them.
  func ticks(_ base: AVRational, lead: Double = 0, least: Int64 = 1) -> [(start: Int64, length: Int64)] {
    let each = 1 / av_q2d(base)
    var start = Int64((lead * each).rounded())
    return ends.map { end in
      let next = max(start + least, Int64(((lead + end) * each).rounded()))
      defer { start = next }
      return (start, next - start)
    }
  }
}

extension ClipCodec {
  /// The time base of a film whose frames last differently long, as fine as its format's.
  var uneven: AVRational {
    switch self {
    case .gif: AVRational(num: 1, den: 100)
    case .webp: AVRational(num: 1, den: 1000)
    // A delay there has 16 bits.
    case .apng: AVRational(num: 1, den: 10_000)
    default: AVRational(num: 1, den: 90_000)
    }
  }
}
