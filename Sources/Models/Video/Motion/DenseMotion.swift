import Networks
import Torch

/// What a motion says of each pixel.
struct MotionField {
  /// Where each pixel of the moved picture comes from: [N, h, w, 2], -1 and 1 being the edges.
  let flow: Tensor
  /// How much of what comes from there can be seen, 0...1: [N, 1, h, w].
  let visibility: Tensor
  /// What led to that: [N, width, h, w].
  let features: Tensor
}

/// From the keypoints' motions to each pixel's (Siarohin et al. 2019, section 3.1): around each keypoint a first-order Taylor
/// approximation, and a network that says where which of them holds, or that nothing moves.
final class DenseMotion: Module {
  let hourglass: Hourglass, mask: Conv2d, visibility: Conv2d
  private let count: Int, reduction: Int

  init(channels: Int, count: Int, width: Int, reduction: Int) {
    (self.count, self.reduction) = (count, reduction)
    hourglass = Hourglass((count + 1) * (channels + 1), width: width)
    mask = Conv2d(width, count + 1, kernel: 3, padding: 1)
    visibility = Conv2d(width, 1, kernel: 3, padding: 1)
  }

  /// - Parameter picture: [N, C, H, W] in 0...1, in which `source` was found.
  func callAsFunction(_ picture: Tensor, from source: Keypoints, to driving: Keypoints) -> MotionField {
    let x = reduction > 1 ? averagePool2d(picture, kernel: reduction) : picture
    let (n, c, h, w, k) = (x.size(0), x.size(1), x.size(2), x.size(3), count)
    let grid = places(h, w, on: x.device)
    let heat = bumps(at: driving.places, grid) - bumps(at: source.places, grid)
    let maps = Tensor.concatenated([Tensor.zeros([n, 1, h, w], on: x.device), heat], dim: 1)
    let moved = sparseMotions(grid, from: source, to: driving)
    let copies = x.unsqueezed(1).expanded([n, k + 1, c, h, w]).reshaped([n * (k + 1), c, h, w])
    let deformed = gridSample(copies, moved.reshaped([n * (k + 1), h, w, 2])).reshaped([n, k + 1, c, h, w])
    let seen = Tensor.concatenated([maps.unsqueezed(2), deformed], dim: 2).reshaped([n, (k + 1) * (c + 1), h, w])
    let features = hourglass(seen.channelsLast())
    let masks = softmax(mask(features).to(.float32), dim: 1)
    return MotionField(
      flow: (moved * masks.unsqueezed(4)).sum(dims: [1]),
      visibility: sigmoid(visibility(features).to(.float32)), features: features)
  }

  /// Equation 4: near a keypoint, z comes from p_source + J_source J_driving⁻¹ (z - p_driving); and first of all, from z.
  ///
  /// - Returns: [N, K + 1, h, w, 2].
  private func sparseMotions(_ grid: Tensor, from source: Keypoints, to driving: Keypoints) -> Tensor {
    let (n, h, w, k) = (source.places.size(0), grid.size(0), grid.size(1), count)
    let turn = source.jacobians.matmul(inverse2x2(driving.jacobians)).reshaped([n, k, 1, 1, 2, 2])
    let z = (grid - driving.places.reshaped([n, k, 1, 1, 2])).unsqueezed(4)
    let near = (turn * z).sum(dims: [5]) + source.places.reshaped([n, k, 1, 1, 2])
    return Tensor.concatenated([grid.reshaped([1, 1, h, w, 2]).expanded([n, 1, h, w, 2]), near], dim: 1)
  }
}

/// A picture or its features [N, C, H, W] as a flow [N, h, w, 2] of any size moves them; nothing lies outside.
///
/// - Parameter isCrisp: takes the nearest pixel, and mixes none.
func moved(_ x: Tensor, by flow: Tensor, isCrisp: Bool = false) -> Tensor {
  let size = [x.size(2), x.size(3)]
  let mode: Resampling = isCrisp ? .nearest : .bilinear
  guard flow.size(1) != size[0] || flow.size(2) != size[1] else { return gridSample(x, flow, mode: mode) }
  let fine = interpolate(flow.permuted([0, 3, 1, 2]), size: size, mode: .bilinear)
  return gridSample(x, fine.permuted([0, 2, 3, 1]), mode: mode)
}
