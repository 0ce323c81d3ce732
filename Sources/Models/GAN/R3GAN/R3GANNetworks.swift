import Networks
import Torch

/// Latents [N, latent] to pictures [N, channels, H, W], mostly in -1...1, of any size up to the largest.
///
/// A picture is the sum of one at each size, each enlarged to the next (Karras et al. 2020, figure 7, "output skips").
/// So the network can grow while it trains: a head that starts at zero changes nothing at first.
public final class R3GANGenerator: Module {
  /// The width that was trained last, kept with the weights: a run may end before it has grown up.
  let grown: Tensor
  let mapping: [Linear]
  /// The class embedding, added to the styles.
  let classEmbedding: Linear?
  let base: Linear
  let stages: [GeneratorStage]
  private let width: Int, least: PictureSize, isSeamless: Bool

  /// - Parameters:
  ///   - widths: channels at `least`, twice as large, …; the largest picture has twice the last size.
  ///   - blocks: residual blocks at each size.
  ///   - classes: how many classes it can be asked for; 0 for none.
  ///   - least: size of the first features.
  ///   - isSeamless: its pictures go on at the other edge.
  public init(
    latent: Int, wSize: Int, widths: [Int], blocks: [Int], channels: Int, classes: Int = 0, least: PictureSize = 4,
    isSeamless: Bool = false
  ) {
    mapping = [Linear(latent, wSize), Linear(wSize, wSize)]
    classEmbedding = classes > 0 ? Linear(classes, wSize, bias: false) : nil
    base = Linear(wSize, least.pixels * widths[0])
    (width, self.least, self.isSeamless) = (widths[0], least, isSeamless)
    grown = Tensor([least.width << widths.count])
    stages = widths.indices.map { i in
      GeneratorStage(
        inputs: i > 0 ? widths[i - 1] : nil, width: widths[i], blocks: blocks[i], latent: wSize,
        channels: i > 0 ? channels : nil, isSeamless: isSeamless)
    }
  }

  public var members: [(name: String, value: Any)] { members(saved: ["classEmbedding": "kind"]) }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    for layer in mapping { Initialization.fanIn(gain: 2.0.squareRoot()).fill(layer.weight, layer.bias, &noise) }
    if let classEmbedding { classEmbedding.weight.copy(from: noise.normal(classEmbedding.weight.shape) * 0.5) }
    Initialization.fanIn(gain: 1).fill(base.weight, base.bias, &noise)
    // Sizes above the first add nothing until they are trained.
    for stage in stages.dropFirst(2) {
      if let head = stage.head { Initialization.zero.fill(head.weight, head.bias, &noise) }
    }
  }

  var trainedSize: PictureSize {
    get { least * (Int(grown.item()) / least.width) }
    set { withoutGradients { grown.fill(Double(newValue.width)) } }
  }

  /// - Parameter size: of the pictures: four times `least`, eight times, … as far as there are stages.
  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  public func callAsFunction(_ z: Tensor, size: PictureSize, classes: Tensor? = nil) -> Tensor {
    pictures(of: asked(styles(z), classes), size: size)
  }

  /// Styles with what their classes add.
  func asked(_ w: Tensor, _ classes: Tensor?, guidance: Double = 1) -> Tensor {
    guard let classEmbedding, let classes else { return w }
    return w + classEmbedding(classes) * guidance
  }

  /// Latents [N, latent] to what steers the stages, [N, wSize].
  func styles(_ z: Tensor) -> Tensor {
    // On the sphere, where a Gaussian of many dimensions lies anyway.
    let unit = z * rsqrt(square(z).mean(dims: [1], keepDims: true) + 1e-8)
    return mapping.reduce(unit) { leakyRelu($1($0)) }
  }

  /// Styles that it can take one by one: the first picture's, and each stage's.
  var layers: Int { stages.count + 1 }

  /// - Parameter w: [N, wSize], the same for all stages, or [N, layers, wSize].
  func pictures(of w: Tensor, size: PictureSize) -> Tensor {
    let each = w.rank == 3 ? w.unbound(dim: 1) : [Tensor](repeating: w, count: layers)
    var x = base(each[0]).reshaped([-1, width] + least.shape).channelsLast()
    var picture: Tensor?
    var now = least
    for (stage, w) in zip(stages, each.dropFirst()) where 2 * now.width <= size.width {
      x = stage(x, w)
      if let head = stage.head {
        let detail = head(leakyRelu(x))
        picture = picture.map { enlarged($0, to: now * 2) + detail } ?? detail
      }
      now = now * 2
    }
    return picture!
  }

  /// A picture [N, channels, H, W] at another size, a whole multiple of its own.
  func enlarged(_ x: Tensor, to size: PictureSize) -> Tensor {
    guard isSeamless else { return interpolate(x, size: size.shape) }
    let times = size.width / x.size(3)
    let wide = interpolate(
      pad(x, [1, 1, 1, 1], mode: .circular), size: [size.height + 2 * times, size.width + 2 * times])
    return wide.narrowed(dim: 2, from: times, count: size.height).narrowed(dim: 3, from: times, count: size.width)
  }
}

/// Pictures [N, channels, H, W] to one number each, higher for more real: the generator's mirror.
///
/// Each size has a stem of its own, added to what comes from the larger size ("input skips"). What comes from a size
/// that is new starts at zero, so that growing changes nothing at first.
public final class R3GANDiscriminator: Module {
  let stages: [DiscriminatorStage]
  let hidden: Linear, verdict: Linear
  /// What a class' pictures look like: the verdict is the higher the more features are like it (Miyato and Koyama 2018).
  let classEmbedding: Linear?
  private let least: PictureSize

  /// - Parameters:
  ///   - stem: channels at full resolution.
  ///   - classes: how many classes of pictures it is told of; 0 for none.
  ///   - least: size of the last features.
  public init(widths: [Int], blocks: [Int], stem: Int, channels: Int, classes: Int = 0, least: PictureSize = 4) {
    self.least = least
    stages = widths.indices.map { i in
      DiscriminatorStage(
        width: widths[i], outputs: i > 0 ? widths[i - 1] : nil, blocks: blocks[i],
        stem: i > 0 ? PictureStem(widths[i], width: stem, channels: channels) : nil)
    }
    hidden = Linear(least.pixels * widths[0], widths[0])
    verdict = Linear(widths[0], 1)
    classEmbedding = classes > 0 ? Linear(classes, widths[0], bias: false) : nil
  }

  public var members: [(name: String, value: Any)] { members(saved: ["classEmbedding": "kind"]) }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 2.0.squareRoot()).fill(hidden.weight, hidden.bias, &noise)
    if let classEmbedding { Initialization.zero.fill(classEmbedding.weight, nil, &noise) }
    for stage in stages.dropFirst(2) {
      if let shrink = stage.shrink { Initialization.zero.fill(shrink.weight, shrink.bias, &noise) }
    }
  }

  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  /// - Returns: float32 [N].
  public func callAsFunction(_ x: Tensor, classes: Tensor? = nil) -> Tensor {
    let h = descended(x, through: stages, to: least)
    let features = leakyRelu(hidden(leakyRelu(h).flattened(from: 1)))
    let plain = verdict(features).to(.float32).reshaped([-1])
    guard let classEmbedding, let classes else { return plain }
    return plain + (features * classEmbedding(classes)).to(.float32).sum(dims: [1])
  }
}
