import Networks
import Torch

/// An `InstantNetwork` with the styles that it paints in.
public final class InstantPainter: PictureTransfer {
  private let network: InstantNetwork
  private let description: Tensor
  private let colours: Statistics
  private let usesBFloat16: Bool
  private var held: Held?

  /// - Parameters:
  ///   - network: on the device of the pictures.
  ///   - styles: [1, 3, H, W] in 0...1, of any size from 16 px, and how much each counts.
  ///   - eye: VGG16, which says what the styles are.
  ///   - precision: auto, bfloat16 or float32.
  public init(
    _ network: InstantNetwork, styles: [(picture: Tensor, weight: Double)], seenBy eye: VGG, precision: String = "auto"
  ) {
    precondition(!styles.isEmpty, "there is no style")
    let device = styles[0].picture.device
    let isHalf = precision == "bfloat16" || precision == "auto" && device.prefersBFloat16
    (self.network, usesBFloat16) = (network, isHalf)
    (description, colours) = withoutGradients {
      let seen = styles.map { style in
        let features = withAutocast(isHalf, on: device) { eye(style.picture, layers: PaintingLoss.layers) }
        return (PaintingLoss.statistics(features), Statistics(style.picture, group: 3), style.weight)
      }
      let mixed = PaintingLoss.groups.indices.map { layer in Statistics.mixed(seen.map { ($0.0[layer], $0.2) }) }
      return (InstantNetwork.described(mixed), Statistics.mixed(seen.map { ($0.1, $0.2) }))
    }
  }

  public let channels = 3
  public let multiple = BrushNetwork.multiple
  public let least = 24
  public let margin: Int? = BrushNetwork.margin
  public let bytesPerPixel = BrushNetwork.bytesPerPixel

  public func callAsFunction(_ x: Tensor) -> Tensor {
    withoutGradients {
      let given = ((x + 1) / 2).channelsLast()
      let painted = withAutocast(usesBFloat16, on: x.device) {
        network.painted(given, description, colours: colours, held: held)
      }
      return clamp(painted * 2 - 1, min: -1, max: 1)
    }
  }

  /// The pieces side by side, as if they were a picture.
  public func hold(_ pieces: Tensor) {
    held = Held()
    _ = self(Tensor.concatenated(pieces.unbound().map { $0.unsqueezed(0) }, dim: 3))
  }
  public func release() { held = nil }
}
