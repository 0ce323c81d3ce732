import Torch

/// EfficientNet-Lite0's feature maps at four sizes, for projected discriminators.
public final class EfficientNetPyramid {
  /// Channels of the maps.
  public static let widths = [24, 40, 112, 320]
  /// A map's side is the picture's over this.
  public static let strides = [4, 8, 16, 32]

  private let network: FoldedEfficientNet

  public init(_ network: EfficientNetLite0) { self.network = FoldedEfficientNet(network) }

  /// [N, 3, S, S] in -1...1, S a multiple of 32, to the last maps of a quarter, an eighth, a sixteenth and a
  /// thirty-second of it, [N, C, h, w] each.
  public func callAsFunction(_ x: Tensor) -> [Tensor] {
    var (maps, x): ([Tensor], Tensor) = ([], relu6(network.stem.same(x)))
    for (number, block) in network.blocks.enumerated() {
      let wide = block.expand.map { relu6($0(x)) } ?? x
      let y = block.project(relu6(sparse(block.depthwise, wide)))
      x = y.shape == x.shape ? y + x : y
      if [2, 4, 10, 15].contains(number) { maps.append(x) }
    }
    return maps
  }
}

/// A depthwise convolution as `same` has it, of an even size. Where it halves, it is done at every place and every other
/// one taken: oneDNN's gradient of a halving one takes fifty times as long in bfloat16.
private func sparse(_ conv: Conv2d, _ x: Tensor) -> Tensor {
  let y = conv2d(
    x, conv.weight, conv.bias, stride: [1, 1], padding: [conv.weight.size(2) / 2, conv.weight.size(3) / 2],
    dilation: [1, 1], groups: conv.groups)
  guard conv.stride[0] == 2 else { return y }
  // With the channels last the gradient is laid out like the features, and needn't be turned.
  return y.permuted([0, 2, 3, 1]).every(2, from: 1, dim: 1).every(2, from: 1, dim: 2).permuted([0, 3, 1, 2])
}
