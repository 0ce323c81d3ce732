import Torch

/// How much pixels differ across the edges of pictures laid side by side, over how much neighbours inside differ: near 1
/// where no seam is to be seen.
public struct SeamMeter {
  private var (across, inside) = (0.0, 0.0)

  public init() {}

  /// - Parameter pictures: uint8 [N, C, H, W], at least 2 px a side.
  public mutating func add(_ pictures: Tensor) {
    for start in stride(from: 0, to: pictures.size(0), by: 64) {
      let some = pictures[start..<min(start + 64, pictures.size(0))].to(.float32)
      for dim in [2, 3] {
        let steps = abs(some - some.rolled(by: [1], dims: [dim]))
        let edge = steps.narrowed(dim: dim, from: 0, count: 1)
        let others = steps.narrowed(dim: dim, from: 1, count: steps.size(dim) - 1)
        let share = Double(some.size(0))
        across += edge.mean().item() * share
        inside += others.mean().item() * share
      }
    }
  }

  /// The mean over rows and columns of all pictures that were added.
  public var ratio: Double { across / max(inside, 1e-9) }
}
