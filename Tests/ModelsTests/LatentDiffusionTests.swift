import Foundation
import Testing
import Torch
import Training

@testable import Models

/// Diffusion on grids of numbers that pictures become first.
@Suite struct LatentDiffusionTests {
  private static func settings() -> DiffusionSettings {
    var settings = DiffusionSettings()
    (settings.size, settings.widths, settings.attention) = (16, [8, 16], 4)
    (settings.batch, settings.warmUp, settings.dropout) = (2, 0, 0)
    (settings.steps, settings.distil, settings.precision) = (3, 0.25, "float32")
    (settings.coding, settings.grid, settings.latentChannels) = (0.4, 8, 3)
    (settings.coderWidths, settings.discriminatorWidths, settings.stem) = ([8], [8, 8], 4)
    return settings
  }

  private static func recipe(_ settings: DiffusionSettings = settings(), seed: UInt64 = 1) throws -> DiffusionRecipe {
    var noise = Noise(seed: seed)
    return try DiffusionRecipe(settings, noise: &noise, on: .cpu)
  }

  private static func set() -> PictureSet {
    var noise = Noise(seed: 5)
    let smooth = interpolate(noise.normal([6, 3, 4, 4]), size: [16, 16])
    return PictureSet(clamp(smooth * 60 + 128, min: 0, max: 255).to(.uint8))
  }

  /// Cut while it codes, while it takes noise off, and while the second network learns.
  @Test func aRunGoesOnExactly() throws {
    let whole = try expectResumesExactly(Self.set(), pictures: 40, cuts: [10, 22, 34]) { try Self.recipe() }
    #expect(whole.saved["quick.begun"]!.savedTensors["is_done"]!.item() == 1)
    #expect(
      whole.saved.keys.contains("coder.discriminator") && whole.model.parts.keys.contains("coder.decoder.average"))
    #expect(!whole.model.parts.keys.contains("coder.discriminator"))
  }

  @Test func aPictureIsTheSameInAnyBatch() throws {
    let recipe = try Self.recipe()
    let many = recipe.model.sample(seeds: Array(0..<20))
    #expect(many.shape == [20, 3, 16, 16] && many.allFinite && abs(many).max().item() <= 1)
    #expect(recipe.model.sample(seeds: [17])[0].isEqual(to: many[17]))
    #expect(recipe.model.latents(seeds: [0]).shape == [1, 3 * 8 * 8])
    let pictures = Self.set().batch([0, 1, 2, 3, 4, 5]).contiguous(), seeds = Array<UInt64>(0..<6)
    let redrawn = try recipe.model.sample(seeds: seeds) { ($0.given, $0.strength) = (pictures, 0.5) }
    let alone = try recipe.model.sample(seeds: [4]) { ($0.given, $0.strength) = (pictures[4..<5], 0.5) }
    #expect(alone[0].isEqual(to: redrawn[4]))
  }

  /// Pixels that stay are those of the picture, not of its code.
  @Test func whatIsNotMaskedStaysExactly() throws {
    let recipe = try Self.recipe()
    let picture = Self.set().batch([0]).contiguous()
    let mask = Tensor.zeros([1, 1, 16, 16])
    mask[0][0].narrowed(dim: 0, from: 5, count: 4).narrowed(dim: 1, from: 3, count: 7).fill(1)
    func fill() throws -> Tensor { try recipe.model.sample(seeds: [3]) { ($0.given, $0.mask) = (picture, mask) } }
    let filled = try fill()
    #expect((filled * (1 - mask)).isEqual(to: picture * (1 - mask)))
    #expect(abs((filled - picture) * mask).max().item() > 0.01)
    #expect(try fill().isEqual(to: filled))
    // Every place that the mask touches, and its neighbours.
    let places = recipe.model.coded(mask: mask)
    #expect(places.shape == [1, 1, 8, 8] && places.sum().item() == 5 * 6)
  }

  /// A coder that has learned gives pictures back, and codes of the deviation that noise levels are meant for.
  @Test func codesComeBackAsPictures() throws {
    var settings = Self.settings()
    (settings.coding, settings.distil, settings.rate) = (0.8, 0.1, 5e-3)
    let recipe = try Self.recipe(settings)
    let pictures = Self.set().batch([0, 1, 2, 3, 4, 5])
    let batch = Batch(pictures: pictures, indices: [0, 1, 2, 3, 4, 5])
    for i in 0..<160 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 6 * i, fraction: Double(i) / 200, totalPictures: 1200)
      #expect(recipe.step(batch, noise: &noise, at: progress).allSatisfy { $0.value.isFinite })
    }
    let codes = recipe.model.coded(pictures)
    #expect(codes.shape == [6, 3, 8, 8])
    let deviation = square(codes).mean().item().squareRoot()
    #expect((0.35...0.75).contains(deviation), "\(deviation)")
    let mean = pictures.mean(dims: [0], keepDims: true)
    let (own, spread) = (
      square(recipe.model.finished(codes) - pictures).mean().item(), square(pictures - mean).mean().item()
    )
    #expect(own < 0.8 * spread, "\(own) of \(spread)")
  }

  @Test(arguments: [16, 32, 64, 128, 256, PictureSize(96, 64)]) func thePresetFitsEverySize(size: PictureSize) throws {
    let settings = try DiffusionSettings(for: Situation(pictures: 100, size: size, channels: 3), preset: "latent")
    #expect(settings.drawn.size.shorter <= 32 && settings.coding > 0)
    for change in [
      ("grid", "5"), ("latent-channels", "0"), ("coder-widths", "8,8,8,8,8,8"), ("coding", "0.9"), ("distil", "0.7"),
    ] {
      #expect(throws: RecipeError.self, "\(change)") {
        _ = try Self.recipe(settings.changed(by: [change], recipe: "diffusion"))
      }
    }
  }
}
