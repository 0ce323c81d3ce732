import Networks
import Torch
import Training

/// A recipe whose discriminator looks through EfficientNet-Lite0.
public protocol Watched: Recipe {
  /// Called once before the first step; the network is on the recipe's device and has no gradients.
  func watch(through network: EfficientNetLite0)
}

/// A GAN whose discriminators see pictures through a network that was trained on photographs (Sauer et al. 2021): shapes
/// soon, from few pictures, without penalties.
///
/// The generator is dcgan's: batch normalisation is what keeps its pictures apart, since hinges don't. What that network sees is also what KID is measured by, which flatters: `measure --features
/// vgg16` doesn't.
public final class ProjectedRecipe: LatentRecipe, Watched {
  public struct Settings: RecipeSettings {
    public var size = 64
    public var channels = 3
    public var batch = 32
    public var latent = 128  // Numbers that a picture is made from.
    public var width = 48  // The generator's channels at half the picture's size; they double as it halves.
    public var seen = 128  // Side that pictures are brought to before they are looked at.
    public var mixed = [32, 64, 96, 128]  // Channels of the random mixtures, the largest map first.
    public var criticWidth = 96  // Channels of the discriminators.
    public var rate = 2e-4  // Adam's learning rate, of the generator.
    public var criticRate = 2e-4  // The discriminators'.
    public var augment = 1.0  // Probability of each differentiable augmentation.
    public var averageHalfLife = 5000.0  // Pictures after which half of the average is new.
    public var mirror = false  // See pictures mirrored, too.
    public var precision = "auto"  // auto, bfloat16 or float32.
    public init() {}
  }

  public static let name = "projected"
  public static let summary = "Judged through a trained network: shapes soon from few pictures."

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    if let preset { throw .unknownPreset(preset, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.seen = min(224, max(128, situation.size)) / 32 * 32
    // Few pictures are soon known by heart.
    settings.augment = situation.pictures < 2000 ? 1 : 0.5
    try check(settings)
    return settings
  }

  public let settings: Settings
  public let generator: DCGANGenerator
  public let mixing: RandomMixing
  public let discriminator: ProjectedDiscriminator
  public let average: MovingAverage<DCGANGenerator>
  let optimizerG: Adam, optimizerD: Adam
  private var eye: EfficientNetLite0?
  private let device: Device
  private let usesBFloat16: Bool
  private let augment = DiffAugment()

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try Self.check(settings)
    (self.settings, self.device) = (settings, device)
    usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    func make() -> DCGANGenerator {
      DCGANGenerator(
        latent: settings.latent, width: settings.width, size: settings.size, channels: settings.channels)
    }
    generator = make()
    mixing = RandomMixing(EfficientNetLite0.pyramidWidths, widths: settings.mixed)
    discriminator = ProjectedDiscriminator(
      widths: settings.mixed, sides: [4, 8, 16, 32].map { settings.seen / $0 }, width: settings.criticWidth)
    generator.initialize(&noise, as: .normal(0.02))
    mixing.initialize(&noise)
    discriminator.initialize(&noise)
    for network in [generator, mixing, discriminator] as [any Module] {
      network.move(to: device)
      network.useChannelsLast()
    }
    mixing.setRequiresGradient(false)
    average = MovingAverage(make(), of: generator)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: (0, 0.99))
    optimizerD = Adam(discriminator.parameters, rate: settings.criticRate, betas: (0, 0.99))
  }

  private static func check(_ settings: Settings) throws(RecipeError) {
    guard [32, 64, 128, 256].contains(settings.size) else {
      throw .impossibleSize(settings.size, recipe: name, reason: "use 32, 64, 128 or 256")
    }
    try expect(
      settings.mixed.count == 4 && settings.mixed.allSatisfy { $0 > 0 }, "mixed", settings.mixed,
      "give four numbers above 0")
    try expect(settings.seen >= 64 && settings.seen % 32 == 0, "seen", settings.seen, "use 64, 96, 128, … 224")
    // One picture alone has no batch statistics at 1 px.
    try expect(settings.batch > 1, "batch", settings.batch, "it must be 2 or more")
    try expect(settings.latent > 0 && settings.width > 0, "latent", settings.latent, "it must be 1 or more")
    try expect(settings.criticWidth > 0, "critic-width", settings.criticWidth, "it must be 1 or more")
    try expect((0...1).contains(settings.augment), "augment", settings.augment, "it must be in 0...1")
  }

  public func watch(through network: EfficientNetLite0) { eye = network }

  public var saved: [String: any Saved] {
    [
      "generator": generator, "generator.average": average, "mixing": mixing, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ]
  }
  public var published: [String: any Saved] { ["generator.average": average] }
  public var mirrors: Bool { settings.mirror }

  /// Updates the discriminators, then the generator, on the same pictures.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    guard let eye else { preconditionFailure("projected needs a network to look through: call watch first") }
    let real = alphaWeighted(batch.pictures), n = real.size(0)
    optimizerD.rate = settings.criticRate * progress.rateScale
    optimizerG.rate = settings.rate * progress.rateScale
    let z = noise.normal([n, settings.latent, 1, 1], on: device)
    let fake = mixed { generator(z) }
    let leaf = fake.detached().to(.float32).requiringGradient()
    let lossD = mixed {
      let (seen, made) = withoutGradients {
        (projected(real, by: eye, &noise), projected(leaf.detached(), by: eye, &noise))
      }
      return hingeLoss(real: discriminator(seen), fake: discriminator(made))
    }
    optimizerD.step(minimizing: lossD)
    let lossG = mixed { hingeLossOfGenerator(discriminator(projected(leaf, by: eye, &noise))) }
    let towards = gradients(of: lossG, withRespectTo: [leaf])[0]
    optimizerG.step(gradients(of: fake, withRespectTo: optimizerG.parameters, seed: towards.to(fake.dtype)))
    average.follow(
      generator,
      decay: decay(halfLife: settings.averageHalfLife, batch: n, picturesSeen: progress.picturesSeen))
    return [Reading("discriminator", lossD), Reading("generator", lossG)]
  }

  /// Mixtures of what the trained network sees, the largest map first.
  func projected(_ pictures: Tensor, by eye: EfficientNetLite0, _ noise: inout Noise) -> [Tensor] {
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
    if x.size(3) != settings.seen { x = interpolate(x, size: [settings.seen, settings.seen], mode: .bilinear) }
    return mixing(eye.pyramid(x.channelsLast()))
  }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

  public func latents(seeds: [UInt64]) -> Tensor { gaussianLatents(seeds: seeds, size: settings.latent) }
  /// In float32, whatever the precision of training.
  public func decode(_ latents: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, latents) { rows in
        let z = rows.to(device).reshaped([-1, settings.latent, 1, 1]).channelsLast()
        return straightened(average.module(z).to(.cpu)).contiguous()
      }
    }
  }
}
