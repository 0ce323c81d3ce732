import Torch

/// FID, the Fréchet distance between normal distributions fitted to two sets of features (Heusel et al. 2017, equation 6):
/// ‖μ₁ - μ₂‖² + tr(C₁ + C₂ - 2 (C₁½ C₂ C₁½)½).
///
/// Biased upward, and by much under some 2,000 pictures (random halves of 142 photographs give 177): compare it only at
/// equal numbers of pictures, and look at KID first. The features here are not Inception's, so no paper's figure compares.
///
/// - Parameters:
///   - a: features [N, d], N ≥ 2.
///   - b: features [M, d], M ≥ 2.
public func frechetDistance(_ a: Tensor, _ b: Tensor) -> Double {
  let (first, second) = (Moments(a), Moments(b))
  // With C = RᵀR, the last trace is the sum of the singular values of R₁R₂ᵀ: unlike eigenvalues of C's product, these are found
  // of few pictures, too, where most of C's own are zero.
  let cross = singularValues(matmul(first.root, second.root.T)).sum().item()
  let means = square(first.mean - second.mean).sum().item()
  return max(0, means + square(first.root).sum().item() + square(second.root).sum().item() - 2 * cross)
}

/// Mean [d] of rows [N, d], and a root [N or d, d] of their unbiased covariance, in float64.
private struct Moments {
  let mean: Tensor
  let root: Tensor

  init(_ x: Tensor) {
    precondition(x.size(0) > 1, "FID needs two pictures on each side")
    let x = x.to(.float64)
    mean = x.mean(dims: [0])
    let centred = (x - mean) / Double(x.size(0) - 1).squareRoot()
    root = x.size(0) > x.size(1) ? qr(centred).r : centred
  }
}
