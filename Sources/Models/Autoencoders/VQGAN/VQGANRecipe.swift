import func Foundation.cos
import func Foundation.pow

import Networks
import Torch
import Training

/// Pictures as grids of codes out of a book, with sharp pictures made of them (VQGAN, Esser et al. 2021), and in the run's
/// second part a network that draws grids (MaskGIT, Chang et al. 2022).
public final class VQGANRecipe: SamplingRecipe, ReconstructingRecipe, Taught {
  public static let name = "vqgan"
  public static let summary = "A learned codebook; a transformer samples its codes."

  public let settings: VQGANSettings
  let encoder: VQEncoder, decoder: VQDecoder, codebook: Codebook, prior: CodePrior
  private let averages:
    (encoder: MovingAverage<VQEncoder>, decoder: MovingAverage<VQDecoder>, prior: MovingAverage<CodePrior>)
  private let optimizer: Adam, optimizerP: Adam
  private let critic: PictureCritic?
  private var eyes: Eyes?
  private let device: Device
  private let usesBFloat16: Bool

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VQGANSettings {
    try VQGANSettings(for: situation, preset: preset)
  }

  public init(_ settings: VQGANSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    func madeEncoder() -> VQEncoder {
      VQEncoder(
        widths: settings.widths, stem: settings.stem, dimensions: settings.dimensions, channels: settings.channels)
    }
    func madeDecoder() -> VQDecoder {
      VQDecoder(widths: settings.widths, dimensions: settings.dimensions, channels: settings.channels)
    }
    func madePrior() -> CodePrior {
      CodePrior(
        codes: settings.codes, places: settings.grid * settings.grid, width: settings.priorWidth,
        depth: settings.priorDepth)
    }
    func ready<M: Module>(_ network: M, _ scheme: Initialization) -> M {
      network.initialize(&noise, as: scheme)
      network.move(to: device)
      network.useChannelsLast()
      return network
    }
    (encoder, decoder) = (ready(madeEncoder(), .fanIn(gain: 1)), ready(madeDecoder(), .fanIn(gain: 1)))
    codebook = ready(Codebook(settings.codes, settings.dimensions), .standard)
    prior = ready(madePrior(), .standard)
    averages = (
      MovingAverage(madeEncoder(), of: encoder), MovingAverage(madeDecoder(), of: decoder),
      MovingAverage(madePrior(), of: prior)
    )
    optimizer = Adam(encoder.parameters + decoder.parameters, rate: settings.rate, betas: (0.9, 0.99))
    optimizerP = Adam(prior.parameters, rate: settings.rate, betas: (0.9, 0.99))
    critic =
      settings.adversarial > 0
      ? PictureCritic(
        widths: settings.criticWidths, channels: settings.channels, rate: settings.rate * 0.5, noise: &noise, on: device
      )
      : nil
  }

  public var isTaught: Bool { settings.perceptual > 0 }
  public func learn(from network: VGG) { eyes = Eyes(network: network) }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = [
      "encoder": encoder, "decoder": decoder, "prior": prior, "optimizer": optimizer, "optimizer.prior": optimizerP,
    ]
    if let critic { (parts["discriminator"], parts["optimizer.discriminator"]) = (critic.network, critic.optimizer) }
    return parts.merging(published) { own, _ in own }
  }
  public var published: [String: any Saved] {
    [
      "encoder.average": averages.encoder, "decoder.average": averages.decoder, "codebook": codebook,
      "prior.average": averages.prior,
    ]
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
    let (told, numbers, commitment) = codebook.quantized(features)
    let made = mixed { decoder(told) }
    let distance = meanAbsoluteError(made, x)
    var (error, readings) = (distance, [Reading("distance", distance), Reading("codes", codebook.perplexity)])
    if let eyes {
      let perceived = eyes.distance(made, x, compute: mixed)
      readings.append(Reading("perceptual", perceived))
      error = error + perceived * settings.perceptual
    }
    var loss = error + commitment * settings.commitment
    if let critic, progress.fraction >= settings.adversarialFrom {
      let (verdict, said, own) = critic.judged(
        real: x, made: made.channelsLast(), error: error, last: decoder.head.weight, rate: optimizer.rate * 0.5,
        step: progress.picturesSeen / x.size(0), compute: mixed)
      loss = loss + verdict * (settings.adversarial * min(1, (progress.fraction - settings.adversarialFrom) * 10))
      readings += [Reading("verdict", said), Reading("discriminator", own)]
    }
    optimizer.step(minimizing: loss)
    codebook.follow(features.detached(), numbers, noise: &noise)
    follow(averages.encoder, encoder, x.size(0), progress.fraction, progress)
    follow(averages.decoder, decoder, x.size(0), progress.fraction, progress)
    return readings
  }

  /// Some codes are hidden, by a cosine's share (Chang et al. 2022, section 3.3), and are to be told from the others.
  private func learnGrids(_ x: Tensor, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let part = (progress.fraction - settings.priorFrom) / (1 - settings.priorFrom), n = x.size(0)
    optimizerP.rate =
      settings.rate * min(1, part * 20 + 0.05) * Schedule.cosine(from: 1, to: 0.02)(part) * progress.rateScale
    let numbers = withoutGradients { codes(of: x) }
    let shares = cos(noise.uniform([n, 1], from: 0, to: 1, on: device) * (Double.pi / 2))
    let isHidden = noise.uniform(numbers.shape, from: 0, to: 1, on: device).less(than: shares)
    let shown = whereTrue(isHidden, hiddenCodes(n), numbers)
    let logits = mixed { prior(shown) }
    let nats = -logSoftmax(logits, dim: 2).gathered(dim: 2, index: numbers.unsqueezed(2)).squeezed(2)
    let hidden = isHidden.to(.float32)
    let loss = (nats * hidden).sum() / clamp(hidden.sum(), min: 1)
    optimizerP.step(minimizing: loss)
    follow(averages.prior, prior, n, progress.fraction - settings.priorFrom, progress)
    return [Reading("prior", loss)]
  }

  private func follow<M: Module>(
    _ average: MovingAverage<M>, _ network: M, _ n: Int, _ fraction: Double, _ progress: Progress
  ) {
    let step = Double(n) / Double(max(progress.totalPictures, 1))
    average.follow(network, decay: pow(0.5, step / (settings.averageMemory * max(fraction, step))))
  }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

  /// Before they are told by codes, [N, dimensions, grid, grid].
  private func features(of pictures: Tensor) -> Tensor { averages.encoder.module(pictures.to(device).channelsLast()) }

  /// [N, places], by rows.
  private func codes(of pictures: Tensor) -> Tensor {
    codebook.quantized(features(of: pictures)).numbers.flattened(from: 1)
  }

  /// [N, places] to pictures, in float32.
  private func pictures(of numbers: Tensor) -> Tensor {
    let grid = numbers.reshaped([numbers.size(0), settings.grid, settings.grid])
    let made = averages.decoder.module(codebook.features(of: grid))
    return clamp(made.to(.cpu), min: -1, max: 1).contiguous()
  }

  public func reconstruct(_ pictures: Tensor) -> Tensor {
    withoutGradients { inEqualBatches(of: 16, pictures) { self.pictures(of: codes(of: $0)) } }
  }

  public func sample(seeds: [UInt64]) -> Tensor {
    withoutGradients {
      // Numbers of seeds as rows, so that a short batch is filled up; their noise is drawn inside.
      let rows = Tensor(seeds.indices.map { Int($0) }, shape: [seeds.count, 1])
      return inEqualBatches(of: 16, rows) { rows in
        var noises = rows.ints.map { Noise(seed: seeds[$0]) }
        return pictures(of: drawnGrids(&noises))
      }
    }
  }

  /// [N, places] of which nothing is known.
  private func hiddenCodes(_ n: Int) -> Tensor {
    Tensor.full([n, settings.grid * settings.grid], Double(settings.codes), dtype: .int64, on: device)
  }

  /// All codes hidden at first; in each step those that the network is surest of are kept (Chang et al. 2022, section 3.2).
  private func drawnGrids(_ noises: inout [Noise]) -> Tensor {
    let (n, places) = (noises.count, settings.grid * settings.grid)
    var numbers = hiddenCodes(n)
    for step in 1...settings.steps {
      let logits = averages.prior.module(numbers)
      // Gumbel's noise draws from the softmax; each seed has its own.
      func gumbel(_ shape: [Int]) -> Tensor {
        let uniform = noises.indices.map { noises[$0].uniform(shape, from: 1e-7, to: 1 - 1e-7) }
        return -log(-log(Tensor.stacked(uniform))).to(device)
      }
      let drawn = (logits + gumbel([places, settings.codes]) * settings.temperature).max(dim: 2).indices
      let isHidden = numbers.equal(to: Double(settings.codes))
      let all = whereTrue(isHidden, drawn, numbers)
      let left = Int((Double(places) * cos(Double.pi / 2 * Double(step) / Double(settings.steps))).rounded(.down))
      guard step < settings.steps, left > 0 else { return all }
      let sureness = logSoftmax(logits, dim: 2).gathered(dim: 2, index: all.unsqueezed(2)).squeezed(2)
      // Chance matters less towards the end; what is known stays.
      let chance = gumbel([places]) * (4.5 * (1 - Double(step) / Double(settings.steps)))
      let order = whereTrue(isHidden, sureness + chance, sureness * 0 + 1e9)
      let limit = order.topK(left, dim: 1, largest: false).values.max(dims: [1], keepDims: true)
      numbers = whereTrue(order.lessOrEqual(to: limit), hiddenCodes(n), all)
    }
    return numbers
  }
}
