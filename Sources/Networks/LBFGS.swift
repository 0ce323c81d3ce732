import Torch

/// The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal 1980; Nocedal and Wright 2006, algorithm
/// 7.4), without a line search, as `torch.optim.LBFGS` with one iteration a step.
///
/// For few parameters and exact gradients, such as the pixels of one picture.
public final class LBFGS: Optimizer {
  public let parameters: [Tensor]
  public var rate: Double
  public let history: Int
  /// Steps and differences of gradients, the latest last, as vectors.
  private var steps: [Tensor] = [], differences: [Tensor] = []
  private var lastGradient: Tensor?
  /// As the parameters were after the last step, for what they really moved by.
  private var lastStep: Tensor?

  /// - Parameters:
  ///   - rate: length of a step along the direction; the first one is shorter.
  ///   - history: steps that are remembered.
  public init(_ parameters: [Tensor], rate: Double = 1, history: Int = 10) {
    precondition(history > 0, "L-BFGS remembers at least one step")
    (self.parameters, self.rate, self.history) = (parameters, rate, history)
  }

  public func step(_ gradients: [Tensor?]) {
    withoutGradients {
      let parts = zip(parameters, gradients).map { ($1 ?? $0.detached().zerosLike()).contiguous().flattened() }
      let gradient = parts.count == 1 ? parts[0] : Tensor.concatenated(parts)
      guard gradient.allFinite else { return }
      if let lastGradient, let lastStep {
        let difference = gradient - lastGradient
        // Where the slope doesn't rise along the step there is no curvature to learn.
        if (difference * lastStep).sum().item() > 1e-10 {
          steps.append(lastStep)
          differences.append(difference)
          if steps.count > history {
            steps.removeFirst()
            differences.removeFirst()
          }
        }
      }
      let isFirst = lastGradient == nil
      let direction = direction(against: gradient)
      let length = isFirst ? min(1, 1 / max(abs(gradient).sum().item(), 1e-30)) * rate : rate
      let move = direction * length
      var place = 0
      for parameter in parameters {
        parameter.add(move.narrowed(dim: 0, from: place, count: parameter.count).reshaped(parameter.shape))
        place += parameter.count
      }
      (lastGradient, lastStep) = (gradient.cloned(), move)
    }
  }

  /// The two loops.
  private func direction(against gradient: Tensor) -> Tensor {
    var q = -gradient
    guard let lastStep = steps.last, let last = differences.last else { return q }
    let inverse = zip(steps, differences).map { 1 / ($0 * $1).sum().item() }
    var shares = [Double](repeating: 0, count: steps.count)
    for i in steps.indices.reversed() {
      shares[i] = (steps[i] * q).sum().item() * inverse[i]
      q = q - differences[i] * shares[i]
    }
    q = q * ((last * lastStep).sum().item() / square(last).sum().item())
    for i in steps.indices {
      let share = (differences[i] * q).sum().item() * inverse[i]
      q = q + steps[i] * (shares[i] - share)
    }
    return q
  }

  /// `steps.0`, `differences.0`, …, `last_gradient` and `last_step`: as many as there are.
  public var savedTensors: [String: Tensor] {
    var saved: [String: Tensor] = [:]
    for (i, (step, difference)) in zip(steps, differences).enumerated() {
      saved["steps.\(i)"] = step
      saved["differences.\(i)"] = difference
    }
    if let lastGradient, let lastStep { (saved["last_gradient"], saved["last_step"]) = (lastGradient, lastStep) }
    return saved
  }

  public func restore(_ tensors: [String: Tensor]) throws(StateError) {
    let count = parameters.reduce(0) { $0 + $1.count }
    var (steps, differences): ([Tensor], [Tensor]) = ([], [])
    while let step = tensors["steps.\(steps.count)"] {
      guard let difference = tensors["differences.\(steps.count)"] else { throw .missing("differences.\(steps.count)") }
      steps.append(step)
      differences.append(difference)
    }
    let named = 2 * steps.count + (tensors["last_gradient"] == nil ? 0 : 2)
    guard tensors.count == named, (tensors["last_gradient"] == nil) == (tensors["last_step"] == nil) else {
      throw .missing("last_step")
    }
    for (name, tensor) in tensors where tensor.shape != [count] {
      throw .shape(name, expected: [count], found: tensor.shape)
    }
    (self.steps, self.differences) = (steps.map { $0.cloned() }, differences.map { $0.cloned() })
    (lastGradient, lastStep) = (tensors["last_gradient"]?.cloned(), tensors["last_step"]?.cloned())
  }
}
