import CTorch

/// The gradients of a loss with respect to `inputs`, in their order.
///
/// - Parameters:
///   - seed: the gradient with respect to `output`; may be left out when that has one element.
///   - createGraph: records the computation, so that the gradients can be differentiated again.
///   - retainsGraph: keeps what `output` was computed from, so that another call may need it.
public func gradients(
  of output: Tensor, withRespectTo inputs: [Tensor], seed: Tensor? = nil, createGraph: Bool = false,
  retainsGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> [Tensor] {
  optionalGradients(
    [output], inputs, [seed], createGraph, retainsGraph: retainsGraph, allowUnused: false, file, line
  ).map { $0! }
}

/// The gradients of several outputs' weighted sum.
public func gradients(
  of outputs: [Tensor], withRespectTo inputs: [Tensor], seeds: [Tensor?], createGraph: Bool = false,
  file: StaticString = #fileID, line: UInt = #line
) -> [Tensor] {
  optionalGradients(outputs, inputs, seeds, createGraph, allowUnused: false, file, line).map { $0! }
}

/// As `gradients`; nil for an input that the outputs don't depend on.
public func gradientsIfUsed(
  of output: Tensor, withRespectTo inputs: [Tensor], seed: Tensor? = nil, createGraph: Bool = false,
  file: StaticString = #fileID, line: UInt = #line
) -> [Tensor?] {
  optionalGradients([output], inputs, [seed], createGraph, allowUnused: true, file, line)
}

private func optionalGradients(
  _ outputs: [Tensor], _ inputs: [Tensor], _ seeds: [Tensor?], _ createGraph: Bool, retainsGraph: Bool = false,
  allowUnused: Bool,
  _ file: StaticString, _ line: UInt
) -> [Tensor?] {
  precondition(outputs.count == seeds.count, "\(outputs.count) outputs and \(seeds.count) seeds")
  var found = [ct_tensor?](repeating: nil, count: inputs.count)
  let (from, to, with) = (
    outputs.map { $0.handle as ct_tensor? }, inputs.map { $0.handle as ct_tensor? }, seeds.map(\.?.handle)
  )
  let failed = withExtendedLifetime((outputs, inputs, seeds)) {
    ct_grad(from, with, from.count, to, to.count, retainsGraph, createGraph, allowUnused, &found)
  }
  check(failed, "gradients", file: file, line: line)
  return found.map { $0.map(Tensor.init(owning:)) }
}

/// Runs `body` without recording operations. Synchronous on purpose: the mode belongs to the thread.
public func withoutGradients<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let was = ct_set_grad_enabled(false)
  defer { _ = ct_set_grad_enabled(was) }
  return try body()
}

/// Whether operations are recorded here, so that gradients can be asked for.
public var gradientsAreRecorded: Bool {
  let was = ct_set_grad_enabled(false)
  _ = ct_set_grad_enabled(was)
  return was
}

/// Runs `body` recording operations, also inside `withoutGradients`.
public func withGradients<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let was = ct_set_grad_enabled(true)
  defer { _ = ct_set_grad_enabled(was) }
  return try body()
}

/// Runs `body` with convolutions and matrix products in bfloat16 (LibTorch's autocast), when `isOn`.
///
/// Weights stay float32 and are cast once a region: update them outside.
public func withAutocast<R, E: Error>(_ isOn: Bool, on device: Device, _ body: () throws(E) -> R) throws(E) -> R {
  var was = false
  check(ct_autocast_begin(device.c, DType.bfloat16.rawValue, isOn, &was), "withAutocast")
  defer { check(ct_autocast_end(device.c, was), "withAutocast") }
  return try body()
}
