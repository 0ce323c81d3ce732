import Torch

/// The mean square of the steps between neighbouring pixels, across and down, of pictures as bytes: what blur takes away
/// first.
///
/// - Parameter pictures: uint8 [N, C, H, W], 2 pixels or more a side.
/// - Returns: of values in 0...1.
public func gradientEnergy(of pictures: Tensor) -> Double {
  let parts = stride(from: 0, to: pictures.size(0), by: 256).map { start -> Double in
    let x = pictures[start..<min(start + 256, pictures.size(0))].to(.float32) / 255
    return [2, 3].reduce(0.0) { sum, dim in
      let count = x.size(dim) - 1
      let steps = x.narrowed(dim: dim, from: 1, count: count) - x.narrowed(dim: dim, from: 0, count: count)
      return sum + square(steps).flattened(from: 1).mean(dims: [1]).sum().item()
    }
  }
  return parts.reduce(0, +) / Double(2 * pictures.size(0))
}
