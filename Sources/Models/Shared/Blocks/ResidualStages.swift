import Networks
import Torch

/// Features at one size, from those at half of it: each becomes four, with weights of their own.
///
/// Enlarging between neighbours instead, as the pictures are, leaves all shapes to the one convolution after it, and
/// they stay blobs.
final class GeneratorStage: Module {
  let enlarge: ConvTranspose2d?
  let blocks: [ResidualBlock]
  let head: PictureHead?
  private let inputs: Int

  init(inputs: Int?, width: Int, blocks: Int, latent: Int, channels: Int?, isSeamless: Bool = false) {
    enlarge = inputs.map { ConvTranspose2d($0, width, kernel: 2, stride: 2) }
    self.inputs = inputs ?? 0
    self.blocks = (0..<blocks).map { _ in ResidualBlock(width, latent: latent, isSeamless: isSeamless) }
    head = channels.map { PictureHead(width, channels: $0, isSeamless: isSeamless) }
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    // Each number that comes out is a sum over the inputs only, whatever PyTorch counts.
    let fan = Double(inputs)
    if let enlarge { enlarge.weight.copy(from: noise.normal(enlarge.weight.shape) / fan.squareRoot()) }
  }

  func callAsFunction(_ x: Tensor, _ w: Tensor) -> Tensor {
    let larger = enlarge.map { $0(leakyRelu(x)) } ?? x
    return blocks.reduce(larger) { $1($0, w) }
  }
}

/// Features at one size, to those at half of it: four become one, with weights of their own, so that their places
/// aren't lost in a mean.
final class DiscriminatorStage: Module {
  let stem: PictureStem?
  let blocks: [ResidualBlock]
  let shrink: Conv2d?

  init(width: Int, outputs: Int?, blocks: Int, stem: PictureStem?) {
    self.stem = stem
    self.blocks = (0..<blocks).map { _ in ResidualBlock(width) }
    shrink = outputs.map { Conv2d(width, $0, kernel: 2, stride: 2) }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = blocks.reduce(x) { $1($0) }
    return shrink.map { $0(leakyRelu(h)) } ?? h
  }
}

/// Pictures [N, C, H, W] from stage to stage down to features of the size `least`: each stage's stem sees them at its size.
///
/// - Parameter entering: what a stage, by its number, is given in place of what comes to it.
func descended(
  _ x: Tensor, through stages: [DiscriminatorStage], to least: PictureSize = 4,
  entering: (Int, Tensor) -> Tensor = { $1 }
) -> Tensor {
  let size = PictureSize(of: x)
  var pictures = [size: x]
  for smaller in sequence(first: size / 2, next: { $0 / 2 }).prefix(while: { $0.width >= 4 * least.width }) {
    pictures[smaller] = averagePool2d(pictures[smaller * 2]!, kernel: 2)
  }
  var h: Tensor?
  for (i, stage) in stages.enumerated().reversed() where (least << (i + 1)).width <= size.width {
    if let stem = stage.stem {
      let seen = stem(pictures[least << (i + 1)]!)
      h = h.map { $0 + seen } ?? seen
    }
    h = stage(entering(i, h!))
  }
  return h!
}
