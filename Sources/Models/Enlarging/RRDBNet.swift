import Networks
import Torch

/// ESRGAN's network (Wang et al. 2018, section 3.1) as Real-ESRGAN uses it (2021): residual blocks in residual blocks
/// of densely connected convolutions, then twice pixels repeated and a convolution.
///
/// State names are the reference implementation's: `conv_first.weight`, `body.0.rdb1.conv1.weight`, …, `conv_last.bias`.
public final class RRDBNet: EnlargingNetwork {
  /// 4, or 2 where the picture is first folded by 2.
  public let scale: Int
  let convFirst: Conv2d
  let body: [ResidualInResidual]
  let convBody: Conv2d
  let convUp1: Conv2d, convUp2: Conv2d
  let convHr: Conv2d, convLast: Conv2d

  /// - Parameters:
  ///   - scale: 4 or 2.
  ///   - width: channels between blocks.
  ///   - blocks: 23 in x4plus, 6 in its sibling for drawings.
  ///   - growth: channels that each dense convolution adds.
  public init(scale: Int = 4, width: Int = 64, blocks: Int = 23, growth: Int = 32) {
    precondition([2, 4].contains(scale), "RRDBNet enlarges by 2 or 4, not \(scale)")
    self.scale = scale
    let conv = { (inputs: Int, outputs: Int) in Conv2d(inputs, outputs, kernel: 3, padding: 1) }
    convFirst = conv(scale == 4 ? 3 : 12, width)
    body = (0..<blocks).map { _ in ResidualInResidual(width, growth) }
    convBody = conv(width, width)
    (convUp1, convUp2) = (conv(width, width), conv(width, width))
    (convHr, convLast) = (conv(width, width), conv(width, 3))
  }

  /// - Throws: `StateError`.
  convenience init(shapedAs weights: [String: Tensor]) throws(StateError) {
    let first = try weights.shape(of: "conv_first.weight", rank: 4), width = first[0]
    let growth = try weights.shape(of: "body.0.rdb1.conv1.weight", rank: 4)[0]
    let blocks = (0...).first { weights["body.\($0).rdb1.conv1.weight"] == nil }!
    try weights.expect("conv_body.weight", [width, width, 3, 3])
    for block in 0..<blocks {
      for dense in 1...3 {
        try weights.expect("body.\(block).rdb\(dense).conv5.weight", [width, width + 4 * growth, 3, 3])
      }
    }
    self.init(scale: first[1] == 12 ? 2 : 4, width: width, blocks: blocks, growth: growth)
  }

  public var members: [(name: String, value: Any)] {
    [
      ("conv_first", convFirst), ("body", body), ("conv_body", convBody), ("conv_up1", convUp1),
      ("conv_up2", convUp2), ("conv_hr", convHr), ("conv_last", convLast),
    ]
  }

  /// In theory it sees 15 pixels a block; what is further than this changes nothing that can be seen.
  public var margin: Int { 32 }
  public var bytesPerPixel: Double { 16_000 }

  public func callAsFunction(_ picture: Tensor) -> Tensor {
    let (height, width) = (picture.size(2), picture.size(3))
    var x = picture
    if scale == 2 {
      // Folding needs even sides.
      x = pixelUnshuffle(pad(x, [0, width % 2, 0, height % 2], mode: .replicate), 2)
    }
    let first = convFirst(x)
    var y = first + convBody(body.reduce(first) { $1($0) })
    for conv in [convUp1, convUp2] { y = leakyRelu(conv.ofDoubled(y)) }
    y = convLast(leakyRelu(convHr(y)))
    return y.narrowed(dim: 2, from: 0, count: scale * height).narrowed(dim: 3, from: 0, count: scale * width)
  }
}

/// Three dense blocks, whose sum counts a fifth.
final class ResidualInResidual: UnaryModule {
  let rdb1: ResidualDense, rdb2: ResidualDense, rdb3: ResidualDense

  init(_ width: Int, _ growth: Int) {
    (rdb1, rdb2, rdb3) = (
      ResidualDense(width, growth), ResidualDense(width, growth), ResidualDense(width, growth)
    )
  }

  func callAsFunction(_ x: Tensor) -> Tensor { x + rdb3(rdb2(rdb1(x))) * 0.2 }
}

/// Five convolutions, each of which sees all before it (Huang et al. 2017); the last counts a fifth.
final class ResidualDense: UnaryModule {
  let conv1: Conv2d, conv2: Conv2d, conv3: Conv2d, conv4: Conv2d, conv5: Conv2d

  init(_ width: Int, _ growth: Int) {
    let conv = { (number: Int, outputs: Int) in
      Conv2d(width + number * growth, outputs, kernel: 3, padding: 1)
    }
    (conv1, conv2, conv3, conv4) = (conv(0, growth), conv(1, growth), conv(2, growth), conv(3, growth))
    conv5 = conv(4, width)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    var seen = x
    for conv in [conv1, conv2, conv3, conv4] {
      // Under autocast a convolution's output is bfloat16; so is what it is joined to.
      let new = leakyRelu(conv(seen))
      seen = Tensor.concatenated([seen.to(new.dtype), new], dim: 1)
    }
    return x + conv5(seen) * 0.2
  }
}
