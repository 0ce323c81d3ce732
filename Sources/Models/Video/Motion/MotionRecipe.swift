import Networks
import Torch
import Training

/// Learns how pictures like these move, from sequences of them, so that one can be moved as another moves: keypoints that
/// nobody names, each with the motion around it (first-order motion model, Siarohin et al. 2019).
public final class MotionRecipe: Recipe {
  public struct Settings: RecipeSettings {
    public var size: PictureSize = 72
    public var channels = 4
    public var batch = 8
    public var keypoints = 10
    public var reduction = 2
    public var width = 32
    public var blocks = 2
    public var motionWidth = 16
    public var span = 0
    public var carried = 0.3
    public var equivariance = 1.0
    public var perceptual = 0.0
    public var augment = true
    public var mirror = true
    public var rate = 1e-3
    public var averageHalfLife = 2000.0
    public var precision = "auto"
    public init() {}
    public static let shaping: Set = ["blocks", "keypoints", "motionWidth", "reduction", "width"]
    public static let notes = [
      "channels": "3, or 4 with transparency.",
      "batch": "Pictures per update: 2 or more.",
      "keypoints": "Keypoints that motion is told by: 1 to 64.",
      "reduction": "Motion is estimated at this many times smaller size: 1, 2, 4 or 8.",
      "width": "The generator's channels: 4 to 512.",
      "blocks": "The generator's residual blocks: 0 to 16.",
      "motionWidth": "Channels of the motion networks: 4 to 256.",
      "span": "The most frames between source and driving frame; 0 for any; 0 or more.",
      "carried": "Weight of the loss on the warped picture alone, before inpainting: 0 to 10.",
      "equivariance": "Weight of the keypoints' equivariance loss: 0 to 100.",
      "perceptual": "Weight of the perceptual loss (VGG16), for paintings and photographs: 0 to 100.",
      "augment": "Augment colours, sizes and positions.",
      "mirror": "Also train on mirrored pictures.",
      "rate": "Adam's learning rate; falls along a cosine.",
      "averageHalfLife": "Half-life of the moving average, in pictures.",
      "precision": "auto, bfloat16 or float32.",
    ]
  }

  public static let name = "motion"
  public static let use = Use(
    .animate, "moves pictures", command: "animate PICTURE --with CLIP --run NAME", out: "moved.gif")
  public static let material = Material.sequences
  private static let vgg = Pretrained("vgg16")
  public static func needs(_ settings: Settings) -> [Pretrained] { settings.perceptual > 0 ? [vgg] : [] }
  public static let summary = "Image animation (first-order motion model) from picture sequences, for `animate`."
  public static let presets = [
    (name: "sprites", summary: "small drawn figures; the default"),
    (name: "film", summary: "wider, with a perceptual loss; use --size 128 or more and --channels 3"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    if situation.side >= 128 { settings.reduction = 4 }
    switch preset {
    case nil, "sprites": break
    case "film":
      (settings.width, settings.motionWidth, settings.blocks, settings.perceptual) = (48, 32, 4, 1)
    case let other?: throw .unknownPreset(other, recipe: name, known: presets.map(\.name))
    }
    try check(settings)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(60) }

  public let model: MotionModel
  public let network: MotionNetwork
  public let average: MovingAverage<MotionNetwork>
  private let optimizer: Adam
  private let device: Device
  private let mixed: Precision
  private var perceptualNetwork: VGG?

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try MotionModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    network = MotionModel.network(settings)
    network.prepared(&noise, on: device)
    average = MovingAverage(model.network.module, of: network)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: (0.5, 0.999))
  }

  static func check(_ settings: Settings) throws(RecipeError) {
    try expect([3, 4].contains(settings.channels), "channels", settings.channels, "use 3, or 4 with transparency")
    try expect([1, 2, 4, 8].contains(settings.reduction), "reduction", settings.reduction, "use 1, 2, 4 or 8")
    let unit = 4 * max(settings.reduction, 1)
    guard settings.side >= 4 * unit, settings.side % unit == 0 else {
      throw .impossibleSize(settings.size, recipe: name, reason: "use a multiple of \(unit) from \(4 * unit) on")
    }
    try expect(settings.batch > 1, "batch", settings.batch, "it must be 2 or more")
    try expect((1...64).contains(settings.keypoints), "keypoints", settings.keypoints, "use 1 to 64")
    try expect((4...512).contains(settings.width), "width", settings.width, "use 4 to 512")
    try expect((0...16).contains(settings.blocks), "blocks", settings.blocks, "use 0 to 16")
    try expect((4...256).contains(settings.motionWidth), "motion-width", settings.motionWidth, "use 4 to 256")
    try expect(settings.span >= 0, "span", settings.span, "it must be 0 or more")
    try expect((0...10).contains(settings.carried), "carried", settings.carried, "use 0 to 10")
    try expect((0...100).contains(settings.equivariance), "equivariance", settings.equivariance, "use 0 to 100")
    try expect((0...100).contains(settings.perceptual), "perceptual", settings.perceptual, "use 0 to 100")
  }

  public var draw: FrameDraw { FrameDraw(count: 2, span: settings.span > 0 ? settings.span : nil) }
  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {
    perceptualNetwork = try VGG(features: weights, on: device)
  }

  public var saved: [String: any Saved] {
    ["network": network, "network.average": average, "optimizer": optimizer]
  }
  public var mirrors: Bool { settings.mirror }

  /// Moves each sequence's one frame to the other.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let rate = Schedule.cosine(from: 1, to: 0.02, during: 0.3...1).warmedUp(over: 0.01)(progress.fraction)
    optimizer.rate = settings.rate * rate * progress.rateScale
    let size = batch.pictures.shape
    let n = size[0] / 2
    let pairs = premultiplied(batch.pictures).contiguous().reshaped([n, 2] + size.dropFirst())
    var (given, wanted) = (pairs.selected(dim: 1, index: 0), pairs.selected(dim: 1, index: 1))
    if settings.augment { (given, wanted) = MotionAugmentation()(given, wanted, noise: &noise) }
    (given, wanted) = (given.channelsLast(), wanted.channelsLast())
    let some = max(1, n / 4)
    let bending = Bending(count: some, noise: &noise, on: device)
    let bent = bending.bent(wanted[0..<some]).channelsLast()

    let (made, driving, afterwards) = mixed {
      let source = network.detector(given), driving = network.detector(wanted)
      return (network(given, from: source, to: driving), driving, network.detector(bent))
    }
    let error = pyramidError(made.picture, wanted)
    let carried = pyramidError(made.carried, wanted)
    let (places, turns) = equivariance(driving[0..<some], afterwards, under: bending)
    // 100 brings errors of colours near those of places, which fill -1...1.
    var loss = (error + carried * settings.carried) * 100 + (places * 3 + turns) * settings.equivariance
    var readings = [
      Reading("error", error), Reading("carried", carried), Reading("places", places), Reading("turns", turns),
    ]
    if let perceptualNetwork, settings.perceptual > 0 {
      let seen = mixed { perceptualError(made.picture, wanted, seenBy: perceptualNetwork) }
      loss = loss + seen * settings.perceptual
      readings.append(Reading("perceptual", seen))
    }
    var slopes = gradients(of: loss, withRespectTo: network.parameters)
    clipGradients(&slopes, norm: 10)
    optimizer.step(slopes)
    average.follow(
      network, decay: decay(halfLife: settings.averageHalfLife, batch: n, picturesSeen: progress.picturesSeen))
    return readings
  }

  /// Given, what moves them, and moved.
  public func examples(_ frames: Tensor) -> [Tensor] {
    let pairs = frames.reshaped([frames.size(0) / 2, 2] + frames.shape.dropFirst())
    let given = pairs.selected(dim: 1, index: 0), wanted = pairs.selected(dim: 1, index: 1)
    let made = withoutGradients {
      unmultiplied(
        model.mover.reconstructed(premultiplied(given).to(device), as: premultiplied(wanted).to(device)).to(.cpu))
    }
    return [given.contiguous(), wanted.contiguous(), made.contiguous()]
  }

  public func rows(of shown: Shown) -> [Tensor] { examples(shown.frames(draw)) }
}

/// The mean difference of features (Johnson et al. 2016), the first layers of four blocks of VGG16 in equal parts, colours on
/// black where there is alpha.
func perceptualError(_ made: Tensor, _ wanted: Tensor, seenBy perceptualNetwork: VGG) -> Tensor {
  let layers = [VGG.Layer(1, 1), VGG.Layer(2, 1), VGG.Layer(3, 1), VGG.Layer(4, 1)]
  func features(_ x: Tensor) -> [Tensor] { perceptualNetwork(x.narrowed(dim: 1, from: 0, count: 3), layers: layers) }
  let known = withoutGradients { features(wanted) }
  let errors = zip(features(made), known).map { meanAbsoluteError($0.to(.float32), $1.to(.float32)) }
  return errors.dropFirst().reduce(errors[0]) { $0 + $1 } / Double(errors.count)
}
