import Networks
import Torch

/// One 3×3 convolution beside an identity: x + conv(φ(x)), φ a LeakyReLU of slope 0.2.
///
/// Huang et al. 2024 (section 3.3) have three convolutions and channels in groups; one dense convolution does more for
/// the same time on a processor without a GPU. The branch starts small, so that a deep network starts as its shallow
/// one. With a latent, each channel of the branch is brought to a mean square of 1 a picture, then scaled and shifted
/// by the latent, as styles are (Karras et al. 2019, equation 1, without taking the mean off): so a style says how much
/// there is of a feature, not how much more than there happened to be.
final class ResidualBlock: Module {
  let conv: Conv2d
  let style: Linear?

  /// - Parameters:
  ///   - latent: numbers of the latent that steers the block; nil for none.
  ///   - isSeamless: what is beyond an edge is what is at the other one.
  init(_ channels: Int, latent: Int? = nil, isSeamless: Bool = false) {
    conv = Conv2d(channels, channels, kernel: 3, padding: 1, paddingMode: isSeamless ? .circular : .zeros)
    style = latent.map { Linear($0, 2 * channels) }
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 0.5).fill(conv.weight, conv.bias, &noise)
    if let style { Initialization.fanIn(gain: 0.25).fill(style.weight, style.bias, &noise) }
  }

  /// `x` [N, channels, H, W], `w` [N, latent].
  func callAsFunction(_ x: Tensor, _ w: Tensor? = nil) -> Tensor {
    var h = leakyRelu(x)
    if let style, let w {
      let parts = style(w).unsqueezed(-1).unsqueezed(-1).chunks(2, dim: 1)
      let power = square(h).mean(dims: [2, 3], keepDims: true).to(.float32)
      h = h * ((parts[0] + 1) * rsqrt(power + 1e-4)).to(h.dtype) + parts[1].to(h.dtype)
    }
    return x + conv(h)
  }
}

/// Features [N, C, s, s] to a picture [N, channels, 2s, 2s]: a 3×3 convolution to Haar coefficients, and their inverse.
///
/// So almost nothing is computed at full resolution, and neighbouring pixels come from one smooth basis, not from four
/// unrelated weights, which shows as grain. The three bands of detail count a quarter, since Adam moves all weights
/// alike and detail is that much smaller.
final class PictureHead: Module {
  let weight: Tensor, bias: Tensor
  private let haar = Constant(haarMatrix() * Tensor([1, 0.25, 0.25, 0.25] as [Float], shape: [4, 1]))
  private let channels: Int, isSeamless: Bool

  init(_ features: Int, channels: Int, isSeamless: Bool = false) {
    let unfilled = Tensor.full([4 * channels, features, 3, 3], .nan)
    (weight, bias) = (unfilled.requiringGradient(), Tensor.full([4 * channels], .nan).requiringGradient())
    (self.channels, self.isSeamless) = (channels, isSeamless)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 0.1).fill(weight, bias, &noise)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    // The inverse transform is linear: applied to the weights, it costs nothing a picture.
    let bands = weight.reshaped([channels, 4, -1])
    let mixed = matmul(haar.tensor.T, bands).reshaped(weight.shape)
    let shift = matmul(bias.reshaped([channels, 4]), haar.tensor).reshaped([-1])
    let made =
      isSeamless
      ? conv2d(pad(x, [1, 1, 1, 1], mode: .circular), mixed, shift) : conv2d(x, mixed, shift, padding: [1, 1])
    return pixelShuffle(made.to(.float32), 2)
  }
}

/// A picture [N, channels, 2s, 2s] to features [N, C, s, s]: a 3×3 convolution at full resolution, rectified, and one
/// of 2×2 that halves it.
///
/// The rectifier before halving is what sees fine grain: a linear stem lets a generator's specks and off-white pass.
/// Halving mustn't be a mean, which is blind to a checkerboard on a bright ground.
final class PictureStem: Module {
  let conv: Conv2d, halve: Conv2d

  init(_ features: Int, width: Int, channels: Int) {
    conv = Conv2d(channels, width, kernel: 3, padding: 1)
    halve = Conv2d(width, features, kernel: 2, stride: 2)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 1).fill(conv.weight, conv.bias, &noise)
    Initialization.fanIn(gain: 2.0.squareRoot()).fill(halve.weight, halve.bias, &noise)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { halve(leakyRelu(conv(x.channelsLast()))) }
}

/// The orthonormal Haar basis: rows are bands (mean, across, down, both), columns the pixels of a square of four.
private func haarMatrix() -> Tensor {
  Tensor([1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1] as [Float], shape: [4, 4]) * 0.5
}

/// Latents [N, latent] to pictures [N, channels, size, size], mostly in -1...1, of any size up to the largest.
///
/// A picture is the sum of one at each size, each enlarged to the next (Karras et al. 2020, figure 7, "output skips").
/// So the network can grow while it trains: a head that starts at zero changes nothing at first.
public final class R3GANGenerator: Module {
  /// The size that was trained last, kept with the weights: a run may end before it has grown up.
  let grown: Tensor
  let mapping: [Linear]
  /// The class embedding, added to the styles.
  let classEmbedding: Linear?
  let base: Linear
  let stages: [GeneratorStage]
  private let width: Int, least: Int, isSeamless: Bool

  /// - Parameters:
  ///   - widths: channels at `least`, 2 · `least`, … px; the largest picture has twice the last size.
  ///   - blocks: residual blocks at each size.
  ///   - classes: how many classes it can be asked for; 0 for none.
  ///   - least: side of the first features.
  ///   - isSeamless: its pictures go on at the other edge.
  public init(
    latent: Int, wSize: Int, widths: [Int], blocks: [Int], channels: Int, classes: Int = 0, least: Int = 4,
    isSeamless: Bool = false
  ) {
    mapping = [Linear(latent, wSize), Linear(wSize, wSize)]
    classEmbedding = classes > 0 ? Linear(classes, wSize, bias: false) : nil
    base = Linear(wSize, least * least * widths[0])
    (width, self.least, self.isSeamless) = (widths[0], least, isSeamless)
    grown = Tensor([least << widths.count])
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

  var trainedSize: Int {
    get { Int(grown.item()) }
    set { withoutGradients { grown.fill(Double(newValue)) } }
  }

  /// - Parameter size: of the pictures: 4 · `least`, 8 · `least`, … as far as there are stages.
  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  public func callAsFunction(_ z: Tensor, size: Int, classes: Tensor? = nil) -> Tensor {
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
  func pictures(of w: Tensor, size: Int) -> Tensor {
    let each = w.rank == 3 ? w.unbound(dim: 1) : [Tensor](repeating: w, count: layers)
    var x = base(each[0]).reshaped([-1, width, least, least]).channelsLast()
    var picture: Tensor?
    var side = least
    for (stage, w) in zip(stages, each.dropFirst()) where 2 * side <= size {
      x = stage(x, w)
      if let head = stage.head {
        let detail = head(leakyRelu(x))
        picture = picture.map { enlarged($0, to: 2 * side) + detail } ?? detail
      }
      side *= 2
    }
    return picture!
  }

  /// A picture [N, channels, s, s] at another size, a whole multiple of s.
  func enlarged(_ x: Tensor, to size: Int) -> Tensor {
    guard isSeamless else { return interpolate(x, size: [size, size]) }
    let side = x.size(2), times = size / side
    let wide = interpolate(
      pad(x, [1, 1, 1, 1], mode: .circular), size: [size + 2 * times, size + 2 * times])
    return wide.narrowed(dim: 2, from: times, count: size).narrowed(dim: 3, from: times, count: size)
  }
}

/// Features at one size, from those at half of it: each becomes four, with weights of their own.
///
/// Enlarging between neighbours instead, as the pictures are, leaves all shapes to the one convolution after it, and
/// they stay blobs.
final class GeneratorStage: Module {
  let enlarge: ConvTranspose2d?
  let blocks: [ResidualBlock]
  let head: PictureHead?
  private let inputs: Int

  init(inputs: Int?, width: Int, blocks: Int, latent: Int, channels: Int?, isSeamless: Bool = false) {
    enlarge = inputs.map { ConvTranspose2d($0, width, kernel: 2, stride: 2) }
    self.inputs = inputs ?? 0
    self.blocks = (0..<blocks).map { _ in ResidualBlock(width, latent: latent, isSeamless: isSeamless) }
    head = channels.map { PictureHead(width, channels: $0, isSeamless: isSeamless) }
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    // Each number that comes out is a sum over the inputs only, whatever PyTorch counts.
    let fan = Double(inputs)
    if let enlarge { enlarge.weight.copy(from: noise.normal(enlarge.weight.shape) / fan.squareRoot()) }
  }

  func callAsFunction(_ x: Tensor, _ w: Tensor) -> Tensor {
    let larger = enlarge.map { $0(leakyRelu(x)) } ?? x
    return blocks.reduce(larger) { $1($0, w) }
  }
}

/// Pictures [N, channels, size, size] to one number each, higher for more real: the generator's mirror.
///
/// Each size has a stem of its own, added to what comes from the larger size ("input skips"). What comes from a size
/// that is new starts at zero, so that growing changes nothing at first.
public final class R3GANDiscriminator: Module {
  let stages: [DiscriminatorStage]
  let hidden: Linear, verdict: Linear
  /// What a class' pictures look like: the verdict is the higher the more features are like it (Miyato and Koyama 2018).
  let classEmbedding: Linear?
  private let least: Int

  /// - Parameters:
  ///   - stem: channels at full resolution.
  ///   - classes: how many classes of pictures it is told of; 0 for none.
  ///   - least: side of the last features.
  public init(widths: [Int], blocks: [Int], stem: Int, channels: Int, classes: Int = 0, least: Int = 4) {
    self.least = least
    stages = widths.indices.map { i in
      DiscriminatorStage(
        width: widths[i], outputs: i > 0 ? widths[i - 1] : nil, blocks: blocks[i],
        stem: i > 0 ? PictureStem(widths[i], width: stem, channels: channels) : nil)
    }
    hidden = Linear(least * least * widths[0], widths[0])
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

/// Pictures [N, C, size, size] from stage to stage down to features at `least` px: each stage's stem sees them at its size.
///
/// - Parameter entering: what a stage, by its number, is given in place of what comes to it.
func descended(
  _ x: Tensor, through stages: [DiscriminatorStage], to least: Int = 4, entering: (Int, Tensor) -> Tensor = { $1 }
) -> Tensor {
  let size = x.size(2)
  var pictures = [size: x]
  for side in sequence(first: size / 2, next: { $0 / 2 }).prefix(while: { $0 >= 4 * least }) {
    pictures[side] = averagePool2d(pictures[2 * side]!, kernel: 2)
  }
  var h: Tensor?
  for (i, stage) in stages.enumerated().reversed() where least << (i + 1) <= size {
    if let stem = stage.stem {
      let seen = stem(pictures[least << (i + 1)]!)
      h = h.map { $0 + seen } ?? seen
    }
    h = stage(entering(i, h!))
  }
  return h!
}

/// Features at one size, to those at half of it: four become one, with weights of their own, so that their places
/// aren't lost in a mean.
final class DiscriminatorStage: Module {
  let stem: PictureStem?
  let blocks: [ResidualBlock]
  let shrink: Conv2d?

  init(width: Int, outputs: Int?, blocks: Int, stem: PictureStem?) {
    self.stem = stem
    self.blocks = (0..<blocks).map { _ in ResidualBlock(width) }
    shrink = outputs.map { Conv2d(width, $0, kernel: 2, stride: 2) }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = blocks.reduce(x) { $1($0) }
    return shrink.map { $0(leakyRelu(h)) } ?? h
  }
}
