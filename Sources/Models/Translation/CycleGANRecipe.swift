import Networks
import Torch
import Training

/// Two generators that undo each other, learned from two sets whose pictures don't belong together (Zhu et al. 2017).
public final class CycleGANRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 96
    public var channels = 3
    public var batch = 1
    public var window = 84
    public var zoom = 1.0
    public var width = 32
    public var blocks = 6
    public var discriminatorWidth = 32
    public var discriminatorLayers = 3
    public var smooth = false
    public var cycle = 10.0
    public var identity = 0.5
    public var pool = 50
    public var rate = 2e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var rateHold = 0.5
    public var augment = 0.0
    public var averageHalfLife = 500.0
    public var mirror = true
    public var precision = "auto"
    public init() {}
    public static let formerNames = ["criticWidth": "discriminatorWidth", "criticLayers": "discriminatorLayers"]
    public static let shaping: Set = ["blocks", "discriminatorLayers", "discriminatorWidth", "smooth", "width"]
    public static let notes = [
      "channels": "1 for grey, 3 for colour; transparency is kept when restyling.",
      "batch": "Pictures per update: 1 or more.",
      "window": "Side of the random crops in training, in pixels.",
      "zoom": "Random zoom: how much larger a crop may be before it is resized to the window; 1 or more.",
      "width": "The generators' channels at full size: 1 or more.",
      "blocks": "The generators' residual blocks: 1 or more.",
      "discriminatorWidth": "The discriminators' channels: 1 or more.",
      "discriminatorLayers":
        "The discriminators' downsamplings (PatchGAN): 3 for patches of 70 pixels, 2 for 34; 1, 2 or 3.",
      "smooth": "Antialiased down- and upsampling.",
      "cycle": "Weight of the cycle-consistency loss.",
      "identity": "Weight of the identity loss, over cycle; 0 saves a third of the time.",
      "pool": "Size of the pool of earlier generated pictures for the discriminators: 0 or more.",
      "rate": "Adam's learning rate.",
      "beta1": "Adam's β₁.",
      "rateHold": "Fraction of the run after which the rate falls to 0.",
      "augment": "Probability of each differentiable augmentation.",
      "averageHalfLife": "Half-life of the moving averages, in pictures.",
      "mirror": "Also train on mirrored pictures.",
      "precision": "auto, bfloat16 or float32.",
    ]

    var shape: ResnetShape { ResnetShape(channels: channels, width: width, blocks: blocks, isSmooth: smooth) }
  }

  public static let name = "cyclegan"
  public static let summary = "Unpaired image-to-image translation, both ways, such as photographs and paintings."
  public static let use = Use.translation
  public static let material = Material.sets(.unpaired)
  public static let presets = [
    (name: "small", summary: "narrow networks, for a few cores"),
    (name: "large", summary: "the paper's networks, for a GPU; use --size 286"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.window = Transfer.window(of: situation.side)
    switch preset {
    case nil where situation.device.isCPU, "small": break
    case nil, "large":
      (settings.width, settings.blocks, settings.discriminatorWidth) = (64, situation.side < 200 ? 6 : 9, 64)
    case let other?: throw .unknownPreset(other, recipe: name, known: presets.map(\.name))
    }
    settings.augment = Transfer.augmentation(for: min(situation.pictures, situation.targets))
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(60) }

  public let model: CycleGANModel
  /// From the first set to the second, and back.
  public let there: Direction, back: Direction
  let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision
  private let augment = DiffAugment(cutout: 0.25)

  /// One of the two directions.
  public final class Direction {
    public let generator: ResnetGenerator
    public let average: MovingAverage<ResnetGenerator>
    /// Judges the pictures that this direction makes.
    public let discriminator: PatchDiscriminator
    let pool: PicturePool

    /// - Parameter averaged: the model's network, which becomes the average.
    init(
      _ settings: Settings, _ averaged: ResnetGenerator, _ noise: inout Noise, on device: Device, mixed: Bool
    ) {
      generator = ResnetGenerator(settings.shape)
      discriminator = PatchDiscriminator(
        channels: settings.channels, width: settings.discriminatorWidth, layers: settings.discriminatorLayers,
        isSmooth: settings.smooth)
      Transfer.prepare(generator, &noise, on: device, mixed: mixed)
      Transfer.prepare(discriminator, &noise, on: device, mixed: mixed)
      average = MovingAverage(averaged, of: generator)
      pool = PicturePool(capacity: settings.pool, channels: settings.channels, size: settings.window)
      pool.move(to: device)
    }

    func saved(_ suffix: String) -> [String: any Saved] {
      [
        "generator" + suffix: generator, "generator\(suffix).average": average,
        "discriminator" + suffix: discriminator, "pool" + suffix: pool,
      ]
    }
  }

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try CycleGANModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    let isHalf = mixed.isBFloat16
    there = Direction(settings, model.there.module, &noise, on: device, mixed: isHalf)
    back = Direction(settings, model.back.module, &noise, on: device, mixed: isHalf)
    let betas = (settings.beta1, settings.beta2)
    optimizerG = Adam(there.generator.parameters + back.generator.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(
      there.discriminator.parameters + back.discriminator.parameters, rate: settings.rate, betas: betas)
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try Transfer.expectSquares(
      size: settings.side, window: settings.window, channels: settings.channels, batch: settings.batch, recipe: name)
    try Transfer.expectNetworks(
      width: settings.width, blocks: settings.blocks, discriminatorWidth: settings.discriminatorWidth,
      discriminatorLayers: settings.discriminatorLayers, zoom: settings.zoom)
    try expect(settings.pool >= 0, "pool", settings.pool, "it must be 0 or more")
  }

  public var saved: [String: any Saved] {
    var saved = there.saved("").merging(back.saved(".back")) { first, _ in first }
    (saved["optimizer.generators"], saved["optimizer.discriminators"]) = (optimizerG, optimizerD)
    return saved
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }

  /// Updates both generators, then both discriminators (Zhu et al. 2017, equation 3, with least squares).
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    for optimizer in [optimizerG, optimizerD] {
      optimizer.rate = Transfer.decayed(settings.rate, after: settings.rateHold, at: progress)
    }
    func squares(_ x: Tensor) -> Tensor {
      Transfer.squares(x, side: settings.window, zoom: settings.zoom, noise: &noise)[0]
        .laidOut(on: device, mixed: mixed.isBFloat16)
    }
    let (a, b) = (squares(batch.pictures), squares(batch.targets!))

    let (madeB, madeA, adversarial, cycle, identity) = mixed {
      let (madeB, madeA) = (there.generator(a), back.generator(b))
      let cycle = cycleLoss(a, back.generator(madeB)) + cycleLoss(b, there.generator(madeA))
      let identity =
        settings.identity > 0 ? identityLoss(b, there.generator(b)) + identityLoss(a, back.generator(a)) : nil
      let adversarial =
        leastSquaresLoss(judge(madeB, there, &noise), toward: 1)
        + leastSquaresLoss(judge(madeA, back, &noise), toward: 1)
      return (madeB, madeA, adversarial, cycle, identity)
    }
    var loss = adversarial + cycle * settings.cycle
    if let identity { loss = loss + identity * (settings.cycle * settings.identity) }
    optimizerG.step(minimizing: loss)

    let lossD = mixed {
      var loss: Tensor?
      for (direction, real, made) in [(there, b, madeB), (back, a, madeA)] {
        let seen = direction.pool.exchanged(made.detached().to(.float32), noise: &noise)
        let part =
          (leastSquaresLoss(judge(real, direction, &noise), toward: 1)
            + leastSquaresLoss(judge(seen, direction, &noise), toward: 0)) * 0.5
        loss = loss.map { $0 + part } ?? part
      }
      return loss!
    }
    optimizerD.step(minimizing: lossD)
    for direction in [there, back] {
      direction.average.follow(
        direction.generator,
        decay: decay(
          halfLife: settings.averageHalfLife, batch: a.size(0), picturesSeen: progress.picturesSeen, ramp: 0.2))
    }
    var readings = [
      Reading("generators", adversarial), Reading("discriminators", lossD), Reading("cycle", cycle),
    ]
    if let identity { readings.append(Reading("identity", identity)) }
    return readings
  }

  private func judge(_ x: Tensor, _ direction: Direction, _ noise: inout Noise) -> Tensor {
    direction.discriminator(settings.augment > 0 ? augment(x, probability: settings.augment, noise: &noise) : x)
  }

  /// A, A to B, and back to A; B, B to A, and back to B.
  public func examples(_ first: Tensor, _ second: Tensor) -> [Tensor] {
    func carried(_ x: Tensor, _ direction: Direction) -> Tensor {
      Transfer.carriedEach(x, by: direction.average.module, on: device)
    }
    let (b, a) = (carried(first, there), carried(second, back))
    return [first, b, carried(b, back), second, a, carried(a, there)]
  }

  public func rows(of shown: Shown) -> [Tensor] {
    let (first, second) = shown.both
    return examples(first, second)
  }
}
