import Foundation
import TestSupport
import Testing
import Torch

@testable import Models

/// Gaussian processes beside scikit-learn (Tests/Goldens/gp.py), and what their paths promise.
@Suite struct GaussianProcessTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("gp").tensors
  }

  private static let kernels: [String: (kernel: Kernel, noise: Double)] = [
    "rbf": (.rbf(length: 1.3), 0.01),
    "matern32": (.matern32(length: 0.9), 0),
    "matern52": (.matern52(length: 2.1), 0.1),
    "periodic": (.periodic(period: 12.5, length: 0.8), 0.001),
    "mixed": (
      2.5 * Kernel.rbf(length: 3) * .periodic(period: 4, length: 0.7) + 0.5 * .matern32(length: 1.2) + 0.2 * .white,
      0.05
    ),
  ]

  private func difference(_ a: Tensor, _ b: Tensor) -> Double {
    #expect(a.shape == b.shape)
    return abs(a - b).max().item()
  }

  /// Float64 in both; the solves lose some digits.
  @Test(arguments: kernels.keys.sorted()) func equalsScikitLearn(_ name: String) throws {
    let (kernel, noise) = Self.kernels[name]!
    let times = golden["times"]!
    #expect(difference(kernel.covariance(times, times), golden["\(name)/kernel"]!) < 1e-12)
    let process = GaussianProcess(kernel, times: times.doubles, values: golden["values"]!, noiseVariance: noise)
    let (mean, covariance) = process.posterior(at: golden["between"]!.doubles)
    #expect(difference(mean, golden["\(name)/mean"]!) < 1e-8)
    #expect(difference(covariance, golden["\(name)/covariance"]!) < 1e-8)
    #expect(abs(process.logMarginalLikelihood().item() - golden["\(name)/likelihood"]!.item()) < 1e-8)
  }

  /// Theirs is by the logarithms, in an order of its own: a periodic kernel's length before its period.
  @Test(arguments: kernels.keys.sorted()) func gradientsByTheParametersEqualScikitLearns(_ name: String) throws {
    let (kernel, noise) = Self.kernels[name]!
    let process = GaussianProcess(
      kernel, times: golden["times"]!.doubles, values: golden["values"]!, noiseVariance: noise)
    let parameters = Tensor(kernel.parameters).requiringGradient()
    let likelihood = process.logMarginalLikelihood(parameters: parameters)
    #expect(abs(likelihood.item() - golden["\(name)/likelihood"]!.item()) < 1e-8)
    var slope = (gradients(of: likelihood, withRespectTo: [parameters])[0] * parameters).detached().doubles
    if name == "periodic" { slope.swapAt(0, 1) }
    if name == "mixed" { slope.swapAt(2, 3) }
    for (mine, theirs) in zip(slope, golden["\(name)/slope"]!.doubles) { #expect(Swift.abs(mine - theirs) < 1e-7) }
  }

  @Test func drawsHaveTheKernelsCovariance() {
    let times = [0, 0.5, 1.3, 2, 4]
    let kernel = 1.5 * Kernel.matern52(length: 1) + 0.3 * .white
    var noise = Noise(seed: 1)
    let draws = kernel.path(at: times, dimensions: 2000, noise: &noise)
    let x = Tensor(times)
    // Five standard errors of a covariance: 1.8 √(2 / 2000).
    #expect(difference(matmul(draws, draws.T) / 2000, kernel.covariance(x, x)) < 5 * 0.057)
  }

  @Test func conditionedDrawsHaveThePosteriorsMoments() {
    let keys = Tensor([1, -1, 0.5] as [Double], shape: [3, 1]).repeated([1, 2000])
    let process = GaussianProcess(.rbf(length: 1), times: [0, 1, 2.5], values: keys, noiseVariance: 0.1)
    let times = [0, 0.4, 1.7, 3]
    var noise = Noise(seed: 2)
    let draws = process.path(at: times, noise: &noise)
    let (mean, covariance) = process.posterior(at: times)
    // Five standard errors, of variances up to 1.
    #expect(difference(draws.mean(dims: [1]), mean.selected(dim: 1, index: 0)) < 5 * 0.023)
    #expect(difference(matmul(draws - mean, (draws - mean).T) / 2000, covariance) < 5 * 0.032)
  }

  @Test func theSameSeedDrawsTheSamePath() {
    let times = (0..<50).map { Double($0) / 10 }
    func drawn(_ seed: UInt64) -> Tensor {
      var noise = Noise(seed: seed)
      return Kernel.rbf(length: 1).path(at: times, dimensions: 3, noise: &noise)
    }
    #expect(drawn(1).isEqual(to: drawn(1)))
    #expect(!drawn(1).isEqual(to: drawn(2)))
  }

  @Test(arguments: [8.0, 7.3, 1 / 3.0]) func loopsCloseExactly(_ period: Double) {
    let kernel = 2.0 * Kernel.periodic(period: period, length: 1) + .periodic(period: period / 2, length: 0.7)
    #expect(kernel.period == period)
    let count = 90
    let times = (-count...2 * count).map { Double($0) * period / Double(count) }
    var noise = Noise(seed: 3)
    let free = kernel.path(at: times, dimensions: 4, noise: &noise)
    let keys = noise.normal([3, 4], dtype: .float64)
    // The last one is seen a period later.
    let places = [0, 0.3 * period, 1.7 * period]
    let process = GaussianProcess(kernel, times: places, values: keys)
    let held = process.path(at: times, noise: &noise)
    for path in [free, held, process.posterior(at: times).mean] {
      #expect(path[0..<2 * count].isEqual(to: path[count..<3 * count]))
      // It moves, and by small steps: 0.2 on average, where two independent places would be 24 apart.
      let steps = square(path[1..<3 * count] - path[0..<3 * count - 1]).sum(dims: [1])
      #expect(steps.min().item() > 0 && steps.max().item() < 2)
    }
    #expect(difference(held[count + 27][0..<4], keys[1]) < 1e-6)
    #expect(difference(held[count + 63][0..<4], keys[2]) < 1e-6)
  }

  @Test(arguments: [Kernel.rbf(length: 3), .matern32(length: 3), .matern52(length: 3), 0.5 * .rbf(length: 1) + .white])
  func pathsPassThroughTheKeyframes(_ kernel: Kernel) {
    let keys = Noise(seed: 4).fixed([5, 8])
    let process = GaussianProcess(kernel, times: [0, 2, 4, 6, 9], values: keys)
    var noise = Noise(seed: 5)
    let path = process.path(at: (0..<300).map { Double($0) / 30 }, noise: &noise)
    let hit = Tensor([0, 60, 120, 180, 270])
    #expect(difference(path[hit], keys) < 1e-6)
    #expect(difference(process.posterior(at: [0, 2, 4, 6, 9]).mean, keys) < 1e-6)
    #expect(process.posterior(at: [0, 2, 4, 6, 9]).covariance.diagonal().max().item() < 1e-6)
  }

  @Test func timesMayRepeatAndKeyframesContradict() {
    var noise = Noise(seed: 6)
    let path = Kernel.rbf(length: 1).path(at: [0, 1, 0], dimensions: 2, noise: &noise)
    #expect(path[0].isEqual(to: path[2]))
    let process = GaussianProcess(
      .rbf(length: 1), times: [1, 1], values: Tensor([1, 2] as [Double], shape: [2, 1]))
    // Neither can be had: their mean.
    #expect(abs(process.posterior(at: [1]).mean.item() - 1.5) < 1e-3)
  }

  @Test func kernelsAreSavedAndCompared() throws {
    let kernel = Self.kernels["mixed"]!.kernel
    #expect(try JSONDecoder().decode(Kernel.self, from: JSONEncoder().encode(kernel)) == kernel)
    #expect(kernel.parameters == [2.5, 3, 4, 0.7, 0.5, 1.2, 0.2])
    #expect(kernel.period == nil)
    #expect((Kernel.periodic(period: 6, length: 1) * .periodic(period: 2, length: 1)).period == 6)
    #expect((Kernel.periodic(period: 6, length: 1) + .periodic(period: 4, length: 1)).period == nil)
  }
}

extension Noise {
  /// Standard normal, float64.
  fileprivate func fixed(_ shape: [Int]) -> Tensor {
    var noise = self
    return noise.normal(shape, dtype: .float64)
  }
}
