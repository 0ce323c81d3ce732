import CTorch

/// Computes a part of a network now, keeps nothing of what it computed within, and computes it again when gradients are wanted
/// (gradient checkpointing, Chen et al. 2016): less memory, for a third more time.
///
/// - Parameters:
///   - inputs: what the part is given.
///   - weights: those that it uses and that learn.
///   - body: must give the same each time; draws no noise.
/// - Returns: what `body` gives, with a gradient of the first order.
public func recomputed(
  _ inputs: [Tensor], weights: [Tensor], _ body: @escaping ([Tensor]) -> Tensor
) -> Tensor {
  final class Part {
    let body: ([Tensor]) -> Tensor
    init(_ body: @escaping ([Tensor]) -> Tensor) { self.body = body }
  }
  let handles = inputs.map { $0.handle as ct_tensor? }, learning = weights.map { $0.handle as ct_tensor? }
  var out: ct_tensor?
  let failed = withExtendedLifetime((inputs, weights)) {
    ct_recomputed(
      { context, given, count in
        let part = Unmanaged<Part>.fromOpaque(context!).takeUnretainedValue()
        let result = part.body((0..<count).map { Tensor(owning: given![$0]!) })
        return ct_retain(result.handle)
      }, { Unmanaged<Part>.fromOpaque($0!).release() }, Unmanaged.passRetained(Part(body)).toOpaque(), handles,
      handles.count, learning, learning.count, &out)
  }
  check(failed, "recomputed")
  return Tensor(owning: out!)
}
