import Networks
import Torch

/// waifu2x's network of seven layers (Dong et al. 2016, with a transposed convolution at the end): trained for the least
/// squared error, so it invents nothing, and small.
///
/// State names are those of a `Sequential` of convolutions and rectifiers: `net.0.weight`, `net.2.weight`, …,
/// `net.12.weight`.
public final class UpConv7: EnlargingNetwork {
  let net: Sequential

  public init() {
    let widths = [3, 16, 32, 64, 128, 128, 256]
    var layers: [any UnaryModule] = []
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      layers += [Conv2d(inputs, outputs, kernel: 3), LeakyReLU(0.1)]
    }
    net = Sequential(layers + [ConvTranspose2d(256, 3, kernel: 4, stride: 2, padding: 3)])
  }

  public var scale: Int { 2 }
  public var margin: Int { 8 }
  public var bytesPerPixel: Double { 4000 }

  /// The edges' pixels are repeated for what its convolutions take off: 7 on each side.
  public func callAsFunction(_ x: Tensor) -> Tensor { net(pad(x, [7, 7, 7, 7], mode: .replicate)) }
}
