// What networks are made of, as functions of tensors.

public func relu(_ x: Tensor) -> Tensor { aten.relu(.tensor(x)) }
/// min(max(0, x), 6)
public func relu6(_ x: Tensor) -> Tensor { aten.hardtanh(.tensor(x), .double(0), .double(6)) }
public func leakyRelu(_ x: Tensor, slope: Double = 0.2) -> Tensor { aten.leakyRelu(.tensor(x), .double(slope)) }
public func elu(_ x: Tensor) -> Tensor { aten.elu(.tensor(x)) }
/// x Φ(x) (Hendrycks and Gimpel 2016), exact.
public func gelu(_ x: Tensor) -> Tensor { aten.gelu(.tensor(x)) }
/// x σ(x), also called Swish.
public func silu(_ x: Tensor) -> Tensor { aten.silu(.tensor(x)) }
public func mish(_ x: Tensor) -> Tensor { aten.mish(.tensor(x)) }
public func tanh(_ x: Tensor) -> Tensor { aten.tanh(.tensor(x)) }
public func sigmoid(_ x: Tensor) -> Tensor { aten.sigmoid(.tensor(x)) }
/// log(1 + exp(x))
public func softplus(_ x: Tensor) -> Tensor { aten.softplus(.tensor(x)) }
public func logSigmoid(_ x: Tensor) -> Tensor { aten.logSigmoid(.tensor(x)) }
/// The first half of `dim` times the sigmoid of the second.
public func glu(_ x: Tensor, dim: Int = 1) -> Tensor { aten.glu(.tensor(x), .int(dim)) }
public func softmax(_ x: Tensor, dim: Int) -> Tensor { aten.softmax(.tensor(x), .int(dim)) }
public func logSoftmax(_ x: Tensor, dim: Int) -> Tensor { aten.logSoftmax(.tensor(x), .int(dim)) }

public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { aten.matmul(.tensor(a), .tensor(b)) }
extension Tensor {
  public func matmul(_ other: Tensor) -> Tensor { aten.matmul(.tensor(self), .tensor(other)) }
}
/// - Parameter equation: for example "bij,bjk->bik".
public func einsum(_ equation: StaticString, _ operands: [Tensor]) -> Tensor {
  aten.einsum(.string(equation), .tensors(operands))
}
/// `x` [..., inputs], `weight` [outputs, inputs].
public func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
  aten.linear(.tensor(x), .tensor(weight), .optional(bias))
}
/// - Parameters:
///   - weight: [count, features].
///   - indices: int64 of any shape; the result has one more dimension.
public func embedding(_ weight: Tensor, _ indices: Tensor) -> Tensor {
  aten.embedding(.tensor(weight), .tensor(indices))
}
/// softmax(q kᵀ / √d) v (Vaswani et al. 2017, equation 1); [..., length, d].
public func scaledDotProductAttention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, isCausal: Bool = false
) -> Tensor {
  aten.attention(.tensor(q), .tensor(k), .tensor(v), .optional(mask), .double(0), .bool(isCausal))
}
/// Zeroes each element with `probability` and scales the rest, when training (Srivastava et al. 2014).
public func dropout(_ x: Tensor, probability: Double, isTraining: Bool, noise: inout Noise) -> Tensor {
  guard isTraining, probability > 0 else { return x }
  let keep = noise.uniform(x.shape, on: x.device).greaterOrEqual(to: probability)
  return x * keep.to(x.dtype) / (1 - probability)
}
/// [..., classes] of 0 and 1, int64.
public func oneHot(_ indices: Tensor, classes: Int) -> Tensor { aten.oneHot(.tensor(indices), .int(classes)) }

// MARK: Norms

/// (x - mean) / √(variance + ε), per channel over the batch (Ioffe and Szegedy 2015).
///
/// In training the running statistics are moved toward the batch's by `momentum`.
public func batchNorm(
  _ x: Tensor, weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVar: Tensor?, isTraining: Bool,
  momentum: Double = 0.1, epsilon: Double = 1e-5
) -> Tensor {
  aten.batchNorm(
    .tensor(x), .optional(weight), .optional(bias), .optional(runningMean), .optional(runningVar), .bool(isTraining),
    .double(momentum), .double(epsilon), false)
}
/// Per picture and channel (Ulyanov et al. 2016).
public func instanceNorm(_ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5) -> Tensor {
  aten.instanceNorm(
    .tensor(x), .optional(weight), .optional(bias), nil, nil, true, .double(0), .double(epsilon), false)
}
/// Per picture over groups of channels (Wu and He 2018).
public func groupNorm(_ x: Tensor, groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5)
  -> Tensor
{
  aten.groupNorm(.tensor(x), .int(groups), .optional(weight), .optional(bias), .double(epsilon), false)
}
/// Over the last dimensions, whose sizes are `shape` (Ba et al. 2016).
public func layerNorm(_ x: Tensor, shape: [Int], weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5)
  -> Tensor
{
  aten.layerNorm(.tensor(x), .ints(shape), .optional(weight), .optional(bias), .double(epsilon), false)
}

// MARK: Losses, averaged over all elements

/// −t log p − (1 − t) log(1 − p), with p in 0...1.
public func binaryCrossEntropy(_ p: Tensor, _ target: Tensor) -> Tensor { aten.bce(.tensor(p), .tensor(target)) }
public func binaryCrossEntropyWithLogits(_ x: Tensor, _ target: Tensor) -> Tensor {
  aten.bceWithLogits(.tensor(x), .tensor(target))
}
public func meanSquaredError(_ x: Tensor, _ target: Tensor) -> Tensor { aten.mse(.tensor(x), .tensor(target)) }
public func meanAbsoluteError(_ x: Tensor, _ target: Tensor) -> Tensor { aten.l1(.tensor(x), .tensor(target)) }
/// Quadratic below an error of `beta`, linear above.
public func smoothL1(_ x: Tensor, _ target: Tensor, beta: Double = 1) -> Tensor {
  aten.smoothL1(.tensor(x), .tensor(target), .int(1), .double(beta))
}
/// - Parameters:
///   - logits: [N, classes].
///   - target: int64 [N].
public func crossEntropy(_ logits: Tensor, _ target: Tensor) -> Tensor {
  aten.crossEntropy(.tensor(logits), .tensor(target))
}
