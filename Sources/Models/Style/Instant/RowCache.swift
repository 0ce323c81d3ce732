import Torch

/// Rows of numbers kept by number, many in one block of memory each.
///
/// Kept one by one among what a step allocates and frees, they hold its memory in pieces that nothing large fits in: a
/// training run that looked at a new painting each step grew by 25 MB a painting.
final class RowCache {
  private var blocks: [Tensor] = []
  private var places: [Int: Int] = [:]
  private let limit: Int
  /// From this size on a block is given back to the system by itself, in bytes.
  private static let blockBytes = 64 << 20

  /// - Parameter limit: rows kept at most.
  init(limit: Int) { self.limit = limit }

  /// Rows by their numbers, [numbers, C]; those that aren't there are computed, [1, C], float32.
  func rows(_ numbers: [Int], compute: (Int) -> Tensor) -> Tensor {
    let found = numbers.enumerated().map { i, number in self[number] ?? keep(compute(i), as: number) }
    return Tensor.concatenated(found)
  }

  private subscript(number: Int) -> Tensor? {
    guard let place = places[number] else { return nil }
    let count = blocks[0].size(0)
    return blocks[place / count].narrowed(dim: 0, from: place % count, count: 1)
  }

  private func keep(_ row: Tensor, as number: Int) -> Tensor {
    let place = places.count
    guard place < limit else { return row }
    let count = blocks.first?.size(0) ?? max(1, Self.blockBytes / (4 * row.size(1)))
    if place / count == blocks.count { blocks.append(Tensor.zeros([count, row.size(1)], on: row.device)) }
    withoutGradients { blocks[place / count].narrowed(dim: 0, from: place % count, count: 1).copy(from: row) }
    places[number] = place
    return row
  }
}
