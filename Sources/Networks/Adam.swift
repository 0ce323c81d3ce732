import Torch

/// Adam (Kingma and Ba 2015, algorithm 1), on LibTorch's fused kernel.
///
/// ```swift
/// let optimizer = Adam(generator.parameters, rate: 2e-4, betas: (0.5, 0.999))
/// optimizer.step(minimizing: softplus(-discriminator(generator(z))).mean())
/// ```
public class Adam: Optimizer {
  public let parameters: [Tensor]
  public var rate: Double
  /// How much of the mean and of the mean square is kept a step.
  public var betas: (Double, Double)
  public let epsilon: Double
  public let weightDecay: Double
  private let kernel: Operator
  private var means: Memory
  private var squares: Memory
  private var counts: StepCounts

  /// - Parameter weightDecay: this share of the parameters is added to the gradients.
  public convenience init(
    _ parameters: [Tensor], rate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) {
    self.init(parameters, rate, betas, epsilon, weightDecay, kernel: kernels.fusedAdam_)
  }

  fileprivate init(
    _ parameters: [Tensor], _ rate: Double, _ betas: (Double, Double), _ epsilon: Double, _ weightDecay: Double,
    kernel: Operator
  ) {
    self.parameters = parameters
    (self.rate, self.betas, self.epsilon, self.weightDecay) = (rate, betas, epsilon, weightDecay)
    self.kernel = kernel
    means = Memory("exp_avg", of: parameters)
    squares = Memory("exp_avg_sq", of: parameters)
    counts = StepCounts(parameters)
  }

  public func step(_ gradients: [Tensor?]) {
    withoutGradients {
      let step = Step(gradients, of: parameters)
      if step.isEmpty { return }
      kernel.run(
        .tensors(step.parameters), .tensors(step.gradients), .tensors(means.at(step)), .tensors(squares.at(step)),
        .tensors([]), .tensors(counts.next(step)), .double(rate), .double(betas.0), .double(betas.1),
        .double(weightDecay), .double(epsilon), false, false, nil, .tensor(step.failed))
    }
  }

  /// `exp_avg.0`, `exp_avg_sq.0`, … and the counts of steps, `step` [parameters].
  public var savedTensors: [String: Tensor] { Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) }) }
  public func restore(_ tensors: [String: Tensor]) throws(StateError) { try copy(tensors, into: state) }
  private var state: [(name: String, tensor: Tensor)] { means.named + squares.named + [("step", counts.counts)] }
}

/// Adam with the decay of weights apart from the gradients (Loshchilov and Hutter 2019, algorithm 2).
public final class AdamW: Adam {
  /// - Parameter weightDecay: times the rate, the share of the parameters that is taken off each step.
  public init(
    _ parameters: [Tensor], rate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) {
    super.init(parameters, rate, betas, epsilon, weightDecay, kernel: kernels.fusedAdamW_)
  }
}
