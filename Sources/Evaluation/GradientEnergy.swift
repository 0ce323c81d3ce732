import Torch

/// The mean square of the steps between neighbouring pixels, across and down, of pictures as bytes: what blur takes away
/// first.
///
/// - Parameter pictures: uint8 [N, C, H, W], 2 pixels or more a side.
/// - Returns: of values in 0...1.
public func gradientEnergy(of pictures: Tensor) -> Double {
  let some = batchSize(of: pictures, atMost: 256)
  let parts = stride(from: 0, to: pictures.size(0), by: some).map { start -> Double in
    let x = pictures[start..<min(start + some, pictures.size(0))].to(.float32) / 255
    return [2, 3].reduce(0.0) { sum, dim in
      let count = x.size(dim) - 1
      let steps = x.narrowed(dim: dim, from: 1, count: count) - x.narrowed(dim: dim, from: 0, count: count)
      return sum + square(steps).flattened(from: 1).mean(dims: [1]).sum().item()
    }
  }
  return parts.reduce(0, +) / Double(2 * pictures.size(0))
}

/// How many pictures [N, C, H, W] to work on at a time, so that large ones, too, stay within some 100 MB.
func batchSize(of pictures: Tensor, atMost most: Int) -> Int {
  max(8, min(most, (8 << 20) / max(1, pictures.shape.dropFirst().reduce(1, *))))
}
