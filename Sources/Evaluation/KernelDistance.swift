import Torch

/// KID, the kernel Inception distance (Bińkowski et al. 2018): the squared maximum mean discrepancy of features under
/// k(x, y) = (x·y / d + 1)³.
///
/// Unbiased, so that few pictures don't make it larger, and it may come out just below 0. Reports multiply it by 1,000.
public struct KernelDistance: Sendable, Equatable {
  /// Over all pictures.
  public let value: Double
  /// One standard error of `value`, from random subsets of both sides; NaN when there are fewer than 8 pictures.
  public let error: Double

  /// - Parameters:
  ///   - a: features [N, d], N ≥ 2.
  ///   - b: features [M, d], M ≥ 2.
  public init(between a: Tensor, and b: Tensor, subsets: Int = 20, noise: inout Noise) {
    let (a, b) = (a.to(.float64), b.to(.float64))
    value = discrepancy(a, b)
    // The variance of a U-statistic falls as 1/n: the spread over subsets of n tells that of the whole.
    let size = min(500, a.size(0) / 2, b.size(0) / 2)
    guard size >= 4, subsets > 1 else {
      error = .nan
      return
    }
    var values: [Double] = []
    for _ in 0..<subsets {
      let mine = Tensor(Array(noise.permutation(a.size(0)).prefix(size)))
      let theirs = Tensor(Array(noise.permutation(b.size(0)).prefix(size)))
      values.append(discrepancy(a[mine], b[theirs]))
    }
    let mean = values.reduce(0, +) / Double(subsets)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(subsets - 1)
    error = (variance * Double(size) / Double(min(a.size(0), b.size(0)))).squareRoot()
  }
}

/// The unbiased estimate of the squared discrepancy (equation 4 of the paper), by rows so that memory stays small.
private func discrepancy(_ a: Tensor, _ b: Tensor) -> Double {
  let (n, m) = (Double(a.size(0)), Double(b.size(0)))
  precondition(n > 1 && m > 1, "KID needs two pictures on each side")
  let within = { (x: Tensor) in kernelSum(x, x) - pow(square(x).sum(dims: [1]) / Double(x.size(1)) + 1, 3).sum().item()
  }
  return within(a) / (n * (n - 1)) + within(b) / (m * (m - 1)) - 2 * kernelSum(a, b) / (n * m)
}

private func kernelSum(_ a: Tensor, _ b: Tensor) -> Double {
  rows(of: a).reduce(0) { $0 + pow(matmul($1, b.T) / Double(a.size(1)) + 1, 3).sum().item() }
}

/// Slices of at most 1,024 rows, so that a matrix against all others fits in memory.
func rows(of x: Tensor) -> [Tensor] {
  stride(from: 0, to: x.size(0), by: 1024).map { x[$0..<min($0 + 1024, x.size(0))] }
}
