/// Sums, means, extremes. Without dimensions, over all elements to a tensor of rank 0.
extension Tensor {
  public func sum() -> Tensor { aten.sum(.tensor(self)) }
  public func sum(dims: [Int], keepDims: Bool = false) -> Tensor {
    aten.sumDims(.tensor(self), .ints(dims), .bool(keepDims))
  }
  public func mean() -> Tensor { aten.mean(.tensor(self)) }
  public func mean(dims: [Int], keepDims: Bool = false) -> Tensor {
    aten.meanDims(.tensor(self), .ints(dims), .bool(keepDims))
  }
  /// - Parameter unbiased: divides by n - 1.
  public func variance(dims: [Int], unbiased: Bool = true, keepDims: Bool = false) -> Tensor {
    aten.variance(.tensor(self), .ints(dims), .bool(unbiased), .bool(keepDims))
  }
  public func std(dims: [Int], unbiased: Bool = true, keepDims: Bool = false) -> Tensor {
    aten.std(.tensor(self), .ints(dims), .bool(unbiased), .bool(keepDims))
  }
  public func max() -> Tensor { aten.maxAll(.tensor(self)) }
  public func min() -> Tensor { aten.minAll(.tensor(self)) }
  public func max(dims: [Int], keepDims: Bool = false) -> Tensor {
    aten.amax(.tensor(self), .ints(dims), .bool(keepDims))
  }
  public func min(dims: [Int], keepDims: Bool = false) -> Tensor {
    aten.amin(.tensor(self), .ints(dims), .bool(keepDims))
  }
  public func max(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    let r = aten.maxDim.list(.tensor(self), .int(dim), .bool(keepDim))
    return (r[0], r[1])
  }
  public func min(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    let r = aten.minDim.list(.tensor(self), .int(dim), .bool(keepDim))
    return (r[0], r[1])
  }
  public func argmax(dim: Int) -> Tensor { aten.argmax(.tensor(self), .int(dim)) }
  public func argmin(dim: Int) -> Tensor { aten.argmin(.tensor(self), .int(dim)) }
  public func any() -> Tensor { aten.any(.tensor(self)) }
  public func all() -> Tensor { aten.all(.tensor(self)) }
  /// The Euclidean norm of all elements.
  public func norm() -> Tensor { aten.norm(.tensor(self)) }
  public func cumulativeSum(dim: Int) -> Tensor { aten.cumsum(.tensor(self), .int(dim)) }
  /// How often each of 0, 1, … occurs in a one-dimensional tensor of integers.
  public func histogram(minimumCount: Int = 0) -> Tensor { aten.bincount(.tensor(self), nil, .int(minimumCount)) }
}

/// log Σ exp along dimensions, without overflow.
public func logSumExp(_ x: Tensor, dims: [Int], keepDims: Bool = false) -> Tensor {
  aten.logsumexp(.tensor(x), .ints(dims), .bool(keepDims))
}
/// Euclidean distances [n, m] between rows [n, d] and rows [m, d].
public func distances(_ a: Tensor, _ b: Tensor) -> Tensor { aten.cdist(.tensor(a), .tensor(b)) }
/// Where values would be in rows that are sorted: the number of what is below each, int64 [..., M].
///
/// - Parameters:
///   - rows: [..., N].
///   - values: [..., M].
public func searchSorted(_ rows: Tensor, _ values: Tensor) -> Tensor {
  aten.searchSorted(.tensor(rows.contiguous()), .tensor(values.contiguous()))
}
