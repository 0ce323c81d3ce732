import Networks
import Torch

/// How far two pictures are from each other as a network sees them: the distances of features, each place's scaled to
/// length 1, mean over places, sum over layers (Zhang et al. 2018, equation 1, without learned weights, so the figures
/// are not LPIPS's).
///
/// - Parameters:
///   - a, b: [1, 3, H, W] in 0...1.
///   - perceptualNetwork: VGG16.
public func perceptualDistance(_ a: Tensor, _ b: Tensor, by perceptualNetwork: VGG) -> Double {
  let layers = [VGG.Layer(1, 2), VGG.Layer(2, 2), VGG.Layer(3, 3), VGG.Layer(4, 3), VGG.Layer(5, 3)]
  return withoutGradients {
    zip(perceptualNetwork(a, layers: layers), perceptualNetwork(b, layers: layers)).reduce(0) { sum, features in
      func unit(_ x: Tensor) -> Tensor { x / (sqrt(square(x).sum(dims: [1], keepDims: true)) + 1e-10) }
      return sum + square(unit(features.0) - unit(features.1)).sum(dims: [1]).mean().item()
    }
  }
}

/// How far a picture is from what `restyle` asks for: its losses, without their weights against each other.
///
/// - Parameters:
///   - picture, content: [1, 3, H, W] in 0...1, of one size.
///   - style: [1, 3, H', W'] in 0...1.
///   - perceptualNetwork: VGG16.
/// - Returns: the mean square of the differences of relu4_2, and the Wasserstein-2 distances of relu1_1 to relu5_1.
public func paintingDistances(
  _ picture: Tensor, content: Tensor, style: Tensor, by perceptualNetwork: VGG
) -> (content: Double, style: Double) {
  let layers = (1...5).map { VGG.Layer($0, 1) }
  // As in `StyleOptimization`.
  let weights = [256.0, 64, 16, 4, 1].map { $0 / 341 }
  return withoutGradients {
    let seen = perceptualNetwork(picture, layers: layers + [VGG.Layer(4, 2)])
    let kept = perceptualNetwork(content, layers: [VGG.Layer(4, 2)])[0]
    let wanted = perceptualNetwork(style, layers: layers)
    let parts = layers.indices.map { i in
      WassersteinLoss(StyleStatistics(wanted[i]))(StyleStatistics(seen[i])).item() * weights[i]
    }
    return (meanSquaredError(seen[5], kept).item(), parts.reduce(0, +))
  }
}
