/// Shapes, parts and orders. Views where PyTorch makes views.
extension Tensor {
  /// One dimension may be -1.
  public func reshaped(_ shape: [Int]) -> Tensor { aten.reshape(.tensor(self), .ints(shape)) }
  public func flattened(from start: Int = 0, to end: Int = -1) -> Tensor {
    aten.flatten(.tensor(self), .int(start), .int(end))
  }
  public func transposed(_ a: Int, _ b: Int) -> Tensor { aten.transpose(.tensor(self), .int(a), .int(b)) }
  /// The last two dimensions exchanged.
  public var T: Tensor { transposed(-2, -1) }
  public func permuted(_ order: [Int]) -> Tensor { aten.permute(.tensor(self), .ints(order)) }
  /// Repeats dimensions of size 1 without copying; -1 keeps a size.
  public func expanded(_ shape: [Int]) -> Tensor { aten.expand(.tensor(self), .ints(shape)) }
  public func repeated(_ times: [Int]) -> Tensor { aten.repeats(.tensor(self), .ints(times)) }
  /// Each slice `count` times in a row.
  public func repeatedEach(_ count: Int, dim: Int) -> Tensor {
    aten.repeatInterleave(.tensor(self), .int(count), .int(dim))
  }
  public func unsqueezed(_ dim: Int) -> Tensor { aten.unsqueeze(.tensor(self), .int(dim)) }
  /// Without all dimensions of size 1.
  public func squeezed() -> Tensor { aten.squeeze(.tensor(self)) }
  public func squeezed(_ dim: Int) -> Tensor { aten.squeezeDim(.tensor(self), .int(dim)) }
  public func flipped(_ dims: [Int]) -> Tensor { aten.flip(.tensor(self), .ints(dims)) }
  public func rolled(by shifts: [Int], dims: [Int]) -> Tensor { aten.roll(.tensor(self), .ints(shifts), .ints(dims)) }

  public func narrowed(dim: Int, from start: Int, count: Int) -> Tensor {
    aten.narrow(.tensor(self), .int(dim), .int(start), .int(count))
  }
  /// Every `step`th slice of a dimension.
  public func every(_ step: Int, from start: Int = 0, dim: Int) -> Tensor {
    aten.slice(.tensor(self), .int(dim), .int(start), .int(size(dim)), .int(step))
  }
  public func selected(dim: Int, index: Int) -> Tensor { aten.select(.tensor(self), .int(dim), .int(index)) }
  public func split(into sizes: [Int], dim: Int = 0) -> [Tensor] {
    aten.splitSizes.list(.tensor(self), .ints(sizes), .int(dim))
  }
  public func chunks(_ count: Int, dim: Int = 0) -> [Tensor] {
    aten.chunk.list(.tensor(self), .int(count), .int(dim))
  }
  public func unbound(dim: Int = 0) -> [Tensor] { aten.unbind.list(.tensor(self), .int(dim)) }
  /// `result[i][j] = self[index[i][j]][j]` for dimension 0, and so on.
  public func gathered(dim: Int, index: Tensor) -> Tensor { aten.gather(.tensor(self), .int(dim), .tensor(index)) }
  /// - Parameter indices: int64 [n].
  public func indexSelected(dim: Int, indices: Tensor) -> Tensor {
    aten.indexSelect(.tensor(self), .int(dim), .tensor(indices))
  }
  /// The lower triangle of a matrix, with zeros above `diagonal`.
  public func lowerTriangle(diagonal: Int = 0) -> Tensor { aten.tril(.tensor(self), .int(diagonal)) }
  public func upperTriangle(diagonal: Int = 0) -> Tensor { aten.triu(.tensor(self), .int(diagonal)) }
  /// The diagonal of a matrix.
  public func diagonal() -> Tensor { aten.diagonal(.tensor(self)) }
  /// Sliding windows of `size` along `dim`, as a new last dimension.
  public func windows(dim: Int, size: Int, step: Int) -> Tensor {
    aten.unfold(.tensor(self), .int(dim), .int(size), .int(step))
  }

  public func sorted(dim: Int = -1, descending: Bool = false) -> (values: Tensor, indices: Tensor) {
    let r = aten.sort.list(.tensor(self), .int(dim), .bool(descending))
    return (r[0], r[1])
  }
  public func topK(_ k: Int, dim: Int = -1, largest: Bool = true) -> (values: Tensor, indices: Tensor) {
    let r = aten.topk.list(.tensor(self), .int(k), .int(dim), .bool(largest))
    return (r[0], r[1])
  }

  /// The slice at `index` of the first dimension; negative ones count from the last.
  public subscript(_ index: Int) -> Tensor { selected(dim: 0, index: index) }
  /// Slices of the first dimension.
  public subscript(_ range: Range<Int>) -> Tensor {
    narrowed(dim: 0, from: range.lowerBound, count: range.count)
  }
  /// The slices that an int64 tensor of indices, or a bool mask, names.
  public subscript(_ indices: Tensor) -> Tensor { aten.index(.tensor(self), .tensors([indices])) }
}
