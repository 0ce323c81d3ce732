// Convolutions, resampling and padding of [N, C, length], [N, C, H, W] and [N, C, D, H, W].

/// `weight` [outputs, inputs / groups, kernel].
public func conv1d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1], padding: [Int] = [0],
  dilation: [Int] = [1], groups: Int = 1
) -> Tensor {
  aten.conv1d(
    .tensor(x), .tensor(weight), .optional(bias), .ints(stride), .ints(padding), .ints(dilation), .int(groups))
}
/// `weight` [outputs, inputs / groups, height, width].
public func conv2d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1, 1], padding: [Int] = [0, 0],
  dilation: [Int] = [1, 1], groups: Int = 1
) -> Tensor {
  aten.conv2d(
    .tensor(x), .tensor(weight), .optional(bias), .ints(stride), .ints(padding), .ints(dilation), .int(groups))
}
/// `weight` [outputs, inputs / groups, depth, height, width].
public func conv3d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1, 1, 1], padding: [Int] = [0, 0, 0],
  dilation: [Int] = [1, 1, 1], groups: Int = 1
) -> Tensor {
  aten.conv3d(
    .tensor(x), .tensor(weight), .optional(bias), .ints(stride), .ints(padding), .ints(dilation), .int(groups))
}
/// `weight` [inputs, outputs / groups, kernel].
public func convTranspose1d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1], padding: [Int] = [0],
  outputPadding: [Int] = [0], groups: Int = 1, dilation: [Int] = [1]
) -> Tensor {
  aten.convTranspose1d(
    .tensor(x), .tensor(weight), .optional(bias), .ints(stride), .ints(padding), .ints(outputPadding), .int(groups),
    .ints(dilation))
}
/// `weight` [inputs, outputs / groups, height, width].
public func convTranspose2d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1, 1], padding: [Int] = [0, 0],
  outputPadding: [Int] = [0, 0], groups: Int = 1, dilation: [Int] = [1, 1]
) -> Tensor {
  aten.convTranspose2d(
    .tensor(x), .tensor(weight), .optional(bias), .ints(stride), .ints(padding), .ints(outputPadding), .int(groups),
    .ints(dilation))
}
/// `weight` [inputs, outputs / groups, depth, height, width].
public func convTranspose3d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1, 1, 1], padding: [Int] = [0, 0, 0],
  outputPadding: [Int] = [0, 0, 0], groups: Int = 1, dilation: [Int] = [1, 1, 1]
) -> Tensor {
  aten.convTranspose3d(
    .tensor(x), .tensor(weight), .optional(bias), .ints(stride), .ints(padding), .ints(outputPadding), .int(groups),
    .ints(dilation))
}

/// How pictures are resampled.
public enum Resampling: String, Sendable, Codable, CaseIterable {
  case nearest, bilinear, bicubic, area
}

/// Pictures [N, C, H, W] at another size [height, width].
///
/// - Parameter antialias: filters before shrinking (bilinear and bicubic only).
public func interpolate(
  _ x: Tensor, size: [Int], mode: Resampling = .bilinear, alignCorners: Bool = false, antialias: Bool = false
) -> Tensor {
  switch (mode, antialias) {
  case (.nearest, _): aten.upsampleNearest(.tensor(x), .ints(size), nil)
  case (.area, _): aten.adaptiveAvgPool2d(.tensor(x), .ints(size))
  case (.bilinear, false): aten.upsampleBilinear(.tensor(x), .ints(size), .bool(alignCorners), nil)
  case (.bilinear, true): aten.upsampleBilinearAA(.tensor(x), .ints(size), .bool(alignCorners), nil)
  case (.bicubic, false): aten.upsampleBicubic(.tensor(x), .ints(size), .bool(alignCorners), nil)
  case (.bicubic, true): aten.upsampleBicubicAA(.tensor(x), .ints(size), .bool(alignCorners), nil)
  }
}
public func averagePool2d(_ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
  let s = stride ?? kernel
  return aten.avgPool2d(.tensor(x), .ints([kernel, kernel]), .ints([s, s]), .ints([padding, padding]))
}
public func maxPool2d(_ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
  let s = stride ?? kernel
  return aten.maxPool2d(.tensor(x), .ints([kernel, kernel]), .ints([s, s]), .ints([padding, padding]))
}
public func adaptiveAveragePool2d(_ x: Tensor, size: [Int]) -> Tensor {
  aten.adaptiveAvgPool2d(.tensor(x), .ints(size))
}
/// [N, C f², H, W] to [N, C, H f, W f].
public func pixelShuffle(_ x: Tensor, _ factor: Int) -> Tensor { aten.pixelShuffle(.tensor(x), .int(factor)) }
/// [N, C, H f, W f] to [N, C f², H, W].
public func pixelUnshuffle(_ x: Tensor, _ factor: Int) -> Tensor { aten.pixelUnshuffle(.tensor(x), .int(factor)) }

/// Padding.
public enum Padding: Sendable {
  case constant(Double)
  case reflect, replicate, circular
}
/// - Parameter amounts: before and after, from the last dimension: [left, right, top, bottom].
public func pad(_ x: Tensor, _ amounts: [Int], mode: Padding = .constant(0)) -> Tensor {
  switch mode {
  case .constant(let value): aten.pad(.tensor(x), .ints(amounts), .string("constant"), .double(value))
  case .reflect: aten.pad(.tensor(x), .ints(amounts), .string("reflect"))
  case .replicate: aten.pad(.tensor(x), .ints(amounts), .string("replicate"))
  case .circular: aten.pad(.tensor(x), .ints(amounts), .string("circular"))
  }
}

/// Padding of sampling beyond the edge.
public enum GridPadding: Int, Sendable { case zeros, border, reflection }
/// Where each pixel of a picture of `size` [N, C, H, W] comes from, under `theta` [N, 2, 3]: [N, H, W, 2] in -1...1.
public func affineGrid(_ theta: Tensor, size: [Int], alignCorners: Bool = false) -> Tensor {
  aten.affineGrid(.tensor(theta), .ints(size), .bool(alignCorners))
}
/// The picture at the positions of `grid` [N, H, W, 2] in -1...1 (Jaderberg et al. 2015).
public func gridSample(
  _ x: Tensor, _ grid: Tensor, mode: Resampling = .bilinear, padding: GridPadding = .zeros, alignCorners: Bool = false
) -> Tensor {
  let number = mode == .nearest ? 1 : mode == .bicubic ? 2 : 0
  return aten.gridSampler(.tensor(x), .tensor(grid), .int(number), .int(padding.rawValue), .bool(alignCorners))
}
/// Patches as columns: [N, C, H, W] to [N, C · kernel², places].
public func unfold2d(_ x: Tensor, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1) -> Tensor {
  aten.im2col(
    .tensor(x), .ints([kernel, kernel]), .ints([dilation, dilation]), .ints([padding, padding]),
    .ints([stride, stride]))
}
/// The sum of patches where they overlap: the transpose of `unfold2d`.
public func fold2d(
  _ x: Tensor, size: [Int], kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1
) -> Tensor {
  aten.col2im(
    .tensor(x), .ints(size), .ints([kernel, kernel]), .ints([dilation, dilation]), .ints([padding, padding]),
    .ints([stride, stride]))
}
