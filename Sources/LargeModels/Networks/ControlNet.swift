import Networks
import Torch

/// A copy of a UNet's way down that reads a picture (edges, depth, a pose) and steers the UNet with it (Zhang et al. 2023), with the names
/// of diffusers' `ControlNetModel`.
public final class ControlNet: Module {
  let convIn: Conv2d
  let timeEmbedding: TimestepEmbedding
  let addEmbedding: TimestepEmbedding?
  let controlnetCondEmbedding: ControlEmbedding
  let downBlocks: [DownBlock]
  let controlnetDownBlocks: [Conv2d]
  let controlnetMidBlock: Conv2d
  let midBlock: MiddleBlock
  let configuration: UNetConfiguration

  /// What is added to what a UNet keeps on its way down, and in its middle.
  struct Residuals {
    var down: [Tensor]
    var middle: Tensor
  }

  /// - Parameter widths: of the layers that read the picture.
  public init(_ c: UNetConfiguration, widths: [Int] = [16, 32, 96, 256]) {
    configuration = c
    let time = 4 * c.widths[0]
    convIn = Conv2d(c.inputs, c.widths[0], kernel: 3, padding: 1)
    timeEmbedding = TimestepEmbedding(c.widths[0], time, condition: c.guidance)
    addEmbedding = c.addition.map { TimestepEmbedding($0.inputs, time) }
    controlnetCondEmbedding = ControlEmbedding(widths, to: c.widths[0])
    downBlocks = DownBlock.all(c, time: time)
    midBlock = MiddleBlock(c, time: time)
    var kept = [c.widths[0]]
    for (level, width) in c.widths.enumerated() {
      kept += [Int](repeating: width, count: c.blocks + (level + 1 < c.widths.count ? 1 : 0))
    }
    controlnetDownBlocks = kept.map { Conv2d($0, $0, kernel: 1) }
    controlnetMidBlock = Conv2d(c.widths.last!, c.widths.last!, kernel: 1)
  }

  /// - Parameters:
  ///   - x: noisy latents [N, 4, H, W].
  ///   - picture: [N, 3, 8 H, 8 W] in 0...1.
  ///   - strength: what the result is multiplied by.
  func callAsFunction(_ x: Tensor, timestep: Double, _ conditions: Conditions, picture: Tensor, strength: Double)
    -> Residuals
  {
    let kind = convIn.weight.dtype
    let steps = Tensor([Float](repeating: Float(timestep), count: x.size(0)))
    let time = timeVector(steps, conditions, configuration, timeEmbedding, addEmbedding)
    let text = conditions.text.to(kind)
    var h = convIn(x.to(kind)) + controlnetCondEmbedding(picture.to(kind))
    var kept = [h]
    for block in downBlocks { h = block(h, time, text, &kept) }
    h = midBlock(h, time, text)
    return Residuals(
      down: zip(kept, controlnetDownBlocks).map { $1($0) * strength }, middle: controlnetMidBlock(h) * strength)
  }
}

/// A picture to the size and width of what a UNet begins with.
final class ControlEmbedding: Module {
  let convIn: Conv2d
  let blocks: [Conv2d]
  let convOut: Conv2d

  init(_ widths: [Int], to width: Int) {
    convIn = Conv2d(3, widths[0], kernel: 3, padding: 1)
    blocks = zip(widths, widths.dropFirst()).flatMap { from, to in
      [Conv2d(from, from, kernel: 3, padding: 1), Conv2d(from, to, kernel: 3, stride: 2, padding: 1)]
    }
    convOut = Conv2d(widths.last!, width, kernel: 3, padding: 1)
  }

  func callAsFunction(_ picture: Tensor) -> Tensor {
    convOut(blocks.reduce(silu(convIn(picture))) { silu($1($0)) })
  }
}
