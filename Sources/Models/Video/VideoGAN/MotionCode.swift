import Foundation
import Torch

/// Motion as paths of Gaussian processes, one for each number of the code, from quick ones to slow ones: their value at
/// any time is told directly, so a film is as long as one likes, and costs the same a frame.
///
/// A path is a sum of waves whose frequencies are drawn from the spectrum of a squared exponential (Rahimi and Recht 2007,
/// section 3.1): stationary, of variance 1, and with the covariance exp(−d² / 2ℓ²) over all draws.
public struct MotionCode {
  /// Waves of one number.
  static let waves = 8
  /// Radians a second, [N, size, waves], and radians.
  private let frequencies: Tensor, phases: Tensor

  /// Of N motions.
  ///
  /// - Parameters:
  ///   - size: numbers of the code.
  ///   - lengths: seconds that the quickest and the slowest number remember.
  ///   - period: seconds after which all are exactly where they were; nil when they needn't be.
  public init(count: Int, size: Int, lengths: (Double, Double), period: Double? = nil, noise: inout Noise) {
    let shape = [count, size, Self.waves]
    let (least, most) = lengths
    let steps = (0..<size).map { i in
      Float(1 / (least * Foundation.pow(most / least, size > 1 ? Double(i) / Double(size - 1) : 0)))
    }
    var drawn = noise.normal(shape) * Tensor(steps, shape: [1, size, 1])
    if let period {
      // The nearest wave that fits; a motion slower than the loop stands still.
      let unit = 2 * Double.pi / period
      drawn = round(drawn / unit) * unit
    }
    (frequencies, phases) = (drawn, noise.uniform(shape, from: 0, to: 2 * .pi))
  }

  /// Of one motion a seed.
  public init(seeds: [UInt64], size: Int, lengths: (Double, Double), period: Double? = nil) {
    let each = seeds.map { seed in
      var noise = Noise(seed: seed, at: 1)
      return MotionCode(count: 1, size: size, lengths: lengths, period: period, noise: &noise)
    }
    frequencies = Tensor.concatenated(each.map(\.frequencies))
    phases = Tensor.concatenated(each.map(\.phases))
  }

  /// - Parameter times: [N, frames], in seconds; or [1, frames] for all alike.
  /// - Returns: [N, frames, size], float32.
  public func callAsFunction(at times: Tensor) -> Tensor {
    let angles = times.to(.float64).unsqueezed(-1).unsqueezed(-1) * frequencies.unsqueezed(1) + phases.unsqueezed(1)
    return (cos(angles).sum(dims: [-1]) * (2 / Double(Self.waves)).squareRoot()).to(.float32)
  }
}
