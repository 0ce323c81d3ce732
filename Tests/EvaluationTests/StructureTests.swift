import Foundation
import Evaluation
import Testing
import Torch

/// The structural similarity against its definition.
@Suite struct StructureTests {
  @Test func flatPicturesDifferByBrightnessAlone() {
    let a = Tensor.full([1, 1, 20, 24], 0.8), b = Tensor.full([1, 1, 20, 24], 0.3)
    let wanted = (2 * 0.8 * 0.3 + 1e-4) / (0.8 * 0.8 + 0.3 * 0.3 + 1e-4)
    #expect(abs(structuralSimilarity(a, b).item() - wanted) < 1e-4)
    #expect(abs(structuralSimilarity(a, a).item() - 1) < 1e-6)
  }

  /// Equation 13 at one place, summed in plain numbers.
  @Test func aWindowIsThePapers() {
    var noise = Noise(seed: 3)
    let a = noise.uniform([1, 1, 11, 11]), b = noise.uniform([1, 1, 11, 11])
    let (x, y) = (a.doubles, b.doubles)
    var weights = (0..<121).map { i -> Double in
      let (dy, dx) = (Double(i / 11 - 5), Double(i % 11 - 5))
      return Foundation.exp(-(dy * dy + dx * dx) / 4.5)
    }
    let sum = weights.reduce(0, +)
    weights = weights.map { $0 / sum }
    func mean(_ f: (Int) -> Double) -> Double { (0..<121).reduce(0) { $0 + weights[$1] * f($1) } }
    let (mx, my) = (mean { x[$0] }, mean { y[$0] })
    let (vx, vy) = (mean { pow(x[$0] - mx, 2) }, mean { pow(y[$0] - my, 2) })
    let both = mean { (x[$0] - mx) * (y[$0] - my) }
    let wanted = (2 * mx * my + 1e-4) * (2 * both + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4))
    #expect(abs(structuralSimilarity(a, b).item() - wanted) < 1e-5)
  }
}
