import func Foundation.pow
import Networks
import Torch
import Training

/// A variational autoencoder (Kingma and Welling 2014): learns to say of each picture what made it, as latents that are
/// normal in all, and to make pictures of these. With a discriminator on patches and what a trained network sees it is a
/// VAE-GAN (Larsen et al. 2016; weights as Esser et al. 2021 balance them), meant against blur.
///
/// Minimises −ln p(x | z) + β KL(q(z | x) ‖ N(0, 1)), the negative evidence lower bound, in nats a pixel's number.
public final class VAERecipe: EncodingRecipe, Taught {
  public static let name = "vae"
  public static let summary = "Latents one can go back to from a picture, for `reconstruct` and `attribute`; soft."
  public static let presets = [
    (name: "sharp", summary: "with a discriminator against blur; tried for minutes only")
  ]

  public let settings: VAESettings
  let encoder: VAEEncoder, decoder: VAEDecoder
  let averages: (encoder: MovingAverage<VAEEncoder>, decoder: MovingAverage<VAEDecoder>)
  private let optimizer: Adam
  private let critic: PictureCritic?
  private var eyes: Eyes?
  private let device: Device
  private let usesBFloat16: Bool

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VAESettings {
    try VAESettings(for: situation, preset: preset)
  }

  public init(_ settings: VAESettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    func madeEncoder() -> VAEEncoder {
      VAEEncoder(
        latent: settings.latent, widths: settings.widths, stem: settings.stem, channels: settings.channels)
    }
    func madeDecoder() -> VAEDecoder {
      VAEDecoder(
        latent: settings.latent, widths: settings.widths, blocks: settings.blocks, channels: settings.channels)
    }
    func ready<M: Module>(_ network: M) -> M {
      network.initialize(&noise, as: .fanIn(gain: 1))
      network.move(to: device)
      network.useChannelsLast()
      return network
    }
    (encoder, decoder) = (ready(madeEncoder()), ready(madeDecoder()))
    averages = (MovingAverage(madeEncoder(), of: encoder), MovingAverage(madeDecoder(), of: decoder))
    optimizer = Adam(encoder.parameters + decoder.parameters, rate: settings.rate, betas: (settings.momentum, 0.99))
    critic =
      settings.adversarial > 0
      ? PictureCritic(
        widths: settings.criticWidths, channels: settings.channels, rate: settings.rate * 0.5,
        gamma: settings.criticGamma, noise: &noise, on: device)
      : nil
  }

  public var isTaught: Bool { settings.perceptual > 0 }
  public func learn(from network: VGG) { eyes = Eyes(network: network) }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = [
      "encoder": encoder, "decoder": decoder, "encoder.average": averages.encoder,
      "decoder.average": averages.decoder, "optimizer": optimizer,
    ]
    if let critic { (parts["discriminator"], parts["optimizer.discriminator"]) = (critic.network, critic.optimizer) }
    return parts
  }
  public var published: [String: any Saved] {
    ["encoder.average": averages.encoder, "decoder.average": averages.decoder]
  }
  public var mirrors: Bool { settings.mirror }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let x = batch.pictures, n = x.size(0), numbers = Double(x.count / n)
    optimizer.rate = settings.rate * Schedule.cosine(from: 1, to: 0.02)(progress.fraction) * progress.rateScale
    let latents = mixed { encoder(x) }
    let made = mixed { decoder(latents.sample(noise.normal([n, settings.latent], on: device))) }
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
    let judging = progress.fraction >= settings.adversarialFrom
    if let critic, judging, settings.likeness > 0 {
      let distance = critic.distance(real: x, made: clamp(made, min: -1, max: 1), compute: mixed)
      readings.append(Reading("likeness", distance))
      error = error + distance * settings.likeness
    }
    var loss = error + paid * (weight / numbers)
    if let critic, judging {
      // What is made out of nothing is to pass as well, as Larsen et al. 2016 have it.
      let free = mixed { decoder(noise.normal([n, settings.latent], on: device)) }
      let (verdict, told, own) = critic.judged(
        real: x, made: clamp(Tensor.concatenated([made, free]), min: -1, max: 1), error: error, last: decoder.last,
        rate: optimizer.rate * 0.5,
        step: progress.picturesSeen / x.size(0), compute: mixed)
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

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

  public func latents(seeds: [UInt64]) -> Tensor { gaussianLatents(seeds: seeds, size: settings.latent) }

  /// In float32, whatever the precision of training.
  public func decode(_ latents: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, latents) { rows in
        clamp(averages.decoder.module(rows.to(device)).to(.cpu), min: -1, max: 1).contiguous()
      }
    }
  }

  public func encode(_ pictures: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, pictures) { x in
        averages.encoder.module(x.to(device).channelsLast()).mean.to(.cpu).contiguous()
      }
    }
  }
}
