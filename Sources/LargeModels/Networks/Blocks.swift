import Networks
import Torch

// What UNets, autoencoders and ControlNets are made from, with the names of diffusers' state_dict.

/// A residual block (He et al. 2016) with group normalisation, told the time step where it has one: [N, inputs, H, W] to
/// [N, outputs, H, W].
final class ResnetBlock: Module {
  let norm1: GroupNorm
  let conv1: Conv2d
  let timeEmbProj: Linear?
  let norm2: GroupNorm
  let conv2: Conv2d
  let convShortcut: Conv2d?

  /// - Parameter time: the width of the time step's embedding.
  init(_ inputs: Int, _ outputs: Int, time: Int? = nil, groups: Int, epsilon: Double) {
    norm1 = GroupNorm(groups, inputs, epsilon: epsilon)
    conv1 = Conv2d(inputs, outputs, kernel: 3, padding: 1)
    timeEmbProj = time.map { Linear($0, outputs) }
    norm2 = GroupNorm(groups, outputs, epsilon: epsilon)
    conv2 = Conv2d(outputs, outputs, kernel: 3, padding: 1)
    convShortcut = inputs == outputs ? nil : Conv2d(inputs, outputs, kernel: 1)
  }

  /// - Parameter time: [N, time], after its activation.
  func callAsFunction(_ x: Tensor, _ time: Tensor? = nil) -> Tensor {
    var h = conv1(norm1(x).silued())
    if let time, let timeEmbProj { h = h.plus(timeEmbProj(time).unsqueezed(-1).unsqueezed(-1)) }
    h = conv2(norm2(h).silued())
    return h.plus(convShortcut.map { $0(x) } ?? x)
  }

  /// The same in place of `h`, whose memory is given up as soon as it can be: for large pictures.
  func advance(_ h: inout Tensor) {
    guard let convShortcut, !gradientsAreRecorded else {
      h = self(h)
      return
    }
    let kept = convShortcut(h)
    norm1.normalise(inPlace: h)
    h = conv1(h.silued())
    h = conv2(norm2(h).silued()).plus(kept)
  }
}

/// Halves a picture by a convolution.
final class Downsampler: Module {
  let conv: Conv2d
  private let isAsymmetric: Bool

  /// - Parameter isAsymmetric: pads below and to the right only, as autoencoders do.
  init(_ width: Int, isAsymmetric: Bool = false) {
    conv = Conv2d(width, width, kernel: 3, stride: 2, padding: isAsymmetric ? 0 : 1)
    self.isAsymmetric = isAsymmetric
  }

  func callAsFunction(_ x: Tensor) -> Tensor { conv(isAsymmetric ? pad(x, [0, 1, 0, 1]) : x) }
}

/// Doubles a picture by repeating pixels, then a convolution.
final class Upsampler: Module {
  let conv: Conv2d
  init(_ width: Int) { conv = Conv2d(width, width, kernel: 3, padding: 1) }

  /// - Parameter size: [height, width] of the result, where it isn't twice.
  func callAsFunction(_ x: Tensor, size: [Int]? = nil) -> Tensor {
    let doubled = [2 * x.size(2), 2 * x.size(3)]
    guard let size, size != doubled else { return conv.ofDoubled(x) }
    return conv(interpolate(x, size: size, mode: .nearest))
  }
}

/// Attention of tokens among themselves or to a text.
final class Attention: Module {
  let toQ: Linear, toK: Linear, toV: Linear
  let toOut: [Linear]
  let groupNorm: GroupNorm?
  private let heads: Int
  private let isFullPrecision: Bool

  /// - Parameters:
  ///   - context: the width of what is looked at.
  ///   - groups: of a normalisation before it, as autoencoders have; their maps have biases too.
  ///   - isFullPrecision: whether it is computed in float32 in any case, as SD 2.1 asks for.
  init(
    _ width: Int, context: Int? = nil, heads: Int, groups: Int? = nil, epsilon: Double = 1e-6,
    isFullPrecision: Bool = false
  ) {
    let isBiased = groups != nil
    groupNorm = groups.map { GroupNorm($0, width, epsilon: epsilon) }
    toQ = Linear(width, width, bias: isBiased)
    toK = Linear(context ?? width, width, bias: isBiased)
    toV = Linear(context ?? width, width, bias: isBiased)
    toOut = [Linear(width, width)]
    (self.heads, self.isFullPrecision) = (heads, isFullPrecision)
  }

  /// - Parameters:
  ///   - x: [N, L, width].
  ///   - context: [N, S, context]; nil is `x`.
  func callAsFunction(_ x: Tensor, _ context: Tensor? = nil) -> Tensor {
    let context = context ?? x
    var parts = [toQ(x), toK(context), toV(context)]
    if isFullPrecision, x.dtype == .float16 { parts = parts.map { $0.to(.float32) } }
    return toOut[0](attention(parts[0], parts[1], parts[2], heads: heads).to(x.dtype))
  }

  /// On the pixels of a picture [N, width, H, W], added to it.
  func callAsFunction(pixels x: Tensor) -> Tensor {
    let tokens = (groupNorm.map { $0(x) } ?? x).flattened(from: 2).T
    return pixels(self(tokens), like: x).plus(x)
  }
}

/// Tokens [N, H·W, C] as pictures [N, C, H, W] of the size of `x`, channels last.
func pixels(_ tokens: Tensor, like x: Tensor) -> Tensor {
  tokens.reshaped([tokens.size(0), x.size(2), x.size(3), tokens.size(2)]).permuted([0, 3, 1, 2])
}

/// A linear map that is gated by another: x · GELU(gate) (Shazeer 2020).
final class GatedLinear: UnaryModule {
  let proj: Linear
  init(_ inputs: Int, _ outputs: Int) { proj = Linear(inputs, 2 * outputs) }
  func callAsFunction(_ x: Tensor) -> Tensor {
    let halves = proj(x).chunks(2, dim: -1)
    return gelu(halves[1]).times(halves[0])
  }
}

final class FeedForward: Module {
  /// Gate, nothing (a dropout in training), map back.
  let net: [any UnaryModule]
  init(_ width: Int) { net = [GatedLinear(width, 4 * width), Identity(), Linear(4 * width, width)] }
  func callAsFunction(_ x: Tensor) -> Tensor { net.reduce(x) { $1($0) } }
}

/// Attention to itself, attention to the text, and a gated layer, each added to what came in.
final class TransformerBlock: Module {
  let norm1: LayerNorm, attn1: Attention
  let norm2: LayerNorm, attn2: Attention
  let norm3: LayerNorm, ff: FeedForward

  init(_ width: Int, context: Int, heads: Int, isFullPrecision: Bool) {
    (norm1, norm2, norm3) = (LayerNorm(width), LayerNorm(width), LayerNorm(width))
    attn1 = Attention(width, heads: heads, isFullPrecision: isFullPrecision)
    attn2 = Attention(width, context: context, heads: heads, isFullPrecision: isFullPrecision)
    ff = FeedForward(width)
  }

  func callAsFunction(_ x: Tensor, _ text: Tensor) -> Tensor {
    var h = attn1(norm1(x)).plus(x)
    // One picture for all texts, until here.
    h = attn2(norm2(h).spread(over: text.size(0)), text).plus(h)
    return ff(norm3(h)).plus(h)
  }
}

/// A spatial transformer (Rombach et al. 2022, section 3.3): pixels as tokens, added to what came in.
final class SpatialTransformer: Module {
  let norm: GroupNorm
  let projIn: any UnaryModule
  let transformerBlocks: [TransformerBlock]
  let projOut: any UnaryModule
  private let isLinear: Bool

  /// - Parameter isLinear: whether pixels are mapped in and out by linear maps, as from SD 2 on, or by 1 × 1 convolutions.
  init(_ width: Int, context: Int, heads: Int, layers: Int, groups: Int, isLinear: Bool, isFullPrecision: Bool) {
    norm = GroupNorm(groups, width, epsilon: 1e-6)
    let make = { () -> any UnaryModule in isLinear ? Linear(width, width) : Conv2d(width, width, kernel: 1) }
    (projIn, projOut, self.isLinear) = (make(), make(), isLinear)
    transformerBlocks = (0..<layers).map { _ in
      TransformerBlock(width, context: context, heads: heads, isFullPrecision: isFullPrecision)
    }
  }

  /// - Parameters:
  ///   - x: [N, width, H, W], or one for all texts.
  ///   - text: [N, length, context].
  func callAsFunction(_ x: Tensor, _ text: Tensor) -> Tensor {
    let normed = norm(x)
    func tokens(_ x: Tensor) -> Tensor {
      x.permuted([0, 2, 3, 1]).reshaped([x.size(0), x.size(2) * x.size(3), x.size(1)])
    }
    var h = isLinear ? projIn(tokens(normed)) : tokens(projIn(normed))
    for block in transformerBlocks { h = block(h, text) }
    return (isLinear ? pixels(projOut(h), like: x) : projOut(pixels(h, like: x))).plus(x)
  }
}

extension Tensor {
  // What nothing else holds is changed in place, where no gradient needs it: new memory for large pictures takes longer than the
  // arithmetic.

  /// Its SiLU.
  func silued() -> Tensor { changed(orElse: silu(self)) { $0.activateBySilu() } }
  /// Its sum with what may be one for all of it.
  func plus(_ other: Tensor) -> Tensor { changed(orElse: self + other) { $0.add(other) } }
  func times(_ other: Tensor) -> Tensor { changed(orElse: self * other) { $0.multiply(by: other) } }

  private func changed(orElse made: @autoclosure () -> Tensor, _ change: (Tensor) -> Void) -> Tensor {
    guard !gradientsAreRecorded else { return made() }
    change(self)
    return self
  }

  /// One of a batch for all `count`, without a copy; itself where there are as many.
  func spread(over count: Int) -> Tensor { size(0) == count ? self : expanded([count] + shape.dropFirst()) }
}
