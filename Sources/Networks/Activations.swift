import Torch

/// max(x, 0).
public final class ReLU: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// min(max(x, 0), 6).
public final class ReLU6: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { relu6(x) }
}

/// x, or slope·x below 0. The slope is 0.2 as in adversarial networks (PyTorch's default is 0.01).
public final class LeakyReLU: UnaryModule {
  let slope: Double
  public init(_ slope: Double = 0.2) { self.slope = slope }
  public func callAsFunction(_ x: Tensor) -> Tensor { leakyRelu(x, slope: slope) }
}

/// x, or a learned slope times x below 0 (He et al. 2015): one slope for all or one a channel.
public final class PReLU: UnaryModule {
  /// [channels].
  public let weight: Tensor
  public init(_ channels: Int = 1) { weight = unfilled([channels]) }
  public func fill(_ noise: inout Noise, as scheme: Initialization) { weight.fill(0.25) }
  public func callAsFunction(_ x: Tensor) -> Tensor { kernels.prelu(.tensor(x), .tensor(weight)) }
}

/// x, or eˣ - 1 below 0.
public final class ELU: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { elu(x) }
}

/// x·Φ(x), Φ the normal distribution.
public final class GELU: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { gelu(x) }
}

/// x·sigmoid(x).
public final class SiLU: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// x·tanh(softplus(x)).
public final class Mish: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { mish(x) }
}

/// 1 / (1 + e⁻ˣ), in 0...1.
public final class Sigmoid: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// In -1...1.
public final class Tanh: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { tanh(x) }
}

/// log(1 + eˣ).
public final class Softplus: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x) }
}

/// eˣ / Σeˣ along a dimension: non-negative numbers with sum 1.
public final class Softmax: UnaryModule {
  let dimension: Int
  public init(dim: Int = -1) { dimension = dim }
  public func callAsFunction(_ x: Tensor) -> Tensor { softmax(x, dim: dimension) }
}
