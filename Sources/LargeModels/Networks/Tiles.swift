import Torch

/// How a picture that is too large to be decoded or encoded at once is cut: tiles that overlap, with seams that fade into each other.
public struct Tiling: Equatable, Sendable {
  /// The side of a tile in pixels; a multiple of 64.
  public var side: Int
  /// How much neighbours share, in pixels.
  public var overlap: Int

  public init(side: Int = 768, overlap: Int = 128) {
    precondition(
      side % 64 == 0 && overlap % 64 == 0 && (0..<side).contains(2 * overlap), "tiles of \(side) px share \(overlap)")
    (self.side, self.overlap) = (side, overlap)
  }

  /// Where tiles of `side` begin along `length`: evenly spread, the first at 0, the last at the end, each sharing at least `overlap`.
  static func starts(length: Int, side: Int, overlap: Int) -> [Int] {
    guard length > side else { return [0] }
    let count = (length - overlap + side - overlap - 1) / (side - overlap)
    return (0..<count).map { $0 * (length - side) / (count - 1) }
  }
}

/// Applies `body` to overlapping tiles of `x` [N, C, H, W] and puts the results together, weighted so that each fades towards its edges.
///
/// - Parameters:
///   - side: and `overlap`, in pixels of `x`.
///   - scale: the size of a result beside that of its tile, as a fraction: (8, 1) enlarges eight times.
///   - body: is given [N, C, side, side] or less.
func tiled(_ x: Tensor, side: Int, overlap: Int, scale: (up: Int, down: Int), _ body: (Tensor) -> Tensor) -> Tensor {
  let (height, width) = (x.size(2), x.size(3))
  guard height > side || width > side else { return body(x) }
  let (tall, wide) = (min(side, height), min(side, width))
  let rows = Tiling.starts(length: height, side: tall, overlap: overlap)
  let columns = Tiling.starts(length: width, side: wide, overlap: overlap)
  func out(_ length: Int) -> Int { length * scale.up / scale.down }
  var (sum, weights): (Tensor?, Tensor?) = (nil, nil)
  for top in rows {
    for left in columns {
      let tile = body(x.narrowed(dim: 2, from: top, count: tall).narrowed(dim: 3, from: left, count: wide).contiguous())
      let faded =
        fade(tile.size(2), out(overlap), atStart: top > 0, atEnd: top + tall < height).unsqueezed(1)
        * fade(tile.size(3), out(overlap), atStart: left > 0, atEnd: left + wide < width).unsqueezed(0)
      if sum == nil {
        sum = Tensor.zeros([x.size(0), tile.size(1), out(height), out(width)])
        weights = Tensor.zeros([out(height), out(width)])
      }
      func place(_ whole: Tensor, _ part: Tensor) {
        whole.narrowed(dim: -2, from: out(top), count: tile.size(2))
          .narrowed(dim: -1, from: out(left), count: tile.size(3)).add(part)
      }
      place(sum!, tile.to(.cpu).to(.float32) * faded)
      place(weights!, faded)
    }
  }
  return sum! / weights!
}

/// 1 in the middle, rising from almost 0 over `length` at each side that has a neighbour: [count].
private func fade(_ count: Int, _ length: Int, atStart: Bool, atEnd: Bool) -> Tensor {
  var values = [Float](repeating: 1, count: count)
  for i in 0..<min(length, count) {
    let rise = (Float(i) + 0.5) / Float(length)
    if atStart { values[i] *= rise }
    if atEnd { values[count - 1 - i] *= rise }
  }
  return Tensor(values)
}
