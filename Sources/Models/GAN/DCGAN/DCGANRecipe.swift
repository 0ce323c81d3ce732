import Networks
import Torch
import Training

/// The deep convolutional GAN (Radford et al. 2015): shapes soon, under some grain.
public final class DCGANRecipe: TraitRecipe {
  public struct Settings: TraitSettings {
    public var size: PictureSize = 64
    public var channels = 3
    public var batch = 64
    public var latent = 128
    public var width = 32
    public var widths: [Int] = []
    public var rate = 2e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var smoothing = 0.0
    public var augment = 0.0
    public var averageHalfLife = 10_000.0
    public var mirror = false
    public var seamless = false
    public var conditional = true
    public var traits = 0
    public var pictures = 0
    public var classes: [String] = []
    public var classCounts: [Int] = []
    public var precision = "auto"
    public init() {}
    public static let shaping: Set = ["latent", "traits", "width", "widths"]
    public static let notes = [
      "batch": "Pictures per update: 2 or more.",
      "latent": "Size of the latent vector: 1 or more.",
      "width": "Channels at half the picture's size; they double as it halves; 1 or more.",
      "widths": "The generator's channels at 4, 8, 16, … px in place of that; empty for none.",
      "rate": "Adam's learning rate, for both networks.",
      "beta1": "Adam's β₁.",
      "smoothing": "Label smoothing: the target for real pictures is 1 - smoothing.",
      "augment": "Probability of each differentiable augmentation.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "mirror": "Also train on mirrored pictures.",
      "seamless": "Tileable pictures: opposite edges match.",
      "conditional": "Class-conditional: learn the folders as classes, when there are two or more.",
      "traits": "Numbers of what a pretrained network sees that tell both networks what a picture is like; 0 for none.",
      "pictures": "Pictures whose traits are kept: those of the set.",
      "classes": "Names of the classes: the folders.",
      "classCounts": "Pictures in each class.",
      "precision": "auto, bfloat16 or float32.",
    ]
  }

  public static let name = "dcgan"
  public static let use = Use.pictures
  public static let summary = "A small convolutional GAN: recognisable shapes soon, with some grain."
  public static func gigaflopsAPicture(in situation: Situation) -> Double? {
    0.65 * Double(situation.side * situation.side) / 4096
  }
  public static let presets = [
    (name: "small", summary: "width 32, for a few cores"), (name: "large", summary: "width 64, for a GPU"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    switch preset {
    case nil: settings.width = situation.device.isCPU && situation.gigaflops < 1000 ? 32 : 64
    case "small": settings.width = 32
    case "large": settings.width = 64
    case let other?: throw .unknownPreset(other, recipe: name, known: presets.map(\.name))
    }
    // Few pictures are soon known by heart.
    settings.augment = situation.pictures < 500 ? 1 : situation.pictures < 2000 ? 0.5 : 0
    if let found = situation.classes { (settings.classes, settings.classCounts) = (found.names, found.counts) }
    settings.chooseTraits(for: situation)
    try check(settings)
    return settings
  }

  public let model: DCGANModel
  public let generator: DCGANGenerator, discriminator: DCGANDiscriminator
  public let average: MovingAverage<DCGANGenerator>
  let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision
  private let augment = DiffAugment()

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try DCGANModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    discriminator = DCGANDiscriminator(
      width: settings.width, size: settings.side, channels: settings.channels,
      classes: model.settings.kinds)
    generator.prepared(&noise, as: .normal(0.02), on: device)
    discriminator.prepared(&noise, as: .normal(0.02), on: device)
    average = MovingAverage(model.generator.module, of: generator)
    let betas = (settings.beta1, settings.beta2)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: betas)
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    guard [32, 64, 128, 256].contains(settings.side) else {
      throw .impossibleSize(settings.size, recipe: name, reason: "use 32, 64, 128 or 256")
    }
    // One picture alone has no batch statistics at 1 px.
    try expect(settings.batch > 1, "batch", settings.batch, "it must be 2 or more")
    try expect(settings.latent > 0, "latent", settings.latent, "it must be 1 or more")
    try expect(settings.width > 0, "width", settings.width, "it must be 1 or more")
    let count = settings.side.trailingZeroBitCount - 2
    try expect(
      settings.widths.isEmpty || settings.widths.count == count && settings.widths.allSatisfy { $0 > 0 }, "widths",
      settings.widths, "give \(count) numbers above 0, or none")
    try settings.checkTraits()
    try expect(
      settings.classes.count == settings.classCounts.count, "classes", settings.classes, "give as many class-counts")
  }

  public var saved: [String: any Saved] {
    model.parts([
      "generator": generator, "generator.average": average, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ])
  }
  public var mirrors: Bool { settings.mirror }

  /// Updates the discriminator, then the generator, on the same fakes.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let n = batch.pictures.size(0)
    optimizerD.rate = settings.rate * progress.rateScale
    optimizerG.rate = settings.rate * progress.rateScale
    let z = noise.normal([n, settings.latent, 1, 1], on: device)
    let kinds = model.told(batch, noise: &noise, on: device)
    // The discriminator's batch statistics are of real or of generated pictures, never of both.
    let (fake, lossD) = mixed {
      var fake = generator(z, classes: kinds)
      // A seam must be nowhere in particular.
      if settings.seamless { fake = fake.rolled(by: noise.integers(below: settings.side, count: 2), dims: [2, 3]) }
      let real = judge(alphaWeighted(batch.pictures), kinds, &noise), false_ = judge(fake.detached(), kinds, &noise)
      return (fake, lossOfReal(real, smoothing: settings.smoothing) + lossOfFake(false_))
    }
    optimizerD.step(minimizing: lossD)
    let lossG = mixed { lossOfGenerator(judge(fake, kinds, &noise)) }
    optimizerG.step(minimizing: lossG)
    average.follow(
      generator,
      decay: decay(halfLife: settings.averageHalfLife, batch: settings.batch, picturesSeen: progress.picturesSeen))
    return [Reading("discriminator", lossD), Reading("generator", lossG)]
  }

  /// Float32 logits of pictures, augmented when the settings say so.
  private func judge(_ x: Tensor, _ kinds: Tensor?, _ noise: inout Noise) -> Tensor {
    let seen = settings.augment > 0 ? augment(x, probability: settings.augment, noise: &noise) : x
    return discriminator(seen, classes: kinds).to(.float32)
  }
}
