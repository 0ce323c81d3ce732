import Networks
import Torch

/// Pictures [N, channels, size, size] to latents in a grid, [N, latentChannels · grid²] by channels, rows and columns: each tells of
/// its own place, as the first stage of latent diffusion has it (Rombach et al. 2022, section 3.1).
final class GridEncoder: PosteriorEncoder {
  let features: VQEncoder

  /// - Parameter widths: channels at half of the size, a quarter, … down to the grid.
  init(widths: [Int], stem: Int, latentChannels: Int, channels: Int) {
    features = VQEncoder(widths: widths, stem: stem, dimensions: 2 * latentChannels, channels: channels)
  }

  /// Begins near the prior.
  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 0.1).fill(features.out.weight, features.out.bias, &noise)
  }

  func callAsFunction(_ x: Tensor) -> Gaussian {
    let found = features(x).chunks(2, dim: 1).map { $0.contiguous().flattened(from: 1) }
    return Gaussian(mean: found[0], logVariance: clamp(found[1], min: -20, max: 4))
  }
}

/// The mirror of `GridEncoder`.
final class GridDecoder: LatentDecoder {
  let logDeviation = Tensor.zeros([1]).requiringGradient()
  let features: VQDecoder
  private let latentChannels: Int, grid: PictureSize

  init(widths: [Int], latentChannels: Int, grid: PictureSize, channels: Int) {
    features = VQDecoder(widths: widths, dimensions: latentChannels, channels: channels)
    (self.latentChannels, self.grid) = (latentChannels, grid)
  }

  func callAsFunction(_ z: Tensor) -> Tensor { features(z.reshaped([-1, latentChannels] + grid.shape)) }
  var last: Tensor { features.head.weight }
}
