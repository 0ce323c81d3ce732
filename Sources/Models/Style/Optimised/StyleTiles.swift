import Torch

/// How a picture is cut, so that the network's memory is bounded, and yet each place sees what it would see in the
/// whole picture.
///
/// Tiles begin at multiples of 16 px, on which the network's pools agree, and are seen with a margin as wide as a
/// feature of relu5_1 looks. So the features inside are those of the whole picture, and there is no seam to hide.
struct StyleTiles {
  /// Part of a picture, in pixels.
  struct Tile: Equatable {
    /// The part whose gradient is used.
    let inner: Rectangle
    /// What the network is shown: `inner` and the margin, as far as the picture goes.
    let outer: Rectangle
  }
  struct Rectangle: Equatable {
    let y: Range<Int>, x: Range<Int>
  }

  /// Radius of what relu5_1 sees in VGG19 (86 px; 70 in VGG16), up to a multiple of 16.
  static let margin = 96
  static let step = 16

  let tiles: [Tile]

  /// - Parameters:
  ///   - side: of a tile with its margins, at most; a multiple of `step` is taken. nil doesn't cut.
  ///   - margin: what a tile is shown around it.
  ///   - step: tiles begin at its multiples.
  init(height: Int, width: Int, side: Int?, margin: Int = StyleTiles.margin, step: Int = StyleTiles.step) {
    let inner = side.map { max(step, ($0 - 2 * margin) / step * step) }
    let rows = Self.cuts(height, inner, margin, step), columns = Self.cuts(width, inner, margin, step)
    let isWhole = rows.count == 1 && columns.count == 1
    tiles = rows.flatMap { y in
      columns.map { x in
        let inner = Rectangle(y: y, x: x)
        return Tile(inner: inner, outer: isWhole ? inner : Self.widened(inner, height, width, margin))
      }
    }
  }

  private static func cuts(_ length: Int, _ side: Int?, _ margin: Int, _ step: Int) -> [Range<Int>] {
    guard let side, length > side + 2 * margin else { return [0..<length] }
    // Of about the same size: a sliver at the end would cost as much as a tile.
    let count = (length + side - 1) / side
    let each = ((length + count - 1) / count + step - 1) / step * step
    return stride(from: 0, to: length, by: each).map { $0..<min($0 + each, length) }
  }

  private static func widened(_ r: Rectangle, _ height: Int, _ width: Int, _ margin: Int) -> Rectangle {
    Rectangle(
      y: max(0, r.y.lowerBound - margin)..<min(height, r.y.upperBound + margin),
      x: max(0, r.x.lowerBound - margin)..<min(width, r.x.upperBound + margin))
  }
}

extension StyleTiles.Rectangle {
  /// The same part of features whose pixels are `scale` times as large; what a pool cuts off at the end is not there.
  func divided(by scale: Int, within size: (height: Int, width: Int)) -> StyleTiles.Rectangle {
    let cut = { (r: Range<Int>, length: Int) in
      // The last tile ends where the features do.
      min(r.lowerBound / scale, length)..<min((r.upperBound + scale - 1) / scale, length)
    }
    return StyleTiles.Rectangle(y: cut(y, size.height), x: cut(x, size.width))
  }

  /// Relative to another's corner.
  func relative(to other: StyleTiles.Rectangle) -> StyleTiles.Rectangle {
    StyleTiles.Rectangle(
      y: y.lowerBound - other.y.lowerBound..<y.upperBound - other.y.lowerBound,
      x: x.lowerBound - other.x.lowerBound..<x.upperBound - other.x.lowerBound)
  }

  var isEmpty: Bool { x.isEmpty || y.isEmpty }
}

extension Tensor {
  /// A view of part of [N, C, H, W].
  func cut(_ r: StyleTiles.Rectangle) -> Tensor {
    narrowed(dim: 2, from: r.y.lowerBound, count: r.y.count).narrowed(dim: 3, from: r.x.lowerBound, count: r.x.count)
  }
}
