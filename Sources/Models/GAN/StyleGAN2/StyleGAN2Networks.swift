import Networks
import Torch

import func Foundation.log2

/// StyleGAN2's networks (Karras et al. 2020) with output skips in the generator and residual blocks in the discriminator.
///
/// State names are those of the PyTorch edition of StyleGAN2-ADA, such as `synthesis.b8.conv0.affine.weight`, so that
/// weights by these names load; its `resample_filter` is always [1, 3, 3, 1] and no state here. Of pictures that don't begin
/// with 4 × 4 features, b4, b8, … are the same blocks at other sizes.

/// Latents and classes to w, by linear layers that learn a hundred times slower.
public final class MappingNetwork: Module {
  let embed: EqualLinear?
  let layers: [EqualLinear]
  /// The mean of w while it trained.
  let average: Tensor?

  /// - Parameters:
  ///   - latent: numbers of a latent; 0 for none, when only classes are mapped.
  ///   - tracks: whether it keeps the mean of w.
  init(latent: Int, classes: Int, wSize: Int, depth: Int, tracks: Bool) {
    embed = classes > 0 ? EqualLinear(classes, wSize) : nil
    let inputs = latent + (classes > 0 ? wSize : 0)
    layers = (0..<depth).map { i in
      EqualLinear(i == 0 ? inputs : wSize, wSize, rateFactor: 0.01, isRectified: true)
    }
    average = tracks ? Tensor.zeros([wSize]) : nil
  }

  public var members: [(name: String, value: Any)] {
    [("embed", embed as Any)] + layers.enumerated().map { ("fc\($0)", $1) } + [("w_avg", average as Any)]
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) { average?.fill(0) }

  /// - Parameters:
  ///   - z: [N, latent], or nil when only classes are mapped.
  ///   - classes: [N, classes].
  /// - Returns: [N, wSize].
  func callAsFunction(_ z: Tensor?, classes: Tensor? = nil) -> Tensor {
    var parts: [Tensor] = []
    if let z { parts.append(ofUnitSquare(z)) }
    if let embed, let classes { parts.append(ofUnitSquare(embed(classes))) }
    let x = parts.count == 1 ? parts[0] : Tensor.concatenated(parts, dim: 1)
    return layers.reduce(x) { $1($0) }
  }

  private func ofUnitSquare(_ x: Tensor) -> Tensor { x * rsqrt(square(x).mean(dims: [1], keepDims: true) + 1e-8) }
}

/// A convolution steered by a style, with noise added to its outputs.
final class SynthesisLayer: Module {
  let affine: EqualLinear
  let weight: Tensor, bias: Tensor
  let noiseConst: Tensor, noiseStrength: Tensor
  private let doubles: Bool, isSeamless: Bool

  init(_ inputs: Int, _ outputs: Int, wSize: Int, size: PictureSize, doubles: Bool, isSeamless: Bool) {
    affine = EqualLinear(wSize, inputs, start: 1)
    weight = Tensor.full([outputs, inputs, 3, 3], .nan).requiringGradient()
    bias = Tensor.full([outputs], .nan).requiringGradient()
    noiseConst = Tensor.full(size.shape, .nan)
    noiseStrength = Tensor.full([], .nan).requiringGradient()
    (self.doubles, self.isSeamless) = (doubles, isSeamless)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    weight.copy(from: noise.normal(weight.shape))
    noiseConst.copy(from: noise.normal(noiseConst.shape))
    bias.fill(0)
    noiseStrength.fill(0)
  }

  /// - Parameter noise: [N, 1, H, W], or nil for the layer's own, always the same.
  func callAsFunction(_ x: Tensor, _ w: Tensor, noise: Tensor?) -> Tensor {
    let y = modulatedConvolution(
      x, weight: weight, styles: affine(w), doubles: doubles, isSeamless: isSeamless)
    let grain = (noise ?? noiseConst) * noiseStrength
    return rectified(y + grain.to(y.dtype) + bias.to(y.dtype).reshaped([1, -1, 1, 1]))
  }
}

/// Features to a picture: a 1×1 convolution steered by a style, without demodulation.
final class ToRGB: Module {
  let affine: EqualLinear
  let weight: Tensor, bias: Tensor

  init(_ inputs: Int, channels: Int, wSize: Int) {
    affine = EqualLinear(wSize, inputs, start: 1)
    weight = Tensor.full([channels, inputs, 1, 1], .nan).requiringGradient()
    bias = Tensor.full([channels], .nan).requiringGradient()
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    weight.copy(from: noise.normal(weight.shape))
    bias.fill(0)
  }

  func callAsFunction(_ x: Tensor, _ w: Tensor) -> Tensor {
    let styles = affine(w) * (1 / Double(weight.size(1)).squareRoot())
    let y = modulatedConvolution(x, weight: weight, styles: styles, demodulates: false)
    return y.to(bias.dtype) + bias.reshaped([1, -1, 1, 1])
  }
}

/// The layers of one size.
final class SynthesisBlock: Module {
  let const: Tensor?
  let conv0: SynthesisLayer?
  let conv1: SynthesisLayer
  let torgb: ToRGB

  init(inputs: Int?, width: Int, channels: Int, wSize: Int, size: PictureSize, isSeamless: Bool) {
    const = inputs == nil ? Tensor.full([width] + size.shape, .nan).requiringGradient() : nil
    conv0 = inputs.map {
      SynthesisLayer($0, width, wSize: wSize, size: size, doubles: true, isSeamless: isSeamless)
    }
    conv1 = SynthesisLayer(width, width, wSize: wSize, size: size, doubles: false, isSeamless: isSeamless)
    torgb = ToRGB(width, channels: channels, wSize: wSize)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let const { const.copy(from: noise.normal(const.shape)) }
  }
}

/// Styles [N, layers, wSize] to pictures [N, channels, H, W], mostly in -1...1.
public final class SynthesisNetwork: Module {
  let blocks: [SynthesisBlock]
  private let least: PictureSize, isSeamless: Bool
  /// Styles that it takes: one a convolution, and one for the last picture.
  public var layers: Int { 2 * blocks.count }

  /// - Parameters:
  ///   - widths: channels at `least`, twice as large, ….
  ///   - least: size of the first features.
  init(widths: [Int], channels: Int, wSize: Int, least: PictureSize, isSeamless: Bool) {
    (self.least, self.isSeamless) = (least, isSeamless)
    blocks = widths.indices.map { i in
      SynthesisBlock(
        inputs: i > 0 ? widths[i - 1] : nil, width: widths[i], channels: channels, wSize: wSize, size: least << i,
        isSeamless: isSeamless)
    }
  }

  public var members: [(name: String, value: Any)] { blocks.enumerated().map { ("b\(4 << $0)", $1) } }

  /// - Parameter noise: gives [N, 1, H, W] for a size; nil for the layers' own.
  public func callAsFunction(_ ws: Tensor, noise: ((PictureSize) -> Tensor)? = nil) -> Tensor {
    let styles = ws.unbound(dim: 1), n = ws.size(0)
    var (x, picture, layer): (Tensor?, Tensor?, Int) = (nil, nil, 0)
    for (i, block) in blocks.enumerated() {
      let size = least << i
      if let const = block.const {
        x = const.unsqueezed(0).expanded([n] + const.shape).channelsLast()
      } else if let conv0 = block.conv0 {
        x = conv0(x!, styles[layer], noise: noise?(size))
        layer += 1
      }
      x = block.conv1(x!, styles[layer], noise: noise?(size))
      layer += 1
      // A picture shares its style with the next size's first convolution.
      let detail = block.torgb(x!, styles[layer])
      picture = picture.map { enlargedSkip($0, isSeamless: isSeamless) + detail } ?? detail
    }
    return picture!
  }
}

/// Latents to pictures.
public final class StyleGAN2Generator: Module {
  public let mapping: MappingNetwork
  public let synthesis: SynthesisNetwork

  public init(
    latent: Int, wSize: Int, depth: Int, widths: [Int], channels: Int, classes: Int = 0, least: PictureSize = 4,
    isSeamless: Bool = false
  ) {
    mapping = MappingNetwork(latent: latent, classes: classes, wSize: wSize, depth: depth, tracks: true)
    synthesis = SynthesisNetwork(
      widths: widths, channels: channels, wSize: wSize, least: least, isSeamless: isSeamless)
  }

  /// One w for all layers: [N, wSize] to [N, layers, wSize].
  public func everywhere(_ w: Tensor) -> Tensor {
    w.unsqueezed(1).expanded([w.size(0), synthesis.layers, w.size(1)])
  }
}

/// A residual block that halves the size.
final class DiscriminatorBlock: Module {
  let fromrgb: EqualConv2d?
  let conv0: EqualConv2d, conv1: EqualConv2d, skip: EqualConv2d

  init(_ inputs: Int, _ outputs: Int, channels: Int?) {
    fromrgb = channels.map { EqualConv2d($0, inputs, kernel: 1) }
    conv0 = EqualConv2d(inputs, inputs, kernel: 3)
    conv1 = EqualConv2d(inputs, outputs, kernel: 3, halves: true)
    skip = EqualConv2d(inputs, outputs, kernel: 1, halves: true, isRectified: false, bias: false)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let seen = fromrgb.map { $0(x) } ?? x
    let half = 0.5.squareRoot()
    return skip(seen, gain: half) + conv1(conv0(seen), gain: half)
  }
}

/// The end of the discriminator, at the least size.
final class DiscriminatorEpilogue: Module {
  let conv: EqualConv2d
  let fc: EqualLinear, out: EqualLinear

  init(_ width: Int, least: PictureSize, outputs: Int) {
    conv = EqualConv2d(width + 1, width, kernel: 3)
    fc = EqualLinear(least.pixels * width, width, isRectified: true)
    out = EqualLinear(width, outputs)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    // Laid out as [C, H, W] for the linear layer, whatever the convolutions use.
    out(fc(conv(withMinibatchDeviation(x)).contiguous().flattened(from: 1)))
  }
}

/// Pictures [N, channels, H, W] to one number each, higher for more real.
public final class StyleGAN2Discriminator: Module {
  let blocks: [DiscriminatorBlock]
  let mapping: MappingNetwork?
  let epilogue: DiscriminatorEpilogue

  /// - Parameters:
  ///   - widths: channels at `least`, twice as large, ….
  ///   - least: size of the last features.
  public init(widths: [Int], channels: Int, classes: Int = 0, least: PictureSize = 4) {
    let top = widths.count - 1
    blocks = (1...top).reversed().map {
      DiscriminatorBlock(widths[$0], widths[$0 - 1], channels: $0 == top ? channels : nil)
    }
    mapping =
      classes > 0 ? MappingNetwork(latent: 0, classes: classes, wSize: widths[0], depth: 2, tracks: false) : nil
    epilogue = DiscriminatorEpilogue(widths[0], least: least, outputs: classes > 0 ? widths[0] : 1)
  }

  public var members: [(name: String, value: Any)] {
    let sizes = blocks.indices.map { 8 << (blocks.count - 1 - $0) }
    return zip(sizes, blocks).map { ("b\($0)", $1) } + [("mapping", mapping as Any), ("b4", epilogue)]
  }

  /// - Parameter classes: [N, classes], with a 1 where a picture's class is.
  /// - Returns: float32 [N].
  public func callAsFunction(_ x: Tensor, classes: Tensor? = nil) -> Tensor {
    let verdict = epilogue(blocks.reduce(x.channelsLast()) { $1($0) }).to(.float32)
    guard let mapping, let classes else { return verdict.reshaped([-1]) }
    let asked = mapping(nil, classes: classes).to(.float32)
    return (verdict * asked).sum(dims: [1]) / Double(asked.size(1)).squareRoot()
  }
}
