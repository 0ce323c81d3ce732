import Networks
import Torch

/// An `InstantNetwork` with the styles that it paints in.
public final class InstantPainter: PictureTransfer {
  private let network: InstantNetwork
  private let style: [Statistics]
  private let usesBFloat16: Bool
  private var held: Held?

  /// - Parameters:
  ///   - network: on the device of the pictures.
  ///   - styles: [1, 3, H, W] in 0...1, of any size from 16 px, and how much each counts.
  ///   - precision: auto, bfloat16 or float32.
  public init(_ network: InstantNetwork, styles: [(picture: Tensor, weight: Double)], precision: String = "auto") {
    precondition(!styles.isEmpty, "there is no style")
    self.network = network
    let device = styles[0].picture.device
    let isHalf = precision == "bfloat16" || precision == "auto" && device.prefersBFloat16
    usesBFloat16 = isHalf
    style = withoutGradients {
      let each = styles.map { style in
        (
          withAutocast(isHalf, on: device) { network.statistics(network.features(style.picture.channelsLast())) },
          style.weight
        )
      }
      return each[0].0.indices.map { level in Statistics.mixed(each.map { ($0.0[level], $0.1) }) }
    }
  }

  public let channels = 3
  public let multiple = InstantNetwork.multiple
  public let least = 16
  /// The encoder looks 9 px around, the blocks at 1/8 of the size 48 more, the way back to the picture 31.
  public let margin: Int? = 96
  public let bytesPerPixel = 900.0

  public func callAsFunction(_ x: Tensor) -> Tensor {
    withoutGradients {
      let painted = withAutocast(usesBFloat16, on: x.device) {
        network.painted(network.features(((x + 1) / 2).channelsLast()), style, held: held)
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
