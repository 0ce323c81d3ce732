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

/// An autoencoder's networks, whatever they are.
protocol LatentCoder: AnyObject {
  var parts: [String: any Saved] { get }
  /// Means of latents [N, D].
  func means(of pictures: Tensor) -> Tensor
  func pictures(of latents: Tensor) -> Tensor
  /// What trains it.
  ///
  /// - Parameter discriminator: needed where `adversarial` is more than 0.
  func trainer(
    _ settings: AutoencoderSettings, discriminator: PictureDiscriminator?, mixed: Precision, noise: inout Noise,
    on device: Device
  ) -> any AutoencoderTraining
}

/// What trains an autoencoder.
protocol AutoencoderTraining: AnyObject {
  /// With the averages, which are the coder's own networks.
  var saved: [String: any Saved] { get }
  /// What a trained network sees, for `AutoencoderSettings.perceptual`.
  var perceptualLoss: PerceptualLoss? { get set }
  /// One update. `progress.fraction` is that of the autoencoder's own learning.
  func learn(_ x: Tensor, noise: inout Noise, at progress: Progress) -> [Reading]
}

/// An encoder and a decoder.
final class Coder<Encoder: PosteriorEncoder, Decoder: LatentDecoder>: LatentCoder {
  let encoder: LazyModule<Encoder>, decoder: LazyModule<Decoder>
  private let make: (encoder: () -> Encoder, decoder: () -> Decoder)

  init(on device: Device, encoder: @escaping () -> Encoder, decoder: @escaping () -> Decoder) {
    (self.encoder, self.decoder) = (LazyModule(encoder(), on: device), LazyModule(decoder(), on: device))
    make = (encoder, decoder)
  }

  var parts: [String: any Saved] { ["encoder.average": encoder, "decoder.average": decoder] }
  func means(of pictures: Tensor) -> Tensor { encoder.module(pictures.channelsLast()).mean }
  func pictures(of latents: Tensor) -> Tensor { decoder.module(latents) }

  func trainer(
    _ settings: AutoencoderSettings, discriminator: PictureDiscriminator?, mixed: Precision, noise: inout Noise,
    on device: Device
  ) -> any AutoencoderTraining {
    let first = make.encoder().prepared(&noise, as: .fanIn(gain: 1), on: device)
    let second = make.decoder().prepared(&noise, as: .fanIn(gain: 1), on: device)
    return AutoencoderTrainer(
      settings, encoder: first, decoder: second,
      averages: (MovingAverage(encoder.module, of: first), MovingAverage(decoder.module, of: second)),
      discriminator: discriminator,
      mixed: mixed, on: device)
  }
}

/// Minimises −ln p(x | z) + β KL(q(z | x) ‖ N(0, 1)), the negative evidence lower bound in nats a pixel's number, and
/// beside it what a discriminator and a trained network say.
final class AutoencoderTrainer<Encoder: PosteriorEncoder, Decoder: LatentDecoder>: AutoencoderTraining {
  let encoder: Encoder, decoder: Decoder
  let averages: (encoder: MovingAverage<Encoder>, decoder: MovingAverage<Decoder>)
  var perceptualLoss: PerceptualLoss?
  private let optimizer: Adam
  private let discriminator: PictureDiscriminator?
  private let settings: AutoencoderSettings
  private let device: Device
  private let mixed: Precision

  init(
    _ settings: AutoencoderSettings, encoder: Encoder, decoder: Decoder,
    averages: (encoder: MovingAverage<Encoder>, decoder: MovingAverage<Decoder>), discriminator: PictureDiscriminator?,
    mixed: Precision, on device: Device
  ) {
    (self.settings, self.discriminator, self.device, self.mixed) = (settings, discriminator, device, mixed)
    (self.encoder, self.decoder, self.averages) = (encoder, decoder, averages)
    optimizer = Adam(
      encoder.parameters + decoder.parameters, rate: settings.rate, betas: (0.9, 0.99))
  }

  var saved: [String: any Saved] {
    var parts: [String: any Saved] = [
      "encoder": encoder, "decoder": decoder, "encoder.average": averages.encoder,
      "decoder.average": averages.decoder, "optimizer": optimizer,
    ]
    if let discriminator {
      (parts["discriminator"], parts["optimizer.discriminator"]) = (discriminator.network, discriminator.optimizer)
    }
    return parts
  }

  func learn(_ x: Tensor, noise: inout Noise, at progress: Progress) -> [Reading] {
    let n = x.size(0), numbers = Double(x.count / n), batch = n * (ProcessGroup.current?.count ?? 1)
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
    if let perceptualLoss {
      let distance = perceptualLoss.distance(made, x, compute: mixed.callAsFunction)
      readings.append(Reading("perceptual", distance))
      error = error + distance * settings.perceptual
    }
    var loss = error + paid * (weight / numbers)
    if let discriminator, settings.adversarial > 0, progress.fraction >= settings.adversarialFrom {
      let free = settings.judgesFree ? [mixed { decoder(noise.normal(drawn.shape, on: device)) }] : []
      let (verdict, said, own) = discriminator.judged(
        real: x, made: clamp(Tensor.concatenated([made] + free), min: -1, max: 1), error: error, last: decoder.last,
        rate: optimizer.rate * 0.5, step: progress.picturesSeen / batch, compute: mixed.callAsFunction)
      let rise = min(1, (progress.fraction - settings.adversarialFrom) * 10)
      loss = loss + verdict * (settings.adversarial * rise)
      readings += [Reading("verdict", said), Reading("discriminator", own)]
    }
    optimizer.step(minimizing: loss)
    let kept = decay(
      memory: settings.averageMemory, batch: batch, of: progress.totalPictures, after: progress.fraction)
    averages.encoder.follow(encoder, decay: kept)
    averages.decoder.follow(decoder, decay: kept)
    return readings
  }
}
