import Networks
import Torch

/// A convolution of 3 by 3, normalised and rectified: [N, inputs, H, W] to [N, outputs, H, W].
final class MotionBlock: UnaryModule {
  let conv: Conv2d, norm: BatchNorm2d
  init(_ inputs: Int, _ outputs: Int) {
    conv = Conv2d(inputs, outputs, kernel: 3, padding: 1)
    norm = BatchNorm2d(outputs)
  }
  func callAsFunction(_ x: Tensor) -> Tensor { relu(norm(conv(x))) }
}

/// Two convolutions beside the identity: [N, channels, H, W].
final class MotionResidual: UnaryModule {
  let first: MotionBlock, second: Conv2d, norm: BatchNorm2d
  init(_ channels: Int) {
    first = MotionBlock(channels, channels)
    second = Conv2d(channels, channels, kernel: 3, padding: 1)
    norm = BatchNorm2d(channels)
  }
  func callAsFunction(_ x: Tensor) -> Tensor { relu(x + norm(second(first(x)))) }
}

/// Sees wide and answers finely: [N, inputs, H, W] to [N, width, H, W], through a quarter of the size.
final class Hourglass: UnaryModule {
  let enter: MotionBlock, down: [MotionBlock], middle: [MotionResidual], up: [MotionBlock]

  init(_ inputs: Int, width: Int, depth: Int = 2) {
    let widths = (0...depth).map { width << $0 }
    enter = MotionBlock(inputs, width)
    down = (0..<depth).map { MotionBlock(widths[$0], widths[$0 + 1]) }
    middle = [MotionResidual(widths[depth])]
    up = (0..<depth).reversed().map { MotionBlock(widths[$0 + 1] + widths[$0], widths[$0]) }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    var skips = [enter(x)]
    for block in down { skips.append(block(averagePool2d(skips.last!, kernel: 2))) }
    var x = skips.removeLast()
    for block in middle { x = block(x) }
    for block in up {
      let skip = skips.removeLast()
      x = block(Tensor.concatenated([enlarged(x, as: skip), skip], dim: 1))
    }
    return x
  }
}

/// With its pixels repeated up to the size of another.
func enlarged(_ x: Tensor, as other: Tensor) -> Tensor {
  let size = [other.size(2), other.size(3)]
  return x.size(2) == size[0] && x.size(3) == size[1] ? x : interpolate(x, size: size, mode: .nearest)
}

/// x and y of the middle of each pixel, -1 and 1 being the picture's edges: [H, W, 2].
func places(_ height: Int, _ width: Int, on device: Device = .cpu) -> Tensor {
  func middles(_ count: Int) -> Tensor {
    (Tensor.arange(count, dtype: .float32, on: device) * 2 + 1) / Double(count) - 1
  }
  return Tensor.stacked(
    [
      middles(width).reshaped([1, width]).expanded([height, width]),
      middles(height).reshaped([height, 1]).expanded([height, width]),
    ], dim: 2)
}
