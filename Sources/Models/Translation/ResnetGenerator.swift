import Networks
import Torch

/// The configuration of a `ResnetGenerator`.
public struct ResnetShape: Sendable, Equatable {
  public var channels = 3  // 1 or 3, in and out.
  public var width = 64  // Channels at the picture's own size; they double at half and at a quarter of it.
  public var blocks = 9  // Residual blocks at a quarter of the size.
  /// Whether the normalisations' scales and shifts are learned.
  public var isAffine = false
  /// Whether sizes change through low-pass filters, as in CUT, instead of strided convolutions, as in CycleGAN.
  public var isSmooth = false

  public init(channels: Int = 3, width: Int = 64, blocks: Int = 9, isAffine: Bool = false, isSmooth: Bool = false) {
    (self.channels, self.width, self.blocks) = (channels, width, blocks)
    (self.isAffine, self.isSmooth) = (isAffine, isSmooth)
  }
}

/// Pictures [N, channels, H, W] in -1...1 to pictures alike, H and W multiples of 4: the network of Johnson et al. 2016
/// as CycleGAN has it (Zhu et al. 2017, section 7.2): c7s1-64, d128, d256, nine times R256, u128, u64, c7s1-3.
///
/// The state has the names of the published checkpoints: `model.1.weight`, `model.10.conv_block.1.weight`, ….
public final class ResnetGenerator: Module {
  let model: Sequential
  public let shape: ResnetShape

  public init(_ shape: ResnetShape) {
    self.shape = shape
    let (w, c) = (shape.width, shape.channels)
    func norm(_ channels: Int) -> PictureNorm { PictureNorm(channels, affine: shape.isAffine) }
    var layers: [any UnaryModule] = [Pad2d(3), Conv2d(c, w, kernel: 7), norm(w), ReLU()]
    for width in [w, 2 * w] {
      layers += [
        Conv2d(width, 2 * width, kernel: 3, stride: shape.isSmooth ? 1 : 2, padding: 1), norm(2 * width), ReLU(),
      ]
      if shape.isSmooth { layers.append(BlurDown()) }
    }
    for _ in 0..<shape.blocks { layers.append(ResnetBlock(4 * w, norm: { norm(4 * w) })) }
    for width in [4 * w, 2 * w] {
      layers +=
        shape.isSmooth
        ? [BlurUp(), Conv2d(width, width / 2, kernel: 3, padding: 1)]
        : [ConvTranspose2d(width, width / 2, kernel: 3, stride: 2, padding: 1, outputPadding: 1)]
      layers += [norm(width / 2), ReLU()]
    }
    layers += [Pad2d(3), Conv2d(w, c, kernel: 7), Tanh()]
    model = Sequential(layers)
  }

  public var members: [(name: String, value: Any)] { [("model", model)] }

  public func callAsFunction(_ x: Tensor) -> Tensor { model(x) }

  /// The layers whose features CUT compares: the picture itself, both convolutions that make it smaller, the first and
  /// the middle residual block; 0, 4, 8, 12 and 16 of the paper's network.
  public var contrastLayers: [Int] {
    let first = shape.isSmooth ? 12 : 10
    return [0, 4, shape.isSmooth ? 8 : 7, first, first + shape.blocks / 2]
  }

  /// What some layers give, and the picture unless only they are wanted.
  ///
  /// - Parameter layers: positions among the network's layers, rising.
  public func features(_ x: Tensor, layers: [Int]) -> [Tensor] {
    var x = x
    return (0...(layers.last ?? 0)).compactMap { i in
      x = model[i](x)
      return layers.contains(i) ? x : nil
    }
  }

  /// The picture and, on the way, the features.
  public func callAsFunction(_ x: Tensor, layers: [Int]) -> (picture: Tensor, features: [Tensor]) {
    var x = x
    var found: [Tensor] = []
    for (i, layer) in model.layers.enumerated() {
      x = layer(x)
      if layers.contains(i) { found.append(x) }
    }
    return (x, found)
  }
}

/// Two 3×3 convolutions and the way around them: [N, C, H, W].
final class ResnetBlock: UnaryModule {
  let convBlock: Sequential

  init(_ channels: Int, norm: () -> PictureNorm) {
    convBlock = Sequential(
      Pad2d(1), Conv2d(channels, channels, kernel: 3), norm(), ReLU(), Pad2d(1),
      Conv2d(channels, channels, kernel: 3), norm())
  }

  func callAsFunction(_ x: Tensor) -> Tensor { x + convBlock(x) }
}
