import Torch

extension Convolution where D == Plane {
  /// The convolution of a picture whose pixels are doubled first (`conv2d(doubled:)`), with the layer's weights and kind of padding.
  public func ofDoubled(_ x: Tensor) -> Tensor {
    precondition(
      padding == [1, 1] && stride == [1, 1] && dilation == [1, 1] && groups == 1,
      "doubled pixels need a padding of 1, and no stride, dilation or groups")
    return conv2d(doubled: x, weight, bias, paddingMode: paddingMode)
  }
}

/// The convolution of a picture whose pixels are each repeated twice by twice first, with a padding of 1: [N, inputs, H, W] to
/// [N, outputs, 2H, 2W].
///
/// Of three by three doubled pixels that a result sees, two by two are different. Four convolutions of 2 × 2 with sums of the kernel's rows and
/// columns, one for each place of a result within its pixel, are the same with four ninths of the work (Shi et al. 2016,
/// arXiv 1609.07009); only the last bits differ.
///
/// - Parameter weight: [outputs, inputs, 3, 3].
public func conv2d(doubled x: Tensor, _ weight: Tensor, _ bias: Tensor?, paddingMode: PaddingMode = .zeros) -> Tensor {
  precondition(Array(weight.shape[2...]) == [3, 3], "doubled pixels need a kernel of 3 × 3")
  let (n, height, width, outputs) = (x.size(0), x.size(2), x.size(3), weight.size(0))
  let padding: Padding =
    switch paddingMode {
    case .zeros: .constant(0)
    // The first doubled pixel's mirror image is its twin.
    case .reflect, .replicate: .replicate
    case .circular: .circular
    }
  let hasZeros = paddingMode == .zeros
  if gradientsAreRecorded {
    let seen = hasZeros ? x : pad(x, [1, 1, 1, 1], mode: padding)
    guard n * height * width >= 4 * x.size(1) else {
      // There are more weights to sum than pixels to save.
      let doubled = interpolate(seen, size: [2 * seen.size(2), 2 * seen.size(3)], mode: .nearest)
      guard !hasZeros else { return conv2d(doubled, weight, bias, padding: [1, 1]) }
      let inner = doubled.narrowed(dim: 2, from: 1, count: 2 * height + 2)
      return conv2d(inner.narrowed(dim: 3, from: 1, count: 2 * width + 2).channelsLast(), weight, bias)
    }
    // One convolution, which is quicker backward than four.
    let turned = pad(weight.flipped([2, 3]).transposed(0, 1), [1, 1, 1, 1])
    let across = turned.narrowed(dim: 3, from: 0, count: 4) + turned.narrowed(dim: 3, from: 1, count: 4)
    let kernel = across.narrowed(dim: 2, from: 0, count: 4) + across.narrowed(dim: 2, from: 1, count: 4)
    let cut = hasZeros ? 1 : 3
    return convTranspose2d(seen, kernel, bias, stride: [2, 2], padding: [cut, cut])
  }
  let wide = pad(x, [1, 1, 1, 1], mode: padding)
  let isHalf = [.bfloat16, .float16].contains(weight.dtype)
  let kernels = summed(isHalf ? weight.to(.float32) : weight, dim: 2).map { summed($0, dim: 3) }
  /// Results at one place of each pixel: [N, H, W, outputs].
  func part(_ row: Int, _ column: Int) -> Tensor {
    let seen = wide.narrowed(dim: 2, from: row, count: height + 1).narrowed(dim: 3, from: column, count: width + 1)
    let kernel = kernels[row][column].to(weight.dtype).channelsLast()
    return conv2d(seen.channelsLast(), kernel, bias).permuted([0, 2, 3, 1])
  }
  // One at a time, since pictures can be large.
  var all: Tensor?
  for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
    let made = part(row, column)
    let whole = all ?? Tensor.empty([n, height, 2, width, 2, outputs], dtype: made.dtype, on: made.device)
    whole.selected(dim: 2, index: row).selected(dim: 3, index: column).copy(from: made)
    all = whole
  }
  return all!.reshaped([n, 2 * height, 2 * width, outputs]).permuted([0, 3, 1, 2])
}

/// What three rows of a kernel are above two pixels, where a result is in the first half of its pixel and where it is in the second.
private func summed(_ kernel: Tensor, dim: Int) -> [Tensor] {
  let rows = (0..<3).map { kernel.narrowed(dim: dim, from: $0, count: 1) }
  return [
    Tensor.concatenated([rows[0], rows[1] + rows[2]], dim: dim),
    Tensor.concatenated([rows[0] + rows[1], rows[2]], dim: dim),
  ]
}
