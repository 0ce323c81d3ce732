import Torch

/// A covariance function of two times, with one meaning for every dimension of what moves (Rasmussen and Williams 2006,
/// chapter 4; here R&W). Lengths and periods have the unit of the times.
///
///     let loop = 2.0 * Kernel.periodic(period: 8, length: 1) + .periodic(period: 2, length: 0.5)
public indirect enum Kernel: Sendable, Equatable, Codable {
  /// exp(−d² / 2ℓ²), R&W equation 4.9: infinitely smooth.
  case rbf(length: Double)
  /// (1 + √3 d/ℓ) exp(−√3 d/ℓ), R&W equation 4.17: its speed is continuous.
  case matern32(length: Double)
  /// (1 + √5 d/ℓ + 5d²/3ℓ²) exp(−√5 d/ℓ), R&W equation 4.17: its acceleration is continuous.
  case matern52(length: Double)
  /// exp(−2 sin²(π d/p) / ℓ²), R&W equation 4.31 (MacKay 1998): the same after each period. The length is in units of the
  /// phase's circle: 1 is a slow wave, 0.3 some ups and downs a period.
  case periodic(period: Double, length: Double)
  /// 1 for a time with itself, 0 for two times: noise that belongs to the path, and is the same when seen again.
  case white
  case sum(Kernel, Kernel)
  case product(Kernel, Kernel)
  /// Times a variance.
  case scaled(Kernel, by: Double)

  public static func + (a: Kernel, b: Kernel) -> Kernel { .sum(a, b) }
  public static func * (a: Kernel, b: Kernel) -> Kernel { .product(a, b) }
  public static func * (variance: Double, kernel: Kernel) -> Kernel { .scaled(kernel, by: variance) }

  /// Lengths, periods and variances, all positive, in the order in which the kernel is written: a period before its
  /// length, a variance before what it scales.
  public var parameters: [Double] {
    switch self {
    case .rbf(let length), .matern32(let length), .matern52(let length): [length]
    case .periodic(let period, let length): [period, length]
    case .white: []
    case .sum(let a, let b), .product(let a, let b): a.parameters + b.parameters
    case .scaled(let kernel, let variance): [variance] + kernel.parameters
    }
  }

  /// After what time everything repeats exactly; nil when it doesn't.
  ///
  /// Of two periods, the longer when it is a multiple of the shorter.
  public var period: Double? {
    switch self {
    case .rbf, .matern32, .matern52, .white: return nil
    case .periodic(let period, _): return period
    case .scaled(let kernel, _): return kernel.period
    case .sum(let a, let b), .product(let a, let b):
      guard let p = a.period, let q = b.period else { return nil }
      let (long, short) = (Swift.max(p, q), Swift.min(p, q))
      let times = long / short
      return Swift.abs(times - times.rounded()) < 1e-9 * times ? long : nil
    }
  }

  /// The covariance matrix [N, M] of two lists of times, float64, differentiable.
  ///
  /// - Parameters:
  ///   - a: [N].
  ///   - b: [M].
  ///   - values: [count of `parameters`], float64, taken instead of the kernel's own: for gradients by them.
  public func covariance(_ a: Tensor, _ b: Tensor, parameters values: Tensor? = nil) -> Tensor {
    let own = parameters
    precondition(own.allSatisfy { $0 > 0 }, "\(self) has parameters that aren't positive")
    let values = values ?? Tensor(own).to(a.device)
    precondition(values.shape == [own.count], "\(own.count) parameters, not \(values.shape)")
    var rest = own.indices.map { values.narrowed(dim: 0, from: $0, count: 1) }[...]
    let difference = a.to(.float64).unsqueezed(1) - b.to(.float64).unsqueezed(0)
    return value(at: difference, &rest)
  }

  /// The covariances of two lists of places in any space, of a kernel that asks for distances alone: [N, M], float64.
  ///
  /// - Parameters:
  ///   - a: [N, Q].
  ///   - b: [M, Q].
  ///   - values: as `covariance` has them.
  public func covariance(ofPlaces a: Tensor, _ b: Tensor, parameters values: Tensor? = nil) -> Tensor {
    precondition(period == nil, "\(self) asks for times")
    let (x, y) = (a.to(.float64), b.to(.float64))
    let squares = square(x).sum(dims: [1], keepDims: true) + square(y).sum(dims: [1]) - matmul(x, y.T) * 2
    let values = values ?? Tensor(parameters).to(a.device)
    var rest = parameters.indices.map { values.narrowed(dim: 0, from: $0, count: 1) }[...]
    // Rounding leaves some of a place's distance from itself, for which `white` looks.
    return value(at: sqrt(whereTrue(squares.less(than: 1e-7), squares * 0, squares)), &rest)
  }

  /// Of differences of times, any shape.
  private func value(at d: Tensor, _ parameters: inout ArraySlice<Tensor>) -> Tensor {
    switch self {
    case .rbf:
      return exp(square(d / parameters.removeFirst()) * -0.5)
    case .matern32:
      let x = abs(d) / parameters.removeFirst() * 3.0.squareRoot()
      return (1 + x) * exp(-x)
    case .matern52:
      let x = abs(d) / parameters.removeFirst() * 5.0.squareRoot()
      return (1 + x + square(x) / 3) * exp(-x)
    case .periodic:
      let (period, length) = (parameters.removeFirst(), parameters.removeFirst())
      return exp(square(sin(d / period * Double.pi) / length) * -2)
    case .white:
      // Times that were computed in two ways are one time.
      return abs(d).lessOrEqual(to: 1e-9).to(.float64)
    case .sum(let a, let b):
      return a.value(at: d, &parameters) + b.value(at: d, &parameters)
    case .product(let a, let b):
      return a.value(at: d, &parameters) * b.value(at: d, &parameters)
    case .scaled(let kernel, _):
      return parameters.removeFirst() * kernel.value(at: d, &parameters)
    }
  }
}
