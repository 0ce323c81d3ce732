import Networks
import Torch

/// Features [N, C, s, s] to a picture [N, channels, 2s, 2s]: a 3×3 convolution to Haar coefficients, and their inverse.
///
/// So almost nothing is computed at full resolution, and neighbouring pixels come from one smooth basis, not from four
/// unrelated weights, which shows as grain. The three bands of detail count a quarter, since Adam moves all weights
/// alike and detail is that much smaller.
final class PictureHead: Module {
  let weight: Tensor, bias: Tensor
  private let haar = Constant(haarMatrix() * Tensor([1, 0.25, 0.25, 0.25] as [Float], shape: [4, 1]))
  private let channels: Int, isSeamless: Bool

  init(_ features: Int, channels: Int, isSeamless: Bool = false) {
    let unfilled = Tensor.full([4 * channels, features, 3, 3], .nan)
    (weight, bias) = (unfilled.requiringGradient(), Tensor.full([4 * channels], .nan).requiringGradient())
    (self.channels, self.isSeamless) = (channels, isSeamless)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 0.1).fill(weight, bias, &noise)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    // The inverse transform is linear: applied to the weights, it costs nothing a picture.
    let bands = weight.reshaped([channels, 4, -1])
    let mixed = matmul(haar.tensor.T, bands).reshaped(weight.shape)
    let shift = matmul(bias.reshaped([channels, 4]), haar.tensor).reshaped([-1])
    let made =
      isSeamless
      ? conv2d(pad(x, [1, 1, 1, 1], mode: .circular), mixed, shift) : conv2d(x, mixed, shift, padding: [1, 1])
    return pixelShuffle(made.to(.float32), 2)
  }
}

/// A picture [N, channels, 2s, 2s] to features [N, C, s, s]: a 3×3 convolution at full resolution, rectified, and one
/// of 2×2 that halves it.
///
/// The rectifier before halving is what sees fine grain: a linear stem lets a generator's specks and off-white pass.
/// Halving mustn't be a mean, which is blind to a checkerboard on a bright ground.
final class PictureStem: Module {
  let conv: Conv2d, halve: Conv2d

  init(_ features: Int, width: Int, channels: Int) {
    conv = Conv2d(channels, width, kernel: 3, padding: 1)
    halve = Conv2d(width, features, kernel: 2, stride: 2)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 1).fill(conv.weight, conv.bias, &noise)
    Initialization.fanIn(gain: 2.0.squareRoot()).fill(halve.weight, halve.bias, &noise)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { halve(leakyRelu(conv(x.channelsLast()))) }
}

/// The orthonormal Haar basis: rows are bands (mean, across, down, both), columns the pixels of a square of four.
private func haarMatrix() -> Tensor {
  Tensor([1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1] as [Float], shape: [4, 4]) * 0.5
}
