import Networks
import Torch
import Training

/// A modern GAN without tricks (Huang et al. 2024): relativistic pairing, gradient penalties on real and generated
/// pictures, residual networks without normalisation; laid out for the minutes that an artist has.
///
/// Sizes grow during the run (Karras et al. 2018), so most pictures are seen where they cost little. One pass backward
/// through the discriminator serves both updates (`generatorGradient`), and the penalties are taken now and then.
public final class R3GANRecipe: StyleRecipe, ConditionalRecipe {
  public static let name = "r3gan"
  public static let summary = "A modern GAN with progressive growing: clean shapes and surfaces; the default."
  public static func gigaflopsAPicture(in situation: Situation) -> Double? {
    Settings.gigaflopsAPicture(of: situation.size)
  }

  public let settings: R3GANSettings
  public let generator: R3GANGenerator, discriminator: R3GANDiscriminator
  public let average: MovingAverage<R3GANGenerator>
  private let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let usesBFloat16: Bool
  /// Steps between two moves of the average, which reads and writes all weights.
  private static let averageSteps = 4
  /// The part of a run in which the probability of changes can go from 0 to 1.
  private static let adaptSpan = 0.25
  private let shift = DiffAugment(colour: false, translation: 0.125, cutout: 0, mirrorsEdges: true)
  /// How likely changes are, where that is steered.
  private let strength: AugmentStrength?
  private var choice: ClassChoice
  public var classes: [String] { choice.names }

  public static let presets = [
    (name: "small", summary: "one block a size, ungrouped convolutions, for a few cores"),
    (name: "large", summary: "twice as wide and deep, for a GPU"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> R3GANSettings {
    try R3GANSettings(for: situation, preset: preset)
  }

  public init(_ settings: R3GANSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    usesBFloat16 = settings.precision == "bfloat16" || settings.precision == "auto" && device.prefersBFloat16
    let choice = ClassChoice(settings.conditional ? settings.classes : [], counts: settings.classCounts)
    self.choice = choice
    let make = {
      R3GANGenerator(
        latent: settings.latent, mapped: settings.mapped, widths: settings.widths, blocks: settings.blocks,
        channels: settings.channels, classes: choice.names.count, least: settings.least,
        isSeamless: settings.seamless)
    }
    generator = make()
    discriminator = R3GANDiscriminator(
      widths: settings.criticWidths, blocks: settings.criticBlocks, stem: settings.criticStem,
      channels: settings.channels, classes: choice.names.count, least: settings.least)
    generator.initialize(&noise, as: .fanIn(gain: 1))
    discriminator.initialize(&noise, as: .fanIn(gain: 1))
    for network in [generator, discriminator] as [any Module] {
      network.move(to: device)
      network.useChannelsLast()
    }
    average = MovingAverage(make(), of: generator)
    strength = settings.adapt > 0 ? AugmentStrength(target: settings.adapt, start: settings.augment) : nil
    let betas = (0.0, settings.beta2)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: betas)
  }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = [
      "generator": generator, "generator.average": average, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ]
    parts["augment"] = strength
    return parts
  }
  /// How few the new pictures are says how strongly they are augmented.
  public var inherited: [String: any Saved] {
    saved.filter { $0.value is any Module || $0.value is MovingAverage<R3GANGenerator> }
  }
  public var published: [String: any Saved] { ["generator.average": average] }
  public var mirrors: Bool { settings.mirror }

  /// Updates both networks once, with the same pictures.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let schedule = settings.schedule(at: progress)
    let size = schedule.size
    if generator.trainedSize != size { generator.trainedSize = size }
    (optimizerG.rate, optimizerD.rate) = (schedule.rate * settings.pace, schedule.rate)
    let whole = alphaWeighted(batch.pictures)
    let real = size == settings.size ? whole : interpolate(whole, size: [size, size], mode: .area)
    let n = real.size(0)

    let z = noise.normal([n, settings.latent], on: device)
    // Real and generated pictures are judged as of the same classes.
    let kinds = choice.told(batch.labels, noise: &noise)
    func marks(_ which: [Int]) -> Tensor? {
      kinds.map { kinds in choice.marks(which.map { kinds[$0 % n] }, on: device) }
    }
    var fake = mixed { generator(z, size: size, kinds: marks(Array(0..<n))) }
    // A seam must be nowhere in particular.
    if settings.seamless { fake = fake.rolled(by: noise.integers(below: size, count: 2), dims: [2, 3]) }
    var update = RelativisticUpdate(optimizerG: optimizerG, optimizerD: optimizerD)
    // Penalties cost as much as the rest: they are taken every few steps, and weigh so much more.
    if progress.picturesSeen / n % schedule.penaltyInterval == 0 { update.penalised = settings.penalised }
    update.penaltyWeight = schedule.gamma / 2 * Double(schedule.penaltyInterval)
    update.penaltyStep = settings.penaltyStep
    let (loss, margin, slope, sureness) = update(
      real: real, fake: fake, noise: &noise, augment: { augmented($0, &$1) },
      judge: { x, which in mixed { discriminator(x, kinds: marks(which)) } })
    if progress.picturesSeen / n % Self.averageSteps == 0 {
      average.follow(generator, decay: schedule.averageDecay(batch: n * Self.averageSteps, of: progress))
    }

    var readings = [
      Reading("loss", loss), Reading("margin", margin), Reading("size", Double(size)),
    ]
    if let slope { readings.append(Reading("slope", slope)) }
    if let strength {
      strength.follow(sureness, span: Self.adaptSpan * Double(max(progress.totalPictures, 1)))
      readings.append(Reading("augment", strength.probability))
    }
    return readings
  }

  private func augmented(_ x: Tensor, _ noise: inout Noise) -> Tensor {
    let p = strength?.probability ?? settings.augment
    guard p > 0 else { return x }
    if settings.changes == "light" { return LightAugment()(x, probability: p, noise: &noise) }
    return settings.pipe.map { $0(x, probability: p, noise: &noise) } ?? shift(x, probability: p, noise: &noise)
  }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

  public func latents(seeds: [UInt64]) -> Tensor { gaussianLatents(seeds: seeds, size: settings.latent) }

  /// In float32, whatever the precision of training. While a run is still at a smaller size, pictures are enlarged.
  public func decode(_ latents: Tensor) -> Tensor { decode(latents, truncation: 1) }

  /// Styles are drawn towards their mean (Karras et al. 2019, appendix B), of a thousand latents that are always the
  /// same; the latents themselves can't be, since only their direction counts.
  public func decode(_ latents: Tensor, truncation: Double) -> Tensor {
    decode(latents, kinds: choice.chosen(latents.size(0)), truncation: truncation)
  }

  public func sample(seeds: [UInt64]) -> Tensor {
    decode(latents(seeds: seeds), kinds: choice.kinds(of: seeds), truncation: 1)
  }

  public func choose(_ name: String?, guidance: Double) throws(RecipeError) {
    try choice.choose(name, guidance: guidance)
  }

  public var synthesizer: any Module { average.module }
  public var styleWeights: [Tensor] {
    let network = average.module
    return [network.base.weight] + network.stages.flatMap { $0.blocks.compactMap { $0.style?.weight } }
  }

  public func styles(_ latents: Tensor, truncation: Double) -> Tensor {
    withoutGradients {
      let network = average.module
      let w = network.styles(latents.to(device))
      let drawn = meanStyle(truncation).map { $0 + (w - $0) * truncation } ?? w
      let kinds = choice.chosen(latents.size(0))
      let asked = network.asked(
        drawn, classes.isEmpty ? nil : choice.marks(kinds, on: device), guidance: choice.guidance)
      return asked.unsqueezed(1).expanded([asked.size(0), network.layers, asked.size(1)])
    }
  }

  public func synthesize(_ styles: Tensor) -> Tensor {
    let size = average.module.trainedSize
    let made = average.module.pictures(of: styles, size: size)
    return size == settings.size ? made : average.module.enlarged(made, to: settings.size)
  }

  /// The mean style of a thousand latents that are always the same; nil where nothing is drawn to it.
  private func meanStyle(_ truncation: Double) -> Tensor? {
    guard truncation != 1 else { return nil }
    var noise = Noise(seed: 0)
    return average.module.styles(noise.normal([1000, settings.latent], on: device)).mean(dims: [0], keepDims: true)
  }

  private func decode(_ latents: Tensor, kinds: [Int], truncation: Double) -> Tensor {
    withoutGradients {
      let network = average.module, mean = meanStyle(truncation)
      // Classes go along as the last column, since batches are filled up.
      let columns = Tensor.concatenated([latents, Tensor(kinds.map(Float.init), shape: [kinds.count, 1])], dim: 1)
      return inEqualBatches(of: 16, columns) { rows in
        let size = network.trainedSize, numbers = settings.latent
        let w = network.styles(rows.narrowed(dim: 1, from: 0, count: numbers).to(device))
        let drawn = mean.map { $0 + (w - $0) * truncation } ?? w
        let marks =
          classes.isEmpty
          ? nil : choice.marks(rows.narrowed(dim: 1, from: numbers, count: 1).floats.map { Int($0) }, on: device)
        let steered = network.asked(drawn, marks, guidance: choice.guidance)
        let pictures = network.pictures(of: steered, size: size).to(.cpu)
        let whole = size == settings.size ? pictures : network.enlarged(pictures, to: settings.size)
        return straightened(clamp(whole, min: -1, max: 1)).contiguous()
      }
    }
  }
}
