import Torch

/// Stochastic gradient descent, with momentum (Polyak 1964; Nesterov's form as Sutskever et al. 2013), on LibTorch's
/// fused kernel.
public final class SGD: Optimizer {
  public let parameters: [Tensor]
  public var rate: Double
  public let momentum: Double
  public let weightDecay: Double
  public let isNesterov: Bool
  private var velocities: Memory

  /// - Parameters:
  ///   - momentum: the share of the last step's velocity that is kept.
  ///   - weightDecay: this share of the parameters is added to the gradients.
  public init(
    _ parameters: [Tensor], rate: Double, momentum: Double = 0, weightDecay: Double = 0, isNesterov: Bool = false
  ) {
    self.parameters = parameters
    (self.rate, self.momentum, self.weightDecay, self.isNesterov) = (rate, momentum, weightDecay, isNesterov)
    velocities = Memory("momentum_buffer", of: momentum == 0 ? [] : parameters)
  }

  public func step(_ gradients: [Tensor?]) {
    withoutGradients {
      let step = Step(gradients, of: parameters)
      if step.isEmpty { return }
      // Without dampening a first step from zero velocity is the same as PyTorch's special first step.
      kernels.fusedSGD_.run(
        .tensors(step.parameters), .tensors(step.gradients), .tensors(momentum == 0 ? [] : velocities.at(step)),
        .double(weightDecay), .double(momentum), .double(rate), .double(0), .bool(isNesterov), false, false, nil,
        .tensor(step.failed))
    }
  }

  /// `momentum_buffer.0`, …; nothing without momentum.
  public var savedTensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: velocities.named.map { ($0.name, $0.tensor) })
  }
  public func restore(_ tensors: [String: Tensor]) throws(StateError) { try copy(tensors, into: velocities.named) }
}
