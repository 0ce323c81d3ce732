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

/// The square roots of symmetric positive definite matrices [..., n, n], and the roots' inverses, by Newton and
/// Schulz's iteration (Higham 2008, equation 6.35).
public func matrixRoots(_ x: Tensor, iterations: Int = 12) -> (root: Tensor, inverse: Tensor) {
  let n = x.size(-1)
  let scale = sqrt(square(x).sum(dims: [-2, -1], keepDims: true))
  let threeHalves = Tensor.eye(n, dtype: x.dtype, on: x.device) * 1.5
  var y = x / scale
  var z = Tensor.eye(n, dtype: x.dtype, on: x.device)
  for _ in 0..<iterations {
    let t = threeHalves - matmul(z, y) * 0.5
    y = matmul(y, t)
    z = matmul(t, z)
  }
  return (y * sqrt(scale), z * rsqrt(scale))
}

/// The mean square of the differences of neighbours, across and down: [N, C, H, W].
public func totalVariation(_ x: Tensor) -> Tensor {
  let (height, width) = (x.size(2), x.size(3))
  let across = x.narrowed(dim: 3, from: 1, count: width - 1) - x.narrowed(dim: 3, from: 0, count: width - 1)
  let down = x.narrowed(dim: 2, from: 1, count: height - 1) - x.narrowed(dim: 2, from: 0, count: height - 1)
  return square(across).mean() + square(down).mean()
}
