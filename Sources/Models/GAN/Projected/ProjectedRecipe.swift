import Networks
import Torch
import Training

/// A GAN whose discriminators see pictures through a network that was trained on photographs (Sauer et al. 2021): shapes
/// soon, from few pictures and many, without penalties.
///
/// What that network sees is also what KID is measured by, which flatters: `measure --features vgg16` doesn't.
public final class ProjectedRecipe: TraitRecipe {
  public struct Settings: TraitSettings {
    public var size: PictureSize = 64
    public var channels = 3
    public var batch = 8
    public var latent = 128
    public var width = 16
    public var seen = 128
    public var mixed = [32, 64, 96, 128]
    public var discriminatorWidth = 96
    public var rate = 6e-4
    public var rateHold = 0.6
    public var augment = 0.6
    public var averageHalfLife = 2000.0
    public var mirror = false
    public var seamless = false
    public var conditional = true
    public var traits = 0
    public var pictures = 0
    public var classes: [String] = []
    public var classCounts: [Int] = []
    public var precision = "auto"
    public init() {}
    public static let grids: DoubledGrid? = DoubledGrid(sides: 32...256)
    public static let formerNames = ["criticWidth": "discriminatorWidth"]
    public static let shaping: Set = ["discriminatorWidth", "latent", "traits", "width"]
    public static let notes = [
      "batch": "Pictures per update; small batches learn more in the same time; 2 or more.",
      "latent": "Size of the latent vector: 1 or more.",
      "width": "The generator's channels at the picture's size; they double as it halves, up to 8 times.",
      "seen": "Size at which the pretrained network sees pictures: 64, 96, 128, … 224; of other shapes as many pixels.",
      "mixed": "Channels of the random projections, the largest feature map first: four numbers above 0.",
      "discriminatorWidth": "Channels of the discriminators: 1 or more.",
      "rate": "Adam's learning rate, for both networks.",
      "rateHold": "Fraction of the run after which the rate falls to a twentieth: 0 or more and below 1.",
      "augment": "Probability of each augmentation before the discriminator: 0 to 1.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "mirror": "Also train on mirrored pictures.",
      "seamless": "Tileable pictures: opposite edges match.",
      "conditional": "Class-conditional: learn the folders as classes, when there are two or more.",
      "traits":
        "Numbers of what the pretrained network sees that tell both networks what a picture is like; 0 for none.",
      "pictures": "Pictures whose traits are kept: those of the set.",
      "classes": "Names of the classes: the folders.",
      "classCounts": "Pictures in each class.",
      "precision": "auto, bfloat16 or float32.",
    ]

    /// The generator's first features, and how often they are doubled.
    var grid: (least: PictureSize, doublings: Int) { Self.grids!.grid(of: size)! }
    /// What the pretrained network is given: pictures of about this shape and of `seen`² pixels, the sides multiples of
    /// 32, which its smallest map is a 32nd of.
    var seenSize: PictureSize {
      let stretch = size.aspect.squareRoot()
      func side(_ pixels: Double) -> Int { max(2, Int((pixels / 32).rounded())) * 32 }
      return PictureSize(side(Double(seen) * stretch), side(Double(seen) / stretch))
    }
  }

  public static let name = "projected"
  public static let use = Use.pictures
  public static let remark = "Its discriminator uses a network that was pretrained on photographs."
  private static let efficientNet = Pretrained("efficientnet-lite0")
  public static func needs(_ settings: Settings) -> [Pretrained] { [efficientNet] }
  /// Of 100 paintings and of 3,926 drawings it makes more in minutes than the others in an hour, and no copies.
  public static func preference(for situation: Situation) -> Int {
    Settings.grids!.grid(of: situation.size) != nil ? 2 : 0
  }
  /// At 128 px a step costs twice as much as at 64, and what comes out is worth it after some ten minutes on a core.
  public static func usualSide(of typical: Int, in situation: Situation) -> Int {
    side(from: [(256, 60_000), (128, 12_000)], of: typical, in: situation) ?? 64
  }
  public static let summary =
    "A projected GAN (a pretrained network in the discriminator), for photographs and paintings: the default."

  /// What it looks through sees all sizes up to 128 px at that.
  public static func gigaflopsAPicture(in situation: Situation) -> Double? {
    3.9 + 1.1 * Double(situation.size.pixels) / 4096
  }

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    if let preset { throw .unknownPreset(preset, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.seen = min(224, max(128, Int(situation.size.meanSide))) / 32 * 32
    // Few pictures are soon known by heart.
    settings.augment = situation.pictures < 2000 ? 0.6 : 0.3
    settings.mirror = situation.pictures < 200
    if let found = situation.classes { (settings.classes, settings.classCounts) = (found.names, found.counts) }
    settings.chooseTraits(for: situation)
    try check(settings)
    return settings
  }

  public let model: ProjectedModel
  public let generator: FastGenerator
  public let mixing: RandomMixing
  public let discriminator: ProjectedDiscriminator
  public let average: MovingAverage<FastGenerator>
  let optimizerG: Adam, optimizerD: Adam
  private var perceptualNetwork: EfficientNetPyramid?
  private let device: Device
  private let mixed: Precision
  private let augment = LightAugment()

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try ProjectedModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    mixing = RandomMixing(EfficientNetPyramid.widths, widths: settings.mixed)
    discriminator = ProjectedDiscriminator(
      widths: settings.mixed, sizes: EfficientNetPyramid.strides.map { settings.seenSize / $0 },
      width: settings.discriminatorWidth, classes: model.settings.kinds)
    generator.prepared(&noise, as: .normal(0.02), on: device)
    mixing.prepared(&noise, on: device)
    discriminator.prepared(&noise, on: device)
    mixing.setRequiresGradient(false)
    average = MovingAverage(model.generator.module, of: generator)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: (0, 0.99))
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: (0, 0.99))
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try Settings.grids!.expect(settings.size, recipe: name)
    try expect(
      settings.mixed.count == 4 && settings.mixed.allSatisfy { $0 > 0 }, "mixed", settings.mixed,
      "give four numbers above 0")
    try expect(settings.seen >= 64 && settings.seen % 32 == 0, "seen", settings.seen, "use 64, 96, 128, … 224")
    // One picture alone has no batch statistics at 1 px.
    try expect(settings.batch > 1, "batch", settings.batch, "it must be 2 or more")
    try expect(
      settings.latent > 0 && settings.width > 0, "latent", settings.latent,
      "it must be 1 or more")
    try expect(
      settings.discriminatorWidth > 0, "discriminator-width", settings.discriminatorWidth, "it must be 1 or more")
    try expect(
      settings.classes.count == settings.classCounts.count, "classes", settings.classes, "give as many class-counts")
    try settings.checkTraits()
    try expect((0..<1).contains(settings.rateHold), "rate-hold", settings.rateHold, "it must be 0 or more and below 1")
    try expect((0...1).contains(settings.augment), "augment", settings.augment, "it must be in 0...1")
  }

  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {
    let network = EfficientNetLite0()
    try network.load(weights)
    network.move(to: device)
    perceptualNetwork = EfficientNetPyramid(network)
  }

  public var saved: [String: any Saved] {
    model.parts([
      "generator": generator, "generator.average": average, "mixing": mixing, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ])
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }

  /// Updates the discriminators, then the generator, on the same pictures.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    guard let perceptualNetwork else { preconditionFailure("projected needs a network to look through: take it first") }
    let real = alphaWeighted(batch.pictures), n = real.size(0)
    let fall = Schedule.cosine(from: 1, to: 0.05, during: settings.rateHold...1)(progress.fraction)
    optimizerD.rate = settings.rate * fall * progress.rateScale
    optimizerG.rate = settings.rate * fall * progress.rateScale
    let z = noise.normal([n, settings.latent], on: device)
    let kinds = model.told(batch, noise: &noise, on: device)
    var fake = mixed { generator(z, classes: kinds) }
    // A seam must be nowhere in particular.
    if settings.seamless { fake = fake.rolled(by: settings.size.place(&noise), dims: [2, 3]) }
    let leaf = fake.detached().to(.float32).requiringGradient()
    // Generated pictures are looked at once, for both updates.
    let made = mixed { projected(leaf, by: perceptualNetwork, &noise) }
    let lossD = mixed {
      let seen = withoutGradients { projected(real, by: perceptualNetwork, &noise) }
      return hingeLoss(
        real: discriminator(seen, classes: kinds), fake: discriminator(made.map { $0.detached() }, classes: kinds))
    }
    optimizerD.step(minimizing: lossD)
    let lossG = mixed { hingeLossOfGenerator(discriminator(made, classes: kinds)) }
    let towards = gradients(of: lossG, withRespectTo: [leaf])[0]
    optimizerG.step(gradients(of: fake, withRespectTo: optimizerG.parameters, seed: towards.to(fake.dtype)))
    average.follow(
      generator,
      decay: decay(halfLife: settings.averageHalfLife, batch: settings.batch, picturesSeen: progress.picturesSeen))
    return [Reading("discriminator", lossD), Reading("generator", lossG)]
  }

  /// Mixtures of what the trained network sees, the largest map first.
  func projected(_ pictures: Tensor, by perceptualNetwork: EfficientNetPyramid, _ noise: inout Noise) -> [Tensor] {
    var x = pictures.to(.float32)
    if settings.augment > 0 { x = augment(x, probability: settings.augment, noise: &noise) }
    switch x.size(1) {
    case 1: x = x.expanded([x.size(0), 3, x.size(2), x.size(3)])
    case 4:
      // On a grey of its own each picture, or what is transparent could be any colour.
      let alpha = x.narrowed(dim: 1, from: 3, count: 1) * 0.5 + 0.5
      let ground = noise.uniform([x.size(0), 1, 1, 1], from: -1, to: 1, on: device)
      x = x.narrowed(dim: 1, from: 0, count: 3) + (ground + 1) * (1 - alpha)
    default: break
    }
    if PictureSize(of: x) != settings.seenSize { x = interpolate(x, size: settings.seenSize.shape, mode: .bilinear) }
    return mixing(perceptualNetwork(x.channelsLast()))
  }
}
