import Torch

/// How the numbers of a network are drawn before it is trained.
public enum Initialization: Sendable, Equatable {
  /// PyTorch's defaults: weights and biases uniform in ±1/√fanIn, scales 1, shifts 0.
  case standard
  /// Weights N(0, deviation²), scales of normalisations N(1, deviation²), biases 0 (Radford et al. 2015: 0.02).
  case normal(Double)
  /// Weights N(0, gain²/fanIn), biases 0 (He et al. 2015, with gain √2 before a ReLU).
  case fanIn(gain: Double)
  /// Weights uniform in ±gain·√(6/(fanIn + fanOut)), biases 0 (Glorot and Bengio 2010).
  case xavier(gain: Double)
  /// Weights with orthonormal rows or columns times the gain, biases 0 (Saxe et al. 2013).
  case orthogonal(gain: Double)
  /// Everything 0, scales of normalisations too: a residual branch that starts as nothing.
  case zero

  /// Fills the weight and the bias of a linear map.
  ///
  /// - Parameters:
  ///   - weight: [outputs, inputs, …]; transposed convolutions have [inputs, outputs, …], and PyTorch counts their
  ///     fan by position all the same.
  ///   - bias: [outputs].
  public func fill(_ weight: Tensor, _ bias: Tensor?, _ noise: inout Noise) {
    let shape = weight.shape
    let field = shape.dropFirst(2).reduce(1, *)
    let (fanIn, fanOut) = (Double(shape[1] * field), Double(shape[0] * field))
    func uniform(_ tensor: Tensor, _ bound: Double) {
      tensor.copy(from: noise.uniform(tensor.shape, from: -bound, to: bound))
    }
    switch self {
    case .standard:
      uniform(weight, 1 / fanIn.squareRoot())
      if let bias { uniform(bias, 1 / fanIn.squareRoot()) }
      return
    case .normal(let deviation): weight.copy(from: noise.normal(shape) * deviation)
    case .fanIn(let gain): weight.copy(from: noise.normal(shape) * (gain / fanIn.squareRoot()))
    case .xavier(let gain): uniform(weight, gain * (6 / (fanIn + fanOut)).squareRoot())
    case .orthogonal(let gain): weight.copy(from: orthonormal(shape, &noise) * gain)
    case .zero: weight.fill(0)
    }
    bias?.fill(0)
  }

  /// Fills the scale and the shift of a normalisation, both of the same shape.
  public func fill(scale: Tensor, shift: Tensor?, _ noise: inout Noise) {
    switch self {
    case .normal(let deviation): scale.copy(from: noise.normal(scale.shape) * deviation + 1)
    case .zero: scale.fill(0)
    default: scale.fill(1)
    }
    shift?.fill(0)
  }
}

/// A matrix with orthonormal rows or columns, whichever are fewer, in the given shape (flattened after dimension 0).
private func orthonormal(_ shape: [Int], _ noise: inout Noise) -> Tensor {
  let (rows, columns) = (shape[0], shape.dropFirst().reduce(1, *))
  let drawn = noise.normal([rows, columns])
  let (q, r) = qr(rows < columns ? drawn.T : drawn)
  // The signs make the distribution uniform over orthogonal matrices (Mezzadri 2007, section 5).
  let signed = q * kernels.sign(.tensor(kernels.diagonal(.tensor(r))))
  return (rows < columns ? signed.T : signed).reshaped(shape)
}

/// A parameter without numbers yet: one NaN, seen at every place, so that it takes no memory, and that it was never filled
/// shows at once.
func unfilled(_ shape: [Int]) -> Tensor { Tensor.full([], .nan).expanded(shape).requiringGradient() }
