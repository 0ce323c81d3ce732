import Networks
import Torch
import Training

/// The generative adversarial network at its simplest (Goodfellow et al. 2014): dense layers only.
///
/// The generator is 784-784-784 wide with tanh, the discriminator 784-1 with a sigmoid at its end; Adam and binary
/// cross-entropy, 100 latents, 32 pictures a step, 50 epochs, small grey pictures. With its settings digits are
/// recognised.
public final class DenseRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 28
    public var channels = 1
    public var batch = 32
    public var latent = 100
    public var widths: [Int] = []
    public var hidden = 784
    public var rate = 2e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var smoothing = 0.0
    public var verdict = false
    public var averageHalfLife = 20_000.0
    public var mirror = false
    public var precision = "auto"
    public init() {}
    public static let shaping: Set = ["hidden", "latent", "widths"]
    public static let notes = [
      "batch": "Pictures per update: 1 or more.",
      "latent": "Size of the latent vector: 1 or more.",
      "widths":
        "Units of the generator's hidden layers; empty for two as wide as the picture; numbers above 0, or "
        + "none.",
      "hidden": "Units of the discriminator's first layer; 0 for none; 0 or more.",
      "rate": "Adam's learning rate, for both networks.",
      "beta1": "Adam's β₁; with the usual 0.9 training oscillates.",
      "smoothing": "Label smoothing: the target for real pictures is 1 - smoothing; 0 to 1.",
      "verdict": "Update one network a step: the discriminator only while it is fooled.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "mirror": "Also train on mirrored pictures.",
      "precision": "auto, bfloat16 or float32.",
    ]
  }

  public static let name = "dense"
  public static let use = Use.pictures
  public static let summary = "The first GAN (fully connected layers): small grey pictures, such as digits."

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    if let preset { throw .unknownPreset(preset, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.hidden = situation.side * situation.side
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .pictures(50 * situation.pictures) }

  public let model: DenseModel
  public let generator: DenseGenerator, discriminator: DenseDiscriminator
  public let average: MovingAverage<DenseGenerator>
  let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision
  /// Steps between two moves of the average, which reads and writes all weights.
  private static let averageSteps = 8

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try DenseModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    discriminator = DenseDiscriminator(size: settings.side, channels: settings.channels, hidden: settings.hidden)
    generator.initialize(&noise)
    discriminator.initialize(&noise)
    generator.move(to: device)
    discriminator.move(to: device)
    average = MovingAverage(model.generator.module, of: generator)
    let betas = (settings.beta1, settings.beta2)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: betas)
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    guard (4...64).contains(settings.side) else {
      throw .impossibleSize(settings.size, recipe: name, reason: "its layers are size² wide, so use 4 to 64")
    }
    try expect(settings.batch > 0, "batch", settings.batch, "it must be 1 or more")
    try expect(settings.latent > 0, "latent", settings.latent, "it must be 1 or more")
    try expect(settings.widths.allSatisfy { $0 > 0 }, "widths", settings.widths, "give numbers above 0, or none")
    try expect(settings.hidden >= 0, "hidden", settings.hidden, "it must be 0 or more")
    try expect((0...1).contains(settings.smoothing), "smoothing", settings.smoothing, "it must be in 0...1")
  }

  public var saved: [String: any Saved] {
    [
      "generator": generator, "generator.average": average, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ]
  }
  public var mirrors: Bool { settings.mirror }

  /// Updates the discriminator, then the generator; with `verdict` one of them, by what the discriminator says about
  /// a batch of fakes: when it takes them for real it must learn, else the generator must.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let n = batch.pictures.size(0)
    optimizerD.rate = settings.rate * progress.rateScale
    optimizerG.rate = settings.rate * progress.rateScale
    let real = batch.pictures.flattened(from: 1)
    let z = noise.normal([n, settings.latent], on: device)
    var readings: [Reading] = []
    let (fake, first) = mixed {
      let fake = generator(z).to(.float32)
      return (fake, settings.verdict ? discriminator(fake) : nil)
    }
    var judged = first
    let isRealistic = judged.map { $0.mean().item() > 0.5 }
    if isRealistic != false {
      // Real and fake in one pass: dense layers treat each picture on its own. Twice the mean is the sum of the means.
      let targets = Tensor.concatenated([
        Tensor.full([n, 1], 1 - settings.smoothing, on: device), Tensor.zeros([n, 1], on: device),
      ])
      let verdicts = mixed { discriminator(Tensor.concatenated([real, fake.detached()])) }
      let loss = binaryCrossEntropy(verdicts, targets) * 2
      optimizerD.step(minimizing: loss)
      readings.append(Reading("discriminator", loss))
      judged = nil
    }
    if isRealistic != true {
      let verdict = judged ?? mixed { discriminator(fake) }
      let loss = binaryCrossEntropy(verdict, verdict.onesLike())
      optimizerG.step(minimizing: loss)
      readings.append(Reading("generator", loss))
    }
    if progress.picturesSeen / settings.batch % Self.averageSteps == 0 {
      average.follow(
        generator,
        decay: decay(
          halfLife: settings.averageHalfLife, batch: settings.batch * Self.averageSteps,
          picturesSeen: progress.picturesSeen))
    }
    return readings
  }
}
