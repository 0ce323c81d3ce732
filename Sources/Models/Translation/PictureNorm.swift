import Networks
import Torch

/// Instance normalisation (Ulyanov et al. 2016) that can hold on to the statistics of one picture and use them for
/// others: [N, channels, H, W].
///
/// So tiles of a picture too large for memory agree with each other: the statistics are taken once for all of them (as
/// in thumbnail instance normalisation, Chen et al. 2022, equation 5, but from pieces of the picture).
public final class PictureNorm: UnaryModule {
  public let weight: Tensor?
  public let bias: Tensor?
  private let epsilon = 1e-5
  private var mode = Mode.own

  private enum Mode {
    /// Each picture's own statistics, as in training.
    case own
    /// Those of all together, to be kept.
    case taking
    case held(Statistics)
  }
  /// Of a picture's pieces together, [1, channels, 1, 1]: no part of the state.
  private final class Statistics {
    let mean: Tensor, scale: Tensor
    init(_ x: Tensor, epsilon: Double) {
      mean = x.mean(dims: [0, 2, 3], keepDims: true)
      scale = rsqrt(square(x - mean).mean(dims: [0, 2, 3], keepDims: true) + epsilon)
    }
  }

  /// - Parameter affine: whether scale and shift are learned.
  public init(_ channels: Int, affine: Bool) {
    weight = affine ? Tensor.full([channels], .nan).requiringGradient() : nil
    bias = affine ? Tensor.full([channels], .nan).requiringGradient() : nil
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let weight { scheme.fill(scale: weight, shift: bias, &noise) }
  }

  /// Keeps the statistics of what comes next, for what comes after it.
  func take() { mode = .taking }
  func release() { mode = .own }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch mode {
    case .own: return instanceNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    case .taking:
      mode = .held(Statistics(x, epsilon: epsilon))
      return self(x)
    case .held(let statistics):
      let scale = weight.map { statistics.scale * $0.reshaped([1, -1, 1, 1]) } ?? statistics.scale
      let shift = bias.map { $0.reshaped([1, -1, 1, 1]) - statistics.mean * scale } ?? -(statistics.mean * scale)
      return x * scale + shift
    }
  }
}

/// Halves a picture after a low-pass filter, so that shifts by a pixel don't shimmer (Zhang 2019): [N, C, H, W] to
/// [N, C, H/2, W/2].
public final class BlurDown: UnaryModule {
  private let kernel = blurKernel([1, 2, 1], gain: 1)
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let weight = kernel.tensor.to(x.dtype).expanded([x.size(1), 1, 3, 3]).contiguous()
    return conv2d(pad(x, [1, 1, 1, 1], mode: .reflect), weight, stride: [2, 2], groups: x.size(1))
  }
}

/// Doubles a picture between low-pass filtered neighbours: [N, C, H, W] to [N, C, 2H, 2W].
public final class BlurUp: UnaryModule {
  private let kernel = blurKernel([1, 3, 3, 1], gain: 4)
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let weight = kernel.tensor.to(x.dtype).expanded([x.size(1), 1, 4, 4]).contiguous()
    // The edge's pixels are repeated beyond it, and what they became is cut off.
    let large = convTranspose2d(
      pad(x, [1, 1, 1, 1], mode: .replicate), weight, stride: [2, 2], padding: [3, 3], groups: x.size(1))
    return large
  }
}

/// [1, 1, taps, taps] with sum `gain`.
private func blurKernel(_ taps: [Float], gain: Float) -> Constant {
  let sum = taps.reduce(0, +)
  let values = taps.flatMap { row in taps.map { row * $0 * gain / (sum * sum) } }
  return Constant(Tensor(values, shape: [1, 1, taps.count, taps.count]))
}
