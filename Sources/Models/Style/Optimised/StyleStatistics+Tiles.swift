import Torch

/// The sums that statistics over several tiles are made of.
struct StyleSums {
  private(set) var weight = 0.0
  private var sum: Tensor?
  private var products: Tensor?

  /// - Parameters:
  ///   - features: [1, C, H, W], those that count.
  ///   - mask: [1, 1, H, W] or nil for all.
  mutating func add(_ features: Tensor, mask: Tensor?) {
    let x = features.to(.float32).flattened(from: 2)[0]
    let share = mask?.flattened()
    let weighed = share.map { x * $0 } ?? x
    let (added, product) = (weighed.sum(dims: [1]), matmul(weighed, x.T))
    sum = sum.map { $0 + added } ?? added
    products = products.map { $0 + product } ?? product
    weight += share?.sum().item() ?? Double(x.size(1))
  }

  /// nil where nothing counts.
  var statistics: StyleStatistics? {
    guard let sum, let products, weight > 0 else { return nil }
    return StyleStatistics(mean: sum / weight, moment: products / weight)
  }
}

/// A scalar whose gradient with respect to `features` is that of a loss of the whole picture's statistics.
///
/// The chain rule: with g and G the loss's gradients with respect to mean and moment, which are sums over all places,
/// a tile's part is Σ w (g·x + xᵀ G x) / Σ w.
func tilesShare(
  of slopes: (mean: Tensor, moment: Tensor), weight: Double, features: Tensor, mask: Tensor?
) -> Tensor {
  let x = features.to(.float32).flattened(from: 2)[0]
  let places = matmul(slopes.mean.unsqueezed(0), x)[0] + (matmul(slopes.moment, x) * x).sum(dims: [0])
  let counted = mask.map { places * $0.flattened() } ?? places
  return counted.sum() / weight
}
