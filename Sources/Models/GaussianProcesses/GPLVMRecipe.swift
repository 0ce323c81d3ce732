import Networks
import Torch
import Training

/// A map of the pictures: the Gaussian process latent variable model (Lawrence 2005), Bayesian (Titsias and Lawrence 2010),
/// with a network for back constraints (Lawrence and Quiñonero-Candela 2006; Bui and Turner 2015), so that pictures that
/// look alike lie together and new ones find their place.
///
/// Each pixel is a Gaussian process over the plane of latents. Maximises the evidence lower bound on batches: E ln p(y | x)
/// − KL(q(x) ‖ N(0, 1)) − KL(q(u) ‖ p(u)) / pictures.
public final class GPLVMRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 32
    public var channels = 3
    public var batch = 100
    public var pictures = 1000
    public var latent = 2
    public var inducing = 128
    public var hidden = 256
    public var rate = 1e-3
    public var processRate = 1e-2
    public var mirror = false
    public init() {}
    public static let shaping: Set = ["hidden", "inducing", "latent"]
    public static let notes = [
      "batch": "Pictures per update: 1 or more.",
      "pictures": "Pictures in the set, which the KL term is divided by: 1 or more.",
      "latent": "Size of the latent vector; 2 gives a map; 1 to 64.",
      "inducing": "Inducing points: 2 to 2000.",
      "hidden": "Width of the encoder, which gives a picture's latent: 1 or more.",
      "rate": "Adam's learning rate for the network; falls along a cosine to a fiftieth.",
      "processRate": "Adam's learning rate for the kernel's lengths and the inducing points.",
      "mirror": "Also train on mirrored pictures.",
    ]
  }

  public static let name = "gplvm"
  public static let use = Use.pictures
  public static let summary = "A map of the pictures (Gaussian process latent variable model); soft pictures."
  public static func length(for situation: Situation) -> Length { .minutes(5) }

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels, settings.pictures) = (situation.size, situation.channels, situation.pictures)
    settings.batch = min(settings.batch, max(1, situation.pictures))
    try check(settings)
    return settings
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    guard (4...128).contains(settings.side) else {
      throw .impossibleSize(settings.size, recipe: name, reason: "use 4 to 128")
    }
    try expect(settings.batch > 0, "batch", settings.batch, "it must be 1 or more")
    try expect(settings.pictures > 0, "pictures", settings.pictures, "it must be 1 or more")
    try expect((1...64).contains(settings.latent), "latent", settings.latent, "it must be in 1...64")
    try expect((2...2000).contains(settings.inducing), "inducing", settings.inducing, "it must be in 2...2000")
    try expect(settings.hidden > 0, "hidden", settings.hidden, "it must be 1 or more")
  }

  public let model: GPLVMModel
  private let encoder: PlaceEncoder
  private let process: SparseProcess
  private let optimizer: Adam, optimizerP: Adam
  private let device: Device

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try GPLVMModel(settings, on: device)
    self.device = device
    (encoder, process) = (model.encoder.module, model.process.module)
    for module in [encoder, process] as [any Module] {
      module.initialize(&noise)
      module.move(to: device)
    }
    optimizer = Adam(encoder.parameters, rate: settings.rate, betas: (0.9, 0.99))
    optimizerP = Adam(process.parameters, rate: settings.processRate, betas: (0.9, 0.99))
  }

  public var saved: [String: any Saved] {
    ["encoder": encoder, "process": process, "optimizer": optimizer, "optimizer.process": optimizerP]
  }
  public var mirrors: Bool { settings.mirror }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let fall = Schedule.cosine(from: 1, to: 0.02)(progress.fraction) * progress.rateScale
    (optimizer.rate, optimizerP.rate) = (settings.rate * fall, settings.processRate * fall)
    let y = batch.pictures.contiguous().flattened(from: 1), n = y.size(0)
    if progress.picturesSeen == 0 { encoder.begin(with: y) }
    encoder.follow(y)
    let places = encoder(y)
    let x = places.sample(noise.normal([n, settings.latent], on: device))
    let projected = process.projected(x), centred = y - encoder.mean
    // At first a batch's answer is taken whole; in the end some hundred are one.
    let pace = Schedule.exponential(from: 1, to: 0.01, during: 0...0.1)(progress.fraction)
    process.follow(centred, projected.detached(), of: settings.pictures, rate: max(pace, 0.05 * fall))
    let belief = process.belief
    let likelihood = process.expectedLikelihood(centred, projected, belief).mean()
    let divergence = places.divergence.sum(dims: [1]).mean().to(.float64)
    let paid = belief.divergence / Double(settings.pictures)
    let numbers = Double(y.size(1))
    let loss = (divergence + paid - likelihood) / numbers
    let parameters = optimizer.parameters + optimizerP.parameters
    let slopes = gradients(of: loss, withRespectTo: parameters)
    optimizer.step(Array(slopes.prefix(optimizer.parameters.count)))
    optimizerP.step(Array(slopes.suffix(optimizerP.parameters.count)))
    return [
      Reading("bound", loss), Reading("divergence", divergence), Reading("noise", exp(process.logNoise * 0.5)),
    ]
  }
}
