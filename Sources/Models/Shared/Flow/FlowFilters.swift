import Torch

// Filters of pictures [N, C, H, W] that optical flow is made of; beyond the border lie the border's pixels.

/// Derivatives across and down by five points, [1, −8, 0, 8, −1] / 12 (Wedel et al. 2009, section 3).
func fivePointDerivatives(_ x: Tensor) -> (x: Tensor, y: Tensor) {
  func along(_ dim: Int) -> Tensor {
    let padded = pad(x, dim == 3 ? [2, 2, 0, 0] : [0, 0, 2, 2], mode: .replicate)
    func shifted(_ start: Int) -> Tensor { padded.narrowed(dim: dim, from: start, count: x.size(dim)) }
    return (shifted(3) - shifted(1)) * (8.0 / 12) - (shifted(4) - shifted(0)) * (1.0 / 12)
  }
  return (along(3), along(2))
}

/// The median of each 3 × 3 neighbourhood, by the nineteen exchanges of Paeth's network (Graphics Gems 1990).
func median3x3(_ x: Tensor) -> Tensor {
  let (height, width) = (x.size(2), x.size(3))
  let padded = pad(x, [1, 1, 1, 1], mode: .replicate)
  var v = (0..<9).map {
    padded.narrowed(dim: 2, from: $0 / 3, count: height).narrowed(dim: 3, from: $0 % 3, count: width)
  }
  for (i, j) in [
    (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7), (3, 6), (1, 4),
    (2, 5), (4, 7), (4, 2), (6, 4), (4, 2),
  ] {
    (v[i], v[j]) = (minimum(v[i], v[j]), maximum(v[i], v[j]))
  }
  return v[4]
}

/// The differences to the next pixel across and down, 0 at the last: [N, 2C, H, W], all across first.
func forwardGradient(_ u: Tensor) -> Tensor {
  let (height, width) = (u.size(2), u.size(3))
  let x = u.narrowed(dim: 3, from: 1, count: width - 1) - u.narrowed(dim: 3, from: 0, count: width - 1)
  let y = u.narrowed(dim: 2, from: 1, count: height - 1) - u.narrowed(dim: 2, from: 0, count: height - 1)
  return Tensor.concatenated([pad(x, [0, 1, 0, 0]), pad(y, [0, 0, 0, 1])], dim: 1)
}

/// Minus the transpose of `forwardGradient`, of fields that are 0 at its last pixels: [N, 2C, H, W] to [N, C, H, W].
func divergence(_ p: Tensor) -> Tensor {
  let (height, width) = (p.size(2), p.size(3))
  let halves = p.chunks(2, dim: 1)
  let left = pad(halves[0].narrowed(dim: 3, from: 0, count: width - 1), [1, 0, 0, 0])
  let above = pad(halves[1].narrowed(dim: 2, from: 0, count: height - 1), [0, 0, 1, 0])
  return halves[0] - left + halves[1] - above
}
