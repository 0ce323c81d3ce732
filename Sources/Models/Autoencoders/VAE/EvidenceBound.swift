import Foundation
import Torch

/// Independent normal distributions, one a row and number.
struct Gaussian {
  /// [N, D].
  let mean: Tensor
  /// ln of the variances, [N, D].
  let logVariance: Tensor

  /// One draw, through which gradients go (Kingma and Welling 2014, section 2.4).
  func sample(_ noise: Tensor) -> Tensor { mean + exp(logVariance * 0.5) * noise }

  /// KL(q ‖ N(0, 1)) of each number in nats, [N, D] (Kingma and Welling 2014, appendix B).
  var divergence: Tensor { (square(mean) + exp(logVariance) - logVariance - 1) * 0.5 }
}

/// −ln p(x | z) in nats a picture, [N], where pixels are normal around the decoder's (Rybkin et al. 2021, equation 5).
///
/// - Parameters:
///   - x, made: [N, C, H, W].
///   - logDeviation: ln σ, [1], the same for all pixels.
func negativeLogLikelihood(_ x: Tensor, _ made: Tensor, logDeviation: Tensor) -> Tensor {
  let each = square((x - made) / exp(logDeviation)) * 0.5 + logDeviation + 0.5 * Foundation.log(2 * Double.pi)
  return each.flattened(from: 1).sum(dims: [1])
}

/// Nats of KL in all that are paid for: each latent number has some free (Kingma et al. 2016, equation 15), which keeps
/// it from being given up.
///
/// - Parameters:
///   - divergence: [N, D].
///   - free: nats a number.
/// - Returns: rank 0, a picture's mean.
func paidDivergence(_ divergence: Tensor, free: Double) -> Tensor {
  let each = divergence.mean(dims: [0])
  return (free > 0 ? clamp(each, min: free) : each).sum()
}
