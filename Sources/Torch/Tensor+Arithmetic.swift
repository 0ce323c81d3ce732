// Arithmetic, comparison and elementwise functions. Shapes broadcast as in PyTorch.

public func + (a: Tensor, b: Tensor) -> Tensor { aten.add(.tensor(a), .tensor(b)) }
public func - (a: Tensor, b: Tensor) -> Tensor { aten.sub(.tensor(a), .tensor(b)) }
public func * (a: Tensor, b: Tensor) -> Tensor { aten.mul(.tensor(a), .tensor(b)) }
public func / (a: Tensor, b: Tensor) -> Tensor { aten.div(.tensor(a), .tensor(b)) }
public func + (a: Tensor, b: Double) -> Tensor { aten.addScalar(.tensor(a), .double(b)) }
public func - (a: Tensor, b: Double) -> Tensor { aten.subScalar(.tensor(a), .double(b)) }
public func * (a: Tensor, b: Double) -> Tensor { aten.mulScalar(.tensor(a), .double(b)) }
public func / (a: Tensor, b: Double) -> Tensor { aten.divScalar(.tensor(a), .double(b)) }
public func + (a: Double, b: Tensor) -> Tensor { b + a }
public func - (a: Double, b: Tensor) -> Tensor { aten.rsubScalar(.tensor(b), .double(a)) }
public func * (a: Double, b: Tensor) -> Tensor { b * a }
public func / (a: Double, b: Tensor) -> Tensor { aten.reciprocal(.tensor(b)) * a }
public prefix func - (x: Tensor) -> Tensor { aten.neg(.tensor(x)) }

public func exp(_ x: Tensor) -> Tensor { aten.exp(.tensor(x)) }
public func log(_ x: Tensor) -> Tensor { aten.log(.tensor(x)) }
/// log(1 + x)
public func log1p(_ x: Tensor) -> Tensor { aten.log1p(.tensor(x)) }
public func sqrt(_ x: Tensor) -> Tensor { aten.sqrt(.tensor(x)) }
/// 1 / √x
public func rsqrt(_ x: Tensor) -> Tensor { aten.rsqrt(.tensor(x)) }
public func abs(_ x: Tensor) -> Tensor { aten.abs(.tensor(x)) }
public func square(_ x: Tensor) -> Tensor { aten.square(.tensor(x)) }
public func sin(_ x: Tensor) -> Tensor { aten.sin(.tensor(x)) }
public func cos(_ x: Tensor) -> Tensor { aten.cos(.tensor(x)) }
public func atan2(_ y: Tensor, _ x: Tensor) -> Tensor { aten.atan2(.tensor(y), .tensor(x)) }
public func floor(_ x: Tensor) -> Tensor { aten.floor(.tensor(x)) }
/// To the nearest, halves to even.
public func round(_ x: Tensor) -> Tensor { aten.round(.tensor(x)) }
public func sign(_ x: Tensor) -> Tensor { aten.sign(.tensor(x)) }
public func erf(_ x: Tensor) -> Tensor { aten.erf(.tensor(x)) }
public func pow(_ x: Tensor, _ exponent: Double) -> Tensor { aten.powScalar(.tensor(x), .double(exponent)) }
public func pow(_ x: Tensor, _ exponent: Tensor) -> Tensor { aten.powTensor(.tensor(x), .tensor(exponent)) }
/// With the sign of the divisor.
public func remainder(_ x: Tensor, _ divisor: Double) -> Tensor { aten.remainder(.tensor(x), .double(divisor)) }
/// One of the bounds may be missing.
public func clamp(_ x: Tensor, min: Double? = nil, max: Double? = nil) -> Tensor {
  aten.clamp(.tensor(x), .optional(min), .optional(max))
}
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { aten.maximum(.tensor(a), .tensor(b)) }
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { aten.minimum(.tensor(a), .tensor(b)) }
/// `a` where the condition holds, `b` elsewhere.
public func whereTrue(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  aten.whereSelf(.tensor(condition), .tensor(a), .tensor(b))
}
/// `a + weight * (b - a)`
public func lerp(_ a: Tensor, _ b: Tensor, _ weight: Double) -> Tensor {
  aten.lerpScalar(.tensor(a), .tensor(b), .double(weight))
}
public func lerp(_ a: Tensor, _ b: Tensor, _ weight: Tensor) -> Tensor {
  aten.lerpTensor(.tensor(a), .tensor(b), .tensor(weight))
}

/// Comparisons give bool tensors; `isEqual` one answer.
extension Tensor {
  public func equal(to other: Tensor) -> Tensor { aten.eq(.tensor(self), .tensor(other)) }
  public func notEqual(to other: Tensor) -> Tensor { aten.ne(.tensor(self), .tensor(other)) }
  public func less(than other: Tensor) -> Tensor { aten.lt(.tensor(self), .tensor(other)) }
  public func lessOrEqual(to other: Tensor) -> Tensor { aten.le(.tensor(self), .tensor(other)) }
  public func greater(than other: Tensor) -> Tensor { aten.gt(.tensor(self), .tensor(other)) }
  public func greaterOrEqual(to other: Tensor) -> Tensor { aten.ge(.tensor(self), .tensor(other)) }
  public func equal(to other: Double) -> Tensor { aten.eqScalar(.tensor(self), .double(other)) }
  public func less(than other: Double) -> Tensor { aten.ltScalar(.tensor(self), .double(other)) }
  public func lessOrEqual(to other: Double) -> Tensor { aten.leScalar(.tensor(self), .double(other)) }
  public func greater(than other: Double) -> Tensor { aten.gtScalar(.tensor(self), .double(other)) }
  public func greaterOrEqual(to other: Double) -> Tensor { aten.geScalar(.tensor(self), .double(other)) }
  public func and(_ other: Tensor) -> Tensor { aten.and(.tensor(self), .tensor(other)) }
  public func or(_ other: Tensor) -> Tensor { aten.or(.tensor(self), .tensor(other)) }
  public var not: Tensor { aten.not(.tensor(self)) }
  /// Whether shape, type and every element are the same; NaN equals nothing.
  public func isEqual(to other: Tensor) -> Bool {
    shape == other.shape && dtype == other.dtype && aten.all(.tensor(equal(to: other))).item() != 0
  }
  /// Elementwise, as bool.
  public func isFinite() -> Tensor { aten.isfinite(.tensor(self)) }
  public func isNaN() -> Tensor { aten.isnan(.tensor(self)) }
  public var allFinite: Bool { aten.all(.tensor(isFinite())).item() != 0 }
}
