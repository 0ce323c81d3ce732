import Networks
import Testing
import Torch
import Training

@testable import Models

@Suite struct ProjectedTests {
  private static func recipe(channels: Int = 3) throws -> ProjectedRecipe {
    var settings = ProjectedRecipe.Settings()
    (settings.size, settings.channels, settings.batch, settings.latent) = (32, channels, 4, 8)
    (settings.width, settings.seen) = (4, 64)
    (settings.mixed, settings.criticWidth, settings.precision) = ([4, 6, 8, 8], 8, "float32")
    var noise = Noise(seed: 1)
    let recipe = try ProjectedRecipe(settings, noise: &noise, on: .cpu)
    let eye = EfficientNetLite0()
    eye.initialize(&noise)
    eye.setRequiresGradient(false)
    recipe.watch(through: eye)
    return recipe
  }

  private static func set(channels: Int = 3) -> PictureSet {
    var noise = Noise(seed: 5)
    return PictureSet(noise.uniform([12, channels, 32, 32], from: 0, to: 255).to(.uint8))
  }

  @Test(arguments: [1, 3, 4]) func trainsAndGoesOnExactly(channels: Int) throws {
    let whole = try expectResumesExactly(Self.set(channels: channels), pictures: 16, cuts: [8]) {
      try Self.recipe(channels: channels)
    }
    // Only the generator and the discriminators have moved.
    let fresh = try Self.recipe(channels: channels)
    for (name, tensor) in whole.mixing.state { #expect(tensor.isEqual(to: fresh.mixing.savedTensors[name]!)) }
    #expect(!whole.generator.parameters[0].isEqual(to: fresh.generator.parameters[0]))
    #expect(!whole.discriminator.parameters[0].isEqual(to: fresh.discriminator.parameters[0]))
  }

  @Test func mapsHaveTheSizesOfTheirStrides() throws {
    let recipe = try Self.recipe()
    var noise = Noise(seed: 2)
    let eye = EfficientNetLite0()
    eye.initialize(&noise)
    let maps = withoutGradients { eye.pyramid(noise.normal([1, 3, 64, 64])) }
    #expect(maps.map(\.shape) == [[1, 24, 16, 16], [1, 40, 8, 8], [1, 112, 4, 4], [1, 320, 2, 2]])
    #expect(recipe.mixing(maps).map(\.shape) == [[1, 4, 16, 16], [1, 6, 8, 8], [1, 8, 4, 4], [1, 8, 2, 2]])
  }

  /// By hand: margins of 1 that are kept cost nothing.
  @Test func hingesStopAtTheirMargins() {
    let real = [Tensor([2, 0.5], shape: [1, 2]), Tensor([-1.0], shape: [1, 1])]
    let fake = [Tensor([-3, 0.0], shape: [1, 2]), Tensor([1.0], shape: [1, 1])]
    #expect(abs(hingeLoss(real: real, fake: fake).item() - (0.25 + 0.5 + 2 + 2)) < 1e-12)
    #expect(abs(hingeLossOfGenerator(fake).item() - (1.5 - 1)) < 1e-12)
  }
}
