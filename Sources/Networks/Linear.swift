import Torch

/// A linear map of the last dimension: [… , inputs] to [… , outputs].
public final class Linear: UnaryModule, Weighted {
  public let weight: Tensor
  public let bias: Tensor?

  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true) {
    weight = unfilled([outputs, inputs])
    self.bias = bias ? unfilled([outputs]) : nil
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) { scheme.fill(weight, bias, &noise) }

  public func callAsFunction(_ x: Tensor, weight: Tensor) -> Tensor { linear(x, weight, bias) }
}

/// A table of vectors: indices […] to vectors […, width].
public final class Embedding: UnaryModule {
  /// [entries, width].
  public let weight: Tensor

  public init(_ entries: Int, _ width: Int) { weight = unfilled([entries, width]) }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if scheme == .standard {
      weight.copy(from: noise.normal(weight.shape))
    } else {
      scheme.fill(weight, nil, &noise)
    }
  }

  public func callAsFunction(_ indices: Tensor) -> Tensor { embedding(weight, indices) }
}

/// A layer whose weight may be replaced by one computed from it, as spectral and weight normalisation do.
public protocol Weighted: UnaryModule {
  var weight: Tensor { get }
  var bias: Tensor? { get }
  /// Which dimension of `weight` counts the outputs.
  var outputDimension: Int { get }
  func callAsFunction(_ x: Tensor, weight: Tensor) -> Tensor
}

extension Weighted {
  public var outputDimension: Int { 0 }
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, weight: weight) }
}
