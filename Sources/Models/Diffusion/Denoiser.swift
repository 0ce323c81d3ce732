import Foundation
import Networks
import Torch

/// A denoising network. Pictures have noise of deviation σ added: x = y + σ ε.
public enum Preconditioning: String, Sendable {
  /// Inputs, answers and losses of unit variance at every noise level (Karras et al. 2022, table 1, "Ours").
  case edm
  /// The velocity ε − y of a straight way from pictures to noise, z = (1 − t) y + t ε (Liu et al. 2023; Lipman et al.
  /// 2023): with t = σ / (1 + σ) it is x / (1 + σ), so that every sampler here serves both.
  case flow

  static let dataDeviation = 0.5  // σ_data, of pictures in -1...1.

  /// Means and deviations of ln σ in training: Karras et al. 2022, table 1; a logit-normal t (Esser et al. 2024, section
  /// 3.1) is a log-normal σ.
  var trainingLevels: (mean: Double, deviation: Double) {
    switch self {
    case .edm: (-1.2, 1.2)
    case .flow: (0, 1)
    }
  }

  /// D = skip x + out F(input x; ln σ / 4), Karras et al. 2022, equation 7.
  ///
  /// - Parameter sigma: σ, [N].
  /// - Returns: each [N, 1, 1, 1]; `weight` makes the loss of D one of F with weight 1.
  func coefficients(_ sigma: Tensor) -> (skip: Tensor, out: Tensor, input: Tensor, weight: Tensor) {
    let σ = sigma.reshaped([-1, 1, 1, 1])
    switch self {
    case .edm:
      let d = Self.dataDeviation
      let power = square(σ) + d * d
      return (d * d / power, σ * d / sqrt(power), rsqrt(power), power / square(σ * d))
    case .flow:
      let input = 1 / (σ + 1)
      return (input, -σ * input, input, square((σ + 1) / σ))
    }
  }

  /// Noise levels from the highest to 0, both included: `steps` + 1.
  ///
  /// - Parameter from: the highest; by default `NoiseLevels.highest`.
  public func levels(steps: Int, from highest: Double = NoiseLevels.highest) -> [Double] {
    switch self {
    case .edm: return NoiseLevels.polynomial(steps: steps, from: highest)
    case .flow:
      // Even steps of t.
      let t = highest / (1 + highest)
      return (0...steps).map { i in
        let time = t * Double(steps - i) / Double(steps)
        return i == 0 ? highest : time / (1 - time)
      }
    }
  }
}

/// Noise levels σ that samplers go through.
public enum NoiseLevels {
  /// σ_max and σ_min of Karras et al. 2022, table 1.
  public static let highest = 80.0, lowest = 0.002

  /// Karras et al. 2022, equation 5 with ρ = 7, and a last step to 0: `steps` + 1 numbers.
  public static func polynomial(
    steps: Int, from highest: Double = highest, to lowest: Double = lowest, exponent ρ: Double = 7
  ) -> [Double] {
    let (a, b) = (pow(highest, 1 / ρ), pow(lowest, 1 / ρ))
    let rising = (0..<steps).map { pow(a + Double($0) / Double(max(1, steps - 1)) * (b - a), ρ) }
    return rising + [0]
  }
}

/// A network and its preconditioning: estimates clean pictures from noisy ones.
struct Denoiser {
  let network: UNet
  let preconditioning: Preconditioning

  /// D(x; σ): the mean of the pictures that x may be, given its noise.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W], float32.
  ///   - sigma: [N], float32.
  ///   - conditions: [N, `UNet.conditions`].
  ///   - compute: how the network is called, for mixed precision.
  func callAsFunction(
    _ x: Tensor, _ sigma: Tensor, _ conditions: Tensor, compute: (() -> Tensor) -> Tensor = { $0() }
  ) -> Tensor {
    let (skip, out, input, _) = preconditioning.coefficients(sigma)
    let answer = compute { network((x * input).channelsLast(), log(sigma) * 0.25, conditions) }
    return skip * x + out * answer.to(.float32)
  }

  /// The mean over pictures of λ(σ) |D(y + σ ε; σ) − y|² a number (Karras et al. 2022, equation 8), and that sum itself
  /// picture by picture.
  ///
  /// - Parameters:
  ///   - pictures: y, [N, C, H, W] in -1...1.
  ///   - noise: ε, of the same shape.
  func loss(
    _ pictures: Tensor, noise: Tensor, sigma: Tensor, conditions: Tensor, compute: (() -> Tensor) -> Tensor = { $0() }
  ) -> Tensor {
    let noisy = pictures + noise * sigma.reshaped([-1, 1, 1, 1])
    let estimate = self(noisy, sigma, conditions, compute: compute)
    return (preconditioning.coefficients(sigma).weight * square(estimate - pictures)).mean()
  }
}
