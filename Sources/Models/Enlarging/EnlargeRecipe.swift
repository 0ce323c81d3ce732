import Networks
import Torch
import Training

/// Learns to enlarge an artist's own kind of pictures: Real-ESRGAN's small network, on pictures that are made small and
/// worn (Wang et al. 2021).
public final class EnlargeRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 256
    public var channels = 3
    public var batch = 8
    public var scale = 2
    public var window = 96
    public var width = 32
    public var depth = 10
    public var damage = 0.4
    public var adversarial = 0.0
    public var discriminatorWidth = 32
    public var rate = 1e-3
    public var averageHalfLife = 2000.0
    public var precision = "auto"
    public init() {}
    public static let formerNames = ["criticWidth": "discriminatorWidth"]
    public static let shaping: Set = ["depth", "discriminatorWidth", "scale", "width"]
    public static let notes = [
      "batch": "Pictures per update: 1 or more.",
      "scale": "Enlargement factor: 2, 3 or 4.",
      "window": "Side of the random crops in training, in pixels.",
      "width": "Channels of the network: 1 to 256.",
      "depth": "Convolutions between the first and the last: 1 to 64.",
      "damage": "Degradation of inputs: 0 downscaled; 1 also blurred, noisy, compressed; 0 to 1.",
      "adversarial": "Weight of the adversarial loss, which invents fine detail: 0 to 10.",
      "discriminatorWidth": "The discriminator's channels: 4 to 256.",
      "rate": "Adam's learning rate; falls along a cosine to a fiftieth.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "precision": "auto, bfloat16 or float32.",
    ]
  }

  public static let name = "enlarge"
  public static let use = Use(
    .enlarge, "makes pictures larger", command: "enlarge PICTURE --model NAME", out: "large.png")
  public static let summary = "Super-resolution for your kind of pictures, for `enlarge --model RUN`."
  public static let presets = [
    (name: "faithful", summary: "no invented detail; the default"),
    (name: "sharp", summary: "with a discriminator: invents detail"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.window = min(settings.window, settings.side / 48 * 48)
    switch preset {
    case nil, "faithful": break
    case "sharp": settings.adversarial = 0.02
    case let other?: throw .unknownPreset(other, recipe: name, known: presets.map(\.name))
    }
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(30) }

  public let model: EnlargeModel
  public let network: SRVGGNetCompact
  public let average: MovingAverage<SRVGGNetCompact>
  private let discriminator: PatchDiscriminator?
  private let optimizer: Adam, optimizerD: Adam?
  private let degradation: Degradation
  private let device: Device
  private let mixed: Precision

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try EnlargeModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    degradation = Degradation(scale: settings.scale, damage: settings.damage)
    let network = model.another()
    network.initialize(&noise)
    // Begins as the picture with its pixels repeated.
    let last = network.body.layers.count - 1
    withoutGradients {
      for (name, tensor) in network.state where name.hasPrefix("body.\(last).") { tensor.multiply(by: 0.1) }
    }
    network.placed(on: device)
    self.network = network
    average = MovingAverage(model.network.module, of: network)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: (0.9, 0.99))
    discriminator = settings.adversarial > 0 ? PatchDiscriminator(channels: 3, width: settings.discriminatorWidth) : nil
    if let discriminator { Transfer.prepare(discriminator, &noise, on: device, mixed: mixed.isBFloat16) }
    optimizerD = discriminator.map { Adam($0.parameters, rate: settings.rate * 0.2, betas: (0.5, 0.99)) }
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try expect(settings.channels == 3, "channels", settings.channels, "pictures are enlarged in colour: use 3")
    try expect((2...4).contains(settings.scale), "scale", settings.scale, "use 2, 3 or 4")
    guard settings.side >= 48 else { throw .impossibleSize(settings.size, recipe: name, reason: "use 48 or more") }
    try expect(
      settings.window >= 24 && settings.window <= settings.side && settings.window % settings.scale == 0, "window",
      settings.window, "it must be a multiple of the scale from 24 to the size, \(settings.side)")
    try expect(settings.batch > 0, "batch", settings.batch, "it must be 1 or more")
    try expect(settings.width > 0 && settings.width <= 256, "width", settings.width, "use 1 to 256")
    try expect((1...64).contains(settings.depth), "depth", settings.depth, "use 1 to 64")
    try expect((0...1).contains(settings.damage), "damage", settings.damage, "use 0 to 1")
    try expect((0...10).contains(settings.adversarial), "adversarial", settings.adversarial, "use 0 to 10")
    try expect(
      (4...256).contains(settings.discriminatorWidth), "discriminator-width", settings.discriminatorWidth,
      "use 4 to 256")
  }

  public var saved: [String: any Saved] {
    var parts: [String: any Saved] = ["network": network, "network.average": average, "optimizer": optimizer]
    parts["discriminator"] = discriminator
    parts["optimizer.discriminator"] = optimizerD
    return parts
  }
  public var mirrors: Bool { true }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let rate = Schedule.cosine(from: 1, to: 0.02)(progress.fraction) * progress.rateScale
    optimizer.rate = settings.rate * rate
    let wanted = Transfer.squares(batch.pictures, side: settings.window, noise: &noise)[0] * 0.5 + 0.5
    let given = withoutGradients { degradation(wanted, noise: &noise).channelsLast() }
    let made = mixed { network(given) }.to(.float32)
    let distance = meanAbsoluteError(made, wanted)
    var (loss, readings) = (distance, [Reading("distance", distance)])
    if let discriminator, let optimizerD {
      optimizerD.rate = settings.rate * 0.2 * rate
      let lossD = mixed {
        (leastSquaresLoss(discriminator(wanted * 2 - 1), toward: 1)
          + leastSquaresLoss(discriminator(made.detached() * 2 - 1), toward: 0)) * 0.5
      }
      optimizerD.step(minimizing: lossD)
      let verdict = mixed { leastSquaresLoss(discriminator(made * 2 - 1), toward: 1) }
      // Detail comes after shapes: a new network's would be noise.
      loss = loss + verdict * (settings.adversarial * min(1, progress.fraction * 3))
      readings += [Reading("verdict", verdict), Reading("discriminator", lossD)]
    }
    optimizer.step(minimizing: loss)
    average.follow(
      network,
      decay: decay(halfLife: settings.averageHalfLife, batch: wanted.size(0), picturesSeen: progress.picturesSeen))
    return readings
  }

  /// Pictures made small and shown with their pixels repeated, the same enlarged, and as they are.
  public func examples(_ pictures: Tensor) -> [Tensor] {
    let side = settings.window
    let place = (pictures.size(2) - side) / 2
    let wanted = pictures.narrowed(dim: 2, from: place, count: side).narrowed(dim: 3, from: place, count: side)
    let small = interpolate(
      wanted.to(device) * 0.5 + 0.5, size: [side / settings.scale, side / settings.scale], mode: .bicubic,
      antialias: true)
    let given = clamp(small, min: 0, max: 1)
    let rows = [
      interpolate(given, size: [side, side], mode: .nearest), mixed { average.module(given.channelsLast()) },
    ]
    return rows.map { clamp($0.to(.float32) * 2 - 1, min: -1, max: 1).to(.cpu).contiguous() } + [wanted.contiguous()]
  }

  public func rows(of shown: Shown) -> [Tensor] { examples(shown.pictures()) }
}
