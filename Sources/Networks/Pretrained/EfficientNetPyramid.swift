import Torch

/// What a trained EfficientNet-Lite0 sees at four sizes, for networks that learn by it: it never learns itself, so its
/// normalisations are folded into its convolutions.
public final class EfficientNetPyramid {
  /// Channels of the maps.
  public static let widths = [24, 40, 112, 320]
  /// A map's side is the picture's over this.
  public static let strides = [4, 8, 16, 32]

  private struct Block {
    let expand: Conv2d?, depthwise: Conv2d, project: Conv2d
  }
  private let stem: Conv2d
  private let blocks: [Block]

  public init(_ network: EfficientNetLite0) {
    stem = folded(network.stem, network.stemNorm)
    blocks = network.blocks.map { block in
      Block(
        expand: block.expand.map { folded($0, block.expandNorm!) },
        depthwise: folded(block.depthwise, block.depthwiseNorm), project: folded(block.project, block.projectNorm))
    }
  }

  /// [N, 3, S, S] in -1...1, S a multiple of 32, to the last maps of a quarter, an eighth, a sixteenth and a
  /// thirty-second of it, [N, C, h, w] each.
  public func callAsFunction(_ x: Tensor) -> [Tensor] {
    var (maps, x): ([Tensor], Tensor) = ([], relu6(stem.same(x)))
    for (number, block) in blocks.enumerated() {
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
  return y.every(2, from: 1, dim: 2).every(2, from: 1, dim: 3)
}

/// A convolution that does what it and its normalisation do together.
private func folded(_ conv: Conv2d, _ norm: BatchNorm2d) -> Conv2d {
  withoutGradients {
    let weight = conv.weight
    let both = Conv2d(
      weight.size(1) * conv.groups, weight.size(0), kernel: weight.size(2), stride: conv.stride[0], groups: conv.groups)
    both.move(to: weight.device)
    let scale = norm.weight! * rsqrt(norm.runningVar! + norm.epsilon)
    both.weight.copy(from: weight * scale.reshaped([-1, 1, 1, 1]))
    both.bias!.copy(from: norm.bias! - norm.runningMean! * scale)
    both.useChannelsLast()
    both.setRequiresGradient(false)
    return both
  }
}
