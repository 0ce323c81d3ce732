/// Changes to a tensor's own elements: for optimizers, averages, loading and large pictures, inside `withoutGradients`.
extension Tensor {
  /// Takes the other's elements, converted and broadcast.
  public func copy(from other: Tensor) {
    materialize()
    aten.copy_.run(.tensor(self), .tensor(other))
  }
  public func fill(_ value: Double) {
    materialize()
    aten.fill_.run(.tensor(self), .double(value))
  }
  public func zero() { aten.zero_.run(.tensor(self)) }
  public func add(_ other: Tensor, scaledBy factor: Double = 1) {
    aten.add_.run(.tensor(self), .tensor(other), .double(factor))
  }
  public func multiply(by factor: Double) { aten.mulScalar_.run(.tensor(self), .double(factor)) }
  public func multiply(by other: Tensor) { aten.mul_.run(.tensor(self), .tensor(other)) }
  /// `self = silu(self)`
  public func activateBySilu() { aten.silu_.run(.tensor(self)) }
  /// `self += weight * (other - self)`
  public func lerp(toward other: Tensor, weight: Double) {
    aten.lerp_.run(.tensor(self), .tensor(other), .double(weight))
  }
  /// Gives each element its own place, where they share one as after `expanded`, so that they can be changed.
  public func materialize() {
    if isExpanded { become(detached().contiguous()) }
  }
  /// Writes `source` over the slices from `start` of dimension `dim`.
  public func setSlice(dim: Int = 0, from start: Int, to source: Tensor) {
    materialize()
    narrowed(dim: dim, from: start, count: source.size(dim)).copy(from: source)
  }
}
