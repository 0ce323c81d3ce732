import Foundation
import Networks
import Torch

extension Kernel {
  /// The same form with other lengths, periods and variances, in the order of `parameters`.
  public func with(_ values: [Double]) -> Kernel {
    precondition(values.count == parameters.count, "\(values.count) values for \(parameters.count) parameters")
    var rest = values[...]
    return taking(&rest)
  }

  private func taking(_ values: inout ArraySlice<Double>) -> Kernel {
    switch self {
    case .rbf: return .rbf(length: values.removeFirst())
    case .matern32: return .matern32(length: values.removeFirst())
    case .matern52: return .matern52(length: values.removeFirst())
    case .periodic:
      let period = values.removeFirst()
      return .periodic(period: period, length: values.removeFirst())
    case .white: return .white
    case .sum(let a, let b):
      let first = a.taking(&values)
      return .sum(first, b.taking(&values))
    case .product(let a, let b):
      let first = a.taking(&values)
      return .product(first, b.taking(&values))
    case .scaled(let kernel, _):
      let variance = values.removeFirst()
      return .scaled(kernel.taking(&values), by: variance)
    }
  }
}

extension GaussianProcess {
  /// The process whose kernel's parameters make the values most likely (R&W section 5.4.1), sought from the given ones by
  /// the gradient in their logarithms: a local maximum. Noise is learned where the kernel has a scaled `.white`.
  ///
  /// - Parameter steps: of Adam, whose rate falls from a tenth to nothing.
  public func fitted(steps: Int = 400) -> GaussianProcess {
    let start = kernel.parameters
    let logs = Tensor(start.map { Foundation.log($0) }).requiringGradient()
    let optimizer = Adam([logs], rate: 0.1, betas: (0.9, 0.99))
    let fall = Schedule.cosine(from: 0.1, to: 0)
    for step in 0..<steps {
      optimizer.rate = fall(Double(step) / Double(steps))
      // What is farther than a factor of e¹¹ from 1 is no scale of these values.
      optimizer.step(minimizing: -logMarginalLikelihood(parameters: exp(clamp(logs, min: -11.5, max: 11.5))))
    }
    let values = logs.detached().doubles.map { Foundation.exp(min(max($0, -11.5), 11.5)) }
    return GaussianProcess(kernel.with(values), times: times, values: self.values, noiseVariance: noiseVariance)
  }
}
