import func Foundation.pow
import Networks
import Torch
import Training

/// Pictures [N, C, H, W] to what may have made them, [N, D].
protocol PosteriorEncoder: Module {
  func callAsFunction(_ x: Tensor) -> Gaussian
}

/// Latents [N, D] to pictures [N, C, H, W], about in -1...1.
protocol LatentDecoder: Module {
  func callAsFunction(_ z: Tensor) -> Tensor
  /// ln σ of the pixels, [1].
  var logDeviation: Tensor { get }
  /// The weights that pixels come from.
  var last: Tensor { get }
}

/// How an autoencoder learns.
struct AutoencoderSettings {
  var rate = 1e-3
  var beta = 1.0, warmUp = 0.1, freeBits = 0.0
  var perceptual = 0.0, adversarial = 0.0, adversarialFrom = 0.3
  /// Whether what is made out of nothing is to pass as well, as Larsen et al. 2016 have it.
  var judgesFree = true
  var averageMemory = 0.05
}

/// An autoencoder's networks with all that trains them, whatever they are.
protocol Autoencoding: AnyObject {
  var saved: [String: any Saved] { get }
  var published: [String: any Saved] { get }
  /// The perceptual loss, for `AutoencoderSettings.perceptual`.
  var eyes: Eyes? { get set }
  /// One update. `progress.fraction` is that of the autoencoder's own learning.
  func learn(_ x: Tensor, noise: inout Noise, at progress: Progress) -> [Reading]
  /// Means of latents [N, D], by the averages.
  func means(of pictures: Tensor) -> Tensor
  /// Pictures, by the averages.
  func pictures(of latents: Tensor) -> Tensor
}

/// Minimises −ln p(x | z) + β KL(q(z | x) ‖ N(0, 1)), the negative evidence lower bound in nats a pixel's number, and
/// beside it what a discriminator and a trained network say.
final class Autoencoder<Encoder: PosteriorEncoder, Decoder: LatentDecoder>: Autoencoding {
  let encoder: Encoder, decoder: Decoder
  let averages: (encoder: MovingAverage<Encoder>, decoder: MovingAverage<Decoder>)
  var eyes: Eyes?
  private let optimizer: Adam
  private let critic: PictureCritic?
  private let settings: AutoencoderSettings
  private let device: Device
  private let usesBFloat16: Bool

  /// - Parameters:
  ///   - critic: needed where `adversarial` is more than 0.
  ///   - encoder, decoder: called twice, for the networks and for their averages.
  init(
    _ settings: AutoencoderSettings, critic: PictureCritic?, usesBFloat16: Bool, noise: inout Noise, on device: Device,
    encoder makeEncoder: () -> Encoder, decoder makeDecoder: () -> Decoder
  ) {
    (self.settings, self.critic, self.device, self.usesBFloat16) = (settings, critic, device, usesBFloat16)
    func ready<M: Module>(_ network: M) -> M {
      network.initialize(&noise, as: .fanIn(gain: 1))
      network.move(to: device)
      network.useChannelsLast()
      return network
    }
    (encoder, decoder) = (ready(makeEncoder()), ready(makeDecoder()))
    averages = (MovingAverage(makeEncoder(), of: encoder), MovingAverage(makeDecoder(), of: decoder))
    optimizer = Adam(
      encoder.parameters + decoder.parameters, rate: settings.rate, betas: (0.9, 0.99))
  }

  var saved: [String: any Saved] {
    var parts: [String: any Saved] = [
      "encoder": encoder, "decoder": decoder, "encoder.average": averages.encoder,
      "decoder.average": averages.decoder, "optimizer": optimizer,
    ]
    if let critic { (parts["discriminator"], parts["optimizer.discriminator"]) = (critic.network, critic.optimizer) }
    return parts
  }
  var published: [String: any Saved] {
    ["encoder.average": averages.encoder, "decoder.average": averages.decoder]
  }

  func learn(_ x: Tensor, noise: inout Noise, at progress: Progress) -> [Reading] {
    let n = x.size(0), numbers = Double(x.count / n)
    optimizer.rate = settings.rate * Schedule.cosine(from: 1, to: 0.02)(progress.fraction) * progress.rateScale
    let latents = mixed { encoder(x) }
    let drawn = noise.normal(latents.mean.shape, on: device)
    let made = mixed { decoder(latents.sample(drawn)) }
    let likelihood = negativeLogLikelihood(x, made, logDeviation: decoder.logDeviation).mean()
    let paid = paidDivergence(latents.divergence, free: settings.freeBits)
    let weight = settings.beta * (settings.warmUp > 0 ? min(1, progress.fraction / settings.warmUp) : 1)
    let whole = latents.divergence.sum(dims: [1]).mean()
    var readings = [
      Reading("distance", meanSquaredError(made, x)), Reading("divergence", whole),
      Reading("bound", ((likelihood + whole) / numbers).detached()),
    ]
    var error = likelihood / numbers
    if let eyes {
      let distance = eyes.distance(made, x, compute: mixed)
      readings.append(Reading("perceptual", distance))
      error = error + distance * settings.perceptual
    }
    var loss = error + paid * (weight / numbers)
    if let critic, settings.adversarial > 0, progress.fraction >= settings.adversarialFrom {
      let free = settings.judgesFree ? [mixed { decoder(noise.normal(drawn.shape, on: device)) }] : []
      let (verdict, told, own) = critic.judged(
        real: x, made: clamp(Tensor.concatenated([made] + free), min: -1, max: 1), error: error, last: decoder.last,
        rate: optimizer.rate * 0.5, step: progress.picturesSeen / n, compute: mixed)
      let rise = min(1, (progress.fraction - settings.adversarialFrom) * 10)
      loss = loss + verdict * (settings.adversarial * rise)
      readings += [Reading("verdict", told), Reading("discriminator", own)]
    }
    optimizer.step(minimizing: loss)
    let step = Double(n) / Double(max(progress.totalPictures, 1))
    let decay = pow(0.5, step / (settings.averageMemory * max(progress.fraction, step)))
    averages.encoder.follow(encoder, decay: decay)
    averages.decoder.follow(decoder, decay: decay)
    return readings
  }

  func means(of pictures: Tensor) -> Tensor { averages.encoder.module(pictures.channelsLast()).mean }
  func pictures(of latents: Tensor) -> Tensor { averages.decoder.module(latents) }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }
}

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
