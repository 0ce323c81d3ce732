import Networks
import Torch

/// An `InstantNetwork` with the styles that it paints in.
public final class InstantPainter: PictureTransfer {
  private let network: InstantNetwork
  private let style: Tensor
  private let texture: Texture
  /// Of what a brush paints they are nil: it has learned from its painting itself.
  private let slices: SlicedDistribution?
  private let usesBFloat16: Bool
  private var tileStatistics: TileStatistics?
  private var shot: TileStatistics?

  /// - Parameters:
  ///   - network: on the device of the pictures.
  ///   - styles: [1, 3, H, W] in 0...1, of 32 px or more a side, and how much each counts.
  ///   - precision: auto, bfloat16 or float32.
  public init(
    _ network: InstantNetwork, styles: [(picture: Tensor, weight: Double)], precision: String = "auto"
  ) {
    precondition(!styles.isEmpty, "there is no style")
    let device = styles[0].picture.device
    let isHalf = precision == "bfloat16" || precision == "auto" && device.prefersBFloat16
    (self.network, usesBFloat16) = (network, isHalf)
    let sum = styles.reduce(0) { $0 + $1.weight }
    (style, texture, slices) = withoutGradients {
      let parts = styles.map { network.style(of: $0.picture) * ($0.weight / sum) }
      let textures = styles.map { (Texture(of: $0.picture), $0.weight) }
      let slices = styles.map { (SlicedDistribution(of: $0.picture), $0.weight) }
      return (parts.dropFirst().reduce(parts[0], +), Texture.mixed(textures), SlicedDistribution.mixed(slices))
    }
  }

  /// - Parameters:
  ///   - style: [1, StylePredictor.size].
  ///   - texture: of the style.
  init(_ network: InstantNetwork, style: Tensor, texture: Texture, precision: String) {
    (self.network, self.style, self.texture, slices) = (network, style, texture, nil)
    usesBFloat16 = precision == "bfloat16" || precision == "auto" && style.device.prefersBFloat16
  }

  public let channels = 3
  public let multiple = InstantNetwork.multiple
  public let least = 24
  public let margin: Int? = InstantNetwork.margin + SlicedDistribution.margin
  public var bytesPerPixel: Double { max(network.bytesPerPixel, SlicedDistribution.bytesPerPixel) }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    withoutGradients {
      let given = ((x + 1) / 2).channelsLast()
      let painted = withAutocast(usesBFloat16, on: x.device) {
        network.painted(given, style, texture: texture, tileStatistics: tileStatistics ?? shot)
      }
      // A film's frames would each be moved otherwise.
      let finished =
        shot == nil ? slices?.carried(to: clamp(painted, min: 0, max: 1), tileStatistics: tileStatistics) : nil
      return clamp((finished ?? painted) * 2 - 1, min: -1, max: 1)
    }
  }

  /// The pieces side by side, as if they were a picture.
  public func hold(_ pieces: Tensor) {
    tileStatistics = TileStatistics()
    _ = self(Tensor.concatenated(pieces.unbound().map { $0.unsqueezed(0) }, dim: 3))
  }
  public func release() { tileStatistics = nil }

  public func follow() { shot = TileStatistics(following: followedShare) }
  public var followed: [(Tensor, Tensor)] {
    get { shot?.kept ?? [] }
    set { shot?.kept = newValue }
  }
}

/// Of what a film's frame is as a whole, in what it is painted with: changes of light take some ten frames.
let followedShare = 0.1
