import Networks
import Torch
import Training

/// One direction between two sets whose pictures don't belong together: each patch of a new picture must find its own
/// place in the old one among all others (contrastive unpaired translation, Park et al. 2020).
///
/// Half the networks of CycleGAN, and free to change shapes that couldn't be restored.
public final class CUTRecipe: Recipe {
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
    public var contrast = 1.0
    public var identity = true
    public var flips = false
    public var patches = 256
    public var headSize = 256
    public var temperature = 0.07
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
    public static let shaping: Set = [
      "blocks", "discriminatorLayers", "discriminatorWidth", "headSize", "smooth", "width",
    ]
    public static let notes = [
      "channels": "1 for grey, 3 for colour; transparency is kept when restyling.",
      "batch": "Pictures per update: 1 or more.",
      "window": "Side of the random crops in training, in pixels.",
      "zoom": "Random zoom: how much larger a crop may be before it is resized to the window; 1 or more.",
      "width": "The generator's channels at full size: 1 or more.",
      "blocks": "The generator's residual blocks: 1 or more.",
      "discriminatorWidth": "The discriminator's channels: 1 or more.",
      "discriminatorLayers":
        "The discriminator's downsamplings (PatchGAN): 3 for patches of 70 pixels, 2 for 34; 1, 2 or 3.",
      "smooth": "Antialiased down- and upsampling.",
      "contrast": "Weight of the contrastive loss (PatchNCE).",
      "identity": "Identity loss: PatchNCE also on pictures of the second set.",
      "flips": "Flip equivariance (FastCUT).",
      "patches": "Patches compared in each of five layers: 2 or more.",
      "headSize": "Size of the patch embedding: 1 or more.",
      "temperature": "Temperature τ of the contrastive loss: more than 0.",
      "rate": "Adam's learning rate.",
      "beta1": "Adam's β₁.",
      "rateHold": "Fraction of the run after which the rate falls to 0.",
      "augment": "Probability of each differentiable augmentation.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "mirror": "Also train on mirrored pictures.",
      "precision": "auto, bfloat16 or float32.",
    ]

    var shape: ResnetShape { ResnetShape(channels: channels, width: width, blocks: blocks, isSmooth: smooth) }
  }

  public static let name = "cut"
  public static let summary = "Unpaired image-to-image translation, one way, in half of CycleGAN's time."
  public static let use = Use.translation
  public static let material = Material.sets(.unpaired)
  public static let presets = [
    (name: "small", summary: "narrow networks, for a few cores"),
    (name: "fastcut", summary: "FastCUT: without identity loss; faster, keeps shapes"),
    (name: "sincut", summary: "SinCUT: one picture a side; use --size 256 or more"),
    (name: "large", summary: "the paper's networks, for a GPU; use --size 286"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.window = Transfer.window(of: situation.side)
    settings.augment = Transfer.augmentation(for: min(situation.pictures, situation.targets))
    if preset == "large" || preset == nil && !situation.device.isCPU {
      (settings.width, settings.blocks, settings.discriminatorWidth) = (64, situation.side < 200 ? 6 : 9, 64)
      settings.smooth = true
    }
    switch preset {
    case nil, "small", "large": break
    case "fastcut": (settings.contrast, settings.identity, settings.flips) = (10, false, true)
    case "sincut":
      settings.window = max(32, min(64, situation.side / 8 * 4))
      settings.zoom = max(1, Double(situation.side) / Double(settings.window) / 2)
      // The whole set is one picture: its details are learned, and only patches of them judged.
      (settings.contrast, settings.discriminatorLayers, settings.augment) = (4, 2, 0.2)
    case let other?: throw .unknownPreset(other, recipe: name, known: presets.map(\.name))
    }
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(60) }

  public let model: CUTModel
  public let generator: ResnetGenerator, discriminator: PatchDiscriminator
  public let average: MovingAverage<ResnetGenerator>
  let heads: PatchHeads
  let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision
  private let augment = DiffAugment(cutout: 0.25)

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try CUTModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = ResnetGenerator(settings.shape)
    discriminator = PatchDiscriminator(
      channels: settings.channels, width: settings.discriminatorWidth, layers: settings.discriminatorLayers,
      isSmooth: settings.smooth)
    let w = settings.width
    heads = PatchHeads(channels: [settings.channels, 2 * w, 4 * w, 4 * w, 4 * w], size: settings.headSize)
    Transfer.prepare(generator, &noise, on: device, mixed: mixed.isBFloat16)
    Transfer.prepare(discriminator, &noise, on: device, mixed: mixed.isBFloat16)
    Transfer.prepare(heads, &noise, on: device, mixed: mixed.isBFloat16)
    average = MovingAverage(model.generator.module, of: generator)
    let betas = (settings.beta1, settings.beta2)
    optimizerG = Adam(generator.parameters + heads.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: betas)
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try Transfer.expectSquares(
      size: settings.side, window: settings.window, channels: settings.channels, batch: settings.batch, recipe: name)
    try Transfer.expectNetworks(
      width: settings.width, blocks: settings.blocks, discriminatorWidth: settings.discriminatorWidth,
      discriminatorLayers: settings.discriminatorLayers, zoom: settings.zoom)
    try expect(settings.patches > 1, "patches", settings.patches, "it must be 2 or more")
    try expect(settings.headSize > 0, "head-size", settings.headSize, "it must be 1 or more")
    try expect(settings.temperature > 0, "temperature", settings.temperature, "it must be more than 0")
  }

  public var saved: [String: any Saved] {
    [
      "generator": generator, "generator.average": average, "discriminator": discriminator, "heads": heads,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ]
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }

  /// Updates the discriminator, then generator and heads together (Park et al. 2020, equation 5).
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    for optimizer in [optimizerG, optimizerD] {
      optimizer.rate = Transfer.decayed(settings.rate, after: settings.rateHold, at: progress)
    }
    func squares(_ x: Tensor) -> Tensor {
      Transfer.squares(x, side: settings.window, zoom: settings.zoom, noise: &noise)[0]
        .laidOut(on: device, mixed: mixed.isBFloat16)
    }
    let (a, b) = (squares(batch.pictures), squares(batch.targets!))
    let n = a.size(0)
    let layers = generator.contrastLayers
    let isFlipped = settings.flips && noise.bernoulli(0.5, [1]).bools[0]

    let (pictures, keys) = mixed {
      let old = settings.identity ? Tensor.concatenated([a, b]) : a
      if isFlipped {
        let made = generator(old.flipped([3]))
        return (made, withoutGradients { generator.features(old, layers: layers) })
      }
      let (made, features) = generator(old, layers: layers)
      return (made, features.map { $0.detached() })
    }
    let made = pictures[0..<n]

    let lossD = mixed {
      (leastSquaresLoss(judge(b, &noise), toward: 1) + leastSquaresLoss(judge(made.detached(), &noise), toward: 0))
        * 0.5
    }
    optimizerD.step(minimizing: lossD)

    let (adversarial, contrasts) = mixed {
      let adversarial = leastSquaresLoss(judge(made, &noise), toward: 1)
      var queries = generator.features(pictures, layers: layers)
      if isFlipped { queries = queries.map { $0.flipped([3]) } }
      return (adversarial, contrast(queries, keys, of: pictures.size(0) / n, &noise))
    }
    // The mean of both, when there are two.
    let sum = contrasts.dropFirst().reduce(contrasts[0]) { $0 + $1 }
    let loss = adversarial + sum * (settings.contrast / Double(contrasts.count))
    optimizerG.step(minimizing: loss)
    average.follow(
      generator,
      decay: decay(halfLife: settings.averageHalfLife, batch: n, picturesSeen: progress.picturesSeen, ramp: 0.2))

    var readings = [
      Reading("generator", adversarial), Reading("discriminator", lossD), Reading("nce", contrasts[0]),
    ]
    if contrasts.count > 1 { readings.append(Reading("identity", contrasts[1])) }
    return readings
  }

  /// The mean over layers of `patchContrast`, for each part of the batch: first what was made of the first set, then
  /// what was made of the second.
  private func contrast(
    _ queries: [Tensor], _ keys: [Tensor], of parts: Int, _ noise: inout Noise
  ) -> [Tensor] {
    let places = PatchHeads.places(in: keys, count: settings.patches, noise: &noise)
    let k = withoutGradients { heads(keys, at: places) }
    let q = heads(queries, at: places)
    return (0..<parts).map { part in
      let losses = zip(q, k).map { q, k -> Tensor in
        let n = q.size(0) / parts
        let rows = part * n..<(part + 1) * n
        return patchContrast(q[rows], k[rows], temperature: settings.temperature)
      }
      return losses.dropFirst().reduce(losses[0]) { $0 + $1 } / Double(losses.count)
    }
  }

  private func judge(_ x: Tensor, _ noise: inout Noise) -> Tensor {
    discriminator(settings.augment > 0 ? augment(x, probability: settings.augment, noise: &noise) : x)
  }

  /// A and A to B; B and what B becomes, which should be B.
  public func examples(_ first: Tensor, _ second: Tensor) -> [Tensor] {
    func carried(_ x: Tensor) -> Tensor { Transfer.carriedEach(x, by: average.module, on: device) }
    return [first, carried(first), second, carried(second)]
  }

  public func rows(of shown: Shown) -> [Tensor] {
    let (first, second) = shown.both
    return examples(first, second)
  }
}
