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
  let root = squareRoot(first.covariance)
  let product = matmul(matmul(root, second.covariance), root)
  // The product is symmetric but for rounding, and its small negative eigenvalues are rounding.
  let eigenvalues = eigh((product + product.T) * 0.5).values
  let cross = sqrt(clamp(eigenvalues, min: 0)).sum().item()
  let means = square(first.mean - second.mean).sum().item()
  return max(0, means + trace(first.covariance).item() + trace(second.covariance).item() - 2 * cross)
}

/// Mean [d] and unbiased covariance [d, d] of rows [N, d], in float64.
private struct Moments {
  let mean: Tensor
  let covariance: Tensor

  init(_ x: Tensor) {
    precondition(x.size(0) > 1, "FID needs two pictures on each side")
    let x = x.to(.float64)
    mean = x.mean(dims: [0])
    let centred = x - mean
    covariance = matmul(centred.T, centred) / Double(x.size(0) - 1)
  }
}

/// Of a symmetric positive semidefinite matrix.
private func squareRoot(_ x: Tensor) -> Tensor {
  let (values, vectors) = eigh(x)
  return matmul(vectors * sqrt(clamp(values, min: 0)), vectors.T)
}
