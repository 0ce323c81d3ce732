import Networks
import Torch
import Training

import func Foundation.pow

/// StyleGAN2 with adaptive augmentation (Karras et al. 2020, twice): styles for each size that can be mixed, and full
/// control over them.
public final class StyleGAN2Recipe: TraitRecipe {
  public static let name = "stylegan2"
  public static let use = Use.pictures
  public static let summary =
    "StyleGAN2: style mixing, inversion and latent directions; slower than r3gan."
  public static let presets = [
    (name: "small", summary: "128 channels at most, for a few cores"),
    (name: "large", summary: "512 channels and eight mapping layers, for a GPU"),
  ]

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> StyleGAN2Settings {
    try StyleGAN2Settings(for: situation, preset: preset)
  }

  public let model: StyleGAN2Model
  public let generator: StyleGAN2Generator, discriminator: StyleGAN2Discriminator
  public let average: MovingAverage<StyleGAN2Generator>
  let optimizerG: Adam, optimizerD: Adam
  let strength: AugmentStrength
  /// The moving mean of path lengths.
  private let pathMean = SavedNumber()
  private let device: Device
  private let mixed: Precision
  private let shift = DiffAugment(colour: false, cutout: 0, mirrorsEdges: true)
  /// Pictures over which the augmentation's probability would go from 0 to 1, as a part of the run; and at most.
  private static let adaptSpan = (part: 0.3, most: 200_000.0)
  /// How much of the path lengths' mean, and of w's, a step keeps.
  private static let memory = (path: 0.99, w: 0.998)

  public init(_ settings: StyleGAN2Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try StyleGAN2Model(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    discriminator = StyleGAN2Discriminator(
      widths: settings.discriminatorWidths, channels: settings.channels, classes: model.settings.kinds,
      least: settings.least)
    generator.prepared(&noise, on: device)
    discriminator.prepared(&noise, on: device)
    average = MovingAverage(model.generator.module, of: generator)
    strength = AugmentStrength(target: settings.adapt, start: settings.augment)
    // A penalty every few steps is part of one step's work, and the optimizer's memory is shortened as much.
    func adam(_ network: any Module, _ ratio: Double) -> Adam {
      Adam(network.parameters, rate: settings.rate * ratio, betas: (0, pow(0.99, ratio)))
    }
    let ratios = settings.ratios
    (optimizerG, optimizerD) = (adam(generator, ratios.g), adam(discriminator, ratios.d))
  }

  public var saved: [String: any Saved] {
    model.parts([
      "generator": generator, "generator.average": average, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD, "augment": strength,
      "path": pathMean,
    ])
  }
  /// How few the new pictures are says how strongly they are augmented.
  public var inherited: [String: any Saved] {
    saved.filter { $0.value is any Module || $0.value is MovingAverage<StyleGAN2Generator> }
  }
  public var mirrors: Bool { settings.mirror }

  /// Updates the discriminator, then the generator, each with its penalty every few steps.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let n = batch.pictures.size(0), step = progress.picturesSeen / settings.batch
    let ratios = settings.ratios
    (optimizerG.rate, optimizerD.rate) = (
      settings.rate * ratios.g * progress.rateScale, settings.rate * ratios.d * progress.rateScale
    )
    let kinds = model.told(batch, noise: &noise, on: device)

    let fake = generated(n, kinds, &noise)
    let seen = augmented(alphaWeighted(batch.pictures), &noise)
    let (ofReal, lossD) = mixed {
      let ofReal = discriminator(seen, classes: kinds)
      let ofFake = discriminator(augmented(fake.detached(), &noise), classes: kinds)
      return (ofReal, lossOfReal(ofReal, smoothing: 0) + lossOfFake(ofFake))
    }
    var whole = lossD
    var readings: [Reading] = []
    if step % settings.penaltyEvery == 0, settings.gamma > 0 {
      let slope = mixed { zeroCenteredPenalty(at: seen) { discriminator($0, classes: kinds) } }
      whole = lossD + slope * (settings.gamma / 2 * Double(settings.penaltyEvery))
      readings.append(Reading("slope", slope))
    }
    optimizerD.step(minimizing: whole)

    let lossG = mixed { lossOfGenerator(discriminator(augmented(fake, &noise), classes: kinds)) }
    optimizerG.step(minimizing: lossG)
    if step % settings.pathEvery == 0, settings.pathWeight > 0 {
      let length = straighten(max(1, n / 2), kinds, &noise)
      readings.append(Reading("path", length))
    }
    average.follow(
      generator,
      decay: decay(halfLife: settings.averageHalfLife, batch: settings.batch, picturesSeen: progress.picturesSeen))
    if settings.adapt > 0 {
      let span = min(Self.adaptSpan.most, Self.adaptSpan.part * Double(max(progress.totalPictures, 1)))
      strength.follow(ofReal, span: span)
    }
    return [
      Reading("discriminator", lossD), Reading("generator", lossG), Reading("augment", strength.probability),
    ] + readings
  }

  /// Pictures of two styles each as often as `mixing` says, with new noise.
  private func generated(_ n: Int, _ kinds: Tensor?, _ noise: inout Noise) -> Tensor {
    let ws = styles(n, kinds, &noise)
    return pictures(ws, &noise)
  }

  private func styles(_ n: Int, _ kinds: Tensor?, _ noise: inout Noise) -> Tensor {
    let w = generator.mapping(noise.normal([n, settings.latent], on: device), classes: kinds)
    withoutGradients {
      let own = w.mean(dims: [0])
      let mean = ProcessGroup.current.map { $0.summed(own) / Double($0.count) } ?? own
      if let average = generator.mapping.average { average.copy(from: lerp(mean, average, Self.memory.w)) }
    }
    let other = noise.normal([n, settings.latent], on: device), layers = generator.synthesis.layers
    let isMixed = noise.bernoulli(settings.mixing, [n]).floats, cuts = noise.integers(below: layers - 1, count: n)
    guard settings.mixing > 0 else { return generator.everywhere(w) }
    let second = generator.mapping(other, classes: kinds)
    let takesSecond = (0..<n).flatMap { i in
      (0..<layers).map { Float(isMixed[i] > 0 && $0 > cuts[i] ? 1 : 0) }
    }
    return lerp(
      generator.everywhere(w), generator.everywhere(second),
      Tensor(takesSecond, shape: [n, layers, 1]).to(device))
  }

  private func pictures(_ ws: Tensor, _ noise: inout Noise, isMixed: Bool = true) -> Tensor {
    var source = noise
    func draw(_ size: PictureSize) -> Tensor { source.normal([ws.size(0), 1] + size.shape, on: device) }
    let made = withAutocast(mixed.isBFloat16 && isMixed, on: device) { generator.synthesis(ws, noise: draw) }
    noise = source
    // A seam must be nowhere in particular.
    guard settings.seamless else { return made }
    return made.rolled(by: settings.size.place(&noise), dims: [2, 3])
  }

  /// A step that makes pictures move as far for each step in w (Karras et al. 2020, section 3.2); returns how far.
  private func straighten(_ n: Int, _ kinds: Tensor?, _ noise: inout Noise) -> Tensor {
    let ws = styles(n, kinds.map { $0[0..<n] }, &noise)
    let made = pictures(ws, &noise, isMixed: false)
    let lengths = pathLengths(made, ws, along: noise.normal(made.shape, on: device))
    let mean = lengths.detached().mean().item()
    pathMean.value = pathMean.value * Self.memory.path + mean * (1 - Self.memory.path)
    let penalty = square(lengths - pathMean.value).mean()
    let found = gradientsIfUsed(
      of: penalty * (settings.pathWeight * Double(settings.pathEvery)), withRespectTo: optimizerG.parameters)
    optimizerG.step(found)
    return lengths.mean()
  }

  private func augmented(_ x: Tensor, _ noise: inout Noise) -> Tensor {
    let p = settings.adapt > 0 ? strength.probability : settings.augment
    guard p > 0 else { return x }
    return withAutocast(false, on: device) {
      let x = x.to(.float32)
      return settings.pipe.map { $0(x, probability: p, noise: &noise) } ?? shift(x, probability: p, noise: &noise)
    }
  }
}

/// One number that a checkpoint keeps.
final class SavedNumber: Saved {
  private let tensor = Tensor([0.0])
  var value: Double {
    get { tensor.doubles[0] }
    set { withoutGradients { tensor.fill(newValue) } }
  }
  var savedTensors: [String: Tensor] { ["value": tensor] }
  func restore(_ tensors: [String: Tensor]) throws(StateError) {
    guard let theirs = tensors["value"] else { throw .missing("value") }
    guard theirs.shape == [1] else { throw .shape("value", expected: [1], found: theirs.shape) }
    withoutGradients { tensor.copy(from: theirs) }
  }
}
