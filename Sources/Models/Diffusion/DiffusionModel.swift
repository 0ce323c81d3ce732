import Networks
import Torch
import Training

/// A network that takes noise off pictures, and draws new ones by taking it off noise, little by little; beside it, where
/// it was trained for that, one that draws in 1 to 4 steps, and a coder of pictures.
public final class DiffusionModel: PictureModel {
  public let settings: DiffusionSettings
  let network: LazyModule<UNet>
  let student: Student?
  /// What noise is taken off in place of pixels.
  let coder: PictureCoder?
  let classes: Classes
  let preconditioning: Preconditioning
  let device: Device

  /// The network that draws in few steps.
  struct Student {
    let network: LazyModule<UNet>
    let isBegun: LazyModule<StudentFlag>
  }

  public init(_ settings: DiffusionSettings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device, preconditioning) = (settings, device, settings.preconditioning)
    classes = Classes(settings.conditional ? settings.classes : [], counts: settings.classCounts)
    let make = { [classes] in LazyModule(Self.unet(settings, classes), on: device) }
    network = make()
    student = settings.distil > 0 ? Student(network: make(), isBegun: LazyModule(StudentFlag(), on: .cpu)) : nil
    coder = settings.coding > 0 ? PictureCoder(settings, on: device) : nil
  }

  /// Another network of the same architecture.
  func unet() -> UNet { Self.unet(settings, classes) }

  private static func unet(_ settings: DiffusionSettings, _ classes: Classes) -> UNet {
    UNet(
      channels: settings.drawn.channels, size: settings.drawn.size, widths: settings.widths,
      blocks: settings.blocks, attention: settings.attention, halvings: settings.halvings,
      conditions: NonLeakyAugment.labels + Distillation.counts.count + classes.names.count,
      dropout: settings.dropout)
  }

  public var parts: [String: any Saved] {
    var parts: [String: any Saved] = ["network.average": network]
    if let student { (parts["quick.average"], parts["quick.begun"]) = (student.network, student.isBegun) }
    if let coder { parts.merge(coder.parts) { own, _ in own } }
    return parts
  }

  /// Latents are the noise that pictures are drawn from.
  public var offers: Offers {
    Offers(
      latent: settings.drawn.channels * settings.drawn.size.pixels, classes: classes.names,
      sampling: .solver(settings.steps), redraws: true)
  }

  public func check(_ request: PictureRequest) throws(RecipeError) {
    if let name = request.className, !classes.names.contains(name) {
      throw .unknownClass(name, known: classes.names)
    }
    guard case .quick? = request.sampling, student?.isBegun.module.value != true else { return }
    throw .badSetting(
      "sampling", value: "\(request.sampling!)",
      reason: student == nil
        ? "the run was trained with --distil 0"
        : "the run has not come to its last part, in which that is learned: use solver:20, or train on")
  }

  /// In float32, whatever the precision of training.
  public func pictures(_ request: PictureRequest) -> Tensor {
    if request.mask != nil { return filled(request) }
    if request.given != nil { return redrawn(request) }
    return withoutGradients {
      inEqualBatches(of: 16, latents(of: request), classes: classes.weights(of: request)) { rows, kinds in
        let noise = rows.to(device).reshaped([rows.size(0), settings.drawn.channels] + settings.drawn.size.shape)
        return finished(drawn(from: noise * NoiseLevels.highest, NoiseLevels.highest, kinds?.to(device), request))
      }
    }
  }

  /// Pictures drawn from those with noise of deviation `sigma`.
  ///
  /// - Parameter kinds: how much of each class each is, [N, classes]; nil where there are no classes.
  func drawn(from x: Tensor, _ sigma: Double, _ kinds: Tensor?, _ request: PictureRequest) -> Tensor {
    func last(_ steps: some Sequence<SamplerStep>) -> Tensor { steps.reduce(x) { $1.x } }
    let denoise = { (x: Tensor, sigma: Double) in self.denoise(x, sigma, kinds, guidance: request.guidance) }
    switch request.sampling ?? .solver(settings.steps) {
    case .heun(let count): return last(HeunSteps(x, levels: preconditioning.levels(steps: count, from: sigma), denoise))
    case .solver(let count):
      return last(SolverSteps(x, levels: preconditioning.levels(steps: count, from: sigma), denoise))
    case .quick(let count):
      let levels = Distillation.levels(count).filter { $0 < sigma - 1e-9 }
      return last(
        StraightSteps(x, levels: [sigma] + levels) { x, sigma in
          self.denoise(x, sigma, kinds, count, guidance: request.guidance)
        })
    }
  }

  /// An estimate of clean pictures; with guidance beyond that of the class by what tells it from the one of none
  /// (classifier-free guidance, Ho and Salimans 2022, equation 6).
  ///
  /// - Parameter count: steps of the second network; nil for the first one's estimate.
  func denoise(_ x: Tensor, _ sigma: Double, _ kinds: Tensor?, _ count: Int? = nil, guidance: Double) -> Tensor {
    let n = x.size(0)
    let network = count == nil ? network.module : student!.network.module
    let denoiser = Denoiser(network: network, preconditioning: preconditioning)
    func estimate(_ kinds: Tensor?) -> Tensor {
      denoiser(x, Tensor.full([n], sigma, on: device), conditions(n, kinds: kinds, steps: count))
    }
    let own = estimate(kinds)
    guard guidance != 1, let kinds, kinds.max().item() > 0 else { return own }
    let none = estimate(nil)
    return none + (own - none) * guidance
  }

  /// What the network is told: [N, changes, steps and classes].
  ///
  /// - Parameter kinds: how much of each class each is, [N, classes] on the device; nil tells none.
  func conditions(_ n: Int, changes: Tensor? = nil, kinds: Tensor? = nil, steps: Int? = nil) -> Tensor {
    let stepMarks = (0..<n).flatMap { _ in Distillation.counts.map { Float($0 == steps ? 1 : 0) } }
    let changes = changes ?? Tensor.zeros([n, NonLeakyAugment.labels], on: device)
    let quick = Tensor(stepMarks, shape: [n, Distillation.counts.count]).to(device)
    let marks = kinds ?? Tensor.zeros([n, classes.names.count], on: device)
    return Tensor.concatenated([changes, quick] + (classes.isEmpty ? [] : [marks]), dim: 1)
  }

  /// Pictures [N, C, H, W] in -1...1, on the device, as what noise is taken off: their codes, or themselves.
  func coded(_ pictures: Tensor) -> Tensor { coder?.codes(of: pictures) ?? pictures }

  /// A mask of pixels [N, 1, H, W] as one of what noise is taken off.
  func coded(mask: Tensor) -> Tensor { coder?.places(of: mask) ?? mask }

  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, of what noise was taken off.
  func finished(_ x: Tensor) -> Tensor {
    clamp((coder?.pictures(of: x) ?? x).to(.cpu), min: -1, max: 1).contiguous()
  }
}

/// Whether the network for few steps has taken the other's weights: [1], 0 or 1.
final class StudentFlag: Module {
  let isDone = Tensor.zeros([1])
  var value: Bool { isDone.item() > 0 }
}
