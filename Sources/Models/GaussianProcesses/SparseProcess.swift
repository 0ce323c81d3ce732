import Foundation
import Networks
import Torch

/// A Gaussian process over vectors that is known at a few inducing inputs, for D outputs that share one kernel (Titsias
/// 2009), learned from batches (Hensman et al. 2013, "Gaussian processes for big data").
///
/// The kernel is variance · exp(−½ Σ (d/ℓ)²), with a length a dimension. What is believed at the inducing inputs is
/// N(L m, L S Lᵀ), L the kernel's factor there: in these coordinates the prior is the standard normal. It is kept by its
/// natural parameters, S⁻¹ m and S⁻¹, and follows the natural gradient, whose whole step is a batch's exact answer.
final class SparseProcess: Module {
  /// [M, Q].
  let inducing: Tensor
  let logLengths: Tensor
  let logVariance: Tensor
  /// ln of the outputs' noise variance.
  let logNoise: Tensor
  /// S⁻¹ m, [M, D], and S⁻¹, [M, M].
  let pull: Tensor, precision: Tensor

  /// The posterior in the coordinates of the prior.
  struct Belief {
    /// m, [M, D].
    let mean: Tensor
    /// S = factorᵀ factor, [M, M].
    let factor: Tensor
    /// KL from the prior, over all outputs: rank 0.
    let divergence: Tensor
  }

  /// All in float64: covariances of near inputs are almost singular.
  ///
  /// - Parameters:
  ///   - count: inducing inputs.
  ///   - noise: variance of what the process doesn't explain, to begin with.
  init(inducing count: Int, dimensions: Int, outputs: Int, noise: Double) {
    func zeros(_ shape: [Int]) -> Tensor { Tensor.zeros(shape, dtype: .float64) }
    inducing = zeros([count, dimensions]).requiringGradient()
    logLengths = zeros([dimensions]).requiringGradient()
    logVariance = zeros([1]).requiringGradient()
    logNoise = Tensor([Foundation.log(noise)]).requiringGradient()
    (pull, precision) = (zeros([count, outputs]), Tensor.eye(count, dtype: .float64))
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) { inducing.copy(from: noise.normal(inducing.shape)) }

  /// The kernel's matrix of [N, Q] and [P, Q].
  func covariance(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (x, y) = (a / exp(logLengths), b / exp(logLengths))
    let squares = square(x).sum(dims: [1], keepDims: true) + square(y).sum(dims: [1]) - matmul(x, y.T) * 2
    return exp(clamp(squares, min: 0) * -0.5) * exp(logVariance)
  }

  private func eye() -> Tensor { Tensor.eye(inducing.size(0), dtype: .float64, on: inducing.device) }

  /// L⁻¹ k(Z, x), [M, N].
  func projected(_ x: Tensor) -> Tensor {
    let prior = covariance(inducing, inducing) + eye() * exp(logVariance) * 1e-6
    return solveTriangular(jitteredCholesky(prior), covariance(inducing, x.to(.float64)), upper: false)
  }

  /// A step of the natural gradient towards what these outputs tell (Hensman et al. 2013, equation 8).
  ///
  /// - Parameters:
  ///   - y: [N, D].
  ///   - projected: of their inputs.
  ///   - count: of all examples, of which these are some.
  ///   - rate: in 0...1; 1 forgets what was believed before.
  func follow(_ y: Tensor, _ projected: Tensor, of count: Int, rate: Double) {
    withoutGradients {
      let each = exp(-logNoise) * (Double(count) / Double(y.size(0)))
      pull.lerp(toward: matmul(projected, y.to(.float64)) * each, weight: rate)
      precision.lerp(toward: matmul(projected, projected.T) * each + eye(), weight: rate)
    }
  }

  /// The posterior now; without gradients.
  var belief: Belief {
    withoutGradients {
      let lower = jitteredCholesky(precision)
      let half = solveTriangular(lower, eye(), upper: false)
      let mean = matmul(half.T, matmul(half, pull))
      let outputs = Double(mean.size(1))
      let spread = square(half).sum() - Double(lower.size(0)) + log(lower.diagonal()).sum() * 2
      return Belief(mean: mean, factor: half, divergence: (square(mean).sum() + spread * outputs) * 0.5)
    }
  }

  /// E ln p(y | f) of each example under what is believed, in nats, [N] (Hensman et al. 2013, equation 4).
  ///
  /// - Parameter y: [N, D].
  func expectedLikelihood(_ y: Tensor, _ projected: Tensor, _ belief: Belief) -> Tensor {
    let outputs = Double(y.size(1)), noise = exp(logNoise)
    let unknown = clamp(exp(logVariance) - square(projected).sum(dims: [0]), min: 0)
    let variance = unknown + square(matmul(belief.factor, projected)).sum(dims: [0])
    let errors = square(y.to(.float64) - matmul(projected.T, belief.mean)).sum(dims: [1]) + variance * outputs
    return errors / noise * -0.5 - (logNoise + Foundation.log(2 * Double.pi)) * (0.5 * outputs)
  }

  /// The mean of the outputs at [N, Q], [N, D], and their variance without the noise, [N].
  func posterior(at x: Tensor) -> (mean: Tensor, variance: Tensor) {
    let (a, belief) = (projected(x), belief)
    let unknown = clamp(exp(logVariance) - square(a).sum(dims: [0]), min: 0)
    return (matmul(a.T, belief.mean), unknown + square(matmul(belief.factor, a)).sum(dims: [0]))
  }
}
