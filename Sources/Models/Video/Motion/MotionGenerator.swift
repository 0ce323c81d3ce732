import Networks
import Torch

/// A moved picture, and what it was made of.
struct MovedPicture {
  /// [N, C, H, W] in 0...1.
  let picture: Tensor
  /// The given picture, moved.
  let carried: Tensor
  /// The inpainted part, where nothing can be warped from.
  let painted: Tensor
  /// How much is carried, 0...1: [N, 1, H, W].
  let kept: Tensor
}

/// Moves a picture's features and the picture itself, and paints what wasn't to be seen (Siarohin et al. 2019, section 3.2).
///
/// Other than there, the moved picture itself is part of the result, so that what stays is exactly as it was; and the
/// network works on two by two pixels at once.
final class MotionGenerator: Module {
  let enter: MotionBlock, down: MotionBlock, middle: [MotionResidual], up: MotionBlock, last: MotionBlock
  let leave: Conv2d
  private let channels: Int

  init(channels: Int, width: Int, blocks: Int, motionWidth: Int) {
    self.channels = channels
    enter = MotionBlock(4 * channels, width)
    down = MotionBlock(width, 2 * width)
    middle = (0..<blocks).map { _ in MotionResidual(2 * width) }
    up = MotionBlock(3 * width + 4 * channels + motionWidth, width)
    last = MotionBlock(width, width)
    leave = Conv2d(width, 4 * (channels + 1), kernel: 3, padding: 1)
  }

  /// - Parameter picture: [N, C, H, W] in 0...1; with 4 channels, colours are multiplied by alpha.
  func callAsFunction(_ picture: Tensor, along motion: MotionField) -> MovedPicture {
    let fine = enter(pixelUnshuffle(picture, 2).channelsLast())
    let coarse = down(averagePool2d(fine, kernel: 2))
    func seen(_ features: Tensor) -> Tensor {
      let size = [features.size(2), features.size(3)]
      let visibility =
        motion.visibility.size(2) == size[0] && motion.visibility.size(3) == size[1]
        ? motion.visibility : interpolate(motion.visibility, size: size, mode: .bilinear)
      return moved(features.to(.float32), by: motion.flow) * visibility
    }
    var x = seen(coarse)
    for block in middle { x = block(x) }
    let near = seen(fine), carried = moved(picture, by: motion.flow)
    x = up(
      Tensor.concatenated(
        [
          enlarged(x.to(.float32), as: near), near, pixelUnshuffle(carried, 2),
          enlarged(motion.features.to(.float32), as: near),
        ], dim: 1
      ).channelsLast())
    let answer = sigmoid(pixelShuffle(leave(last(x)).to(.float32), 2))
    let kept = answer.narrowed(dim: 1, from: channels, count: 1)
    var painted = answer.narrowed(dim: 1, from: 0, count: channels)
    if channels == 4 {
      let alpha = painted.narrowed(dim: 1, from: 3, count: 1)
      painted = Tensor.concatenated([painted.narrowed(dim: 1, from: 0, count: 3) * alpha, alpha], dim: 1)
    }
    return MovedPicture(
      picture: carried * kept + painted * (1 - kept), carried: carried, painted: painted, kept: kept)
  }
}

/// The three networks that move pictures.
public final class MotionNetwork: Module {
  let detector: KeypointDetector, dense: DenseMotion, generator: MotionGenerator

  /// - Parameters:
  ///   - width: the generator's channels.
  ///   - motionWidth: of the other two, which see the picture `reduction` times as small.
  init(channels: Int, keypoints: Int, width: Int, blocks: Int, motionWidth: Int, reduction: Int) {
    detector = KeypointDetector(channels: channels, count: keypoints, width: motionWidth, reduction: reduction)
    dense = DenseMotion(channels: channels, count: keypoints, width: motionWidth, reduction: reduction)
    generator = MotionGenerator(channels: channels, width: width, blocks: blocks, motionWidth: motionWidth)
  }

  /// `picture` as `source` says that it is, moved to how `driving` is.
  func callAsFunction(_ picture: Tensor, from source: Keypoints, to driving: Keypoints) -> MovedPicture {
    generator(picture, along: dense(picture, from: source, to: driving))
  }
}
