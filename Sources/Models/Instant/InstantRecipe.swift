import Networks
import Torch
import Training

/// A recipe that learns by what a trained network sees.
public protocol Taught: Recipe {
  /// Called once before the first step; the network is on the recipe's device and has no gradients.
  func learn(from network: VGG)
}

/// An arbitrary-style network: any picture in any style, in one pass.
///
/// The first set is of photographs, the second of paintings. The losses are those of `restyle`'s optimisation, so what
/// that does in hundreds of steps is learned once for all.
public final class InstantRecipe: TransferRecipe, Taught {
  public struct Settings: RecipeSettings {
    public var size = 256
    public var channels = 3
    public var batch = 2  // Many small steps teach more than few large ones.
    public var cropSide = 128  // Side of what is seen of a picture, in pixels.
    public var rate = 1e-3  // Adam's learning rate; falls along a cosine to a twentieth.
    public var contentWeight = 0.015  // As in `restyle`.
    public var smoothness = 0.5  // Weight of the total variation.
    public var identityEvery = 4  // Steps between those in which pictures are painted in their own style.
    public var identity = 20.0  // Weight of their change then.
    public var averageHalfLife = 1000.0  // Pictures after which half of the average is new.
    public var precision = "auto"
    public init() {}
  }

  public static let name = "instant"
  public static let summary = "Any picture in any style at once; from photographs --towards paintings."
  public static let pairing = Pairing.unpaired

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    settings.cropSide = min(settings.cropSide, settings.size)
    return settings
  }

  public static func length(for situation: Situation) -> Length { .minutes(120) }

  public let settings: Settings
  public let network = InstantNetwork()
  public let average: MovingAverage<InstantNetwork>
  private let optimizer: Adam
  private let device: Device
  private let usesBFloat16: Bool
  private var teacher: VGG?
  /// Of the second set's pictures, by their numbers.
  private var known: [Int: [Statistics]] = [:]

  static let layers = [VGG.Layer(1, 1), VGG.Layer(2, 1), VGG.Layer(3, 1), VGG.Layer(4, 1)]
  /// Of the layers' style losses, as in `restyle`, and the channels whose covariance each compares.
  static let weights = [256.0, 64, 16, 4].map { $0 / 340 }, groups = [64, 128, 128, 64]

  public init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try expect(settings.channels == 3, "channels", settings.channels, "styles are in colour: use 3")
    try expect(
      settings.cropSide % 16 == 0 && settings.cropSide >= 32 && settings.cropSide <= settings.size, "crop-side",
      settings.cropSide,
      "use a multiple of 16 from 32 to the size")
    try expect(settings.identityEvery > 1, "identity-every", settings.identityEvery, "it must be 2 or more")
    try expect(settings.batch > 0, "batch", settings.batch, "it must be 1 or more")
    (self.settings, self.device) = (settings, device)
    usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    network.initialize(&noise, as: .fanIn(gain: 1))
    network.favourFine()
    network.move(to: device)
    network.useChannelsLast()
    average = MovingAverage(InstantNetwork(), of: network)
    optimizer = Adam(network.parameters, rate: settings.rate, betas: (0.9, 0.99))
  }

  public func learn(from network: VGG) { teacher = network }

  public var saved: [String: any Saved] {
    ["network": network, "network.average": average, "optimizer": optimizer]
  }
  public var published: [String: any Saved] { ["network.average": average] }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    guard let teacher, let targets = batch.targets else { preconditionFailure("nothing to learn from") }
    let n = batch.pictures.size(0)
    optimizer.rate =
      Schedule.cosine(from: 1, to: 0.05)(progress.fraction) * settings.rate * progress.rateScale
    let contents = seen(batch.pictures, &noise)
    // The statistics that are asked for are the whole painting's; what the network is shown of it is a part.
    let isOwn = progress.picturesSeen / n % settings.identityEvery == settings.identityEvery - 1
    let styles = isOwn ? contents : seen(targets, &noise)
    let seenContent = withoutGradients {
      mixed { teacher(contents, layers: isOwn ? Self.layers : Array(Self.layers.suffix(1))) }
    }
    let content = seenContent.last!
    let goals =
      isOwn
      ? withoutGradients { zip(seenContent, Self.groups).map { Statistics($0, group: $1) } }
      : targetStatistics(targets, batch.targetIndices)
    let painted = mixed { network.painted(network.features(contents), network.statistics(network.features(styles))) }
    let found = mixed { teacher(painted, layers: Self.layers) }
    let lossC = meanSquaredError(found[3].to(.float32), content.to(.float32))
    var lossS: Tensor?
    for (i, group) in Self.groups.enumerated() {
      let part = wasserstein(Statistics(found[i], group: group), goals[i]) * Self.weights[i]
      lossS = lossS.map { $0 + part } ?? part
    }
    let outside = square(painted - clamp(painted, min: 0, max: 1)).mean()
    var regular = totalVariation(painted) * settings.smoothness + outside * 10
    if isOwn { regular = regular + meanSquaredError(painted, contents) * settings.identity }
    optimizer.step(minimizing: lossC * settings.contentWeight + lossS! + regular)
    average.follow(
      network, decay: decay(halfLife: settings.averageHalfLife, batch: n, picturesSeen: progress.picturesSeen))
    return isOwn ? [Reading("identity", lossC)] : [Reading("style", lossS!), Reading("content", lossC)]
  }

  /// What the teacher sees of whole paintings, each looked at once.
  private func targetStatistics(_ targets: Tensor, _ indices: [Int]) -> [Statistics] {
    withoutGradients {
      let each = indices.enumerated().map { i, index -> [Statistics] in
        if let known = known[index] { return known }
        let features = mixed { teacher!((targets[i..<i + 1] + 1) / 2, layers: Self.layers) }
        let found = zip(features, Self.groups).map { Statistics($0, group: $1) }
        // Some 350 kB each.
        if known.count < 4000 { known[index] = found }
        return found
      }
      return Self.groups.indices.map { layer in
        Statistics(
          mean: Tensor.concatenated(each.map { $0[layer].mean }),
          covariance: Tensor.concatenated(each.map { $0[layer].covariance }))
      }
    }
  }

  /// A part of each picture at a size by chance, mirrored by chance, in 0...1.
  private func seen(_ pictures: Tensor, _ noise: inout Noise) -> Tensor {
    let crop = settings.cropSide
    let sides = [crop, (crop + settings.size) / 2, settings.size]
    let side = sides[noise.integers(below: 3, count: 1)[0]]
    let free = settings.size - side + 1
    let (y, x) = (noise.integers(below: free, count: 1)[0], noise.integers(below: free, count: 1)[0])
    let part = pictures.narrowed(dim: 2, from: y, count: side).narrowed(dim: 3, from: x, count: side)
    let sized = side == crop ? part : interpolate(part, size: [crop, crop], mode: .bilinear, antialias: true)
    let turned = noise.bernoulli(0.5, [1]).item() > 0 ? sized.flipped([3]) : sized
    return (turned * 0.5 + 0.5).channelsLast()
  }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

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
}
