import Torch

/// The low-pass filter of the wavelet Symlet 6 (Daubechies 1992, table 6.3): orthonormal to itself moved by two, so that
/// enlarging and reducing by it give back what was there.
let symlet6: [Double] = [
  0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
  0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
  0.0017677118642428036, -0.007800708325034148,
]

/// Where a pixel is among those that it is enlarged to: pixel i is about 2 i + this.
private let middleOfFilter = symlet6.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element } / 2.0.squareRoot()

/// Pictures [N, C, H, W] moved to other places, mirrored at their edges: enlarged by a filter, sampled between pixels, and
/// reduced by the filter (Karras et al. 2020, appendix B.2).
///
/// Moving by whole pixels is as exact as the filter is; flips aren't, since it has a direction: see `blitted`.
func placed(_ x: Tensor, _ placements: [Placement]) -> Tensor {
  let moving = placements.indices.filter { placements[$0] != .identity }
  guard !moving.isEmpty else { return x }
  guard moving.count < placements.count else { return allPlaced(x, placements) }
  // Most stay where they are, which costs nothing.
  let moved = allPlaced(x.indexSelected(dim: 0, indices: Tensor(moving).to(x.device)), moving.map { placements[$0] })
  var sources = Array(0..<placements.count)
  for (position, i) in moving.enumerated() { sources[i] = placements.count + position }
  return Tensor.concatenated([x, moved]).indexSelected(dim: 0, indices: Tensor(sources).to(x.device))
}

private func allPlaced(_ x: Tensor, _ placements: [Placement]) -> Tensor {
  precondition(placements.count == x.size(0), "a placement for each picture")
  let size = PictureSize(of: x), (halfWidth, halfHeight) = size.halves
  let back = placements.map(\.inverted)
  // As far out of the picture as any corner comes from, and half of the filter.
  let corners = [(-1.0, -1.0), (-1, 1), (1, -1), (1, 1)].map { (halfWidth * $0.0, halfHeight * $0.1) }
  let reaches = back.flatMap { placement in corners.map { placement($0.0, $0.1) } }
  func margin(_ reach: Double, _ half: Double, _ length: Int) -> Int {
    min(length - 1, max(0, Int((reach - half).rounded(.up))) + symlet6.count / 2)
  }
  let left = margin(reaches.map { abs($0.x) }.max()!, halfWidth, size.width)
  let top = margin(reaches.map { abs($0.y) }.max()!, halfHeight, size.height)
  let filter = Tensor(symlet6, shape: [1, 1, 12]).to(x.dtype).to(x.device)
  let around = pad(x, [left, left, top, top], mode: .reflect)
  let large = along(around) { convTranspose1d($0, filter, stride: [2]) }

  // From a place among the enlarged pixels to coordinates about the middle, back by the placement, and to the place where
  // that is among the enlarged ones of the padded picture, which are in -1...1.
  func line(_ length: Int, _ half: Double) -> Tensor {
    (Tensor.arange(2 * (length - 1) + symlet6.count, dtype: .float64) - middleOfFilter) / 2 - half
  }
  let ways = Tensor(back.flatMap { [$0.a, $0.b, $0.c, $0.d, $0.e, $0.f] }, shape: [back.count, 6])
  func way(_ i: Int) -> Tensor { ways.narrowed(dim: 1, from: i, count: 1).reshaped([-1, 1, 1]) }
  let across = line(size.width, halfWidth).reshaped([1, 1, -1]),
    down = line(size.height, halfHeight).reshaped([1, -1, 1])
  func place(_ u: Tensor, _ half: Double, _ margin: Int, _ dim: Int) -> Tensor {
    ((u + half + Double(margin)) * 2 + middleOfFilter + 0.5) * (2 / Double(large.size(dim))) - 1
  }
  let x0 = way(0) * across + way(1) * down + way(2), y0 = way(3) * across + way(4) * down + way(5)
  let grid = Tensor.stacked([place(x0, halfWidth, left, 3), place(y0, halfHeight, top, 2)], dim: 3)
  let moved = gridSample(large, grid.to(x.dtype).to(x.device), padding: .border)
  return along(moved) { conv1d($0, filter, stride: [2]) }
}

/// Pictures [N, C, H, W] with whole pixels moved to other places, mirrored at their edges; exact.
///
/// - Parameter placements: of flips, quarter turns (half ones where a picture isn't square) and moves by whole pixels.
func blitted(_ x: Tensor, _ placements: [Placement]) -> Tensor {
  if placements.allSatisfy({ $0 == .identity }) { return x }
  let n = x.size(0), size = PictureSize(of: x), (halfWidth, halfHeight) = size.halves
  func inside(_ place: Double, _ half: Double, _ length: Int) -> Int {
    let i = abs(Int((place + half).rounded()))
    return i < length ? i : 2 * (length - 1) - i
  }
  let sources = placements.flatMap { placement -> [Int] in
    let back = placement.inverted
    return (0..<size.pixels).map { k in
      let (u, v) = back(Double(k % size.width) - halfWidth, Double(k / size.width) - halfHeight)
      return inside(v, halfHeight, size.height) * size.width + inside(u, halfWidth, size.width)
    }
  }
  let index = Tensor(sources, shape: [n, 1, size.pixels]).to(x.device).expanded([n, x.size(1), size.pixels])
  return x.contiguous().reshaped([n, x.size(1), -1]).gathered(dim: 2, index: index).reshaped(x.shape)
}

extension PictureSize {
  /// From the first pixel's middle to the picture's.
  fileprivate var halves: (width: Double, height: Double) { (Double(width - 1) / 2, Double(height - 1) / 2) }
}

/// Applies a filter [N, 1, L] to [N, 1, L'] to all rows, and then to all columns.
private func along(_ x: Tensor, _ filter: (Tensor) -> Tensor) -> Tensor {
  var x = x
  for _ in 0..<2 {
    let shape = x.shape
    let lines = filter(x.contiguous().reshaped([shape[0] * shape[1] * shape[2], 1, shape[3]]))
    x = lines.reshaped([shape[0], shape[1], shape[2], -1]).transposed(2, 3)
  }
  return x.contiguous()
}
