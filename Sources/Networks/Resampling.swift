import Torch

/// A separable low-pass filter for resampling by 2.
public struct ResamplingFilter: Sendable, Equatable {
  /// The taps of one dimension, in any scale.
  public let taps: [Double]

  public init(_ taps: [Double]) {
    precondition((2...8).contains(taps.count), "A filter has 2 to 8 taps, not \(taps.count).")
    self.taps = taps
  }

  /// [1, 1]: each pixel repeated, or the mean of four.
  public static let box = ResamplingFilter([1, 1])
  /// [1, 2, 1]: centred on the even pixels.
  public static let triangle = ResamplingFilter([1, 2, 1])
  /// [1, 3, 3, 1], as in StyleGAN2 (Karras et al. 2020); enlarging with it is bilinear but for zeros at the border.
  public static let smooth = ResamplingFilter([1, 3, 3, 1])

  /// As a depthwise kernel with sum `gain`: [channels, 1, taps, taps], on the device and of the kind of `x`.
  func kernel(for x: Tensor, gain: Double) -> Tensor {
    let sum = taps.reduce(0, +)
    let values = taps.flatMap { row in taps.map { Float(row * $0 * gain / (sum * sum)) } }
    let plane = Tensor(values, shape: [1, 1, taps.count, taps.count]).to(x.dtype).to(x.device)
    return plane.expanded([x.size(1), 1, taps.count, taps.count]).contiguous()
  }

  /// So that both directions keep phase and have the sizes H/2 and 2H.
  var padding: Int { (taps.count - 1) / 2 }
}

/// Halves a picture after a low-pass filter: [N, C, H, W] to [N, C, H/2, W/2]; H and W even, zeros outside.
public func downsample2x(_ x: Tensor, filter: ResamplingFilter = .smooth) -> Tensor {
  let p = filter.padding
  return inFullPrecision(x) {
    conv2d($0, filter.kernel(for: $0, gain: 1), stride: [2, 2], padding: [p, p], groups: $0.size(1))
  }
}

/// Doubles a picture and smooths it: [N, C, H, W] to [N, C, 2H, 2W]; zeros outside.
///
/// Four times the transpose of `downsample2x`, so the mean is kept.
public func upsample2x(_ x: Tensor, filter: ResamplingFilter = .smooth) -> Tensor {
  let p = filter.padding
  let extra = filter.taps.count % 2
  return inFullPrecision(x) {
    convTranspose2d(
      $0, filter.kernel(for: $0, gain: 4), stride: [2, 2], padding: [p, p], outputPadding: [extra, extra],
      groups: $0.size(1))
  }
}

/// A low-pass filter alone: [N, C, H, W] to [N, C, H + 2·padding − taps + 1, …]; zeros outside.
///
/// - Parameter gain: by which the mean is multiplied.
public func smoothed(_ x: Tensor, filter: ResamplingFilter = .smooth, padding p: Int, gain: Double = 1) -> Tensor {
  inFullPrecision(x) {
    conv2d($0, filter.kernel(for: $0, gain: gain), padding: [p, p], groups: $0.size(1))
  }
}

/// On CPUs a transposed depthwise convolution, which is also the gradient of a plain one, takes ten times as long in
/// bfloat16 as in float32, both casts included.
private func inFullPrecision(_ x: Tensor, _ body: (Tensor) -> Tensor) -> Tensor {
  guard x.device.isCPU else { return body(x) }
  let isHalf = x.dtype == .bfloat16 || x.dtype == .float16
  return withAutocast(false, on: x.device) { body(isHalf ? x.to(.float32) : x).to(x.dtype) }
}

/// `downsample2x` as a layer.
public final class Downsample2x: UnaryModule {
  let filter: ResamplingFilter
  public init(_ filter: ResamplingFilter = .smooth) { self.filter = filter }
  public func callAsFunction(_ x: Tensor) -> Tensor { downsample2x(x, filter: filter) }
}

/// `upsample2x` as a layer.
public final class Upsample2x: UnaryModule {
  let filter: ResamplingFilter
  public init(_ filter: ResamplingFilter = .smooth) { self.filter = filter }
  public func callAsFunction(_ x: Tensor) -> Tensor { upsample2x(x, filter: filter) }
}

/// The orthonormal Haar wavelet transform: [N, C, H, W] to [N, 4C, H/2, W/2]; H and W even.
///
/// First the C means (times 2), then the C differences across, down and across both. It keeps the sum of squares.
/// A dense convolution, whose cost grows with C²: meant for pictures.
public func haarWavelet(_ x: Tensor) -> Tensor {
  conv2d(
    x, haarKernel(x.size(1), like: x), stride: [2, 2])
}

/// The inverse, and the transpose, of `haarWavelet`: [N, 4C, H, W] to [N, C, 2H, 2W].
public func inverseHaarWavelet(_ x: Tensor) -> Tensor {
  convTranspose2d(
    x, haarKernel(x.size(1) / 4, like: x), stride: [2, 2])
}

/// [4C, C, 2, 2].
private func haarKernel(_ channels: Int, like x: Tensor) -> Tensor {
  let bands: [[Float]] = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
  var values = [Float](repeating: 0, count: 16 * channels * channels)
  for (b, band) in bands.enumerated() {
    for c in 0..<channels {
      let start = 4 * ((b * channels + c) * channels + c)
      for i in 0..<4 { values[start + i] = band[i] / 2 }
    }
  }
  return Tensor(values, shape: [4 * channels, channels, 2, 2]).to(x.dtype).to(x.device)
}

/// `haarWavelet` as a layer.
public final class HaarWavelet: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { haarWavelet(x) }
}

/// `inverseHaarWavelet` as a layer.
public final class InverseHaarWavelet: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { inverseHaarWavelet(x) }
}
