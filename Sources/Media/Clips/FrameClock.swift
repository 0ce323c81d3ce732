import Foundation

/// When a film's frames are shown: fills in the times that a file lacks, and mends those that can't be.
struct FrameClock {
  /// Seconds that a frame is shown at most.
  static let longestFrame = 3600.0

  /// Frames a second on average.
  let rate: FrameRate
  /// Seconds to which the file rounds its times.
  let tick: Double
  /// Seconds of the file's clock at which the first frame is shown.
  private(set) var start: Double?
  private var last: Double?

  init(rate: FrameRate, tick: Double) { (self.rate, self.tick) = (rate, tick) }

  /// Seconds from the first frame to the next one, later than the one before.
  ///
  /// - Parameter stamp: seconds of the file's clock; nil where the file doesn't say.
  mutating func time(_ stamp: Double?) -> Double {
    // Where nobody says, frames follow at the mean rate.
    let guess = last.map { $0 + 1 / rate.value } ?? 0
    var time = guess
    if let stamp {
      if start == nil { start = stamp - guess }
      time = snapped(stamp - start!)
      if let last {
        let step = time - last
        // A file may begin its count anew, or claim that the next frame is shown in a thousand years.
        if step < -1 || step > Self.longestFrame { start! += time - guess }
        if step <= 1e-7 || step > Self.longestFrame { time = guess }
      }
    }
    last = time
    return time
  }

  /// Milliseconds of frames at an even rate are rounded: what they were is known.
  func snapped(_ time: Double) -> Double {
    guard tick <= 0.001 else { return time }
    let even = (time * rate.value).rounded() / rate.value
    return abs(even - time) <= 1.01 * tick ? even : time
  }
}
