import Networks
import Torch

/// One 3×3 convolution beside an identity: x + conv(φ(x)), φ a LeakyReLU of slope 0.2.
///
/// Huang et al. 2024 (section 3.3) have three convolutions and channels in groups; one dense convolution does more for
/// the same time on a processor without a GPU. The branch starts small, so that a deep network starts as its shallow
/// one. With a latent, each channel of the branch is brought to a mean square of 1 a picture, then scaled and shifted
/// by the latent, as styles are (Karras et al. 2019, equation 1, without taking the mean off): so a style says how much
/// there is of a feature, not how much more than there happened to be.
final class ResidualBlock: Module {
  let conv: Conv2d
  let style: Linear?

  /// - Parameters:
  ///   - latent: numbers of the latent that steers the block; nil for none.
  ///   - isSeamless: what is beyond an edge is what is at the other one.
  init(_ channels: Int, latent: Int? = nil, isSeamless: Bool = false) {
    conv = Conv2d(channels, channels, kernel: 3, padding: 1, paddingMode: isSeamless ? .circular : .zeros)
    style = latent.map { Linear($0, 2 * channels) }
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 0.5).fill(conv.weight, conv.bias, &noise)
    if let style { Initialization.fanIn(gain: 0.25).fill(style.weight, style.bias, &noise) }
  }

  /// `x` [N, channels, H, W], `w` [N, latent].
  func callAsFunction(_ x: Tensor, _ w: Tensor? = nil) -> Tensor {
    var h = leakyRelu(x)
    if let style, let w {
      let parts = style(w).unsqueezed(-1).unsqueezed(-1).chunks(2, dim: 1)
      let power = square(h).mean(dims: [2, 3], keepDims: true).to(.float32)
      h = h * ((parts[0] + 1) * rsqrt(power + 1e-4)).to(h.dtype) + parts[1].to(h.dtype)
    }
    return x + conv(h)
  }
}
