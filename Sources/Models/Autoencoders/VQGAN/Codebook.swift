import Networks
import Torch

/// Vectors that stand for all others, learned as moving means of those nearest to them (van den Oord et al. 2017, appendix
/// A.1).
final class Codebook: Module {
  /// [codes, dimensions].
  let codes: Tensor
  /// How many vectors each stood for lately, [codes], and their sum, [codes, dimensions].
  let counts: Tensor, sums: Tensor
  static let decay = 0.98
  /// A code that stands for fewer than this part of its share is dead.
  private static let dead = 0.03

  init(_ count: Int, _ dimensions: Int) {
    codes = Tensor.zeros([count, dimensions])
    (counts, sums) = (Tensor.ones([count]), Tensor.zeros([count, dimensions]))
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    codes.copy(from: noise.normal(codes.shape))
    sums.copy(from: codes)
  }

  /// Which code is nearest to each of [N, dimensions]: [N].
  func nearest(_ x: Tensor) -> Tensor {
    withoutGradients {
      let squares = square(codes).sum(dims: [1]) - matmul(x.to(.float32), codes.T) * 2
      return squares.topK(1, dim: 1, largest: false).indices.reshaped([-1])
    }
  }

  /// The codes of features, through which gradients go as if they were the features themselves ("straight through"), and
  /// how far those are from them, on average a number (equation 3's last term).
  ///
  /// - Parameter x: [N, dimensions, H, W].
  /// - Returns: `indices` [N, H, W].
  func quantized(_ x: Tensor) -> (features: Tensor, indices: Tensor, commitment: Tensor) {
    let rows = x.permuted([0, 2, 3, 1])
    let indices = nearest(rows.reshaped([-1, codes.size(1)])).reshaped([x.size(0), x.size(2), x.size(3)])
    let found = features(of: indices)
    return (x + (found - x).detached(), indices, meanSquaredError(x, found))
  }

  /// [N, H, W] to [N, dimensions, H, W].
  func features(of indices: Tensor) -> Tensor {
    codes[indices.reshaped([-1])].reshaped(indices.shape + [codes.size(1)]).permuted([0, 3, 1, 2]).channelsLast()
  }

  /// Moves the codes to the means of what they stood for; dead ones to some of these vectors, by chance (Jukebox, Dhariwal
  /// et al. 2020, section 3.1).
  ///
  /// - Parameters:
  ///   - x: [N, dimensions, H, W].
  ///   - indices: [N, H, W].
  func follow(_ x: Tensor, _ indices: Tensor, noise: inout Noise) {
    withoutGradients {
      let rows = x.permuted([0, 2, 3, 1]).reshaped([-1, codes.size(1)]).to(.float32)
      let hits = oneHot(indices.reshaped([-1]), classes: codes.size(0)).to(.float32)
      counts.lerp(toward: hits.sum(dims: [0]), weight: 1 - Self.decay)
      sums.lerp(toward: matmul(hits.T, rows), weight: 1 - Self.decay)
      let drawn = rows[Tensor(noise.integers(below: rows.size(0), count: codes.size(0))).to(rows.device)]
      let share = Double(rows.size(0)) / Double(codes.size(0))
      let isDead = counts.less(than: Self.dead * share).unsqueezed(1)
      codes.copy(from: whereTrue(isDead, drawn, sums / clamp(counts, min: 1e-5).unsqueezed(1)))
      // A revived one begins with its share.
      sums.copy(from: whereTrue(isDead, drawn * share, sums))
      counts.copy(from: whereTrue(isDead.squeezed(1), counts * 0 + share, counts))
    }
  }

  /// How many codes are in use, as the exponential of their entropy: 1 to all of them.
  var perplexity: Tensor {
    let p = counts / counts.sum()
    return exp(-(p * log(p + 1e-10)).sum())
  }
}
