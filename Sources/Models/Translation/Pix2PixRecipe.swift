import Networks
import Torch
import Training

/// From one set to another whose pictures belong together by name: drawings and what was made of them, say (Isola et
/// al. 2017).
public final class Pix2PixRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 72
    public var channels = 3
    public var batch = 1
    public var window = 64
    public var depth = 6
    public var width = 32
    public var discriminatorWidth = 32
    public var discriminatorLayers = 3
    public var distance = 100.0
    public var rate = 2e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var rateHold = 0.5
    public var averageHalfLife = 500.0
    public var mirror = true
    public var precision = "auto"
    public init() {}
    public static let formerNames = ["criticWidth": "discriminatorWidth", "criticLayers": "discriminatorLayers"]
    public static let shaping: Set = ["depth", "discriminatorLayers", "discriminatorWidth", "width"]
    public static let notes = [
      "channels": "1 for grey, 3 for colour; transparency is kept when restyling.",
      "batch": "Pictures per update: 1 or more.",
      "window": "Side of the random crops in training, in pixels.",
      "depth": "Downsamplings of the generator (U-Net), to 1 pixel or more: 4 to 9.",
      "width": "The generator's channels at half of the size: 1 or more.",
      "discriminatorWidth": "The discriminator's channels: 1 or more.",
      "discriminatorLayers":
        "The discriminator's downsamplings (PatchGAN): 3 for patches of 70 pixels, 2 for 34; 1, 2 or 3.",
      "distance": "Weight of the L1 distance to the target picture.",
      "rate": "Adam's learning rate.",
      "beta1": "Adam's β₁.",
      "rateHold": "Fraction of the run after which the rate falls to 0.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "mirror": "Also train on mirrored pairs.",
      "precision": "auto, bfloat16 or float32.",
    ]
  }

  public static let name = "pix2pix"
  public static let summary = "Paired image-to-image translation, such as sketches to pictures, by file names."
  public static let use = Use.translation
  public static let material = Material.sets(.paired)
  public static let presets = [
    (name: "small", summary: "narrow networks, for a few cores"),
    (name: "large", summary: "the paper's networks, for a GPU; use --size 286"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    // The generator halves down to one pixel: a power of two.
    let most = max(32, situation.side * 256 / 286)
    settings.depth = min(8, Int.bitWidth - 1 - most.leadingZeroBitCount)
    settings.window = 1 << settings.depth
    switch preset {
    case nil where situation.device.isCPU, "small": break
    case nil, "large": (settings.width, settings.discriminatorWidth) = (64, 64)
    case let other?: throw .unknownPreset(other, recipe: name, known: presets.map(\.name))
    }
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(60) }

  public let model: Pix2PixModel
  public let generator: UnetGenerator, discriminator: PatchDiscriminator
  public let average: MovingAverage<UnetGenerator>
  let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try Pix2PixModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    // It sees both pictures of a pair, one upon the other.
    discriminator = PatchDiscriminator(
      channels: 2 * settings.channels, width: settings.discriminatorWidth, layers: settings.discriminatorLayers)
    Transfer.prepare(generator, &noise, on: device, mixed: mixed.isBFloat16)
    Transfer.prepare(discriminator, &noise, on: device, mixed: mixed.isBFloat16)
    average = MovingAverage(model.generator.module, of: generator)
    let betas = (settings.beta1, settings.beta2)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: betas)
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try expect((4...9).contains(settings.depth), "depth", settings.depth, "use 4 to 9")
    try Transfer.expectSquares(
      size: settings.side, window: settings.window, channels: settings.channels, batch: settings.batch,
      multiple: 1 << settings.depth, recipe: name)
    try Transfer.expectNetworks(
      width: settings.width, blocks: 1, discriminatorWidth: settings.discriminatorWidth,
      discriminatorLayers: settings.discriminatorLayers, zoom: 1)
  }

  public var saved: [String: any Saved] {
    [
      "generator": generator, "generator.average": average, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ]
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }

  /// Updates the discriminator, then the generator (Isola et al. 2017, equation 4).
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    for optimizer in [optimizerG, optimizerD] {
      optimizer.rate = Transfer.decayed(settings.rate, after: settings.rateHold, at: progress)
    }
    let pair = Transfer.squares(batch.pictures, with: [batch.targets!], side: settings.window, noise: &noise)
      .map { $0.laidOut(on: device, mixed: mixed.isBFloat16) }
    let (a, b) = (pair[0], pair[1])
    generator.reseed(&noise)

    let (made, lossD) = mixed {
      let made = generator(a)
      return (made, (lossOfReal(judge(a, b)) + lossOfFake(judge(a, made.detached()))) * 0.5)
    }
    optimizerD.step(minimizing: lossD)
    let (adversarial, distance) = mixed { (lossOfGenerator(judge(a, made)), meanAbsoluteError(made, b)) }
    optimizerG.step(minimizing: adversarial + distance * settings.distance)
    average.follow(
      generator,
      decay: decay(
        halfLife: settings.averageHalfLife, batch: a.size(0), picturesSeen: progress.picturesSeen, ramp: 0.2))
    return [Reading("generator", adversarial), Reading("discriminator", lossD), Reading("distance", distance)]
  }

  private func judge(_ a: Tensor, _ b: Tensor) -> Tensor {
    discriminator(Tensor.concatenated([a, b.to(a.dtype)], dim: 1))
  }

  /// The input, the output and the target.
  public func examples(_ first: Tensor, _ second: Tensor) -> [Tensor] {
    [first, Transfer.carriedEach(first, by: average.module, on: device), second]
  }

  public func rows(of shown: Shown) -> [Tensor] {
    let (first, second) = shown.both
    return examples(first, second)
  }
}
