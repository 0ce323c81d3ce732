import Networks
import Torch

/// Points of a picture that move with its parts, and how its surroundings are turned, stretched and sheared there.
struct Keypoints {
  /// x and y, -1 and 1 being the picture's edges: [N, K, 2].
  let places: Tensor
  /// [N, K, 2, 2]; only their changes mean something.
  let jacobians: Tensor

  subscript(_ range: Range<Int>) -> Keypoints { Keypoints(places: places[range], jacobians: jacobians[range]) }
  func detached() -> Keypoints { Keypoints(places: places.detached(), jacobians: jacobians.detached()) }
}

/// Finds keypoints that nobody named (Siarohin et al. 2019, section 3.1): where a map is high on average, and what another
/// map says there.
final class KeypointDetector: Module {
  let hourglass: Hourglass, places: Conv2d, jacobians: Conv2d
  private let count: Int, reduction: Int
  /// Of the softmax over a map's places.
  private static let temperature = 0.1

  /// - Parameter reduction: how many times smaller it sees the picture.
  init(channels: Int, count: Int, width: Int, reduction: Int) {
    (self.count, self.reduction) = (count, reduction)
    hourglass = Hourglass(channels, width: width)
    places = Conv2d(width, count, kernel: 3, padding: 1)
    jacobians = Conv2d(width, 4 * count, kernel: 3, padding: 1)
  }

  /// The first answer is that nothing is turned.
  func fill(_ noise: inout Noise, as scheme: Initialization) {
    jacobians.weight.fill(0)
    jacobians.bias!.copy(from: Tensor((0..<count).flatMap { _ in [1, 0, 0, 1] as [Float] }))
  }

  /// - Parameter x: [N, C, H, W] in 0...1.
  func callAsFunction(_ x: Tensor) -> Keypoints {
    let features = hourglass(reduction > 1 ? averagePool2d(x, kernel: reduction) : x)
    let (n, height, width) = (x.size(0), features.size(2), features.size(3))
    let maps = places(features).to(.float32).reshaped([n, count, height * width])
    let weights = softmax(maps / Self.temperature, dim: 2)
    let grid = Models.places(height, width, on: x.device).reshaped([height * width, 2])
    let turns = jacobians(features).to(.float32).reshaped([n, count, 4, height * width])
    return Keypoints(
      places: weights.matmul(grid),
      jacobians: (turns * weights.unsqueezed(2)).sum(dims: [3]).reshaped([n, count, 2, 2]))
  }
}

/// Of matrices [..., 2, 2].
func inverse2x2(_ x: Tensor) -> Tensor {
  let f = x.flattened(from: -2)
  func part(_ i: Int) -> Tensor { f.narrowed(dim: -1, from: i, count: 1) }
  let (a, b, c, d) = (part(0), part(1), part(2), part(3))
  let adjugate = Tensor.concatenated([d, -b, -c, a], dim: -1)
  return (adjugate / (a * d - b * c)).reshaped(x.shape)
}

/// A wave of the hand over each keypoint: exp(-|z - p|² / 2σ²), σ² = 0.01, as [N, K, H, W].
func bumps(at places: Tensor, _ grid: Tensor) -> Tensor {
  let (n, k) = (places.size(0), places.size(1))
  let difference = grid - places.reshaped([n, k, 1, 1, 2])
  return exp(square(difference).sum(dims: [4]) * (-0.5 / 0.01))
}
