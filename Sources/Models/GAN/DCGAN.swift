import Networks
import Torch

/// Radford et al. 2015. Latents [N, latent, 1, 1] to pictures [N, channels, size, size] in -1...1.
public final class DCGANGenerator: Module {
  let main: Sequential

  /// - Parameters:
  ///   - width: channels at half the picture's size; they double as the size halves, up to 512 or 8 · width.
  ///   - size: a power of two from 8.
  public init(latent: Int, width: Int, size: Int, channels: Int) {
    let widths = dcganWidths(width, size)
    var layers: [any UnaryModule] = [
      ConvTranspose2d(latent, widths[0], kernel: 4, bias: false), BatchNorm2d(widths[0]), ReLU(),
    ]
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      layers += [
        ConvTranspose2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(outputs), ReLU(),
      ]
    }
    layers += [ConvTranspose2d(widths.last!, channels, kernel: 4, stride: 2, padding: 1), Tanh()]
    main = Sequential(layers)
  }
  public func callAsFunction(_ z: Tensor) -> Tensor { main(z) }
}

/// The generator's mirror image: pictures [N, channels, size, size] to logits [N, 1, 1, 1] of being real.
public final class DCGANDiscriminator: Module {
  let main: Sequential

  public init(width: Int, size: Int, channels: Int) {
    let widths = Array(dcganWidths(width, size).reversed())
    var layers: [any UnaryModule] = [Conv2d(channels, widths[0], kernel: 4, stride: 2, padding: 1), LeakyReLU(0.2)]
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      layers += [
        Conv2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(outputs), LeakyReLU(0.2),
      ]
    }
    layers.append(Conv2d(widths.last!, 1, kernel: 4))
    main = Sequential(layers)
  }
  public func callAsFunction(_ x: Tensor) -> Tensor { main(x) }
}

/// Channels at 4 px, 8 px, … half the size.
private func dcganWidths(_ width: Int, _ size: Int) -> [Int] {
  let most = max(512, 8 * width)
  var widths: [Int] = []
  var side = size / 2
  while side >= 4 {
    widths.insert(min(most, width * (size / 2 / side)), at: 0)
    side /= 2
  }
  return widths
}
