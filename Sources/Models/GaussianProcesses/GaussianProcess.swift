import Foundation
import Torch

/// Paths of one kernel through given points: exact regression with mean 0, each dimension on its own with the same
/// kernel (Rasmussen and Williams 2006, algorithm 2.1; here R&W). Float64 inside.
///
///     var noise = Noise(seed: 1)
///     let keys = noise.normal([3, 512], dtype: .float64)
///     let process = GaussianProcess(.periodic(period: 8, length: 1), times: [0, 3, 5], values: keys)
///     let path = process.path(at: (0..<240).map { Double($0) / 30 }, noise: &noise)  // [240, 512], a loop
///
/// With a kernel that has a period, everything is a function of the phase alone: values a period apart are the same, to
/// the last bit.
public struct GaussianProcess {
  public let kernel: Kernel
  /// [N], as given.
  public let times: [Double]
  /// [N, D], float64.
  public let values: Tensor
  /// σ², of independent noise on the values; 0 for paths that pass through them.
  public let noiseVariance: Double
  /// The observations' times, or their phases.
  private let places: [Double]
  /// L with L Lᵀ = K + σ² I, [N, N].
  private let factor: Tensor

  /// - Parameters:
  ///   - times: [N], at least one; no two the same (or of the same phase) unless there is noise.
  ///   - values: [N, D].
  public init(_ kernel: Kernel, times: [Double], values: Tensor, noiseVariance: Double = 0) {
    precondition(
      !times.isEmpty && values.rank == 2 && values.size(0) == times.count,
      "\(times.count) times and values of shape \(values.shape)")
    precondition(noiseVariance >= 0, "a variance of \(noiseVariance)")
    (self.kernel, self.times, self.values, self.noiseVariance) = (
      kernel, times, values.to(.float64), noiseVariance
    )
    let found = Distinct(times, period: kernel.period)
    places = found.index.map { found.places[$0] }
    factor = jitteredCholesky(Self.noisy(kernel, places, noiseVariance))
  }

  /// K + σ² I.
  private static func noisy(_ kernel: Kernel, _ places: [Double], _ variance: Double, _ parameters: Tensor? = nil)
    -> Tensor
  {
    let x = Tensor(places)
    return kernel.covariance(x, x, parameters: parameters) + Tensor.eye(places.count, dtype: .float64) * variance
  }

  /// (K + σ² I)⁻¹ b.
  private func solved(_ b: Tensor) -> Tensor {
    solveTriangular(factor.T, solveTriangular(factor, b, upper: false), upper: true)
  }

  /// What the values tell about other times, without the noise (R&W equations 2.25 and 2.26).
  ///
  /// - Parameter times: [T].
  /// - Returns: mean [T, D]; covariance [T, T], the same for each dimension.
  public func posterior(at times: [Double]) -> (mean: Tensor, covariance: Tensor) {
    let found = Distinct(times, period: kernel.period)
    let (x, y) = (Tensor(found.places), Tensor(places))
    let cross = kernel.covariance(x, y)
    let half = solveTriangular(factor, cross.T, upper: false)
    let (mean, covariance) = (matmul(cross, solved(values)), kernel.covariance(x, x) - matmul(half.T, half))
    let index = Tensor(found.index)
    return (mean[index], covariance[index].indexSelected(dim: 1, indices: index))
  }

  /// The posterior's mean alone, [T, D], without a matrix of all times by all times.
  ///
  /// - Parameter times: [T].
  public func mean(at times: [Double]) -> Tensor {
    let found = Distinct(times, period: kernel.period)
    return matmul(kernel.covariance(Tensor(found.places), Tensor(places)), solved(values))[Tensor(found.index)]
  }

  /// A path drawn given the values: [T, D], float64.
  ///
  /// A path of the kernel alone is moved by what it misses the values by (Matheron's rule; Wilson et al. 2020, equation
  /// 9): it passes through them up to rounding, where a factor of the posterior's covariance, singular there, would
  /// leave the root of its jitter.
  public func path(at times: [Double], noise: inout Noise) -> Tensor {
    let found = Distinct(times + places, period: kernel.period)
    let prior = kernel.path(at: found.places, dimensions: values.size(1), noise: &noise)
    let index = Tensor(found.index)
    let (free, held) = (index[0..<times.count], index[times.count..<found.index.count])
    var missed = values - prior[held]
    if noiseVariance > 0 { missed = missed - noise.normal(values.shape, dtype: .float64) * noiseVariance.squareRoot() }
    let cross = kernel.covariance(Tensor(found.places), Tensor(places))
    return (prior + matmul(cross, solved(missed)))[free]
  }

  /// log p(values | times), summed over the dimensions (R&W equation 2.30): rank 0, float64.
  ///
  /// - Parameter parameters: instead of `kernel.parameters`, for gradients by them.
  public func logMarginalLikelihood(parameters: Tensor? = nil) -> Tensor {
    let factor = jitteredCholesky(Self.noisy(kernel, parameters == nil ? places : times, noiseVariance, parameters))
    let white = solveTriangular(factor, values, upper: false)
    let dimensions = Double(values.size(1))
    return square(white).sum() * -0.5 - log(factor.diagonal()).sum() * dimensions
      - 0.5 * Double(times.count) * dimensions * Foundation.log(2 * Double.pi)
  }
}

extension Kernel {
  /// A path drawn from the kernel alone: [T, D], float64; dimensions are independent.
  public func path(at times: [Double], dimensions: Int, noise: inout Noise) -> Tensor {
    let found = Distinct(times, period: period)
    let x = Tensor(found.places)
    let drawn = noise.normal([found.places.count, dimensions], dtype: .float64)
    return matmul(jitteredCholesky(covariance(x, x)), drawn)[Tensor(found.index)]
  }
}

/// The lower factor of a symmetric matrix [N, N] that is positive semidefinite up to rounding: with ten times as much on
/// the diagonal at each try, from nothing, until there is one.
///
/// Traps when a hundredth of the mean variance isn't enough: then it isn't a covariance.
func jitteredCholesky(_ x: Tensor) -> Tensor {
  let variance = withoutGradients { x.diagonal().mean().item() }
  for jitter in [0, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2] {
    let raised = jitter == 0 ? x : x + Tensor.eye(x.size(0), dtype: x.dtype, on: x.device) * (jitter * variance)
    if let factor = choleskyIfPositive(raised) { return factor }
  }
  preconditionFailure("not a covariance: \(x)")
}

/// Each time (or phase) once, since a matrix with two equal rows has no inverse.
struct Distinct {
  /// Ascending; in 0..<period when there is one.
  private(set) var places: [Double] = []
  /// For each time, which of `places` it is.
  private(set) var index: [Int]

  init(_ times: [Double], period: Double?) {
    func phase(_ time: Double, _ period: Double) -> Double {
      let rest = time.truncatingRemainder(dividingBy: period)
      return rest < 0 ? rest + period : rest
    }
    let reduced = period.map { p in times.map { phase($0, p) } } ?? times
    // What rounding makes of one phase; frames are at least a thousand times as far apart.
    let tolerance = (period ?? 0) * 1e-9
    index = [Int](repeating: 0, count: times.count)
    for i in reduced.indices.sorted(by: { reduced[$0] < reduced[$1] }) {
      if let last = places.last, reduced[i] - last <= tolerance {
        index[i] = places.count - 1
      } else if let period, period - reduced[i] <= tolerance, !places.isEmpty, places[0] <= tolerance {
        index[i] = 0
      } else {
        index[i] = places.count
        places.append(reduced[i])
      }
    }
  }
}
