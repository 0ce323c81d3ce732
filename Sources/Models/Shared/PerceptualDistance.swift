import Networks
import Torch

/// How much pictures differ to a trained network: the mean squared difference of features of length 1, summed over
/// layers (Zhang et al. 2018, equation 1, with all channels alike).
///
/// - Parameters:
///   - a, b: of each layer [N, C, h, w].
/// - Returns: rank 0.
func perceptualDistance(_ a: [Tensor], _ b: [Tensor]) -> Tensor { perceptualDistances(a, b).mean() }

/// The same of each picture, [N].
func perceptualDistances(_ a: [Tensor], _ b: [Tensor]) -> Tensor {
  let each = zip(a, b).map { a, b -> Tensor in
    func unit(_ x: Tensor) -> Tensor {
      let x = x.to(.float32)
      return x * rsqrt(square(x).sum(dims: [1], keepDims: true) + 1e-8)
    }
    return square(unit(a) - unit(b)).sum(dims: [1]).mean(dims: [1, 2])
  }
  return each.dropFirst().reduce(each[0]) { $0 + $1 }
}

/// How far made pictures are from real ones, by features of VGG16 (a perceptual loss).
struct PerceptualLoss {
  let network: VGG
  private static let layers = [VGG.Layer(1, 2), VGG.Layer(2, 2), VGG.Layer(3, 2)]

  /// - Parameters:
  ///   - made, real: [N, 3, H, W] in -1...1; no gradient goes to the real ones.
  ///   - compute: for mixed precision.
  func distance(_ made: Tensor, _ real: Tensor, compute: (() -> [Tensor]) -> [Tensor]) -> Tensor {
    let seen = compute { network(made * 0.5 + 0.5, layers: Self.layers) }
    let wanted = withoutGradients { compute { network(real * 0.5 + 0.5, layers: Self.layers) } }
    return perceptualDistance(seen, wanted)
  }
}
