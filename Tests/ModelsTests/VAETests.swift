import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// The variational autoencoder: its bound beside PyTorch (Tests/Goldens/vae.py), and as a recipe.
@Suite struct VAETests {
  /// Float64 sums in another order.
  private func expectClose(_ mine: Tensor, _ theirs: Tensor, _ name: String, tolerance: Double = 1e-10) {
    TestSupport.expectClose(mine, theirs, name, tolerance: tolerance)
  }

  @Test func theBoundsTermsArePyTorchs() throws {
    let golden = try Checkout.golden("vae").tensors
    func leaf(_ name: String) -> Tensor { golden[name]!.requiringGradient() }
    let (mean, logVariance, made, logDeviation) = (
      leaf("mean"), leaf("log_variance"), leaf("made"), leaf("log_deviation")
    )
    let latents = Gaussian(mean: mean, logVariance: logVariance)
    let sample = latents.sample(golden["drawn"]!)
    let likelihood = negativeLogLikelihood(golden["x"]!, made, logDeviation: logDeviation)
    let paid = paidDivergence(latents.divergence, free: 0.5)
    expectClose(sample, golden["sample"]!, "sample")
    expectClose(latents.divergence, golden["divergence"]!, "divergence")
    expectClose(likelihood, golden["likelihood"]!, "likelihood")
    expectClose(paid.reshaped([1]), golden["paid"]!, "paid")
    let loss = likelihood.mean() + paid * 0.3 + square(sample).mean()
    let slopes = gradients(of: loss, withRespectTo: [mean, logVariance, made, logDeviation])
    for (slope, name) in zip(slopes, ["mean", "log_variance", "made", "log_deviation"]) {
      expectClose(slope, golden["gradient/\(name)"]!, "gradient of \(name)")
    }
  }

  /// In float32, as it is used.
  @Test func thePerceptualDistanceIsPyTorchs() throws {
    let golden = try Checkout.golden("vae").tensors
    let features = (0..<2).map { i in (0..<2).map { k in golden["features/\(i)/\(k)"]!.to(.float32) } }
    let first = features[0][0].requiringGradient()
    let distance = perceptualDistance([first, features[1][0]], [features[0][1], features[1][1]])
    expectClose(distance.reshaped([1]).to(.float64), golden["perceptual"]!, "distance", tolerance: 1e-5)
    let slope = gradients(of: distance, withRespectTo: [first])[0]
    expectClose(slope.to(.float64), golden["gradient/perceptual"]!, "gradient", tolerance: 1e-5)
  }

  /// Latents in a grid of 8 by 8, judged by a discriminator.
  private static func gridSettings() -> VAESettings {
    var settings = settings(adversarial: 0.8)
    (settings.grid, settings.latent, settings.widths) = (8, 3, [8, 12])
    return settings
  }

  private static func settings(adversarial: Double = 0) -> VAESettings {
    var settings = VAESettings()
    (settings.size, settings.widths, settings.latent, settings.stem) = (32, [12, 8, 8], 6, 4)
    (settings.batch, settings.adversarial, settings.discriminatorWidths) = (4, adversarial, [8, 8, 8])
    settings.precision = "float32"
    return settings
  }

  private static func set() -> PictureSet {
    var noise = Noise(seed: 5)
    let smooth = interpolate(noise.normal([6, 3, 4, 4]), size: [32, 32])
    return PictureSet(clamp(smooth * 60 + 128, min: 0, max: 255).to(.uint8))
  }

  private static func recipe(_ settings: VAESettings) throws -> VAERecipe {
    var noise = Noise(seed: 1)
    return try VAERecipe(settings, noise: &noise, on: .cpu)
  }

  /// The discriminator begins in the second half.
  @Test(arguments: [0, 0.8]) func aRunGoesOnExactly(adversarial: Double) throws {
    try expectResumesExactly(Self.set(), pictures: 40, cuts: [20]) {
      try Self.recipe(Self.settings(adversarial: adversarial))
    }
  }

  @Test func aRunWithAGridGoesOnExactly() throws {
    try expectResumesExactly(Self.set(), pictures: 40, cuts: [20]) { try Self.recipe(Self.gridSettings()) }
  }

  @Test func latentsOfAGridAreTheSameInAnyBatch() throws {
    let recipe = try Self.recipe(Self.gridSettings())
    let many = recipe.model.sample(seeds: Array(0..<20))
    #expect(recipe.model.sample(seeds: [17])[0].isEqual(to: many[17]))
    let pictures = Self.set().batch([0, 1, 2, 3, 4, 5]).contiguous()
    let latents = recipe.model.encode(pictures)
    #expect(latents.shape == [6, 3 * 8 * 8] && recipe.model.encode(pictures[4..<5])[0].isEqual(to: latents[4]))
    // A place tells of what is around it: the other corner's pixels don't matter.
    let changed = pictures.cloned()
    changed.narrowed(dim: 2, from: 28, count: 4).narrowed(dim: 3, from: 28, count: 4).fill(1)
    let difference = (recipe.model.encode(changed) - latents).reshaped([6, 3, 8, 8])
    #expect(abs(difference[0][0][0][0]).max().item() == 0 && abs(difference).max().item() > 0)
  }

  @Test func picturesAndLatentsAreTheSameInAnyBatch() throws {
    let recipe = try Self.recipe(Self.settings())
    let many = recipe.model.sample(seeds: Array(0..<20))
    #expect(recipe.model.sample(seeds: [17])[0].isEqual(to: many[17]) && abs(many).max().item() <= 1)
    let pictures = Self.set().batch([0, 1, 2, 3, 4, 5]).contiguous()
    let latents = recipe.model.encode(pictures)
    #expect(latents.shape == [6, 6] && recipe.model.encode(pictures[4..<5])[0].isEqual(to: latents[4]))
  }

  /// Six smooth pictures are soon told apart: what is made of them comes nearer to them than to one another.
  @Test func picturesComeBack() throws {
    var settings = Self.settings()
    (settings.rate, settings.averageMemory, settings.beta) = (5e-3, 0.02, 0.1)
    let recipe = try Self.recipe(settings)
    let pictures = Self.set().batch([0, 1, 2, 3, 4, 5])
    let batch = Batch(pictures: pictures, indices: [0, 1, 2, 3, 4, 5])
    for i in 0..<50 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 6 * i, fraction: Double(i) / 50, totalPictures: 300)
      #expect(recipe.step(batch, noise: &noise, at: progress).allSatisfy { $0.value.isFinite })
    }
    let made = recipe.model.sample(latents: recipe.model.encode(pictures))
    let mean = pictures.mean(dims: [0], keepDims: true)
    let (own, spread) = (square(made - pictures).mean().item(), square(pictures - mean).mean().item())
    #expect(own < 0.7 * spread, "\(own) of \(spread)")
  }

  @Test func badSettingsAreNamed() {
    for change in [
      ("size", "48"), ("widths", "8,8"), ("beta", "-1"), ("free-bits", "-1"), ("adversarial-from", "2"),
      ("latent", "0"), ("grid", "8"),
    ] {
      #expect(throws: RecipeError.self) {
        _ = try Self.recipe(Self.settings().changed(by: [change], recipe: "vae"))
      }
    }
  }

  @Test(arguments: [16, 32, 64, 128, 256] as [PictureSize]) func presetsFitEverySize(size: PictureSize) throws {
    for preset in [nil, "sharp"] {
      let situation = Situation(pictures: 100, size: size, channels: 3)
      #expect(try VAESettings(for: situation, preset: preset).size == size)
    }
  }
}
