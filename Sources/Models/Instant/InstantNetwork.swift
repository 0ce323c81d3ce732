import Networks
import Torch

/// Paints a picture in any style in one pass, small enough for a processor: some 8 billion multiplications at 512 px.
///
/// The features of the content are carried to the style's mean and covariance at four scales, from the coarsest, by
/// optimal transport (Lu et al. 2019); at each scale what came from the coarser one is joined by the content's own
/// features, so that things keep their shape. Since these statistics are met by construction, styles that training
/// never saw are painted too. In between, convolutions are scaled and shifted channel by channel by what the style is
/// (Dumoulin et al. 2017), predicted from the coarsest statistics (Ghiasi et al. 2017).
public final class InstantNetwork: Module {
  /// Channels at each scale, from the picture's own size; each further one is half as large.
  static let widths = [16, 32, 64, 128]
  /// Channels that are carried together, from the coarsest scale.
  static let groups = [64, 64, 32, 16]
  /// Height and width of pictures are multiples of it.
  public static let multiple = 8

  let encoder = [
    conv(3, widths[0], kernel: 5), conv(widths[0], widths[1], stride: 2), conv(widths[1], widths[2], stride: 2),
    conv(widths[2], widths[3], stride: 2),
  ]
  let blocks = [SteeredBlock(widths[3]), SteeredBlock(widths[3]), SteeredBlock(widths[3])]
  /// From each scale to the next finer one, from the coarsest; the content's own way there, and what follows both.
  let finer = [conv(widths[3], widths[2]), conv(widths[2], widths[1]), conv(widths[1], widths[0])]
  let kept = [
    conv(widths[2], widths[2], kernel: 1), conv(widths[1], widths[1], kernel: 1),
    conv(widths[0], widths[0], kernel: 1),
  ]
  let mixing = [SteeredBlock(widths[2]), SteeredBlock(widths[1])]
  let last = conv(widths[0], widths[0]), picture = conv(widths[0], 3, kernel: 5)

  public init() {}

  /// Begins with what is fine: the way over the coarse scales would blur it until it has learned something.
  func favourFine() {
    withoutGradients { for conv in finer { conv.weight.multiply(by: 0.3) } }
  }

  /// - Parameter pictures: [N, 3, H, W] in 0...1.
  /// - Returns: [N, C, …] from the finest to the coarsest.
  public func features(_ pictures: Tensor) -> [Tensor] {
    var x = pictures * 4 - 2
    return encoder.map { conv in
      x = relu(conv(x))
      return x
    }
  }

  /// What is carried over, from the coarsest scale to the finest.
  public func statistics(_ features: [Tensor]) -> [Statistics] {
    withAutocast(false, on: features[0].device) {
      zip(features.reversed(), Self.groups).map { Statistics($0, group: $1) }
    }
  }

  /// - Parameters:
  ///   - content: as `features` gives them.
  ///   - style: as `statistics` gives them, of as many pictures.
  ///   - held: what depends on the picture as a whole, for tiles of one; nil computes it for each picture.
  /// - Returns: [N, 3, H, W], float32, about 0...1.
  public func painted(_ content: [Tensor], _ style: [Statistics], held: Held? = nil) -> Tensor {
    func carried(_ x: Tensor, _ level: Int) -> Tensor {
      withAutocast(false, on: x.device) { transported(x, to: style[level], held: held) }
    }
    held?.rewind()
    let words = described(style[0])
    var x = carried(content[3], 0)
    for block in blocks { x = block(x, words, held) }
    for level in 0..<3 {
      let there = content[2 - level]
      let way = interpolate(finer[level](x), size: [there.size(2), there.size(3)], mode: .nearest)
      x = carried(relu(way + kept[level](there)), level + 1)
      if level < mixing.count { x = mixing[level](x, words, held) }
    }
    return picture(relu(last(x))).to(.float32) * 0.25 + 0.5
  }

  /// A style as [N, 2 · widths[3]] numbers of about ±1: means and deviations.
  private func described(_ style: Statistics) -> Tensor {
    let k = style.mean.size(1)
    let variance = (style.covariance * Tensor.eye(k, on: style.mean.device)).sum(dims: [2])
    let (means, deviations) = (style.mean.squeezed(2), sqrt(variance + 1e-5))
    return Tensor.concatenated([means, deviations], dim: 1).reshaped([-1, 2 * Self.widths[3]])
  }
}

/// A residual block whose inner features are normalised, then scaled and shifted by a style.
final class SteeredBlock: Module {
  let inner: Conv2d, outer: Conv2d
  let steer: Linear

  init(_ width: Int) {
    inner = conv(width, width)
    outer = conv(width, width)
    steer = Linear(2 * InstantNetwork.widths[3], 2 * width)
  }

  /// - Parameter style: [N, …], as `InstantNetwork` describes it.
  func callAsFunction(_ x: Tensor, _ style: Tensor, _ held: Held? = nil) -> Tensor {
    let how = steer(style).unsqueezed(2).unsqueezed(3).chunks(2, dim: 1)
    let y = inner(x)
    guard let held else { return x + outer(relu(instanceNorm(y) * (1 + how[0]) + how[1])) }
    let (mean, scale) = held.next {
      let mean = y.mean(dims: [2, 3], keepDims: true)
      return (mean, rsqrt(square(y - mean).mean(dims: [2, 3], keepDims: true) + 1e-5))
    }
    return x + outer(relu((y - mean) * scale * (1 + how[0]) + how[1]))
  }
}

private func conv(_ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1) -> Conv2d {
  Conv2d(inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, paddingMode: .replicate)
}
