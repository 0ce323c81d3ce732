import func Foundation.cos

import Networks
import Torch
import Training

/// Pictures as grids of codes out of a book, with sharp pictures made of them (VQGAN, Esser et al. 2021), and in the run's
/// second part a network that draws grids (MaskGIT, Chang et al. 2022).
public final class VQGANRecipe: Recipe {
  public static let name = "vqgan"
  public static let use = Use.pictures
  private static let vgg = Pretrained("vgg16")
  public static func needs(_ settings: VQGANSettings) -> [Pretrained] { settings.perceptual > 0 ? [vgg] : [] }
  public static let summary = "A learned codebook; a transformer samples its codes."

  public let model: VQGANModel
  let encoder: VQEncoder, decoder: VQDecoder, codebook: Codebook, prior: CodePrior
  private let averages:
    (encoder: MovingAverage<VQEncoder>, decoder: MovingAverage<VQDecoder>, prior: MovingAverage<CodePrior>)
  private let optimizer: Adam, optimizerP: Adam
  private let discriminator: PictureDiscriminator?
  private var perceptualLoss: PerceptualLoss?
  private let device: Device
  private let mixed: Precision

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VQGANSettings {
    try VQGANSettings(for: situation, preset: preset)
  }

  public init(_ settings: VQGANSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try VQGANModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    encoder = VQGANModel.encoder(settings).prepared(&noise, as: .fanIn(gain: 1), on: device)
    decoder = VQGANModel.decoder(settings).prepared(&noise, as: .fanIn(gain: 1), on: device)
    codebook = model.codebook.module.prepared(&noise, on: device)
    prior = VQGANModel.prior(settings).prepared(&noise, on: device)
    averages = (
      MovingAverage(model.encoder.module, of: encoder), MovingAverage(model.decoder.module, of: decoder),
      MovingAverage(model.prior.module, of: prior)
    )
    optimizer = Adam(encoder.parameters + decoder.parameters, rate: settings.rate, betas: (0.9, 0.99))
    optimizerP = Adam(prior.parameters, rate: settings.rate, betas: (0.9, 0.99))
    discriminator =
      settings.adversarial > 0
      ? PictureDiscriminator(
        widths: settings.discriminatorWidths, channels: settings.channels, rate: settings.rate * 0.5, noise: &noise,
        on: device
      )
      : nil
  }

  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {
    perceptualLoss = PerceptualLoss(network: try VGG(features: weights, on: device))
  }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = [
      "encoder": encoder, "decoder": decoder, "prior": prior, "optimizer": optimizer, "optimizer.prior": optimizerP,
    ]
    if let discriminator {
      (parts["discriminator"], parts["optimizer.discriminator"]) = (discriminator.network, discriminator.optimizer)
    }
    parts["codebook"] = codebook
    parts["encoder.average"] = averages.encoder
    parts["decoder.average"] = averages.decoder
    parts["prior.average"] = averages.prior
    return parts
  }
  public var mirrors: Bool { settings.mirror }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    progress.fraction < settings.priorFrom
      ? learnPictures(batch.pictures, &noise, progress) : learnGrids(batch.pictures, &noise, progress)
  }

  private func learnPictures(_ x: Tensor, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let part = progress.fraction / settings.priorFrom
    optimizer.rate = settings.rate * Schedule.cosine(from: 1, to: 0.02)(part) * progress.rateScale
    let features = mixed { encoder(x) }
    let (quantized, indices, commitment) = codebook.quantized(features)
    let made = mixed { decoder(quantized) }
    let distance = meanAbsoluteError(made, x)
    var (error, readings) = (distance, [Reading("distance", distance), Reading("codes", codebook.perplexity)])
    if let perceptualLoss {
      let perceived = perceptualLoss.distance(made, x, compute: mixed.callAsFunction)
      readings.append(Reading("perceptual", perceived))
      error = error + perceived * settings.perceptual
    }
    var loss = error + commitment * settings.commitment
    if let discriminator, progress.fraction >= settings.adversarialFrom {
      let (verdict, said, own) = discriminator.judged(
        real: x, made: made.channelsLast(), error: error, last: decoder.head.weight, rate: optimizer.rate * 0.5,
        step: progress.picturesSeen / x.size(0), compute: mixed.callAsFunction)
      loss = loss + verdict * (settings.adversarial * min(1, (progress.fraction - settings.adversarialFrom) * 10))
      readings += [Reading("verdict", said), Reading("discriminator", own)]
    }
    optimizer.step(minimizing: loss)
    codebook.follow(features.detached(), indices, noise: &noise)
    follow(averages.encoder, encoder, x.size(0), progress.fraction, progress)
    follow(averages.decoder, decoder, x.size(0), progress.fraction, progress)
    return readings
  }

  /// Some codes are hidden, by a cosine's share (Chang et al. 2022, section 3.3), and are to be told from the others.
  private func learnGrids(_ x: Tensor, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let part = (progress.fraction - settings.priorFrom) / (1 - settings.priorFrom), n = x.size(0)
    optimizerP.rate =
      settings.rate * min(1, part * 20 + 0.05) * Schedule.cosine(from: 1, to: 0.02)(part) * progress.rateScale
    let indices = withoutGradients { model.codes(of: x) }
    let shares = cos(noise.uniform([n, 1], from: 0, to: 1, on: device) * (Double.pi / 2))
    let isHidden = noise.uniform(indices.shape, from: 0, to: 1, on: device).less(than: shares)
    let shown = whereTrue(isHidden, model.hiddenCodes(n), indices)
    let logits = mixed { prior(shown) }
    let nats = -logSoftmax(logits, dim: 2).gathered(dim: 2, index: indices.unsqueezed(2)).squeezed(2)
    let hidden = isHidden.to(.float32)
    let loss = (nats * hidden).sum() / clamp(hidden.sum(), min: 1)
    optimizerP.step(minimizing: loss)
    follow(averages.prior, prior, n, progress.fraction - settings.priorFrom, progress)
    return [Reading("prior", loss)]
  }

  private func follow<M: Module>(
    _ average: MovingAverage<M>, _ network: M, _ n: Int, _ fraction: Double, _ progress: Progress
  ) {
    average.follow(
      network,
      decay: decay(memory: settings.averageMemory, batch: settings.batch, of: progress.totalPictures, after: fraction))
  }
}
