import Foundation
import Torch

/// How many of a known distribution's modes a generator reaches.
public struct Modes: Sendable, Equatable {
  /// Modes with at least one good sample.
  public let found: Int
  /// Of all samples, the share that belongs to a mode.
  public let good: Double
  /// The divergence of the good samples' modes from evenly spread ones, KL(samples ‖ even), in nats.
  ///
  /// Even a perfect generator has about (modes - 1) / (2 · samples).
  public let divergence: Double

  /// - Parameter modes: of each sample, its mode in 0..<count, or a negative number for none.
  public init(_ modes: [Int], of count: Int) {
    var counts = [Int](repeating: 0, count: count)
    for mode in modes where mode >= 0 { counts[mode] += 1 }
    let total = counts.reduce(0, +)
    found = counts.count { $0 > 0 }
    good = modes.isEmpty ? 0 : Double(total) / Double(modes.count)
    divergence = counts.reduce(0) { sum, n in
      let share = Double(n) / Double(max(total, 1))
      return share > 0 ? sum + share * Foundation.log(share * Double(count)) : sum
    }
  }

  /// Modes of points in the plane: a sample is good within 3 σ of the nearest centre (Dieng et al. 2019; Lin et al. 2018).
  ///
  /// - Parameters:
  ///   - points: [N, 2].
  ///   - centres: [modes, 2].
  public init(of points: Tensor, around centres: Tensor, σ: Double) {
    let (distance, index) = distances(points.to(.float64), centres.to(.float64)).min(dim: 1)
    self.init(
      zip(distance.doubles, index.ints).map { $0 < 3 * σ ? $1 : -1 }, of: centres.size(0))
  }
}
