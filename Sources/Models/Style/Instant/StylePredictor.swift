import Networks
import Torch

/// Says in a hundred numbers how a picture is painted: MobileNetV2 (Sandler et al. 2018), its batch normalisations
/// folded into the convolutions, and a linear layer (Ghiasi et al. 2017).
public final class StylePredictor: Module {
  /// Numbers that a style is.
  public static let size = 100
  /// Numbers before the linear layer.
  static let pooledSize = 1280

  let stem = Conv2d(3, 32, kernel: 3, stride: 2)
  let blocks: [Block]
  let head = Conv2d(320, StylePredictor.pooledSize, kernel: 1)
  let bottleneck = Linear(StylePredictor.pooledSize, StylePredictor.size)

  public var members: [(name: String, value: Any)] {
    [("stem", stem), ("blocks", blocks), ("head", head), ("bottleneck", bottleneck)]
  }

  public init() {
    // Table 2 of the paper: expansion, outputs, blocks, first stride.
    let stages = [
      (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]
    var (blocks, inputs): ([Block], Int) = ([], 32)
    for (expansion, outputs, count, stride) in stages {
      for i in 0..<count {
        blocks.append(Block(inputs, outputs, stride: i == 0 ? stride : 1, expansion: expansion))
        inputs = outputs
      }
    }
    self.blocks = blocks
  }

  /// An inverted bottleneck: 1×1 wider, depthwise, 1×1 narrower without activation.
  final class Block: Module {
    let expand: Conv2d?
    let depthwise: Conv2d
    let project: Conv2d

    init(_ inputs: Int, _ outputs: Int, stride: Int, expansion: Int) {
      let width = inputs * expansion
      expand = expansion > 1 ? Conv2d(inputs, width, kernel: 1) : nil
      depthwise = Conv2d(width, width, kernel: 3, stride: stride, groups: width)
      project = Conv2d(width, outputs, kernel: 1)
    }

    var members: [(name: String, value: Any)] {
      [("expand", expand as Any), ("depthwise", depthwise), ("project", project)]
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let wide = expand.map { relu6($0(x)) } ?? x
      let y = project(relu6(depthwise.same(wide)))
      return y.shape == x.shape ? y + x : y
    }
  }

  /// The input of the linear layer.
  ///
  /// - Parameter pictures: [N, 3, H, W] in 0...1, of 32 px or more a side; it was trained at 256.
  /// - Returns: [N, pooledSize], none negative.
  func pooled(_ pictures: Tensor) -> Tensor {
    var x = relu6(stem.same(pictures))
    for block in blocks { x = block(x) }
    return relu6(head(x)).mean(dims: [2, 3])
  }
}
