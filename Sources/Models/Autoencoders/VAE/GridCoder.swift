import Networks
import Torch

/// Pictures [N, channels, size, size] to latents in a grid, [N, numbers · grid²] by numbers, rows and columns: each tells of
/// its own place, as the first stage of latent diffusion has it (Rombach et al. 2022, section 3.1).
final class GridEncoder: PosteriorEncoder {
  let features: VQEncoder

  /// - Parameter widths: channels at half of the size, a quarter, … down to the grid.
  init(widths: [Int], stem: Int, numbers: Int, channels: Int) {
    features = VQEncoder(widths: widths, stem: stem, dimensions: 2 * numbers, channels: channels)
  }

  /// Begins near the prior.
  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 0.1).fill(features.out.weight, features.out.bias, &noise)
  }

  func callAsFunction(_ x: Tensor) -> Gaussian {
    let told = features(x).chunks(2, dim: 1).map { $0.contiguous().flattened(from: 1) }
    return Gaussian(mean: told[0], logVariance: clamp(told[1], min: -20, max: 4))
  }
}

/// The mirror of `GridEncoder`.
final class GridDecoder: LatentDecoder {
  let logDeviation = Tensor.zeros([1]).requiringGradient()
  let features: VQDecoder
  private let numbers: Int, grid: Int

  init(widths: [Int], numbers: Int, grid: Int, channels: Int) {
    features = VQDecoder(widths: widths, dimensions: numbers, channels: channels)
    (self.numbers, self.grid) = (numbers, grid)
  }

  func callAsFunction(_ z: Tensor) -> Tensor { features(z.reshaped([-1, numbers, grid, grid])) }
  var last: Tensor { features.head.weight }
}
