import Torch

/// Spectral normalisation of a layer's weight by its largest singular value (Miyato et al. 2018, algorithm 1).
///
/// The names are those of the classic `torch.nn.utils.spectral_norm`, not of the newer parametrizations:
/// `weight_orig`, `weight_u`, `weight_v` beside `bias`. While it trains each call makes power iterations.
///
/// ```swift
/// let first = SpectralNorm(Conv2d(3, 64, kernel: 3, padding: 1))
/// ```
public final class SpectralNorm<Layer: Weighted>: UnaryModule, ModeDependent {
  public let layer: Layer
  /// The left singular vector as known so far: [outputs].
  public let weightU: Tensor
  /// The right singular vector as known so far: [the rest].
  public let weightV: Tensor
  public var isTraining = true
  let iterations: Int
  let epsilon: Double

  public init(_ layer: Layer, iterations: Int = 1, epsilon: Double = 1e-12) {
    self.layer = layer
    let outputs = layer.weight.size(layer.outputDimension)
    weightU = Tensor.full([outputs], .nan)
    weightV = Tensor.full([layer.weight.count / outputs], .nan)
    (self.iterations, self.epsilon) = (iterations, epsilon)
  }

  public var members: [(name: String, value: Any)] {
    let bias = layer.bias.map { [(name: "bias", value: $0 as Any)] } ?? []
    return bias + [("weight_orig", layer.weight), ("weight_u", weightU), ("weight_v", weightV)]
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    layer.fill(&noise, as: scheme)
    weightU.copy(from: normalized(noise.normal(weightU.shape)))
    weightV.copy(from: normalized(noise.normal(weightV.shape)))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let weight = layer.weight
    let matrix = outputsFirst(weight, layer.outputDimension).flattened(from: 1)
    if isTraining {
      withoutGradients {
        for _ in 0..<iterations {
          weightV.copy(from: normalized(matrix.T.matmul(weightU)))
          weightU.copy(from: normalized(matrix.matmul(weightV)))
        }
      }
    }
    // Copies, because the next call changes the vectors while this graph still needs them.
    let (u, v) = (weightU.cloned(), weightV.cloned())
    let sigma = (u * matrix.matmul(v)).sum()
    return layer(x, weight: weight / sigma)
  }

  private func normalized(_ x: Tensor) -> Tensor { x / clamp(x.norm(), min: epsilon) }
}

/// A weight split into length and direction, `g·v/‖v‖`, one length an entry of dimension 0
/// (Salimans and Kingma 2016, equation 2).
///
/// The names are those of the classic `torch.nn.utils.weight_norm`: `weight_g`, `weight_v` beside `bias`.
public final class WeightNorm<Layer: Weighted>: UnaryModule {
  public let layer: Layer
  /// The lengths: [size of dimension 0, 1, …].
  public let weightG: Tensor

  public init(_ layer: Layer) {
    self.layer = layer
    weightG = unfilled([layer.weight.size(0)] + [Int](repeating: 1, count: layer.weight.rank - 1))
  }

  public var members: [(name: String, value: Any)] {
    let bias = layer.bias.map { [(name: "bias", value: $0 as Any)] } ?? []
    return bias + [("weight_g", weightG), ("weight_v", layer.weight)]
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    layer.fill(&noise, as: scheme)
    weightG.copy(from: lengths)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { layer(x, weight: layer.weight * (weightG / lengths)) }

  private var lengths: Tensor {
    sqrt(square(layer.weight).sum(dims: Array(1..<layer.weight.rank), keepDims: true))
  }
}

private func outputsFirst(_ weight: Tensor, _ dimension: Int) -> Tensor {
  dimension == 0 ? weight : weight.transposed(0, dimension)
}
