import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// Hyperparameters beside scikit-learn (Tests/Goldens/gp_fit.py), the sparse process beside the exact one, and the map.
@Suite struct GPLVMTests {
  /// Both climb to the same maximum; scikit-learn's stops where its steps are short.
  @Test func likelihoodsAreScikitLearns() throws {
    let golden = try Checkout.golden("gp_fit").tensors
    let periodic = Kernel.periodic(period: 6, length: 1), noise = 0.1 * Kernel.white
    let kernels: [String: Kernel] = [
      "rbf": 1 * .rbf(length: 1) + noise, "matern32": 1 * .matern32(length: 1) + noise,
      "matern52": 1 * .matern52(length: 1) + noise, "periodic": 1 * periodic + noise,
      "mixed": 1 * (.rbf(length: 4) * periodic) + 0.3 * .matern32(length: 1) + noise,
    ]
    for (name, kernel) in kernels {
      let process = GaussianProcess(kernel, times: golden["times"]!.doubles, values: golden["values"]!).fitted()
      let found = process.logMarginalLikelihood().item(), wanted = golden["\(name)/likelihood"]!.item()
      #expect(Swift.abs(found - wanted) < 1e-3, "\(name): \(found) for \(wanted), \(process.kernel)")
    }
  }

  @Test func aKernelTakesItsParametersBack() {
    let kernel = 2 * (Kernel.rbf(length: 3) * .periodic(period: 4, length: 0.7)) + 0.5 * .matern52(length: 1.2) + .white
    #expect(kernel.with(kernel.parameters) == kernel)
    let other = kernel.parameters.map { $0 + 1 }
    #expect(kernel.with(other).parameters == other)
  }

  private static func process(_ x: Tensor, outputs: Int, inducing: Tensor) -> SparseProcess {
    var noise = Noise(seed: 1)
    let process = SparseProcess(
      inducing: inducing.size(0), dimensions: x.size(1), outputs: outputs, noise: 0.04)
    process.initialize(&noise)
    withoutGradients { process.inducing.copy(from: inducing) }
    return process
  }

  /// Known at all inputs, after one whole step of the natural gradient: its bound is the exact likelihood, and what it
  /// tells of other places the exact posterior (Titsias 2009, section 3).
  @Test func knownEverywhereItIsTheExactProcess() {
    var noise = Noise(seed: 2)
    let times = (0..<12).map { Double($0) * 0.8 }
    let x = Tensor(times, shape: [12, 1]), y = noise.normal([12, 3], dtype: .float64)
    let sparse = Self.process(x, outputs: 3, inducing: x)
    let a = sparse.projected(x)
    sparse.follow(y, a, of: 12, rate: 1)
    let belief = sparse.belief
    let bound = sparse.expectedLikelihood(y, a, belief).sum() - belief.divergence
    let exact = GaussianProcess(.rbf(length: 1), times: times, values: y, noiseVariance: 0.04)
    // A millionth of the variance is added to the prior's diagonal.
    #expect(Swift.abs(bound.item() - exact.logMarginalLikelihood().item()) < 2e-2)
    let others = [0.3, 2.9, 11]
    let (mean, variance) = sparse.posterior(at: Tensor(others, shape: [3, 1]))
    let wanted = exact.posterior(at: others)
    #expect(abs(mean - wanted.mean).max().item() < 1e-3)
    #expect(abs(variance - wanted.covariance.diagonal()).max().item() < 1e-3)
  }

  /// The bound's gradients by what Adam moves, against central differences in float64.
  @Test func theBoundsGradientsAreItsSlopes() {
    var noise = Noise(seed: 3)
    let x = noise.normal([8, 2], dtype: .float64), y = noise.normal([8, 3], dtype: .float64)
    let process = Self.process(x, outputs: 3, inducing: noise.normal([4, 2], dtype: .float64))
    process.follow(y, process.projected(x), of: 20, rate: 0.5)
    let belief = process.belief
    func bound() -> Tensor { process.expectedLikelihood(y, process.projected(x), belief).sum() }
    let slopes = gradients(of: bound(), withRespectTo: process.parameters)
    for (parameter, slope) in zip(process.parameters, slopes) {
      let flat = parameter.detached().flattened(), before = flat[0].item()
      let values = [1e-5, -1e-5].map { step -> Double in
        withoutGradients { flat[0].fill(before + step) }
        return bound().item()
      }
      withoutGradients { flat[0].fill(before) }
      let wanted = (values[0] - values[1]) / 2e-5, found = slope.flattened()[0].item()
      // Differences lose half of the digits.
      #expect(Swift.abs(found - wanted) < 1e-4 * max(1, Swift.abs(wanted)), "\(parameter.shape)")
    }
  }

  private static func settings() -> GPLVMRecipe.Settings {
    var settings = GPLVMRecipe.Settings()
    (settings.size, settings.channels, settings.pictures, settings.batch) = (8, 1, 20, 10)
    (settings.inducing, settings.hidden) = (12, 16)
    return settings
  }

  /// Twenty pictures of a bright column that moves from left to right.
  private static func set() -> PictureSet {
    let bytes = (0..<20).flatMap { i in
      (0..<64).map { k -> UInt8 in
        let d = Double(k % 8) - Double(i) * 7 / 19
        return UInt8(40 + 200 * exp(-d * d / 2))
      }
    }
    return PictureSet(Tensor(bytes, shape: [20, 1, 8, 8]))
  }

  @Test func aRunGoesOnExactly() throws {
    try expectResumesExactly(Self.set(), pictures: 100, cuts: [50]) {
      var noise = Noise(seed: 1)
      return try GPLVMRecipe(Self.settings(), noise: &noise, on: .cpu)
    }
  }

  /// What moves is put in its order along a line, and comes back.
  @Test func aMovingColumnIsALine() throws {
    var settings = Self.settings()
    settings.batch = 20
    var noise = Noise(seed: 1)
    let recipe = try GPLVMRecipe(settings, noise: &noise, on: .cpu)
    let pictures = Self.set().batch(Array(0..<20))
    for i in 0..<120 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 20 * i, fraction: Double(i) / 120, totalPictures: 2400)
      let readings = recipe.step(Batch(pictures: pictures, indices: Array(0..<20)), noise: &noise, at: progress)
      #expect(readings.allSatisfy { $0.value.isFinite })
    }
    let places = recipe.model.encode(pictures)
    #expect(abs(recipe.model.sample(latents: places) - pictures).mean().item() < 0.1)
    let steps = square(places[1..<20] - places[0..<19]).sum(dims: [1]).doubles.map { $0.squareRoot() }
    let whole = square(places[19] - places[0]).sum().item().squareRoot()
    #expect(steps.max()! < 0.5 * max(whole, 1), "\(steps)")
    #expect(recipe.model.sample(seeds: Array(0..<20))[17].isEqual(to: recipe.model.sample(seeds: [17])[0]))
  }

  @Test func badSettingsAreNamed() {
    var noise = Noise(seed: 8)
    for change in [("size", "300"), ("latent", "0"), ("inducing", "1"), ("hidden", "0"), ("pictures", "0")] {
      #expect(throws: RecipeError.self) {
        let settings = try Self.settings().changed(by: [change], recipe: "gplvm")
        _ = try GPLVMRecipe(settings, noise: &noise, on: .cpu)
      }
    }
  }
}
