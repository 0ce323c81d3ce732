import Torch

/// EfficientNet-Lite0 (Tan and Le 2019, in the mobile form of 2020: ReLU6, no squeeze-and-excitation), trained on ImageNet.
///
/// State names are those of the checkpoint `efficientnet-lite0-57934424.pth`, so that it loads by name. Give it pictures
/// as `FeatureNet` prepares them: [N, 3, 224, 224] in about -1...1.
public final class EfficientNetLite0: Module {
  let stem = Conv2d(3, 32, kernel: 3, stride: 2, bias: false)
  let stemNorm = norm(32)
  let blocks: [Block]
  let head = Conv2d(320, 1280, kernel: 1, bias: false)
  let headNorm = norm(1280)
  let classifier = Linear(1280, 1000)

  public init() {
    // Table 1 of the paper at width and depth 1: outputs, kernel, first stride, expansion, blocks.
    let stages = [
      (16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (40, 5, 2, 6, 2), (80, 3, 2, 6, 3), (112, 5, 1, 6, 3), (192, 5, 2, 6, 4),
      (320, 3, 1, 6, 1),
    ]
    var (blocks, inputs): ([Block], Int) = ([], 32)
    for (outputs, kernel, stride, expansion, count) in stages {
      for i in 0..<count {
        blocks.append(Block(inputs, outputs, kernel: kernel, stride: i == 0 ? stride : 1, expansion: expansion))
        inputs = outputs
      }
    }
    self.blocks = blocks
    setTraining(false)
  }

  public var members: [(name: String, value: Any)] {
    [
      ("_conv_stem", stem), ("_bn0", stemNorm), ("_blocks", blocks), ("_conv_head", head), ("_bn1", headNorm),
      ("_fc", classifier),
    ]
  }

  /// Pooled features [N, 1280], none negative.
  public func features(_ x: Tensor) -> Tensor {
    var x = relu6(stemNorm(stem.same(x)))
    for block in blocks { x = block(x) }
    return relu6(headNorm(head(x))).mean(dims: [2, 3])
  }

  /// Logits [N, 1000] of ImageNet's classes, from `features`.
  public func logits(_ features: Tensor) -> Tensor { classifier(features) }

  /// An inverted bottleneck: 1×1 wider, depthwise, 1×1 narrower without activation.
  final class Block: Module {
    let expand: Conv2d?
    let expandNorm: BatchNorm2d?
    let depthwise: Conv2d
    let depthwiseNorm: BatchNorm2d
    let project: Conv2d
    let projectNorm: BatchNorm2d

    init(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int, expansion: Int) {
      let width = inputs * expansion
      expand = expansion > 1 ? Conv2d(inputs, width, kernel: 1, bias: false) : nil
      expandNorm = expansion > 1 ? norm(width) : nil
      depthwise = Conv2d(width, width, kernel: kernel, stride: stride, groups: width, bias: false)
      depthwiseNorm = norm(width)
      project = Conv2d(width, outputs, kernel: 1, bias: false)
      projectNorm = norm(outputs)
    }

    var members: [(name: String, value: Any)] {
      [
        ("_expand_conv", expand as Any), ("_bn0", expandNorm as Any), ("_depthwise_conv", depthwise),
        ("_bn1", depthwiseNorm), ("_project_conv", project), ("_bn2", projectNorm),
      ]
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      var y = x
      if let expand, let expandNorm { y = relu6(expandNorm(expand(y))) }
      y = relu6(depthwiseNorm(depthwise.same(y)))
      y = projectNorm(project(y))
      return y.shape == x.shape ? y + x : y
    }
  }
}

private func norm(_ channels: Int) -> BatchNorm2d { BatchNorm2d(channels, epsilon: 1e-3) }
