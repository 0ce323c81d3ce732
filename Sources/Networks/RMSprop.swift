import Torch

/// RMSprop: gradients over the root of their running mean square (Tieleman and Hinton 2012, lecture 6.5).
public final class RMSprop: Optimizer {
  public let parameters: [Tensor]
  public var rate: Double
  public let alpha: Double
  public let epsilon: Double
  public let weightDecay: Double
  public let momentum: Double
  private var squares: Memory
  private var velocities: Memory

  /// - Parameters:
  ///   - alpha: the share of the mean square that is kept.
  ///   - weightDecay: this share of the parameters is added to the gradients.
  ///   - momentum: the share of the last step's velocity that is kept.
  public init(
    _ parameters: [Tensor], rate: Double = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0,
    momentum: Double = 0
  ) {
    self.parameters = parameters
    (self.rate, self.alpha, self.epsilon) = (rate, alpha, epsilon)
    (self.weightDecay, self.momentum) = (weightDecay, momentum)
    squares = Memory("square_avg", of: parameters)
    velocities = Memory("momentum_buffer", of: momentum == 0 ? [] : parameters)
  }

  public func step(_ gradients: [Tensor?]) {
    withoutGradients {
      let step = Step(gradients, of: parameters)
      // The only rule here without a fused kernel that could skip a failed step by itself.
      if step.isEmpty || step.failed.item() != 0 { return }
      var g = Argument.tensors(step.gradients)
      if weightDecay != 0 {
        g = .tensors(kernels.foreachAdd.list(g, .tensors(step.parameters), .double(weightDecay)))
      }
      let s = Argument.tensors(squares.at(step))
      kernels.foreachMul_.run(s, .double(alpha))
      kernels.foreachAddcmul_.run(s, g, g, .double(1 - alpha))
      let roots = Argument.tensors(kernels.foreachSqrt.list(s))
      kernels.foreachAddScalar_.run(roots, .double(epsilon))
      guard momentum != 0 else {
        kernels.foreachAddcdiv_.run(.tensors(step.parameters), g, roots, .double(-rate))
        return
      }
      let v = velocities.at(step)
      kernels.foreachMul_.run(.tensors(v), .double(momentum))
      kernels.foreachAddcdiv_.run(.tensors(v), g, roots, .double(1))
      for (parameter, velocity) in zip(step.parameters, v) { parameter.add(velocity, scaledBy: -rate) }
    }
  }

  /// `square_avg.0`, … and with momentum `momentum_buffer.0`, ….
  public var savedTensors: [String: Tensor] { Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) }) }
  public func restore(_ tensors: [String: Tensor]) throws(StateError) { try copy(tensors, into: state) }
  private var state: [(name: String, tensor: Tensor)] { squares.named + velocities.named }
}
