import Foundation
import Torch

/// Where the patches of a clip come from, by their first corners in frames, rows and columns of a source.
///
/// `ClipVariation`'s; it looks for nearer ones as PatchMatch does (Barnes et al. 2009).
struct PatchField {
  /// float64 [frames, rows, columns] each, whole numbers.
  private(set) var t: Tensor, y: Tensor, x: Tensor
  /// Patches of the source: frames, down and across.
  let extent: [Int]
  /// Pixels from a patch to the next one, down and across.
  let stride: Int

  init(t: Tensor, y: Tensor, x: Tensor, extent: [Int], stride: Int) {
    (self.t, self.y, self.x, self.extent, self.stride) = (t, y, x, extent, stride)
  }

  /// The same places in a larger clip and source.
  ///
  /// - Parameter shape: frames, rows and columns of the new field.
  func enlarged(to shape: [Int], _ extent: [Int], stride: Int) -> PatchField {
    let old = t.shape
    // Each place's partner in this field, along one side, and what rounding took away, in the source's pixels.
    func partners(_ dim: Int) -> (then: Tensor, rest: Tensor) {
      let isTime = dim == 0
      let (step, before) = (isTime ? 1 : stride, isTime ? 1 : self.stride)
      let scale = Double(max(1, (old[dim] - 1) * before)) / Double(max(1, (shape[dim] - 1) * step))
      let then = (0..<shape[dim]).map { i in
        min(old[dim] - 1, Int((Double(i * step) * scale / Double(before)).rounded()))
      }
      let rest = then.enumerated().map { i, k in Double(i * step) - Double(k * before) / scale }
      return (Tensor(then), Tensor(rest))
    }
    let each = (0..<3).map(partners)
    func moved(_ field: Tensor, _ dim: Int) -> Tensor {
      var found = field
      for d in 0..<3 { found = found.indexSelected(dim: d, indices: each[d].then) }
      let scale = Double(max(1, extent[dim] - 1)) / Double(max(1, self.extent[dim] - 1))
      var side = [1, 1, 1]
      side[dim] = shape[dim]
      return clamp(round(found * scale + each[dim].rest.reshaped(side)), min: 0, max: Double(extent[dim] - 1))
    }
    return PatchField(t: moved(t, 0), y: moved(y, 1), x: moved(x, 2), extent: extent, stride: stride)
  }

  /// Looks for nearer patches where the neighbours' are, and by chance around one's own.
  ///
  /// - Parameters:
  ///   - queries: [frames, rows, columns, components].
  ///   - keys: [places of the source, components].
  mutating func refine(_ queries: Tensor, _ keys: Tensor, spread: Int, _ noise: inout Noise) {
    let wanted = queries.flattened(to: 2)
    let most = extent.map { Double($0 - 1) }
    let (rows, columns) = (Double(extent[1]), Double(extent[2]))
    func distance(_ t: Tensor, _ y: Tensor, _ x: Tensor) -> Tensor {
      let index = ((t * rows + y) * columns + x).to(.int64).flattened()
      return square(wanted - keys.indexSelected(dim: 0, indices: index)).sum(dims: [1]).reshaped(t.shape)
    }
    var (t, y, x) = (t, y, x)
    var best = distance(t, y, x)
    func look(_ other: [Tensor]) {
      let inside = zip(other, most).map { clamp($0, min: 0, max: $1) }
      let found = distance(inside[0], inside[1], inside[2])
      let isNearer = found.less(than: best)
      t = whereTrue(isNearer, inside[0], t)
      y = whereTrue(isNearer, inside[1], y)
      x = whereTrue(isNearer, inside[2], x)
      best = whereTrue(isNearer, found, best)
    }
    for (dt, dy, dx) in [(0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)] {
      let shift = [dt, dy * spread, dx * spread]
      // Patches wrapped around from the other edge are just looked at in vain.
      let (fromT, fromY, fromX) = (
        t.rolled(by: shift, dims: [0, 1, 2]), y.rolled(by: shift, dims: [0, 1, 2]),
        x.rolled(by: shift, dims: [0, 1, 2])
      )
      look([fromT + Double(dt), fromY + Double(dy * spread * stride), fromX + Double(dx * spread * stride)])
    }
    for _ in 0..<2 {
      let reach = Double(spread)
      let chance = round(noise.uniform([3] + t.shape, from: -reach, to: reach, dtype: .float64).to(t.device))
      look([t + chance[0], y + chance[1], x + chance[2]])
    }
    (self.t, self.y, self.x) = (t, y, x)
  }
}
