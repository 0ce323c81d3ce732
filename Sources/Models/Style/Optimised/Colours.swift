import Torch

/// Pictures [1, 3, H, W] in 0...1 with the brightness of one and the colours of another of the same size.
///
/// Luma (Rec. 709) is carried over, what keeps a content's colours under a painter's strokes (Gatys et al. 2017, section
/// 3.1). Where that would be darker than black or lighter than white, the colour is paler; its hue stays everywhere.
public func withColours(of colours: Tensor, brightness: Tensor) -> Tensor {
  let chroma = colours - luma(colours)
  let wanted = clamp(luma(brightness), min: 0, max: 1)
  // How much of the colour there is room for, above and below.
  let high = (1 - wanted) / clamp(chroma.max(dims: [1], keepDims: true), min: 1e-6)
  let low = wanted / clamp(-chroma.min(dims: [1], keepDims: true), min: 1e-6)
  return clamp(wanted + chroma * clamp(minimum(high, low), max: 1), min: 0, max: 1)
}

/// A picture [1, 3, H, W] in 0...1 with the colours' mean and covariance of another: x ↦ A (x − μ) + μ′ with
/// A = C′^½ C^-½ (Gatys et al. 2017, section 3.2; Reinhard et al. 2001 without its axes).
///
/// Given a style in the content's colours, a transfer paints in these.
public func matchingColours(of other: Tensor, in picture: Tensor) -> Tensor {
  let (mean, covariance) = colourStatistics(picture)
  let (goal, goalCovariance) = colourStatistics(other)
  let map = matmul(root(goalCovariance, power: 0.5), root(covariance, power: -0.5))
  let flat = picture.flattened(from: 2)[0]
  let mapped = matmul(map, flat - mean) + goal
  return clamp(mapped.reshaped(picture.shape), min: 0, max: 1)
}

/// The mean [3, 1] and covariance [3, 3] of the colours.
private func colourStatistics(_ picture: Tensor) -> (mean: Tensor, covariance: Tensor) {
  let flat = picture.to(.float32).flattened(from: 2)[0]
  let mean = flat.mean(dims: [1], keepDims: true)
  let centred = flat - mean
  // A picture of one colour has no covariance: without this its root couldn't be inverted.
  let ridge = Tensor.eye(3, on: picture.device) * 1e-5
  return (mean, matmul(centred, centred.T) / Double(flat.size(1)) + ridge)
}

/// A power of a symmetric positive definite matrix.
private func root(_ x: Tensor, power: Double) -> Tensor {
  let (values, vectors) = eigh(x)
  return matmul(vectors * pow(clamp(values, min: 1e-8), power), vectors.T)
}
