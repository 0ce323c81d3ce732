import Torch

import func Foundation.exp

/// Rec. 709 luma, [N, 1, H, W], of colours [N, 3, H, W].
public func luma(_ x: Tensor) -> Tensor {
  let weights = Tensor([0.2126, 0.7152, 0.0722] as [Float], shape: [1, 3, 1, 1]).to(x.device)
  return (x * weights).sum(dims: [1], keepDims: true)
}

/// Convolved with a Gaussian, pictures mirrored beyond their edges.
func blurred(_ x: Tensor, sigma: Double) -> Tensor {
  let radius = min(Int((3 * sigma).rounded(.up)), min(x.size(2), x.size(3)) - 1)
  let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
  let sum = weights.reduce(0, +)
  let (channels, count) = (x.size(1), weights.count)
  let row = Tensor(weights.map { Float($0 / sum) }, shape: [1, 1, 1, count]).to(x.device)
  let across = conv2d(
    pad(x, [radius, radius, 0, 0], mode: .reflect), row.expanded([channels, 1, 1, count]).contiguous(), nil,
    groups: channels)
  return conv2d(
    pad(across, [0, 0, radius, radius], mode: .reflect), row.T.expanded([channels, 1, count, 1]).contiguous(), nil,
    groups: channels)
}

extension PictureSize {
  /// A pixel by chance: its row and its column.
  func place(_ noise: inout Noise) -> [Int] { shape.map { noise.integers(below: $0, count: 1)[0] } }
}
