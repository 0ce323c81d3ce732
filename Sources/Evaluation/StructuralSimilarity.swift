import Foundation
import Torch

/// How alike the structure of two pictures is, 1 when they are the same (Wang et al. 2004, equation 13, with its Gaussian
/// window of 11 px, deviation 1.5; mean over all places that have a whole window).
///
/// - Parameters:
///   - a, b: grey pictures [N, 1, H, W] in 0...1, both sides 11 px or more.
/// - Returns: [N].
public func structuralSimilarity(_ a: Tensor, _ b: Tensor) -> Tensor {
  // A variance is the difference of two numbers that are nearly the same.
  let (a, b) = (a.to(.float64), b.to(.float64))
  let side = 11
  let line = (0..<side).map { i -> Float in
    let x = Double(i - side / 2) / 1.5
    return Float(Foundation.exp(-x * x / 2))
  }
  let row = Tensor(line) / Double(line.reduce(0, +))
  let window = matmul(row.unsqueezed(1), row.unsqueezed(0)).reshaped([1, 1, side, side]).to(.float64).to(a.device)
  func mean(_ x: Tensor) -> Tensor { conv2d(x, window, nil) }
  let (x, y) = (mean(a), mean(b))
  let (xx, yy, xy) = (mean(square(a)) - square(x), mean(square(b)) - square(y), mean(a * b) - x * y)
  let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
  let similar = ((2 * x * y + c1) * (2 * xy + c2)) / ((square(x) + square(y) + c1) * (xx + yy + c2))
  return similar.mean(dims: [1, 2, 3])
}
