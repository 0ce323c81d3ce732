import Foundation
import Torch

/// Adam (Kingma and Ba 2015, algorithm 1) with one second moment for all of a tensor: a step goes where the gradient
/// goes, and only its length is adapted.
///
/// For few steps on a picture. Adam's first steps move each pixel by the rate, whatever its gradient: that is noise, which
/// takes many further steps to leave.
public final class NormalizedDescent: Optimizer {
  public let parameters: [Tensor]
  public var rate: Double
  public let betas: (Double, Double)
  private var means: Memory
  private let squares: Tensor
  private let count: Tensor

  /// - Parameters:
  ///   - rate: how far a number moves in a step, the root of the mean square over a tensor.
  ///   - betas: shares that are kept of the gradient's mean, and of its mean square.
  public init(_ parameters: [Tensor], rate: Double, betas: (Double, Double) = (0.9, 0.99)) {
    (self.parameters, self.rate, self.betas) = (parameters, rate, betas)
    means = Memory("exp_avg", of: parameters)
    squares = Tensor.zeros([parameters.count], on: parameters.first?.device ?? .cpu)
    count = Tensor.zeros([1])
  }

  public func step(_ gradients: [Tensor?]) {
    withoutGradients {
      let step = Step(gradients, of: parameters)
      if step.isEmpty || step.failed.item() != 0 { return }
      count.add(Tensor([1 as Float]))
      let t = count.item()
      let (kept, keptSquare) = (1 - pow(betas.0, t), 1 - pow(betas.1, t))
      for (i, (mean, gradient)) in zip(step.positions, zip(means.at(step), step.gradients)) {
        mean.multiply(by: betas.0)
        mean.add(gradient, scaledBy: 1 - betas.0)
        let second = squares.narrowed(dim: 0, from: i, count: 1)
        second.multiply(by: betas.1)
        second.add(square(gradient).mean().reshaped([1]), scaledBy: 1 - betas.1)
        let length = (second.item() / keptSquare).squareRoot() + 1e-12
        parameters[i].add(mean, scaledBy: -rate / kept / length)
      }
    }
  }

  /// `exp_avg.0`, …, and of all `exp_avg_sq` and `step`.
  public var savedTensors: [String: Tensor] { Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) }) }
  public func restore(_ tensors: [String: Tensor]) throws(StateError) { try copy(tensors, into: state) }
  private var state: [(name: String, tensor: Tensor)] { means.named + [("exp_avg_sq", squares), ("step", count)] }
}
