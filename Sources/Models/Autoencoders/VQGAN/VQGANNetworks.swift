import Networks
import Torch

/// Pictures [N, channels, size, size] to features [N, dimensions, grid, grid].
public final class VQEncoder: Module {
  let stem: PictureStem
  let halve: [Conv2d], blocks: [ResidualBlock]
  let out: Conv2d

  /// - Parameter widths: channels at half of the size, a quarter, … down to the grid.
  init(widths: [Int], stem width: Int, dimensions: Int, channels: Int) {
    stem = PictureStem(widths[0], width: width, channels: channels)
    halve = zip(widths, widths.dropFirst()).map { Conv2d($0, $1, kernel: 2, stride: 2) }
    blocks = (widths + [widths.last!]).map { ResidualBlock($0) }
    out = Conv2d(widths.last!, dimensions, kernel: 1)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    var h = blocks[0](stem(x))
    for (shrink, block) in zip(halve, blocks.dropFirst()) { h = block(shrink(leakyRelu(h))) }
    return out(leakyRelu(blocks.last!(h))).to(.float32)
  }
}

/// Features [N, dimensions, grid, grid] to pictures [N, channels, size, size].
public final class VQDecoder: Module {
  let enter: Conv2d
  let blocks: [ResidualBlock], enlarge: [ConvTranspose2d]
  let head: PictureHead

  init(widths: [Int], dimensions: Int, channels: Int) {
    let rising = Array(widths.reversed())
    enter = Conv2d(dimensions, rising[0], kernel: 3, padding: 1)
    blocks = ([rising[0]] + rising).map { ResidualBlock($0) }
    enlarge = zip(rising, rising.dropFirst()).map { ConvTranspose2d($0, $1, kernel: 2, stride: 2) }
    head = PictureHead(rising.last!, channels: channels)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    var h = blocks[1](blocks[0](enter(x.channelsLast())))
    for (grow, block) in zip(enlarge, blocks.dropFirst(2)) { h = block(grow(leakyRelu(h))) }
    return head(leakyRelu(h))
  }
}

/// Says of a grid of codes, some of them hidden, which they may be (MaskGIT, Chang et al. 2022): a transformer that sees all
/// places at once.
public final class CodePrior: Module {
  /// One more than there are codes: what is hidden.
  let codes: Embedding
  /// [places, width].
  let places: Tensor
  let layers: [PriorLayer]
  let norm: LayerNorm, out: Linear

  init(codes count: Int, places side: Int, width: Int, depth: Int) {
    codes = Embedding(count + 1, width)
    places = Tensor.zeros([side, width]).requiringGradient()
    layers = (0..<depth).map { _ in PriorLayer(width) }
    (norm, out) = (LayerNorm(width), Linear(width, count))
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    codes.weight.copy(from: noise.normal(codes.weight.shape) * 0.1)
    places.copy(from: noise.normal(places.shape) * 0.1)
  }

  /// [N, places] to logits [N, places, codes], float32.
  func callAsFunction(_ indices: Tensor) -> Tensor {
    out(norm(layers.reduce(codes(indices) + places) { $1($0) })).to(.float32)
  }
}

/// Attention and two linear maps, each beside an identity and after a normalisation (Vaswani et al. 2017; Xiong et al. 2020).
final class PriorLayer: Module {
  let norm1: LayerNorm, attention: MultiheadAttention
  let norm2: LayerNorm, wide: Linear, narrow: Linear

  init(_ width: Int) {
    (norm1, norm2) = (LayerNorm(width), LayerNorm(width))
    attention = MultiheadAttention(width, heads: max(1, width / 32))
    (wide, narrow) = (Linear(width, 4 * width), Linear(4 * width, width))
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = x + attention(norm1(x))
    return h + narrow(gelu(wide(norm2(h))))
  }
}
