import Networks
import Testing
import Torch
import Training

@testable import Models

@Suite struct StyleDirectionTests {
  private func recipe() throws -> R3GANRecipe {
    var noise = Noise(seed: 4)
    let recipe = try R3GANRecipe(R3GANTests.settings(), noise: &noise, on: .cpu)
    return recipe
  }

  /// The singular vectors of centred styles say the same as their covariance's eigenvectors.
  @Test func ganspaceFindsPrincipalComponents() throws {
    let recipe = try recipe()
    let found = styleDirections(of: recipe.model, count: 3, by: .ganspace)
    let w = recipe.model.styles(PictureRequest(latents: recipe.model.latents(seeds: (0..<4096).map { UInt64($0) })))
      .narrowed(dim: 1, from: 0, count: 1).flattened(from: 1).to(.float64)
    let (_, s, vT) = svd(w - w.mean(dims: [0], keepDims: true))
    for i in 0..<3 {
      let deviation = s[i].item() / 4095.0.squareRoot()
      let expected = vT[i] * deviation
      let either = [found[i].to(.float64) - expected, found[i].to(.float64) + expected].map { abs($0).max().item() }
      #expect(either.min()! < 1e-5 * deviation)
    }
    #expect(styleDirections(of: recipe.model, count: 99, by: .ganspace).shape == [16, 16])
  }

  /// What moves the layers most: no other direction of the same length moves scales further.
  @Test func sefaFindsWhatMovesLayersMost() throws {
    let recipe = try recipe()
    let found = styleDirections(of: recipe.model, count: 16, by: .sefa)
    func effect(_ direction: Tensor) -> Double {
      let unit = direction * rsqrt(square(direction).sum())
      return recipe.model.styleWeights.reduce(0) {
        $0 + square(matmul($1, unit.unsqueezed(1))).sum().item() / square($1).sum().item()
      }
    }
    let effects = found.unbound().map(effect)
    #expect(zip(effects, effects.dropFirst()).allSatisfy { $0 >= $1 - 1e-6 })
    var noise = Noise(seed: 1)
    for _ in 0..<20 { #expect(effect(noise.normal([16])) <= effects[0] + 1e-6) }
    let units = found * rsqrt(square(found).sum(dims: [1], keepDims: true))
    #expect(abs(matmul(units, units.T) - Tensor.eye(16)).max().item() < 1e-4)
  }

  @Test func movedStylesMakeOtherPictures() throws {
    let recipe = try recipe()
    let z = recipe.model.latents(seeds: [3, 4])
    let none = Tensor.zeros([1, 5, 16])
    // Nothing moved is nothing changed.
    var request = PictureRequest(latents: z)
    request.truncation = 0.7
    #expect(abs(recipe.model.pictures(request, moved: none) - recipe.model.pictures(request)).max().item() < 1e-5)
    let move = styleDirections(of: recipe.model, count: 1, by: .ganspace).unsqueezed(1).expanded([1, 5, 16])
    request.truncation = 1
    #expect(abs(recipe.model.pictures(request, moved: move) - recipe.model.pictures(request)).mean().item() > 1e-3)
  }

  /// A length doesn't depend on the step's size while that is small, and a generator that ignores styles has none.
  @Test func pathsHaveLengths() throws {
    let recipe = try recipe()
    var noise = Noise(seed: 2)
    let perceptualNetwork = VGG()
    perceptualNetwork.initialize(&noise)
    func length(_ step: Double) -> Double {
      var noise = Noise(seed: 3)
      return perceptualPathLength(of: recipe.model, samples: 32, step: step, seenBy: perceptualNetwork, noise: &noise)
    }
    let (fine, coarse) = (length(1e-4), length(1e-3))
    #expect(fine > 0 && abs(fine / coarse - 1) < 0.05, "\(fine), \(coarse)")
    for (name, tensor) in recipe.average.module.state where name.contains("style.") || name == "base.weight" {
      withoutGradients { tensor.fill(0) }
    }
    #expect(length(1e-4) == 0)
  }

  /// A mixture with itself is itself, and each half comes from whose it is.
  @Test func mixturesHaveTheLayersOfBoth() throws {
    let recipe = try recipe()
    let (a, b) = (recipe.model.latents(seeds: [1, 2]), recipe.model.latents(seeds: [1, 5, 6]))
    let made = recipe.model.mixed(coarse: PictureRequest(latents: a), fine: PictureRequest(latents: b), at: 2)
    #expect(made.shape == [6, 3, 64, 64])
    #expect(abs(made[0] - recipe.model.sample(latents: a)[0]).max().item() < 1e-5)
    let styles = Tensor.concatenated(
      [
        recipe.model.styles(PictureRequest(latents: a[1..<2])).narrowed(dim: 1, from: 0, count: 2),
        recipe.model.styles(PictureRequest(latents: b[2..<3])).narrowed(dim: 1, from: 2, count: 3),
      ], dim: 1)
    let expected = withoutGradients { clamp(recipe.model.synthesize(styles), min: -1, max: 1) }
    #expect(abs(made[5] - expected[0]).max().item() < 1e-5)
  }
}
