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
public final class DiffusionRecipe: SteppedRecipe, ConditionalRecipe {
  public static let name = "diffusion"
  public static let summary = "A diffusion model: stable training, much variety; slower sampling."
  public static let presets = [
    (name: "small", summary: "for a few cores"), (name: "large", summary: "twice as wide, for a GPU"),
    (name: "latent", summary: "latent diffusion: more pictures in the same time"),
    (name: "flow", summary: "rectified flow"),
  ]

  public let settings: DiffusionSettings
  let network: UNet
  let average: MovingAverage<UNet>
  private let optimizer: Adam
  private let student: Student?
  /// The autoencoder of latent diffusion.
  private let coder: PictureCoder?
  public private(set) var sampling: Sampling
  private let device: Device
  private let usesBFloat16: Bool
  private let augment: NonLeakyAugment
  private let preconditioning: Preconditioning
  public var classes: [String] { choice.names }
  private var choice: ClassChoice

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
    choice = ClassChoice(settings.conditional ? settings.classes : [], counts: settings.classCounts)
    let told = NonLeakyAugment.labels + Distillation.counts.count + choice.names.count
    func make() -> UNet {
      UNet(
        channels: settings.drawn.channels, size: settings.drawn.side, widths: settings.widths,
        blocks: settings.blocks, attention: settings.attention, halvings: settings.halvings,
        conditions: told, dropout: settings.dropout)
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
    coder =
      settings.coding > 0
      ? PictureCoder(settings, usesBFloat16: usesBFloat16, noise: &noise, on: device) : nil
  }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = ["network": network, "network.average": average, "optimizer": optimizer]
    if let student {
      parts["quick"] = student.network
      parts["quick.average"] = student.average
      parts["optimizer.quick"] = student.optimizer
      parts["quick.begun"] = student.beginning
    }
    if let coder { parts.merge(coder.saved) { own, _ in own } }
    return parts
  }
  public var published: [String: any Saved] {
    var parts: [String: any Saved] = ["network.average": average]
    if let student { parts.merge(["quick.average": student.average, "quick.begun": student.beginning]) { a, _ in a } }
    if let coder { parts.merge(coder.published) { own, _ in own } }
    return parts
  }
  /// The second network begins as the first one, when that has learned.
  public var inherited: [String: any Saved] {
    saved.filter { !($0.value is any Optimizer) && !$0.key.hasPrefix("quick") }
  }
  public var mirrors: Bool { settings.mirror }

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
    if !student.beginning.value {
      for module in [student.network, student.average.module] { try! module.load(average.savedTensors) }
      student.beginning.isDone.fill(1)
    }
    return distil(batch, into: student, &noise, progress)
  }

  private func learn(_ batch: Batch, _ noise: inout Noise, _ progress: Progress) -> [Reading] {
    let n = batch.pictures.size(0)
    let fraction = (progress.fraction - settings.coding) / (1 - settings.distil - settings.coding)
    let steps = progress.picturesSeen - Int(Double(progress.totalPictures) * settings.coding)
    optimizer.rate = settings.rate(at: fraction, steps: max(0, steps) / n) * progress.rateScale
    let (pictures, changes) = augment(batch.pictures, noise: &noise)
    let seen = coded(pictures)
    let kinds = choice.told(batch.labels, noise: &noise)
    let levels = preconditioning.trainingLevels
    let sigma = exp(noise.normal([n], on: device) * levels.deviation + levels.mean)
    network.reseed(&noise)
    let loss = Denoiser(network: network, preconditioning: preconditioning).loss(
      seen, noise: noise.normal(seen.shape, on: device), sigma: sigma,
      conditions: conditions(n, changes: changes, kinds: kinds), compute: mixed)
    optimizer.step(minimizing: loss)
    follow(average, network, n, progress.fraction - settings.coding, progress)
    return [Reading("loss", loss)]
  }

  private func distil(
    _ batch: Batch, into student: Student, _ noise: inout Noise, _ progress: Progress
  ) -> [Reading] {
    let pictures = coded(batch.pictures), kinds = choice.told(batch.labels, noise: &noise)
    let n = pictures.size(0), learning = 1 - settings.distil
    let fraction = (progress.fraction - learning) / settings.distil
    let rise = min(1, fraction * 20)
    student.optimizer.rate =
      settings.rate * 0.3 * rise * Schedule.cosine(from: 1, to: 0.02)(fraction) * progress.rateScale
    // Four steps are drawn most, and are the easiest.
    let count = [4, 4, 2, 1][noise.integers(below: 4, count: 1)[0]]
    let places = Distillation.Places(n, count: count, noise: &noise, on: device)
    let x = pictures + noise.normal(pictures.shape, on: device) * places.here
    let told = conditions(n, kinds: kinds, steps: count)
    let teacher = Denoiser(network: average.module, preconditioning: preconditioning)
    let learner = Denoiser(network: student.network, preconditioning: preconditioning)
    student.network.setTraining(false)
    let target = withoutGradients {
      Distillation.target(x, places) { x, sigma in
        teacher(x, sigma.reshaped([-1]), conditions(n, kinds: kinds), compute: mixed)
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

  /// What the network is told: [N, changes, steps and classes].
  ///
  /// - Parameter kinds: the class of each; -1, or nil for all, tells none.
  private func conditions(_ n: Int, changes: Tensor? = nil, kinds: [Int]? = nil, steps: Int? = nil) -> Tensor {
    let told = (0..<n).flatMap { _ in Distillation.counts.map { Float($0 == steps ? 1 : 0) } }
    let changes = changes ?? Tensor.zeros([n, NonLeakyAugment.labels], on: device)
    let quick = Tensor(told, shape: [n, Distillation.counts.count]).to(device)
    let marks = choice.marks(kinds ?? [Int](repeating: -1, count: n), on: device)
    return Tensor.concatenated([changes, quick] + (classes.isEmpty ? [] : [marks]), dim: 1)
  }

  public func choose(_ name: String?, guidance: Double) throws(RecipeError) {
    try choice.choose(name, guidance: guidance)
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
    gaussianLatents(seeds: seeds, size: settings.drawn.channels * settings.drawn.side * settings.drawn.side)
  }

  /// Each seed's picture is of its class.
  public func sample(seeds: [UInt64]) -> Tensor { decode(latents(seeds: seeds), kinds: choice.kinds(of: seeds)) }

  /// In float32, whatever the precision of training; of the chosen class, or else of none in particular.
  public func decode(_ latents: Tensor) -> Tensor {
    decode(latents, kinds: choice.chosen(latents.size(0)))
  }

  private func decode(_ latents: Tensor, kinds: [Int]) -> Tensor {
    withoutGradients {
      // Classes go along as the last column, since batches are filled up.
      let column = kinds.map(Float.init)
      let rows = Tensor.concatenated([latents, Tensor(column, shape: [column.count, 1])], dim: 1)
      return inEqualBatches(of: 16, rows) { rows in
        let n = rows.size(0), side = settings.drawn.side, count = rows.size(1) - 1
        let noise = rows.narrowed(dim: 1, from: 0, count: count).to(device)
          .reshaped([n, settings.drawn.channels, side, side])
        let kinds = rows.narrowed(dim: 1, from: count, count: 1).floats.map { Int($0) }
        return finished(drawn(from: noise * NoiseLevels.highest, NoiseLevels.highest, kinds))
      }
    }
  }

  /// Pictures drawn from those with noise of deviation `sigma`, by `sampling`.
  ///
  /// - Parameter kinds: the class of each.
  func drawn(from x: Tensor, _ sigma: Double, _ kinds: [Int]) -> Tensor {
    func last(_ steps: some Sequence<SamplerStep>) -> Tensor { steps.reduce(x) { $1.x } }
    let denoise = { (x: Tensor, sigma: Double) in self.denoise(x, sigma, kinds) }
    switch sampling {
    case .heun(let count): return last(HeunSteps(x, levels: preconditioning.levels(steps: count, from: sigma), denoise))
    case .solver(let count):
      return last(SolverSteps(x, levels: preconditioning.levels(steps: count, from: sigma), denoise))
    case .quick(let count):
      let levels = Distillation.levels(count).filter { $0 < sigma - 1e-9 }
      return last(StraightSteps(x, levels: [sigma] + levels) { x, sigma in self.denoise(x, sigma, kinds, count) })
    }
  }

  /// An estimate of clean pictures; with guidance beyond that of the class by what tells it from the one of none
  /// (classifier-free guidance, Ho and Salimans 2022, equation 6).
  ///
  /// - Parameter count: steps of the second network; nil for the first one's estimate.
  func denoise(_ x: Tensor, _ sigma: Double, _ kinds: [Int], _ count: Int? = nil) -> Tensor {
    let n = x.size(0)
    let network = count == nil ? average.module : student!.average.module
    let denoiser = Denoiser(network: network, preconditioning: preconditioning)
    func estimate(_ kinds: [Int]) -> Tensor {
      denoiser(x, Tensor.full([n], sigma, on: device), conditions(n, kinds: kinds, steps: count))
    }
    let own = estimate(kinds)
    guard choice.guidance != 1, kinds.contains(where: { $0 >= 0 }) else { return own }
    let none = estimate([Int](repeating: -1, count: n))
    return none + (own - none) * choice.guidance
  }

  /// The schedule of noise levels from `sigma` down, in as many steps as `sampling` has.
  func levels(steps: Int, from sigma: Double) -> [Double] { preconditioning.levels(steps: steps, from: sigma) }

  /// Where pictures are computed.
  var place: Device { device }

  /// The class of those that are drawn over others.
  func chosenKinds(_ n: Int) -> [Int] { choice.chosen(n) }

  /// Pictures [N, C, H, W] in -1...1, on the device, as what noise is taken off: their codes, or themselves.
  func coded(_ pictures: Tensor) -> Tensor { coder?.codes(of: pictures) ?? pictures }

  /// A mask of pixels [N, 1, H, W] as one of what noise is taken off.
  func coded(mask: Tensor) -> Tensor { coder?.places(of: mask) ?? mask }

  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, of what noise was taken off.
  func finished(_ x: Tensor) -> Tensor {
    clamp((coder?.pictures(of: x) ?? x).to(.cpu), min: -1, max: 1).contiguous()
  }
}
