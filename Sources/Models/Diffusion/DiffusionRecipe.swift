import Networks
import Torch
import Training

/// A diffusion model (Sohl-Dickstein et al. 2015; Ho et al. 2020) as Karras et al. 2022 lay it out ("EDM"): a network
/// learns to take noise off pictures, and draws new ones by taking it off noise, little by little.
///
/// In the last part of a run a second network, begun as the first, learns to draw in 1 to 4 steps.
public final class DiffusionRecipe: Recipe {
  public static let name = "diffusion"
  public static let use = Use(
    .generate, "makes pictures, redraws and fills given ones (`vary`, `fill --with`)", command: "generate NAME",
    out: "pictures")
  public static let summary = "A diffusion model: stable training, much variety; slower sampling."
  public static let presets = [
    (name: "small", summary: "for a few cores"), (name: "large", summary: "twice as wide, for a GPU"),
    (name: "latent", summary: "latent diffusion: more pictures in the same time"),
    (name: "flow", summary: "rectified flow"),
  ]

  public let model: DiffusionModel
  let network: UNet
  let average: MovingAverage<UNet>
  private let optimizer: Adam
  private let student: Student?
  private let coder: PictureCoder.Trainer?
  private let device: Device
  private let mixed: Precision
  private let augment: NonLeakyAugment
  private var preconditioning: Preconditioning { model.preconditioning }
  private var known: Classes { model.classes }

  /// The network that draws in few steps.
  private struct Student {
    let network: UNet
    let average: MovingAverage<UNet>
    let optimizer: Adam
    let isBegun: StudentFlag
  }

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> DiffusionSettings {
    try DiffusionSettings(for: situation, preset: preset)
  }

  public init(_ settings: DiffusionSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try DiffusionModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    augment = NonLeakyAugment(probability: settings.augment)
    network = model.unet().prepared(&noise, on: device)
    average = MovingAverage(model.network.module, of: network)
    let betas = (0.9, settings.beta2)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: betas)
    if let quick = model.student {
      let second = model.unet().prepared(&noise, on: device)
      student = Student(
        network: second, average: MovingAverage(quick.network.module, of: second),
        optimizer: Adam(second.parameters, rate: settings.rate, betas: betas), isBegun: quick.isBegun.module)
    } else {
      student = nil
    }
    if let own = model.coder {
      coder = PictureCoder.Trainer(own, settings, mixed: mixed, noise: &noise, on: device)
    } else {
      coder = nil
    }
  }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = ["network": network, "network.average": average, "optimizer": optimizer]
    if let student {
      parts["quick"] = student.network
      parts["quick.average"] = student.average
      parts["optimizer.quick"] = student.optimizer
      parts["quick.begun"] = student.isBegun
    }
    if let coder { parts.merge(coder.saved) { own, _ in own } }
    return parts
  }
  /// The second network begins as the first one, when that has learned.
  public var inherited: [String: any Saved] {
    saved.filter { !($0.value is any Optimizer) && !$0.key.hasPrefix("quick") }
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }

  /// Updates the coder in the run's first part, where there is one; the second network in its last; else the first.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    if let coder, progress.fraction < settings.coding {
      let own = Progress(
        picturesSeen: progress.picturesSeen, fraction: progress.fraction / settings.coding,
        totalPictures: Int(Double(progress.totalPictures) * settings.coding), rateScale: progress.rateScale)
      return coder.learn(batch.pictures, noise: &noise, at: own)
    }
    let learning = 1 - settings.distil
    guard let student, progress.fraction >= learning else { return learn(batch, &noise, progress) }
    if !student.isBegun.value {
      for module in [student.network, student.average.module] { try! module.load(average.savedTensors) }
      student.isBegun.isDone.fill(1)
    }
    return distil(batch, into: student, &noise, progress)
  }

  private func learn(_ batch: Batch, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let n = batch.pictures.size(0)
    let fraction = (progress.fraction - settings.coding) / (1 - settings.distil - settings.coding)
    let steps = progress.picturesSeen - Int(Double(progress.totalPictures) * settings.coding)
    optimizer.rate = settings.rate(at: fraction, steps: max(0, steps) / n) * progress.rateScale
    let (pictures, changes) = augment(batch.pictures, noise: &noise)
    let seen = model.coded(pictures)
    let shown = known.shown(batch.labels, noise: &noise).map { known.oneHot($0, on: device) }
    let levels = preconditioning.trainingLevels
    let sigma = exp(noise.normal([n], on: device) * levels.deviation + levels.mean)
    network.reseed(&noise)
    let loss = Denoiser(network: network, preconditioning: preconditioning).loss(
      seen, noise: noise.normal(seen.shape, on: device), sigma: sigma,
      conditions: model.conditions(n, changes: changes, kinds: shown), compute: mixed.callAsFunction)
    optimizer.step(minimizing: loss)
    follow(average, network, n, progress.fraction - settings.coding, progress)
    return [Reading("loss", loss)]
  }

  private func distil(
    _ batch: Batch, into student: Student, _ noise: inout Noise, _ progress: Progress
  ) -> [Reading] {
    let pictures = model.coded(batch.pictures),
      shown = known.shown(batch.labels, noise: &noise).map { known.oneHot($0, on: device) }
    let n = pictures.size(0), learning = 1 - settings.distil
    let fraction = (progress.fraction - learning) / settings.distil
    let rise = min(1, fraction * 20)
    student.optimizer.rate =
      settings.rate * 0.3 * rise * Schedule.cosine(from: 1, to: 0.02)(fraction) * progress.rateScale
    // Four steps are drawn most, and are the easiest.
    let count = [4, 4, 2, 1][noise.integers(below: 4, count: 1)[0]]
    let places = Distillation.Places(n, count: count, noise: &noise, on: device)
    let x = pictures + noise.normal(pictures.shape, on: device) * places.here
    let conditions = model.conditions(n, kinds: shown, steps: count)
    let teacher = Denoiser(network: average.module, preconditioning: preconditioning)
    let learner = Denoiser(network: student.network, preconditioning: preconditioning)
    student.network.setTraining(false)
    let target = withoutGradients {
      Distillation.target(x, places) { x, sigma in
        teacher(x, sigma.reshaped([-1]), model.conditions(n, kinds: shown), compute: mixed.callAsFunction)
      } student: { x, sigma in
        learner(x, sigma.reshaped([-1]), conditions, compute: mixed.callAsFunction)
      }
    }
    let estimate = learner(x, places.here.reshaped([-1]), conditions, compute: mixed.callAsFunction)
    let weight = preconditioning.coefficients(places.here.reshaped([-1])).weight
    let loss = (weight * square(estimate - target)).mean()
    student.optimizer.step(minimizing: loss)
    follow(student.average, student.network, n, fraction * settings.distil, progress)
    return [Reading("distillation", loss)]
  }

  /// Moves an average whose learning has lasted `fraction` of the run.
  private func follow(
    _ average: MovingAverage<UNet>, _ network: UNet, _ n: Int, _ fraction: Double, _ progress: Progress
  ) {
    average.follow(
      network,
      decay: decay(memory: settings.averageMemory, batch: settings.batch, of: progress.totalPictures, after: fraction))
  }
}
