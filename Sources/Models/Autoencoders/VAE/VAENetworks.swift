import Networks
import Torch

/// Pictures [N, channels, size, size] to what may have made them: means and logarithms of variances of latents.
public final class VAEEncoder: PosteriorEncoder {
  let stages: [DiscriminatorStage]
  let hidden: Linear, posterior: Linear

  /// - Parameters:
  ///   - widths: channels at 4, 8, 16, … px; pictures have twice the last size.
  ///   - stem: channels at full resolution.
  init(latent: Int, widths: [Int], stem: Int, channels: Int) {
    stages = widths.indices.map { i in
      DiscriminatorStage(
        width: widths[i], outputs: i > 0 ? widths[i - 1] : nil, blocks: 1,
        stem: i == widths.count - 1 ? PictureStem(widths[i], width: stem, channels: channels) : nil)
    }
    hidden = Linear(16 * widths[0], 2 * widths[0])
    posterior = Linear(2 * widths[0], 2 * latent)
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 2.0.squareRoot()).fill(hidden.weight, hidden.bias, &noise)
    // Begins near the prior.
    Initialization.fanIn(gain: 0.1).fill(posterior.weight, posterior.bias, &noise)
  }

  /// - Returns: float32, each [N, latent]. Variances are in e⁻²⁰…e⁴.
  func callAsFunction(_ x: Tensor) -> Gaussian {
    let h = descended(x, through: stages)
    let found = posterior(leakyRelu(hidden(leakyRelu(h).flattened(from: 1)))).to(.float32).chunks(2, dim: 1)
    return Gaussian(mean: found[0], logVariance: clamp(found[1], min: -20, max: 4))
  }
}

/// Latents [N, latent] to pictures [N, channels, size, size]; the encoder's mirror, steered by the latents at each size.
public final class VAEDecoder: LatentDecoder {
  /// ln σ of the pixels, which is learned, too (Rybkin et al. 2021, "σ-VAE").
  let logDeviation = Tensor.zeros([1]).requiringGradient()
  let mapping: Linear, base: Linear
  let stages: [GeneratorStage]
  private let width: Int

  init(latent: Int, widths: [Int], blocks: Int, channels: Int) {
    mapping = Linear(latent, 256)
    base = Linear(latent, 16 * widths[0])
    width = widths[0]
    stages = widths.indices.map { i in
      GeneratorStage(
        inputs: i > 0 ? widths[i - 1] : nil, width: widths[i], blocks: i == widths.count - 1 ? blocks : 1, latent: 256,
        channels: i == widths.count - 1 ? channels : nil)
    }
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    for layer in [mapping, base] { Initialization.fanIn(gain: 1).fill(layer.weight, layer.bias, &noise) }
  }

  /// - Returns: float32, about in -1...1.
  func callAsFunction(_ z: Tensor) -> Tensor {
    let w = leakyRelu(mapping(z))
    let x = base(z).reshaped([-1, width, 4, 4]).channelsLast()
    return stages.last!.head!(leakyRelu(stages.reduce(x) { $1($0, w) }))
  }

  /// The weights that pixels come from, on which the losses' slopes are balanced.
  var last: Tensor { stages.last!.head!.weight }
}
