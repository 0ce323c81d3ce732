import func Foundation.pow
import Networks
import Torch
import Training

/// A recipe whose pictures are drawn in steps, of which there can be more or fewer.
public protocol SteppedRecipe: LatentRecipe {
  /// How `decode` draws from now on.
  var sampling: Sampling { get }
  /// - Throws: `RecipeError.badSetting` when this one can't, or not yet.
  func draw(by sampling: Sampling) throws(RecipeError)
}

/// A diffusion model (Sohl-Dickstein et al. 2015; Ho et al. 2020) as Karras et al. 2022 lay it out ("EDM"): a network
/// learns to take noise off pictures, and draws new ones by taking it off noise, little by little.
///
/// In the last part of a run a second network, begun as the first, learns to draw in 1 to 4 steps.
public final class DiffusionRecipe: SteppedRecipe {
  public static let name = "diffusion"
  public static let summary = "Takes noise off pictures step by step: even training, fine variety; slower to draw."
  public static let presets = [
    (name: "small", summary: "for a few cores"), (name: "large", summary: "twice as wide, for a GPU"),
    (name: "flow", summary: "straight ways from noise to pictures (rectified flow)"),
  ]

  public let settings: DiffusionSettings
  let network: UNet
  let average: MovingAverage<UNet>
  private let optimizer: Adam
  private let student: Student?
  public private(set) var sampling: Sampling
  private let device: Device
  private let usesBFloat16: Bool
  private let augment: NonLeakyAugment
  private let preconditioning: Preconditioning

  /// The network that draws in few steps.
  private struct Student {
    let network: UNet
    let average: MovingAverage<UNet>
    let optimizer: Adam
    let beginning = Beginning()
  }

  /// Whether the student has taken the teacher's weights: [1], 0 or 1.
  private final class Beginning: Module {
    let isDone = Tensor.zeros([1])
    var value: Bool { isDone.item() > 0 }
  }

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> DiffusionSettings {
    try DiffusionSettings(for: situation, preset: preset)
  }

  public init(_ settings: DiffusionSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device, preconditioning) = (settings, device, settings.preconditioning)
    usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    augment = NonLeakyAugment(probability: settings.augment)
    sampling = .solver(settings.steps)
    func make() -> UNet {
      UNet(
        channels: settings.channels, size: settings.size, widths: settings.widths, blocks: settings.blocks,
        attention: settings.attention, halvings: 1, conditions: NonLeakyAugment.labels + Distillation.counts.count,
        dropout: settings.dropout)
    }
    func ready(_ network: UNet) -> UNet {
      network.initialize(&noise)
      network.move(to: device)
      network.useChannelsLast()
      return network
    }
    network = ready(make())
    average = MovingAverage(make(), of: network)
    let betas = (0.9, settings.beta2)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: betas)
    if settings.distil > 0 {
      let second = ready(make())
      student = Student(
        network: second, average: MovingAverage(make(), of: second),
        optimizer: Adam(second.parameters, rate: settings.rate, betas: betas))
    } else {
      student = nil
    }
  }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = ["network": network, "network.average": average, "optimizer": optimizer]
    if let student {
      parts["quick"] = student.network
      parts["quick.average"] = student.average
      parts["optimizer.quick"] = student.optimizer
      parts["quick.begun"] = student.beginning
    }
    return parts
  }
  public var published: [String: any Saved] {
    var parts: [String: any Saved] = ["network.average": average]
    if let student { parts.merge(["quick.average": student.average, "quick.begun": student.beginning]) { a, _ in a } }
    return parts
  }
  public var mirrors: Bool { settings.mirror }

  /// Updates the first network, or in the run's last part the second.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let learning = 1 - settings.distil
    guard let student, progress.fraction >= learning else { return learn(batch.pictures, &noise, progress) }
    if !student.beginning.value {
      for module in [student.network, student.average.module] { try! module.load(average.savedTensors) }
      student.beginning.isDone.fill(1)
    }
    return distil(batch.pictures, into: student, &noise, progress)
  }

  private func learn(_ pictures: Tensor, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let n = pictures.size(0)
    let fraction = progress.fraction / (1 - settings.distil)
    optimizer.rate = settings.rate(at: fraction, steps: progress.picturesSeen / n) * progress.rateScale
    let (seen, labels) = augment(pictures, noise: &noise)
    let levels = preconditioning.trainingLevels
    let sigma = exp(noise.normal([n], on: device) * levels.deviation + levels.mean)
    network.reseed(&noise)
    let loss = Denoiser(network: network, preconditioning: preconditioning).loss(
      seen, noise: noise.normal(seen.shape, on: device), sigma: sigma, conditions: conditions(n, labels: labels),
      compute: mixed)
    optimizer.step(minimizing: loss)
    follow(average, network, n, progress.fraction, progress)
    return [Reading("loss", loss)]
  }

  private func distil(
    _ pictures: Tensor, into student: Student, _ noise: inout Noise, _ progress: Progress
  ) -> [Reading] {
    let n = pictures.size(0), learning = 1 - settings.distil
    let fraction = (progress.fraction - learning) / settings.distil
    let rise = min(1, fraction * 20)
    student.optimizer.rate =
      settings.rate * 0.3 * rise * Schedule.cosine(from: 1, to: 0.02)(fraction) * progress.rateScale
    // Four steps are drawn most, and are the easiest.
    let count = [4, 4, 2, 1][noise.integers(below: 4, count: 1)[0]]
    let places = Distillation.Places(n, count: count, noise: &noise, on: device)
    let x = pictures + noise.normal(pictures.shape, on: device) * places.here
    let told = conditions(n, steps: count)
    let teacher = Denoiser(network: average.module, preconditioning: preconditioning)
    let learner = Denoiser(network: student.network, preconditioning: preconditioning)
    student.network.setTraining(false)
    let target = withoutGradients {
      Distillation.target(x, places) { x, sigma in
        teacher(x, sigma.reshaped([-1]), conditions(n), compute: mixed)
      } student: { x, sigma in
        learner(x, sigma.reshaped([-1]), told, compute: mixed)
      }
    }
    let estimate = learner(x, places.here.reshaped([-1]), told, compute: mixed)
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
    let step = Double(n) / Double(max(progress.totalPictures, 1))
    average.follow(network, decay: pow(0.5, step / (settings.averageMemory * max(fraction, step))))
  }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

  /// What the network is told: [N, changes and steps].
  private func conditions(_ n: Int, labels: Tensor? = nil, steps: Int? = nil) -> Tensor {
    let counts = Distillation.counts.map { $0 == steps ? Float(1) : 0 }
    let told = Tensor(counts, shape: [1, counts.count]).to(device).expanded([n, counts.count])
    return Tensor.concatenated([labels ?? Tensor.zeros([n, NonLeakyAugment.labels], on: device), told], dim: 1)
  }

  public func draw(by sampling: Sampling) throws(RecipeError) {
    if case .quick = sampling {
      guard let student else {
        throw .badSetting("sampling", value: "\(sampling)", reason: "the run was trained with --distil 0")
      }
      guard student.beginning.value else {
        throw .badSetting(
          "sampling", value: "\(sampling)",
          reason: "the run has not come to its last part, in which that is learned: use solver:20, or train on")
      }
    }
    self.sampling = sampling
  }

  /// The noise that pictures are drawn from.
  public func latents(seeds: [UInt64]) -> Tensor {
    gaussianLatents(seeds: seeds, size: settings.channels * settings.size * settings.size)
  }

  /// In float32, whatever the precision of training.
  public func decode(_ latents: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, latents) { rows in
        let side = settings.size
        let noise = rows.to(device).reshaped([-1, settings.channels, side, side])
        return finished(drawn(from: noise * NoiseLevels.highest, NoiseLevels.highest))
      }
    }
  }

  /// Pictures drawn from those with noise of deviation `sigma`, by `sampling`.
  func drawn(from x: Tensor, _ sigma: Double) -> Tensor {
    func last(_ steps: some Sequence<SamplerStep>) -> Tensor { steps.reduce(x) { $1.x } }
    switch sampling {
    case .heun(let count): return last(HeunSteps(x, levels: preconditioning.levels(steps: count, from: sigma), denoise))
    case .solver(let count):
      return last(SolverSteps(x, levels: preconditioning.levels(steps: count, from: sigma), denoise))
    case .quick(let count):
      let levels = Distillation.levels(count).filter { $0 < sigma - 1e-9 }
      return last(StraightSteps(x, levels: [sigma] + levels) { x, sigma in self.quick(x, sigma, count) })
    }
  }

  /// The first network's estimate.
  func denoise(_ x: Tensor, _ sigma: Double) -> Tensor {
    Denoiser(network: average.module, preconditioning: preconditioning)(
      x, Tensor.full([x.size(0)], sigma, on: device), conditions(x.size(0)))
  }

  private func quick(_ x: Tensor, _ sigma: Double, _ count: Int) -> Tensor {
    Denoiser(network: student!.average.module, preconditioning: preconditioning)(
      x, Tensor.full([x.size(0)], sigma, on: device), conditions(x.size(0), steps: count))
  }

  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU.
  func finished(_ x: Tensor) -> Tensor { clamp(x.to(.cpu), min: -1, max: 1).contiguous() }
}
