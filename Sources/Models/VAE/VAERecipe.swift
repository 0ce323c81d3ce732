import func Foundation.pow
import Networks
import Torch
import Training

/// A variational autoencoder (Kingma and Welling 2014): learns to say of each picture what made it, as latents that are
/// normal in all, and to make pictures of these. With a discriminator on patches and what a trained network sees it is a
/// VAE-GAN (Larsen et al. 2016; weights as Esser et al. 2021 balance them), which isn't blurred.
///
/// Minimises −ln p(x | z) + β KL(q(z | x) ‖ N(0, 1)), the negative evidence lower bound, in nats a pixel's number.
public final class VAERecipe: EncodingRecipe, Taught {
  public static let name = "vae"
  public static let summary = "Latents one can go back to from a picture; soft pictures, preset sharp for clear ones."
  public static let presets = [
    (name: "sharp", summary: "with a discriminator and a trained network's eyes, against blur")
  ]

  public let settings: VAESettings
  let encoder: VAEEncoder, decoder: VAEDecoder
  let averages: (encoder: MovingAverage<VAEEncoder>, decoder: MovingAverage<VAEDecoder>)
  private let optimizer: Adam
  private let critic: (network: PatchDiscriminator, optimizer: Adam)?
  private var teacher: VGG?
  private let device: Device
  private let usesBFloat16: Bool
  private static let seen = [VGG.Layer(1, 2), VGG.Layer(2, 2), VGG.Layer(3, 2)]

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
    optimizer = Adam(encoder.parameters + decoder.parameters, rate: settings.rate, betas: (0.9, 0.99))
    if settings.adversarial > 0 {
      let network = PatchDiscriminator(channels: settings.channels, width: settings.criticWidth, layers: 2)
      Transfer.prepare(network, &noise, on: device, mixed: usesBFloat16)
      critic = (network, Adam(network.parameters, rate: settings.rate * 0.5, betas: (0.5, 0.99)))
    } else {
      critic = nil
    }
  }

  public var isTaught: Bool { settings.perceptual > 0 }
  public func learn(from network: VGG) { teacher = network }

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
    if let teacher {
      let seen = mixed { (teacher(made * 0.5 + 0.5, layers: Self.seen), teacher(x * 0.5 + 0.5, layers: Self.seen)) }
      let distance = perceptualDistance(seen.0, seen.1.map { $0.detached() })
      readings.append(Reading("perceptual", distance))
      error = error + distance * settings.perceptual
    }
    var loss = error + paid * (weight / numbers)
    if let critic, progress.fraction >= settings.adversarialFrom {
      let (added, told) = judged(critic, x, made, error, &noise, progress)
      loss = loss + added
      readings += told
    }
    optimizer.step(minimizing: loss)
    let step = Double(n) / Double(max(progress.totalPictures, 1))
    let decay = pow(0.5, step / (settings.averageMemory * max(progress.fraction, step)))
    averages.encoder.follow(encoder, decay: decay)
    averages.decoder.follow(decoder, decay: decay)
    return readings
  }

  /// Updates the discriminator on pictures, what was made of them, and pictures out of nothing; what the last two are to
  /// be told by it.
  private func judged(
    _ critic: (network: PatchDiscriminator, optimizer: Adam), _ x: Tensor, _ made: Tensor, _ error: Tensor,
    _ noise: inout Noise, _ progress: Progress
  ) -> (loss: Tensor, readings: [Reading]) {
    critic.optimizer.rate = optimizer.rate * 0.5
    let free = mixed { decoder(noise.normal([x.size(0), settings.latent], on: device)) }
    let both = Tensor.concatenated([made, free]).channelsLast()
    let lossD = mixed {
      (leastSquaresLoss(critic.network(x), toward: 1) + leastSquaresLoss(critic.network(both.detached()), toward: 0))
        * 0.5
    }
    critic.optimizer.step(minimizing: lossD)
    let verdict = mixed { leastSquaresLoss(critic.network(both), toward: 1) }
    let share = balance(error, verdict)
    let rise = min(1, (progress.fraction - settings.adversarialFrom) * 10)
    return (
      verdict * share * (settings.adversarial * rise),
      [Reading("verdict", verdict), Reading("discriminator", lossD)]
    )
  }

  /// How much steeper the error is than the verdict, at the weights that pixels come from (Esser et al. 2021, equation 7).
  private func balance(_ error: Tensor, _ verdict: Tensor) -> Tensor {
    let slopes = [error, verdict].map { loss in
      gradients(of: loss, withRespectTo: [decoder.last], retainsGraph: true)[0].norm()
    }
    return clamp(slopes[0] / (slopes[1] + 1e-6), max: 1e4).detached()
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
