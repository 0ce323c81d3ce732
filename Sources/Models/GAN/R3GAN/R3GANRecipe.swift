import Networks
import Torch
import Training

/// A modern GAN without tricks (Huang et al. 2024): relativistic pairing, gradient penalties on real and generated
/// pictures, residual networks without normalisation; laid out for the minutes that an artist has.
///
/// Sizes grow during the run (Karras et al. 2018), so most pictures are seen where they cost little. One pass backward
/// through the discriminator serves both updates (`generatorGradient`), and the penalties are taken now and then.
public final class R3GANRecipe: TraitRecipe {
  public static let name = "r3gan"
  public static let use = Use.pictures
  /// Of drawings with flat parts it makes what can be named, where `projected` makes shapes (docs/experiments/recipes.md).
  public static func preference(for situation: Situation) -> Int {
    situation.areDrawn && situation.pictures >= leastDrawn ? 3 : 1
  }
  /// Fewer it would learn by heart.
  private static let leastDrawn = 100
  public static func usualSide(of typical: Int, in situation: Situation) -> Int {
    side(from: [(128, 200_000)], of: typical, in: situation) ?? 64
  }
  public static let summary = "A modern GAN with progressive growing: clean shapes and surfaces; fast."
  public static func gigaflopsAPicture(in situation: Situation) -> Double? {
    Settings.gigaflopsAPicture(of: situation.size)
  }

  public let model: R3GANModel
  public let generator: R3GANGenerator, discriminator: R3GANDiscriminator
  public let average: MovingAverage<R3GANGenerator>
  private let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision
  /// Steps between two moves of the average, which reads and writes all weights.
  private static let averageSteps = 4
  /// The part of a run in which the probability of changes can go from 0 to 1.
  private static let adaptSpan = 0.25
  private let shift = DiffAugment(colour: false, translation: 0.125, cutout: 0, mirrorsEdges: true)
  /// How likely changes are, where that is steered.
  private let strength: AugmentStrength?

  public static let presets = [
    (name: "small", summary: "one block a size, ungrouped convolutions, for a few cores"),
    (name: "large", summary: "twice as wide and deep, for a GPU"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> R3GANSettings {
    try R3GANSettings(for: situation, preset: preset)
  }

  public init(_ settings: R3GANSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try R3GANModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    discriminator = R3GANDiscriminator(
      widths: settings.discriminatorWidths, blocks: settings.discriminatorBlocks, stem: settings.discriminatorStem,
      channels: settings.channels, classes: model.settings.kinds, least: settings.least)
    generator.prepared(&noise, as: .fanIn(gain: 1), on: device)
    discriminator.prepared(&noise, as: .fanIn(gain: 1), on: device)
    average = MovingAverage(model.generator.module, of: generator)
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
    return model.parts(parts)
  }
  /// How few the new pictures are says how strongly they are augmented.
  public var inherited: [String: any Saved] {
    saved.filter { $0.value is any Module || $0.value is MovingAverage<R3GANGenerator> }
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }

  /// Updates both networks once, with the same pictures.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let schedule = settings.schedule(at: progress)
    let size = schedule.size
    if generator.trainedSize != size { generator.trainedSize = size }
    (optimizerG.rate, optimizerD.rate) = (schedule.rate * settings.pace, schedule.rate)
    let whole = alphaWeighted(batch.pictures)
    let real = size == settings.size ? whole : interpolate(whole, size: size.shape, mode: .area)
    let n = real.size(0)

    let z = noise.normal([n, settings.latent], on: device)
    let kinds = model.told(batch, noise: &noise, on: device)
    func own(_ which: [Int]) -> Tensor? {
      kinds?.indexSelected(dim: 0, indices: Tensor(which.map { $0 % n }).to(device))
    }
    var fake = mixed { generator(z, size: size, classes: kinds) }
    // A seam must be nowhere in particular.
    if settings.seamless { fake = fake.rolled(by: size.place(&noise), dims: [2, 3]) }
    var update = RelativisticUpdate(optimizerG: optimizerG, optimizerD: optimizerD)
    // Penalties cost as much as the rest: they are taken every few steps, and weigh so much more.
    if progress.picturesSeen / settings.batch % schedule.penaltyInterval == 0 { update.penalised = settings.penalised }
    update.penaltyWeight = schedule.gamma / 2 * Double(schedule.penaltyInterval)
    update.penaltyStep = settings.penaltyStep
    // Others differ by more than by being generated.
    update.isPaired = model.table != nil
    let (loss, margin, slope, confidence) = update(
      real: real, fake: fake, noise: &noise, augment: { augmented($0, &$1) },
      judge: { x, which in mixed { discriminator(x, classes: own(which)) } })
    if progress.picturesSeen / settings.batch % Self.averageSteps == 0 {
      average.follow(generator, decay: schedule.averageDecay(batch: settings.batch * Self.averageSteps, of: progress))
    }

    var readings = [
      Reading("loss", loss), Reading("margin", margin), Reading("size", Double(size.width)),
    ]
    if let slope { readings.append(Reading("slope", slope)) }
    if let strength {
      strength.follow(confidence, span: Self.adaptSpan * Double(max(progress.totalPictures, 1)))
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
}
