import Foundation
import Media
import Testing

@Suite struct SoundAnalysisTests {
  private func sound(_ seconds: Double, _ value: (Double) -> Double) -> SoundAnalysis {
    let count = Int(seconds * 22_050)
    return SoundAnalysis((0..<count).map { Float(value(Double($0) / 22_050)) })
  }

  /// Clicks, also over a tone and at uneven times, are heard within 12 ms of where they are.
  @Test(arguments: [0.0, 0.2]) func onsetsAreWhereTheyAre(_ tone: Double) {
    let clicks = [0.31, 0.9, 1.2, 2.05, 3.3, 3.6, 4.44]
    let heard = sound(5) { t in
      let since = clicks.map { t - $0 }.filter { $0 >= 0 }.min() ?? 1
      return tone * sin(2 * .pi * 220 * t) + 0.7 * sin(2 * .pi * 1800 * t) * exp(-since * 60) * (since < 0.2 ? 1 : 0)
    }
    let found = heard.onsets.filter { $0 > 0.1 }  // A tone's own beginning is one, too.
    #expect(found.count == clicks.count, "\(found)")
    for (a, b) in zip(found, clicks) { #expect(abs(a - b) < 0.012, "\(a) for \(b)") }
    let frames = heard.values(.onset, frames: 125, rate: FrameRate(25))
    for click in clicks {
      let frame = Int(click * 25)
      #expect(frames[max(0, frame - 1)...frame + 1].contains(1), "\(click)")
    }
  }

  @Test func bandsAndTempo() throws {
    let beat = sound(8) { t in
      let since = t.truncatingRemainder(dividingBy: 0.5)
      let isLow = t < 4
      return sin(2 * .pi * (isLow ? 80 : 5000) * t) * exp(-since * 12)
    }
    #expect(abs(try #require(beat.tempo) - 120) < 3)
    let rate = FrameRate(4)
    let (low, high) = (beat.values(.low, frames: 40, rate: rate), beat.values(.high, frames: 40, rate: rate))
    #expect(low[4] > 0.3 && high[4] < 0.1 && low[24] < 0.1 && high[24] > 0.3)
    #expect(low[36] == 0 && beat.values(.loudness, frames: 40, rate: rate).allSatisfy { (0...1).contains($0) })
    #expect(sound(3) { _ in 0 }.onsets.isEmpty && sound(3) { _ in 0 }.tempo == nil)
    #expect(SoundAnalysis([]).onsets.isEmpty)
  }
}
