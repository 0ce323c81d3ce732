import Torch

/// Attention with several heads (Vaswani et al. 2017, section 3.2.2), with PyTorch's names and `batch_first`.
public final class MultiheadAttention: Module {
  /// Query, key and value maps, one below the other: [3·width, width].
  public let inProjWeight: Tensor
  /// [3·width].
  public let inProjBias: Tensor?
  public let outProj: Linear
  let heads: Int
  let width: Int
  let differentiatesTwice: Bool

  /// - Parameters:
  ///   - width: of the tokens; a multiple of `heads`.
  ///   - differentiatesTwice: uses plain operators, which a gradient penalty needs, instead of LibTorch's fused kernel,
  ///     which has no second derivative.
  public init(_ width: Int, heads: Int, bias: Bool = true, differentiatesTwice: Bool = false) {
    precondition(width % heads == 0, "\(heads) heads do not divide the width \(width).")
    inProjWeight = unfilled([3 * width, width])
    inProjBias = bias ? unfilled([3 * width]) : nil
    outProj = Linear(width, width, bias: bias)
    (self.heads, self.width, self.differentiatesTwice) = (heads, width, differentiatesTwice)
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    (scheme == .standard ? .xavier(gain: 1) : scheme).fill(inProjWeight, inProjBias, &noise)
    outProj.bias?.fill(0)
  }

  /// - Parameters:
  ///   - query: [N, L, width].
  ///   - key: [N, S, width]; `nil` is the query: self-attention.
  ///   - value: [N, S, width]; `nil` is the key.
  ///   - mask: broadcasts to [N, heads, L, S]; true where a query may see a key, or float32 to be added.
  ///   - isCausal: whether token i sees only tokens 0...i.
  /// - Returns: [N, L, width].
  public func callAsFunction(
    _ query: Tensor, _ key: Tensor? = nil, _ value: Tensor? = nil, mask: Tensor? = nil, isCausal: Bool = false
  ) -> Tensor {
    let key = key ?? query
    let value = value ?? key
    let projected: [Tensor]
    if key === query && value === query {
      projected = linear(query, inProjWeight, inProjBias).chunks(3, dim: -1)
    } else {
      let weights = inProjWeight.chunks(3, dim: 0)
      let biases = inProjBias?.chunks(3, dim: 0)
      projected = zip([query, key, value], 0..<3).map { linear($0, weights[$1], biases?[$1]) }
    }
    let split = projected.map { $0.reshaped([$0.size(0), $0.size(1), heads, width / heads]).transposed(1, 2) }
    let seen =
      differentiatesTwice
      ? kernels.attentionOfPlainOperators.list(
        .tensor(split[0]), .tensor(split[1]), .tensor(split[2]), .optional(mask), .double(0), .bool(isCausal))[0]
      : scaledDotProductAttention(split[0], split[1], split[2], mask: mask, isCausal: isCausal)
    return outProj(seen.transposed(1, 2).reshaped([query.size(0), query.size(1), width]))
  }
}
