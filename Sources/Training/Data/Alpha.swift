import Torch

/// Bytes as float32 in -1...1.
public func signed(_ bytes: Tensor) -> Tensor { bytes.to(.float32) * (1 / 127.5) - 1 }

/// Pictures with alpha as generators learn them: colours times alpha, so that what can't be seen has one colour, black,
/// and edges have no fringe of it (Porter and Duff 1984, section 3). Others stay as they are.
///
/// - Parameter x: [N, C, H, W] in -1...1, the fourth channel alpha, which is kept.
public func alphaWeighted(_ x: Tensor) -> Tensor {
  guard x.size(1) == 4 else { return x }
  let alpha = x.narrowed(dim: 1, from: 3, count: 1)
  let colours = x.narrowed(dim: 1, from: 0, count: 3)
  let weighed = (colours + 1) * ((alpha + 1) * 0.5) - 1
  return Tensor.concatenated([weighed, alpha], dim: 1)
}

/// The way back, to colours as files have them; where hardly anything can be seen (alpha below 8 of 255) there is nothing,
/// and that is black: a generator's nothing is never quite nothing, and makes a haze on dark ground.
public func straightened(_ x: Tensor) -> Tensor {
  guard x.size(1) == 4 else { return x }
  let alpha = x.narrowed(dim: 1, from: 3, count: 1) * 0.5 + 0.5
  let isSeen = alpha.greater(than: 7.5 / 255).to(x.dtype)
  let colours = x.narrowed(dim: 1, from: 0, count: 3) * 0.5 + 0.5
  let whole = clamp(colours / clamp(alpha, min: 7.5 / 255), min: 0, max: 1) * isSeen
  return Tensor.concatenated([whole, alpha * isSeen], dim: 1) * 2 - 1
}
