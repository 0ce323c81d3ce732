import Torch

/// Colours that go on under what is transparent, so that a network, or any filter, mixes nothing foreign into the edges.
///
/// Where nothing is to be seen, the mean of what is nearest, from small pictures to large ("push-pull", Gortler et al.
/// 1996, section 3.4).
///
/// - Parameters:
///   - colours: [1, 3, H, W].
///   - alpha: [1, 1, H, W], 0 where the colours mean nothing.
public func colours(_ colours: Tensor, continuedUnder alpha: Tensor) -> Tensor {
  let (height, width) = (colours.size(2), colours.size(3))
  guard height > 1 || width > 1, alpha.min().item() <= 0 else { return colours }
  let halved = { (x: Tensor) in averagePool2d(pad(x, [0, width % 2, 0, height % 2]), kernel: 2) }
  let cover = halved(alpha)
  let small = halved(colours * alpha) / clamp(cover, min: 1e-6)
  let below = Torch.interpolate(
    Models.colours(small, continuedUnder: cover), size: [height + height % 2, width + width % 2], mode: .nearest)
  let under = below.narrowed(dim: 2, from: 0, count: height).narrowed(dim: 3, from: 0, count: width)
  return whereTrue(alpha.greater(than: 0), colours, under)
}

/// An enlarged alpha that stays between the least and the greatest around each place of the given one: what is opaque
/// stays opaque to the bit, and nothing appears where nothing was.
///
/// - Parameters:
///   - large: [1, 1, H · scale, W · scale].
///   - alpha: [1, 1, H, W].
public func bounded(_ large: Tensor, by alpha: Tensor) -> Tensor {
  let greatest = maxPool2d(alpha, kernel: 3, stride: 1, padding: 1)
  let least = -maxPool2d(-alpha, kernel: 3, stride: 1, padding: 1)
  let sized = { (x: Tensor) in interpolate(x, size: [large.size(2), large.size(3)], mode: .nearest) }
  return maximum(minimum(large, sized(greatest)), sized(least))
}
