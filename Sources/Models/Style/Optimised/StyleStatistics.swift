import Torch

/// How a picture is painted, as one layer sees it: the mean and the second raw moment of its features over all places.
///
/// Several styles are mixed by averaging these (crowsonkb's style-transfer-pytorch), and so are the tiles of a picture.
public struct StyleStatistics {
  /// [C].
  public let mean: Tensor
  /// [C, C], the mean of x xᵀ; its entries are those of the Gram matrix over the number of places.
  public let moment: Tensor

  public init(mean: Tensor, moment: Tensor) { (self.mean, self.moment) = (mean, moment) }

  /// - Parameters:
  ///   - features: [1, C, H, W].
  ///   - mask: [1, 1, H, W] in 0...1, how much each place counts; nil counts all of them. Not all may be 0.
  public init(_ features: Tensor, mask: Tensor? = nil) {
    let x = features.to(.float32).flattened(from: 2)[0]  // [C, places]
    guard let mask else {
      mean = x.mean(dims: [1])
      moment = matmul(x, x.T) / Double(x.size(1))
      return
    }
    let weights = mask.flattened()
    let share = weights / weights.sum()
    let weighed = x * share
    mean = weighed.sum(dims: [1])
    moment = matmul(weighed, x.T)
  }

  /// [C, C].
  public var covariance: Tensor { moment - matmul(mean.unsqueezed(1), mean.unsqueezed(0)) }

  /// The weighted mean of several; the weights needn't sum to 1.
  public static func mixed(_ parts: [(statistics: StyleStatistics, weight: Double)]) -> StyleStatistics {
    let sum = parts.reduce(0) { $0 + $1.weight }
    let mix = { (part: (StyleStatistics) -> Tensor) in
      parts.dropFirst().reduce(part(parts[0].statistics) * (parts[0].weight / sum)) {
        $0 + part($1.statistics) * ($1.weight / sum)
      }
    }
    return StyleStatistics(mean: mix(\.mean), moment: mix(\.moment))
  }
}

/// How far features are from a style, at one layer.
public protocol StyleLoss {
  /// - Returns: a scalar that can be differentiated with respect to the statistics.
  func callAsFunction(_ statistics: StyleStatistics) -> Tensor
}

/// The mean square of the difference of Gram matrices (Gatys et al. 2016, equation 4, without its constant).
public struct GramLoss: StyleLoss {
  private let target: Tensor
  public init(_ target: StyleStatistics) { self.target = target.moment.detached() }
  public func callAsFunction(_ statistics: StyleStatistics) -> Tensor {
    square(statistics.moment - target).mean()
  }
}

/// The squared Wasserstein-2 distance of two Gaussians that have the features' means and covariances, over the number
/// of channels: (‖Δμ‖² + tr(C₁ + C₂ − 2 (C₂^½ C₁ C₂^½)^½)) / C (Dowson and Landau 1982).
///
/// The root's trace is differentiated in closed form: d tr(M^½) = ½ tr(M^-½ dM). Newton and Schulz's iteration gives
/// both roots at once, so nothing is recorded through it and no second pass is needed.
public struct WassersteinLoss: StyleLoss {
  private let mean: Tensor, covariance: Tensor
  private let root: Tensor  // C₂^½
  private let ε = 1e-4

  public init(_ target: StyleStatistics) {
    (mean, covariance, root) = withoutGradients {
      let mean = target.mean.detached()
      let covariance = target.covariance.detached() + Tensor.eye(target.mean.count, on: mean.device) * 1e-4
      return (mean, covariance, matrixRoots(covariance).root)
    }
  }

  public func callAsFunction(_ statistics: StyleStatistics) -> Tensor {
    let channels = Double(mean.count)
    let c = statistics.covariance + Tensor.eye(mean.count, on: mean.device) * ε
    let (value, slope) = withoutGradients { () -> (Tensor, Tensor) in
      let roots = matrixRoots(matmul(matmul(root, c.detached()), root))
      return (trace(roots.root), matmul(matmul(root, roots.inverse), root))
    }
    // tr(slope · c) is tr(M^-½ M) with slope's gradient: twice that of tr(M^½).
    let product = (slope * c).sum()
    let fit = product - product.detached() + 2 * value
    return (square(statistics.mean - mean).sum() + trace(c) + trace(covariance) - fit) / channels
  }
}

/// The square roots of symmetric positive definite matrices [..., n, n], and the roots' inverses, by products alone:
/// Newton and Schulz's iteration (Higham 2008, equation 6.35), each step's polynomial of the fifth degree the best there
/// is for what the steps before may have left (Amsel et al. 2025, "The Polar Express", algorithm 1, for a thousandth of
/// the largest singular value).
/// Roots are right to some ten parts in a million where eigenvalues differ by a million.
public func matrixRoots(_ x: Tensor) -> (root: Tensor, inverse: Tensor) {
  // A little less than 1 at most: rounding may not lead beyond it.
  let scale = sqrt(square(x).sum(dims: [-2, -1], keepDims: true)) * 1.01
  let eye = Tensor.eye(x.size(-1), dtype: x.dtype, on: x.device)
  var y = x / scale
  var z: Tensor?
  for (a, b, c) in rootPolynomials {
    let w = z.map { matmul($0, y) } ?? y
    let t = eye * a + w * b + matmul(w, w) * c
    y = matmul(y, t)
    z = z.map { matmul(t, $0) } ?? t
  }
  return (y * sqrt(scale), z! * rsqrt(scale))
}

private let rootPolynomials = [
  (7.710969245867682, -22.113754790481156, 16.248743017738466),
  (4.177219333668563, -3.5155834781486397, 0.7580734945769524),
  (4.177219333668557, -3.5155834781486304, 0.7580734945769502),
  (3.343230461202796, -2.5570436731740807, 0.535108352717765),
  (2.2937760286198143, -1.6627277433762762, 0.41814005484677663),
  (1.8906150375071136, -1.2672427340394372, 0.3767284128823088),
  (1.875001303007174, -1.2500014477832653, 0.3750001447768069),
]

/// The mean square of the differences of neighbours, across and down: [N, C, H, W].
public func totalVariation(_ x: Tensor) -> Tensor {
  let (height, width) = (x.size(2), x.size(3))
  let across = x.narrowed(dim: 3, from: 1, count: width - 1) - x.narrowed(dim: 3, from: 0, count: width - 1)
  let down = x.narrowed(dim: 2, from: 1, count: height - 1) - x.narrowed(dim: 2, from: 0, count: height - 1)
  return square(across).mean() + square(down).mean()
}
