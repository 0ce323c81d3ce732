import Torch

/// The directions in which features vary most, and where each row lies along them, in standard deviations.
///
/// - Parameters:
///   - features: [N, d].
///   - count: fewer than N, and at most d.
/// - Returns: float32 [N, count], each column with a mean of 0 and a deviation of 1.
public func principalComponents(of features: Tensor, count: Int) -> Tensor {
  let x = features.to(.float64)
  let centred = x - x.mean(dims: [0], keepDims: true)
  let (_, vectors) = eigh(matmul(centred.T, centred) / Double(max(1, x.size(0) - 1)))
  let last = vectors.size(1)
  let taken = vectors.narrowed(dim: 1, from: last - count, count: count)
  let scores = matmul(centred, taken)
  let deviation = sqrt(square(scores).mean(dims: [0], keepDims: true) + 1e-12)
  return (scores / deviation).to(.float32)
}
