import Foundation
import Torch

/// What is heard in a sound, moment by moment: what a film can move by.
public struct SoundAnalysis: Sendable {
  public enum Feature: String, Codable, Sendable, CaseIterable {
    /// Root mean square.
    case loudness
    /// Below 200 Hz, to 2 kHz, above.
    case low, mid, high
    /// Where something begins: an envelope that jumps to 1 at each onset and dies away in a sixth of a second.
    case onset
  }

  /// Seconds at which something begins.
  public let onsets: [Double]
  /// Beats a minute, where there is a beat.
  public let tempo: Double?
  /// Seconds.
  public let length: Double
  private let curves: [Feature: [Float]]

  static let rate = 22_050
  static let hop = 256

  /// - Parameter samples: of one channel, 22,050 a second.
  public init(_ samples: [Float]) {
    length = Double(samples.count) / Double(Self.rate)
    // Short windows for when, longer ones for how high. Of each moment's spectrum a few numbers are kept: an hour's spectra would take
    // more than a gigabyte.
    var flux: [Float] = []
    var before: [Float] = []
    Self.forEachSpectrum(of: samples, window: 512) { spectrum in
      // How much more there is than a moment before, over all frequencies, as the ear hears it (Bello et al. 2005).
      let heard = spectrum.map { Foundation.log1p(10 * $0) }
      if before.isEmpty { before = [Float](repeating: 0, count: heard.count) }
      flux.append(zip(heard, before).reduce(0) { $0 + max(0, $1.0 - $1.1) })
      before = heard
    }
    onsets = Self.peaks(flux).map { Double($0 * Self.hop) / Double(Self.rate) }
    tempo = Self.tempo(flux)
    let hertz = Double(Self.rate) / 2048
    let bands: [(feature: Feature, bins: Range<Int>)] = [
      (Feature.loudness, 20, 11_025), (.low, 20, 200), (.mid, 200, 2000), (.high, 2000, 11_025),
    ].map { ($0, max(1, Int($1 / hertz))..<min(1025, max(2, Int($2 / hertz)))) }
    var strengths = [[Float]](repeating: [], count: bands.count)
    Self.forEachSpectrum(of: samples, window: 2048) { spectrum in
      for (i, band) in bands.enumerated() {
        strengths[i].append(
          band.bins.reduce(0) { $0 + spectrum[spectrum.startIndex + $1] * spectrum[spectrum.startIndex + $1] }
            .squareRoot())
      }
    }
    var envelope = [Float](repeating: 0, count: flux.count)
    let fade = Float(exp(-Double(Self.hop) / Double(Self.rate) / 0.16))
    var starts = Set(onsets.map { Int(($0 * Double(Self.rate) / Double(Self.hop)).rounded()) })
    for i in envelope.indices {
      envelope[i] = starts.remove(i) != nil ? 1 : i > 0 ? envelope[i - 1] * fade : 0
    }
    var curves: [Feature: [Float]] = [.onset: envelope]
    for (band, strength) in zip(bands, strengths) { curves[band.feature] = Self.levelled(strength) }
    self.curves = curves
  }

  /// - Throws: `ClipError`.
  public init(file path: String) throws(ClipError) { self.init(try SoundReader.samples(path, rate: Self.rate)) }

  /// 0...1, at each frame of a film; 0 after the sound's end. The mean while the frame is shown, or for onsets the most.
  public func values(_ feature: Feature, frames: Int, rate: FrameRate) -> [Double] {
    let curve = curves[feature]!
    let each = Double(Self.rate) / Double(Self.hop)
    return (0..<frames).map { frame in
      let from = Int((rate.time(of: frame) * each).rounded())
      let to = max(from + 1, Int((rate.time(of: frame + 1) * each).rounded()))
      let part = curve.dropFirst(from).prefix(to - from)
      guard !part.isEmpty else { return 0 }
      return Double(feature == .onset ? part.max()! : part.reduce(0, +) / Float(part.count))
    }
  }

  /// Gives the magnitudes [window/2 + 1] of each frame, centred on its hop; by the transform's definition, as a product.
  private static func forEachSpectrum(
    of samples: [Float], window: Int, _ body: (ArraySlice<Float>) -> Void
  ) {
    guard !samples.isEmpty else { return }
    let bins = window / 2 + 1
    let hann = (0..<window).map { 0.5 - 0.5 * Foundation.cos(2 * .pi * Double($0) / Double(window)) }
    var (real, imaginary) = ([Float](), [Float]())
    for i in 0..<window {
      for k in 0..<bins {
        let angle = 2 * .pi * Double(i * k % window) / Double(window)
        real.append(Float(hann[i] * Foundation.cos(angle)))
        imaginary.append(Float(-hann[i] * Foundation.sin(angle)))
      }
    }
    let (c, s) = (Tensor(real, shape: [window, bins]), Tensor(imaginary, shape: [window, bins]))
    let frames = samples.count / hop + 1
    for start in stride(from: 0, to: frames, by: 2048) {
      let rows = start..<min(start + 2048, frames)
      var pieces = [Float](repeating: 0, count: rows.count * window)
      for (r, frame) in rows.enumerated() {
        let from = frame * hop - window / 2
        for i in max(0, -from)..<max(0, min(window, samples.count - from)) {
          pieces[r * window + i] = samples[from + i]
        }
      }
      let x = Tensor(pieces, shape: [rows.count, window])
      let magnitudes = sqrt(square(matmul(x, c)) + square(matmul(x, s))).floats
      for r in 0..<rows.count { body(magnitudes[r * bins..<(r + 1) * bins]) }
    }
  }

  /// Where the flux is the highest around and well above its mean.
  private static func peaks(_ flux: [Float]) -> [Int] {
    guard let highest = flux.max(), highest > 0 else { return [] }
    var found: [Int] = []
    for i in flux.indices {
      let near = flux[max(0, i - 3)...min(flux.count - 1, i + 3)]
      let wide = flux[max(0, i - 40)...min(flux.count - 1, i + 40)]
      let mean = wide.reduce(0, +) / Float(wide.count)
      guard flux[i] == near.max(), flux[i] > 1.5 * mean + 0.08 * highest else { continue }
      // Two within 50 ms are one.
      if let last = found.last, i - last < 5 { continue }
      found.append(i)
    }
    return found
  }

  /// The lag at which the flux is most like itself, from 60 to 180 beats a minute; those near 120 are likelier.
  private static func tempo(_ flux: [Float]) -> Double? {
    let each = Double(rate) / Double(hop)
    guard flux.count > Int(4 * each) else { return nil }
    let mean = flux.reduce(0, +) / Float(flux.count)
    let x = flux.map { $0 - mean }
    let power = x.reduce(0) { $0 + $1 * $1 }
    guard power > 0 else { return nil }
    var best: (score: Double, lag: Int) = (0, 0)
    for lag in Int(each / 3)...Int(each) {
      let alike = Double(zip(x, x.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / power)
      let octaves = Foundation.log2(60 * each / Double(lag) / 120)
      let score = alike * exp(-0.5 * octaves * octaves)
      if score > best.score { best = (score, lag) }
    }
    return best.score > 0.1 ? 60 * each / Double(best.lag) : nil
  }

  /// From silence to the loudest tenth, as 0...1.
  private static func levelled(_ curve: [Float]) -> [Float] {
    let sorted = curve.sorted()
    guard let most = sorted.last, most > 0 else { return curve.map { _ in 0 } }
    let top = max(sorted[Int(0.95 * Double(sorted.count - 1))], most * 0.05)
    return curve.map { min(1, $0 / top) }
  }
}
