import Torch

/// A rule that moves parameters against their gradients.
///
/// It holds the parameters themselves and, beside them, what it remembers of earlier steps. Move the network to its
/// device and give it its memory layout first.
public protocol Optimizer: Saved {
  var parameters: [Tensor] { get }
  /// The learning rate, which a schedule may change before any step.
  var rate: Double { get set }

  /// Moves the parameters once.
  ///
  /// - Parameter gradients: one a parameter, in their order; a parameter whose gradient is `nil` stays as it is. When
  ///   a number in them is not finite, nothing changes.
  func step(_ gradients: [Tensor?])
}

extension Optimizer {
  /// Moves the parameters once against the gradients of `loss`, a tensor with one element that depends on all of them.
  public func step(minimizing loss: Tensor) { step(gradients(of: loss, withRespectTo: parameters)) }
}

/// Scales gradients down together until their joint length is at most `limit` (Pascanu et al. 2013).
///
/// - Returns: their joint length before. When it isn't finite they stay as they are.
@discardableResult
public func clipGradients(_ gradients: inout [Tensor], norm limit: Double) -> Double {
  let length = jointNorm(gradients).item()
  if length.isFinite && length > limit {
    withoutGradients {
      gradients = kernels.foreachMul.list(.tensors(gradients), .double(limit / (length + 1e-6)))
    }
  }
  return length
}

/// √Σg² over all tensors, as a tensor: reading it would wait for the device.
private func jointNorm(_ tensors: [Tensor]) -> Tensor {
  withoutGradients { Tensor.stacked(kernels.foreachNorm.list(.tensors(tensors), .int(2))).norm() }
}

/// The parameters of one step that have gradients, and the gradients.
struct Step {
  /// Their positions among all parameters.
  let positions: [Int]
  let parameters: [Tensor]
  /// In the parameters' memory layout: the fused kernels read memory in order, whatever the strides say.
  let gradients: [Tensor]
  /// float32: 1 when a number in the gradients is not finite, else 0.
  let failed: Tensor

  /// Call it inside `withoutGradients`.
  init(_ gradients: [Tensor?], of parameters: [Tensor]) {
    precondition(
      gradients.count == parameters.count, "\(gradients.count) gradients for \(parameters.count) parameters.")
    let gradients = ProcessGroup.current?.averaged(gradients) ?? gradients
    positions = gradients.indices.filter { gradients[$0] != nil }
    let moved = positions.map { parameters[$0] }
    let laidOut = zip(positions, moved).map { gradients[$0]!.laidOut(as: $1) }
    failed = laidOut.isEmpty ? Tensor.zeros([]) : 1 - jointNorm(laidOut).isFinite().to(.float32)
    (self.parameters, self.gradients) = (moved, laidOut)
  }

  var isEmpty: Bool { positions.isEmpty }
}

extension Tensor {
  /// The same numbers in the memory layout and on the device of `other`.
  fileprivate func laidOut(as other: Tensor) -> Tensor {
    if other.isContiguous { return contiguous() }
    precondition(other.isChannelsLast, "A parameter's memory is neither contiguous nor channels-last.")
    return channelsLast()
  }
}

/// An optimizer's state, one tensor a parameter: zeros at first, in the parameters' layout.
struct Memory {
  let name: String
  private(set) var tensors: [Tensor]

  init(_ name: String, of parameters: [Tensor]) {
    self.name = name
    tensors = withoutGradients { parameters.map { $0.detached().zerosLike() } }
  }

  /// The tensors at a step's positions, which follow their parameters if those were moved or laid out anew.
  mutating func at(_ step: Step) -> [Tensor] {
    for (i, parameter) in zip(step.positions, step.parameters)
    where tensors[i].isContiguous != parameter.isContiguous || tensors[i].device != parameter.device {
      tensors[i] = tensors[i].to(parameter.device).laidOut(as: parameter)
    }
    return step.positions.map { tensors[$0] }
  }

  var named: [(name: String, tensor: Tensor)] { tensors.enumerated().map { ("\(name).\($0)", $1) } }
}

/// How many steps each parameter has made: a float32 tensor, seen as one scalar a parameter by the fused kernels.
struct StepCounts {
  private(set) var counts: Tensor
  private var scalars: [Tensor]

  init(_ parameters: [Tensor]) {
    counts = Tensor.zeros([parameters.count], on: parameters.first?.device ?? .cpu)
    scalars = counts.unbound(dim: 0)
  }

  /// Counts the step unless its gradients failed, and gives the counts of its parameters.
  mutating func next(_ step: Step) -> [Tensor] {
    if let device = step.parameters.first?.device, device != counts.device {
      counts = counts.to(device)
      scalars = counts.unbound(dim: 0)
    }
    let one = 1 - step.failed
    if step.positions.count == scalars.count {
      counts.add(one)
      return scalars
    }
    let some = step.positions.map { scalars[$0] }
    for count in some { count.add(one) }
    return some
  }
}
