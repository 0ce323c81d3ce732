/// Changes to a tensor's own elements: for optimizers, averages and loading, inside `withoutGradients`.
extension Tensor {
  /// Takes the other's elements, converted and broadcast.
  public func copy(from other: Tensor) { aten.copy_.run(.tensor(self), .tensor(other)) }
  public func fill(_ value: Double) { aten.fill_.run(.tensor(self), .double(value)) }
  public func zero() { aten.zero_.run(.tensor(self)) }
  public func add(_ other: Tensor, scaledBy factor: Double = 1) {
    aten.add_.run(.tensor(self), .tensor(other), .double(factor))
  }
  public func multiply(by factor: Double) { aten.mulScalar_.run(.tensor(self), .double(factor)) }
  /// `self += weight * (other - self)`
  public func lerp(toward other: Tensor, weight: Double) {
    aten.lerp_.run(.tensor(self), .tensor(other), .double(weight))
  }
  /// Writes `source` over the slices from `start` of dimension `dim`.
  public func setSlice(dim: Int = 0, from start: Int, to source: Tensor) {
    narrowed(dim: dim, from: start, count: source.size(dim)).copy(from: source)
  }
}
