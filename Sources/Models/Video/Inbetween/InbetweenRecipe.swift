import Networks
import Torch
import Training

/// Learns to draw what is between two frames, from still pictures alone: they are cut up and moved, so that what is between
/// is known.
public final class InbetweenRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 256
    public var channels = 3
    public var batch = 8
    public var window = 192
    public var width = 64
    public var depth = 3
    public var farthest = 0.16
    public var guidance = 0.006
    public var rate = 8e-4
    public var averageHalfLife = 2000.0
    public var precision = "auto"
    public init() {}
    public static let shaping: Set = ["depth", "width"]
    public static let notes = [
      "window": "Side of the random crops in training, in pixels.",
      "width": "Channels of the finest stage: 8, 12 … 256.",
      "depth": "Residual blocks of each stage: 1 to 8.",
      "farthest": "Largest motion in training, as a fraction of the window: 0.01 to 0.5.",
      "guidance": "Weight of the flow error, in pixels, at the beginning: 0 to 1.",
      "rate": "Adam's learning rate; falls along a cosine to a fiftieth.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "precision": "auto, bfloat16 or float32.",
    ]
  }

  public static let name = "inbetween"
  public static let use = Use(
    .inbetween, "draws frames between a film's", command: "inbetween CLIP --model NAME", out: "smooth.mp4")
  public static let summary = "Frame interpolation, learned from still pictures, for `inbetween`."

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.window = min(settings.window, settings.side / 16 * 16)
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(120) }

  public let model: InbetweenModel
  public let network: InbetweenNetwork
  public let average: MovingAverage<InbetweenNetwork>
  private let optimizer: Adam
  private let device: Device
  private let mixed: Precision
  private var invention: InventedMotion { InventedMotion(farthest: settings.farthest) }
  /// How much each stage's picture counts, from coarse to fine.
  private static let stages = [0.3, 0.5, 1.0]

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try InbetweenModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    network = InbetweenNetwork(width: settings.width, depth: settings.depth)
    network.begin(&noise)
    network.placed(on: device)
    average = MovingAverage(model.network.module, of: network)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: (0.9, 0.99))
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try expect(settings.channels == 3, "channels", settings.channels, "what is between has colours: use 3")
    guard settings.side >= 64 else { throw .impossibleSize(settings.size, recipe: name, reason: "use 64 or more") }
    try expect(
      settings.window >= 64 && settings.window <= settings.side && settings.window % InbetweenNetwork.multiple == 0,
      "window", settings.window, "it must be a multiple of 16 from 64 to the size, \(settings.side)")
    try expect(settings.batch > 1, "batch", settings.batch, "things are cut out of other pictures: use 2 or more")
    try expect(
      (8...256).contains(settings.width) && settings.width % 4 == 0, "width", settings.width, "use 8, 12 … 256")
    try expect((1...8).contains(settings.depth), "depth", settings.depth, "use 1 to 8")
    try expect(settings.farthest > 0.002 && settings.farthest <= 0.5, "farthest", settings.farthest, "use 0.01 to 0.5")
    try expect((0...1).contains(settings.guidance), "guidance", settings.guidance, "use 0 to 1")
  }

  public var saved: [String: any Saved] {
    ["network": network, "network.average": average, "optimizer": optimizer]
  }
  public var mirrors: Bool { true }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let schedule = Schedule.cosine(from: 1, to: 0.02).warmedUp(over: 0.01)(progress.fraction)
    optimizer.rate = settings.rate * schedule * progress.rateScale
    let n = batch.pictures.size(0)
    let times = noise.uniform([n, 1, 1, 1], from: 0.1, to: 0.9, on: device)
    let example = withoutGradients {
      invention(batch.pictures * 0.5 + 0.5, at: times, side: settings.window, noise: &noise)
    }
    let found = mixed { network(example.first.channelsLast(), example.second.channelsLast(), at: times) }
    var loss: Tensor?
    for (stage, weight) in zip(found, Self.stages) {
      // Motion leads at first; at the end the picture decides.
      let guidance = settings.guidance * max(0.05, 1 - progress.fraction)
      let motion = meanAbsoluteError(stage.flows, example.flows)
      let error = pyramidError(stage.picture, example.between) + motion * guidance
      loss = loss.map { $0 + error * weight } ?? error * weight
    }
    var slopes = gradients(of: loss!, withRespectTo: network.parameters)
    clipGradients(&slopes, norm: 1)
    optimizer.step(slopes)
    average.follow(
      network, decay: decay(halfLife: settings.averageHalfLife, batch: n, picturesSeen: progress.picturesSeen))
    return [
      Reading("error", meanAbsoluteError(found.last!.picture, example.between)),
      Reading("fade", meanAbsoluteError((example.first + example.second) / 2, example.between)),
      Reading("flow", meanAbsoluteError(found.last!.flows, example.flows)),
    ]
  }

  /// First, second, what is made of the middle, and the middle.
  public func examples(_ pictures: Tensor) -> [Tensor] {
    withoutGradients {
      var noise = Noise(seed: 1)
      let n = pictures.size(0)
      let times = Tensor.full([n, 1, 1, 1], 0.5).to(device)
      let example = invention(pictures.to(device) * 0.5 + 0.5, at: times, side: settings.window, noise: &noise)
      let made = mixed { average.module(example.first.channelsLast(), example.second.channelsLast(), at: times) }
      return [example.first, example.second, made.last!.picture, example.between].map {
        (clamp($0.to(.float32), min: 0, max: 1) * 2 - 1).to(.cpu).contiguous()
      }
    }
  }

  public func rows(of shown: Shown) -> [Tensor] { examples(shown.pictures()) }
}
