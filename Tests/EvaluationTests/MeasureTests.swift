import Foundation
import TestSupport
import Testing
import Torch

@testable import Evaluation

/// Tensors beside the script of that name in `Tests/Goldens`.
func golden(_ name: String) throws -> [String: Tensor] { try Checkout.golden(name).tensors }

/// Rows whose sample mean is 0 and sample covariance the identity, exactly.
private func whitened(_ n: Int, _ d: Int, _ noise: inout Noise) -> Tensor {
  let x = noise.normal([n, d], dtype: .float64)
  let centred = x - x.mean(dims: [0])
  let factor = cholesky(matmul(centred.T, centred) / Double(n - 1))
  return solveTriangular(factor, centred.T, upper: false).T
}

@Suite struct MeasureTests {
  @Test func agreesWithTheDefinitionsInPython() throws {
    let (g, tolerance) = (try golden("measures"), 1e-9)  // Both in float64; sums in another order.
    let (a, b) = (try #require(g["a"]), try #require(g["b"]))
    var noise = Noise(seed: 0)
    #expect(abs(KernelDistance(between: a, and: b, noise: &noise).value - g["kid"]!.item()) < tolerance)
    #expect(abs(frechetDistance(a, b) - g["fid"]!.item()) < tolerance)
    let found = Neighbours(generated: a, real: b)
    let expected = try #require(g["neighbours"]).doubles
    #expect([found.precision, found.recall, found.density, found.coverage] == expected)
  }

  @Test func fidOfTwoNormalDistributions() {
    var noise = Noise(seed: 1)
    let x = whitened(200, 4, &noise)
    let y = whitened(300, 4, &noise)
    let first = Tensor([1, 2, 3, 4] as [Double])
    let second = Tensor([2, 2, 1, 0.5] as [Double])
    let shift = Tensor([1, -2, 0, 0.5] as [Double])
    // Diagonal covariances: ‖Δμ‖² + Σ (σ₁ - σ₂)² = 5.25 + 1 + 0 + 4 + 12.25.
    #expect(abs(frechetDistance(x * first, y * second + shift) - 22.5) < 1e-9)
    #expect(frechetDistance(x, x) < 1e-9)
  }

  @Test func fidWithFewerPicturesThanFeaturesIsFinite() {
    var noise = Noise(seed: 2)
    let value = frechetDistance(noise.normal([8, 64]), noise.normal([9, 64]))
    #expect(value.isFinite)
    #expect(value > 0)
  }

  @Test func kidOfOneDistributionIsNearNothingAndOfTwoIsNot() {
    var noise = Noise(seed: 3)
    let (x, y) = (noise.normal([400, 32]), noise.normal([500, 32]))
    let same = KernelDistance(between: x, and: y, noise: &noise)
    #expect(abs(same.value) < 4 * same.error)
    let other = KernelDistance(between: x, and: y + 0.3, noise: &noise)
    #expect(other.value > 10 * other.error)
  }

  @Test func theErrorOfKidIsThatOfRepeatedDraws() {
    var noise = Noise(seed: 4)
    var (values, errors): ([Double], [Double]) = ([], [])
    for _ in 0..<40 {
      let x = noise.normal([200, 8])
      let y = noise.normal([200, 8]) + 0.5
      let distance = KernelDistance(between: x, and: y, noise: &noise)
      values.append(distance.value)
      errors.append(distance.error)
    }
    let mean = values.reduce(0, +) / 40
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 39).squareRoot()
    let claimed = errors.reduce(0, +) / 40
    // Subsets overlap, and 40 draws tell a spread to about 11 %.
    #expect(claimed > 0.5 * spread)
    #expect(claimed < 2 * spread)
  }

  @Test func manyRowsAreTheSameAsFew() {
    var noise = Noise(seed: 5)
    let (x, y) = (noise.normal([1500, 4]), noise.normal([1200, 4]))
    let whole = Neighbours(generated: x, real: y)
    let order = Tensor(noise.permutation(1500))
    let shuffled = Neighbours(generated: x[order], real: y)
    #expect(whole == shuffled)
    #expect(whole.precision > 0.9)
    #expect(whole.coverage > 0.9)
  }

  @Test func aGeneratorThatRepeatsOnePictureIsPreciseButCoversNothing() {
    var noise = Noise(seed: 7)
    let real = noise.normal([100, 8])
    let collapsed = real[0].unsqueezed(0).repeated([60, 1]) + noise.normal([60, 8]) * 1e-3
    let found = Neighbours(generated: collapsed, real: real)
    #expect(found.precision == 1)
    #expect(found.recall < 0.05)
    #expect(found.coverage < 0.5)
  }

  @Test func modesAreCounted() {
    let modes = Modes([0, 0, 1, 3, -1], of: 4)
    #expect(modes.found == 3)
    #expect(modes.good == 0.8)
    // ½ ln 2 + 2 · ¼ ln 1.
    #expect(abs(modes.divergence - 0.5 * Foundation.log(2)) < 1e-12)
    #expect(Modes([0, 1, 2, 3], of: 4).divergence == 0)
    #expect(Modes([], of: 4) == Modes([-1], of: 4) || Modes([], of: 4).found == 0)
  }

  @Test func pointsBelongToTheNearestCentreWithinThreeDeviations() {
    let centres = Tensor([0, 0, 1, 0] as [Double], shape: [2, 2])
    let points = Tensor([0.1, 0.1, 0.8, 0, 0.5, 0, 1, 0.29, 1, 0.31] as [Double], shape: [5, 2])
    let modes = Modes(of: points, around: centres, σ: 0.1)
    #expect(modes.found == 2)
    #expect(modes.good == 0.6)
  }
}
