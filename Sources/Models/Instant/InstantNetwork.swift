import Networks
import Torch

/// Paints a picture in any style in one pass: a `BrushNetwork` whose scales and shifts are predicted from what VGG16
/// sees of the style (Ghiasi et al. 2017), and whose colours are carried to the style's.
public final class InstantNetwork: Module {
  /// Numbers that describe a style: mean and deviation of each channel of four layers of VGG16.
  public static let descriptionSize = 2 * (64 + 128 + 256 + 512)

  let brush = BrushNetwork(styles: 1)
  let first = Linear(InstantNetwork.descriptionSize, 256), second: Linear
  /// Channels of each of the brush's layers.
  private let widths: [Int]

  public var members: [(name: String, value: Any)] { [("brush", brush), ("first", first), ("second", second)] }

  public init() {
    widths = brush.layers.map { $0.w.size(0) }
    second = Linear(256, 2 * widths.reduce(0, +))
  }

  /// Begins as the brush is, whatever the style.
  func beginAsOne() {
    withoutGradients { for (_, tensor) in second.state { tensor.multiply(by: 0.1) } }
  }

  /// A style in numbers, of its statistics as `PaintingLoss` has them.
  static func described(_ style: [Statistics]) -> Tensor {
    Tensor.concatenated(
      zip(style, VGG.widths).map { layer, channels in
        let k = layer.mean.size(1)
        let variance = (layer.covariance * Tensor.eye(k, on: layer.mean.device)).sum(dims: [2])
        let numbers = Tensor.concatenated([relu(layer.mean.squeezed(2)), sqrt(variance + 1e-6)], dim: 1)
        // [N · groups, 2 K]: a picture's groups belong together.
        return (log(numbers + 1) * 0.25).reshaped([-1, 2 * channels])
      }, dim: 1)
  }

  /// - Parameter description: [N, descriptionSize].
  func steering(_ description: Tensor) -> [BrushNetwork.Style] {
    let n = description.size(0)
    let change = second(relu(first(description))).to(.float32)
    let base = brush.steering(Tensor.ones([n, 1]).to(description.device))
    let parts = change.split(into: widths.flatMap { [$0, $0] }, dim: 1)
    return base.indices.map { (base[$0].scale + parts[2 * $0], base[$0].shift + parts[2 * $0 + 1]) }
  }

  /// The same before colours are carried over: what is trained, since a carried picture's contrast couldn't be told right
  /// from wrong.
  func raw(_ pictures: Tensor, _ description: Tensor, held: Held? = nil) -> Tensor {
    brush.painted(pictures, steering(description), held: held)
  }

  /// - Parameters:
  ///   - pictures: [N, 3, H, W] in 0...1.
  ///   - description: [N, descriptionSize].
  ///   - colours: of the styles, a group of 3 channels.
  ///   - held: what depends on the picture as a whole, for tiles of one.
  /// - Returns: [N, 3, H, W], float32, about 0...1.
  func painted(_ pictures: Tensor, _ description: Tensor, colours: Statistics, held: Held? = nil) -> Tensor {
    let made = raw(pictures, description, held: held)
    return withAutocast(false, on: made.device) { transported(made, to: colours, held: held) }
  }
}
