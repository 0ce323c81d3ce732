import Networks
import Torch
import Training

/// What a brush knows of its painting.
public final class BrushStyle: Module {
  /// [1, StylePredictor.size]; learns, too.
  let style = Tensor.zeros([1, StylePredictor.size]).requiringGradient()
  /// Its colours, and its neighbourhoods from full size on.
  let moments = (0...Texture.sizes).map { Moments(channels: $0 == 0 ? 3 : 3 * Texture.side * Texture.side) }

  public var members: [(name: String, value: Any)] { [("style", style), ("moments", moments)] }

  var texture: Texture {
    get { Texture(colours: moments[0].statistics, levels: moments.dropFirst().map(\.statistics)) }
    set { for (moment, found) in zip(moments, [newValue.colours] + newValue.levels) { moment.take(found) } }
  }
}

/// `Statistics` of one picture, as a state.
final class Moments: Module {
  let mean: Tensor, covariance: Tensor

  init(channels: Int) { (mean, covariance) = (Tensor.zeros([1, channels, 1]), Tensor.zeros([1, channels, channels])) }

  var members: [(name: String, value: Any)] { [("mean", mean), ("covariance", covariance)] }
  var statistics: Statistics { Statistics(mean: mean, covariance: covariance) }

  func take(_ found: Statistics) {
    mean.copy(from: found.mean)
    covariance.copy(from: found.covariance)
  }
}

/// One painting's style, learned in minutes: the network that paints in any style becomes one painting's (Johnson et al.
/// 2016, from where Ghiasi et al. 2017 end).
public final class BrushRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 256
    public var channels = 3
    public var batch = 2
    public var cropSide = 192
    public var styleSize = 384
    public var rate = 5e-4
    public var contentWeight = 0.75
    public var smoothness = 0.5
    public var width = 32
    public var precision = "auto"
    public init() {}
    public static let shaping: Set = ["width"]
    public static let notes = [
      "batch": "Pictures per update: 1 or more.",
      "cropSide": "Side of the random crops of the photographs, in pixels: a multiple of 16 from 32 to the size.",
      "styleSize": "Side of the painting in training, in pixels; larger gives larger strokes; 32 or more.",
      "rate": "Adam's learning rate; falls along a cosine to a twentieth.",
      "contentWeight": "Weight of the content loss (relu4_1): more keeps more of the photograph.",
      "smoothness": "Weight of the total variation loss.",
      "width": "The network's channels; at least as many as the network it starts from; 32, 64 or 96.",
    ]
  }

  public static let name = "brush"
  public static let summary = "Fast style transfer for one style, in minutes: photographs --towards a painting."
  public static let use = Use(
    .restyle, "paints pictures in the style that it learned", command: "restyle PICTURE --with NAME",
    out: "painted.png")
  public static let material = Material.sets(.unpaired)
  public static func needs(_ settings: Settings) -> [Pretrained] {
    [Pretrained("vgg16"), Pretrained(InstantRecipe.name, isBeginning: true)]
  }
  public static func targetSize(_ settings: Settings) -> Int { settings.styleSize }

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.cropSide = min(settings.cropSide, settings.side)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(10) }

  public let model: BrushModel
  public let network: InstantNetwork
  public let painting: BrushStyle
  private let optimizer: Adam
  private let device: Device
  private let mixed: Precision
  private var loss: PaintingLoss?

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try BrushModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    (network, painting) = (model.network.module, model.painting.module)
    network.initialize(&noise, as: .fanIn(gain: 1))
    // The painting's own numbers learn in its place.
    network.predictor.setRequiresGradient(false)
    for module in [network, painting] as [any Module] { module.move(to: device) }
    network.useChannelsLast()
    optimizer = Adam(network.parameters + [painting.style], rate: settings.rate, betas: (0.9, 0.99))
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try expect(settings.channels == 3, "channels", settings.channels, "styles are in colour: use 3")
    try expect(
      settings.cropSide % 16 == 0 && settings.cropSide >= 32 && settings.cropSide <= settings.side, "crop-side",
      settings.cropSide, "use a multiple of 16 from 32 to the size")
    try expect(settings.styleSize >= 32, "style-size", settings.styleSize, "use 32 or more")
    try expect(settings.batch > 0, "batch", settings.batch, "it must be 1 or more")
    try expect([32, 64, 96].contains(settings.width), "width", settings.width, "use 32, 64 or 96")
  }

  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {
    if pretrained.isBeginning {
      try network.widen(InstantModel.weights(in: weights))
    } else {
      loss = PaintingLoss(
        try VGG(features: weights, on: device), contentWeight: settings.contentWeight,
        smoothness: settings.smoothness, usesBFloat16: mixed.isBFloat16, on: device)
    }
  }

  public var saved: [String: any Saved] { ["network": network, "painting": painting, "optimizer": optimizer] }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    guard let loss, let targets = batch.targets else { preconditionFailure("nothing to learn from") }
    let n = batch.pictures.size(0)
    optimizer.rate =
      Schedule.cosine(from: 1, to: 0.05)(progress.fraction) * settings.rate * progress.rateScale
    if progress.picturesSeen == 0 { look(at: (targets[0..<1] + 1) / 2) }
    let contents = cropped(batch.pictures, to: settings.cropSide, &noise)
    let seen = withoutGradients { loss.features(contents, Array(PaintingLoss.layers.suffix(1))) }
    let style = painting.style.expanded([n, StylePredictor.size])
    let raw = mixed { network.raw(contents, style) }
    let (sum, lossS, lossC) = loss(raw, of: contents, content: seen[0], goals: loss.goals(targets, batch.targetIndices))
    optimizer.step(minimizing: sum)
    return [Reading("style", lossS), Reading("content", lossC)]
  }

  /// - Parameter picture: the painting, [1, 3, H, W] in 0...1.
  func look(at picture: Tensor) {
    withoutGradients {
      painting.style.copy(from: network.style(of: picture))
      painting.texture = Texture(of: picture)
    }
  }

  /// Photographs, and the same painted.
  public func examples(_ first: Tensor, _ second: Tensor) -> [Tensor] {
    let painter = model.painter
    let painted = first.unbound().map { painter($0.unsqueezed(0).to(device)) }
    return [first, Tensor.concatenated(painted).to(.cpu).contiguous()]
  }

  public func rows(of shown: Shown) -> [Tensor] {
    let (first, second) = shown.both
    return examples(first, second)
  }
}
