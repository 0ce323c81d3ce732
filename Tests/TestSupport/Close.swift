import Testing
import Torch

/// Expects numbers as near as rounding allows.
///
/// - Parameters:
///   - tolerance: of the largest magnitude among `theirs`, or of `scale`.
///   - least: the smallest magnitude that is divided by.
///   - reshapes: whether only the order of the numbers matters.
public func expectClose(
  _ mine: Tensor, _ theirs: Tensor, _ name: String, tolerance: Double, over scale: Double? = nil,
  least: Double = 1e-3, reshapes: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) {
  let fits = reshapes ? mine.count == theirs.count : mine.shape == theirs.shape
  #expect(fits, "\(name): \(mine.shape) for \(theirs.shape)", sourceLocation: sourceLocation)
  guard fits else { return }
  let (a, b) = (mine.to(.cpu).to(.float64), theirs.to(.cpu).to(.float64).reshaped(mine.shape))
  let error = abs(a - b).max().item() / max(least, scale ?? abs(b).max().item())
  #expect(error < tolerance, "\(name): \(error)", sourceLocation: sourceLocation)
}
