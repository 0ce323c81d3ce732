import Networks
import Torch
import Training

/// An arbitrary-style network: any picture in any style, in one pass.
///
/// The first set is of photographs, the second of paintings. The losses are those of `restyle`'s optimisation, so what
/// that does in hundreds of steps is learned once for all.
public final class InstantRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 256
    public var channels = 3
    public var batch = 2
    public var cropSide = 192
    public var rate = 3e-4
    public var contentWeight = 0.5
    public var smoothness = 0.5
    public var width = 32
    public var steadiness = 0.0
    public var averageHalfLife = 1000.0
    public var precision = "auto"
    public init() {}
    public static let shaping: Set = ["width"]
    public static let notes = [
      "batch": "Pictures per update; small batches learn more in the same time; 1 or more.",
      "cropSide": "Side of the random crops of the pictures, in pixels: a multiple of 16 from 32 to the size.",
      "rate": "Adam's learning rate; falls along a cosine to a twentieth.",
      "contentWeight": "Weight of the content loss (relu4_1): more keeps more of the photograph.",
      "smoothness": "Weight of the total variation loss.",
      "width": "The network's channels: 32, 64 or 96.",
      "steadiness": "Weight of the temporal consistency loss, for films: 0 to 100000.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
    ]
  }

  public static let name = "instant"
  public static let summary = "Arbitrary style transfer in one pass: photographs --towards paintings."
  public static let use = Use(
    .restyle, "paints pictures in any painting's style", command: "restyle PICTURE --style PAINTING --with NAME",
    out: "painted.png", needsStyle: true)
  public static let material = Material.sets(.unpaired)
  public static func needs(_ settings: Settings) -> [Pretrained] {
    [Pretrained("vgg16"), Pretrained(name, isBeginning: true)]
  }

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.cropSide = min(settings.cropSide, settings.side)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(120) }

  public let model: InstantModel
  public let network: InstantNetwork
  public let average: MovingAverage<InstantNetwork>
  private let optimizer: Adam
  private let device: Device
  private let mixed: Precision
  private var loss: PaintingLoss?
  /// Of paintings, by their numbers.
  private let known = RowCache(limit: 100_000)

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try InstantModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    network = InstantNetwork(width: settings.width)
    network.initialize(&noise, as: .fanIn(gain: 1))
    // What tells painters apart was learned from more paintings than an artist has.
    network.predictor.setRequiresGradient(false)
    network.predictor.bottleneck.setRequiresGradient(true)
    network.placed(on: device)
    average = MovingAverage(model.network.module, of: network)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: (0.9, 0.99))
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try expect(settings.channels == 3, "channels", settings.channels, "styles are in colour: use 3")
    try expect(
      settings.cropSide % 16 == 0 && settings.cropSide >= 32 && settings.cropSide <= settings.side, "crop-side",
      settings.cropSide,
      "use a multiple of 16 from 32 to the size")
    try expect(settings.batch > 0, "batch", settings.batch, "it must be 1 or more")
    try expect([32, 64, 96].contains(settings.width), "width", settings.width, "use 32, 64 or 96")
    try expect((0...1e5).contains(settings.steadiness), "steadiness", settings.steadiness, "use 0 to 100000")
  }

  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {
    if pretrained.isBeginning {
      let weights = InstantModel.weights(in: weights)
      for module in [network, average.module] { try module.widen(weights) }
    } else {
      loss = PaintingLoss(
        try VGG(features: weights, on: device), contentWeight: settings.contentWeight,
        smoothness: settings.smoothness, usesBFloat16: mixed.isBFloat16, on: device)
    }
  }

  public var saved: [String: any Saved] {
    ["network": network, "network.average": average, "optimizer": optimizer]
  }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    guard let loss, let targets = batch.targets else { preconditionFailure("nothing to learn from") }
    let n = batch.pictures.size(0)
    optimizer.rate =
      Schedule.cosine(from: 1, to: 0.05)(progress.fraction) * settings.rate * progress.rateScale
    let contents = cropped(batch.pictures, to: settings.cropSide, &noise)
    let content = withoutGradients { loss.features(contents, Array(PaintingLoss.layers.suffix(1))) }
    let goals = loss.goals(targets, batch.targetIndices)
    let style = style(of: targets, batch.targetIndices)
    let raw = mixed { network.raw(contents, style) }
    var (sum, lossS, lossC) = loss(raw, of: contents, content: content[0], goals: goals)
    var readings = [Reading("style", lossS), Reading("content", lossC)]
    if settings.steadiness > 0 {
      let error = unsteadiness(of: raw, contents, style, &noise)
      sum = sum + error * settings.steadiness
      readings.append(Reading("unsteadiness", error))
    }
    optimizer.step(minimizing: sum)
    average.follow(
      network, decay: decay(halfLife: settings.averageHalfLife, batch: n, picturesSeen: progress.picturesSeen))
    return readings
  }

  /// How much paint differs, squared, from where it would be if it went with the photograph, which is moved, lit and
  /// grained a little otherwise, as the next frame of a film is (Wang et al. 2020, "Consistent video style transfer via
  /// compound regularization", section 3.2: no film is needed).
  private func unsteadiness(of raw: Tensor, _ contents: Tensor, _ style: Tensor, _ noise: inout Noise) -> Tensor {
    let (n, side) = (contents.size(0), contents.size(2))
    let (flow, next) = withoutGradients { () -> (Tensor, Tensor) in
      // Some pixels as a whole, and a bending.
      let shift = noise.normal([n, 2, 1, 1]) * 3
      let bending = interpolate(noise.normal([n, 2, 4, 4]) * 1.5, size: [side, side], mode: .bicubic)
      let flow = (shift + bending).to(device)
      let light = noise.normal([n, 1, 1, 1], on: device) * 0.03 + 1
      let grain = noise.normal(contents.shape, on: device) * 0.01
      return (flow, clamp(warped(contents, by: flow) * light + grain, min: 0, max: 1).channelsLast())
    }
    let painted = mixed { network.raw(next, style) }
    let isIn = insidePicture(flow).to(.float32)
    return (square(painted - warped(raw, by: flow)) * isIn).mean()
  }

  /// [N, StylePredictor.size]; what of it doesn't learn is computed once a painting.
  private func style(of paintings: Tensor, _ numbers: [Int]) -> Tensor {
    let pooled = known.rows(numbers) { i in
      withoutGradients { network.predictor.pooled((paintings[i..<i + 1] + 1) / 2).to(.float32) }
    }
    return network.predictor.bottleneck(pooled).to(.float32)
  }

  /// Photographs, paintings, and the ones painted as the others.
  public func examples(_ first: Tensor, _ second: Tensor) -> [Tensor] {
    let painted = withoutGradients {
      zip(first.unbound(), second.unbound()).map { photo, painting in
        let style = ((painting.to(device) + 1) / 2).unsqueezed(0)
        return InstantPainter(average.module, styles: [(style, 1)], precision: settings.precision)(
          photo.to(device).unsqueezed(0))
      }
    }
    return [first, second, Tensor.concatenated(painted).to(.cpu).contiguous()]
  }

  public func rows(of shown: Shown) -> [Tensor] {
    let (first, second) = shown.both
    return examples(first, second)
  }
}
