import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// Codes beside PyTorch (Tests/Goldens/vqgan.py), and the recipe.
@Suite struct VQGANTests {
  @Test func codesAreChosenAndMovedAsPyTorchDoes() throws {
    let golden = try Checkout.golden("vqgan").tensors
    let book = Codebook(6, 4)
    withoutGradients {
      book.codes.copy(from: golden["codes"]!)
      book.counts.fill(3)
      book.sums.copy(from: golden["codes"]! * 3)
    }
    let x = golden["x"]!.requiringGradient()
    let (told, indices, commitment) = book.quantized(x)
    #expect(indices.isEqual(to: golden["numbers"]!))
    // Float32 sums of a hundred.
    #expect(abs(told - golden["told"]!).max().item() < 1e-5)
    #expect(abs(commitment - golden["commitment"]!).max().item() < 1e-5)
    let slope = gradients(of: (told * golden["weights"]!).sum() + commitment * 0.25, withRespectTo: [x])[0]
    #expect(abs(slope - golden["slope"]!).max().item() < 1e-5)
    var noise = Noise(seed: 1)
    book.follow(x.detached(), indices, noise: &noise)
    #expect(abs(book.counts - golden["counts"]!).max().item() < 1e-5)
    #expect(abs(book.sums - golden["sums"]!).max().item() < 1e-4)
    #expect(abs(book.codes - golden["moved"]!).max().item() < 1e-5)
  }

  @Test func deadCodesComeBackAsVectorsThatAreThere() {
    var noise = Noise(seed: 2)
    let book = Codebook(8, 3)
    book.initialize(&noise)
    // Far from where anything is.
    withoutGradients { book.codes.copy(from: book.codes + 100) }
    let x = noise.normal([2, 3, 4, 4])
    for _ in 0..<300 { book.follow(x, book.quantized(x).indices, noise: &noise) }
    #expect(book.perplexity.item() > 3)
    #expect(abs(book.codes).max().item() < 10)
  }

  private static func settings() -> VQGANSettings {
    var settings = VQGANSettings()
    (settings.size, settings.grid, settings.widths, settings.stem) = (16, 4, [8, 8], 4)
    (settings.codes, settings.dimensions, settings.batch, settings.discriminatorWidths) = (12, 4, 4, [8, 8])
    (settings.priorWidth, settings.priorDepth, settings.steps, settings.perceptual) = (32, 1, 4, 0)
    settings.precision = "float32"
    return settings
  }

  private static func set() -> PictureSet {
    var noise = Noise(seed: 5)
    let smooth = interpolate(noise.normal([6, 3, 4, 4]), size: [16, 16])
    return PictureSet(clamp(smooth * 60 + 128, min: 0, max: 255).to(.uint8))
  }

  private static func recipe(_ settings: VQGANSettings) throws -> VQGANRecipe {
    var noise = Noise(seed: 1)
    return try VQGANRecipe(settings, noise: &noise, on: .cpu)
  }

  /// Pictures are learned first, then grids.
  @Test func aRunGoesOnExactly() throws {
    try expectResumesExactly(Self.set(), pictures: 40, cuts: [12, 28]) { try Self.recipe(Self.settings()) }
  }

  @Test func aPictureIsTheSameInAnyBatch() throws {
    let recipe = try Self.recipe(Self.settings())
    let many = recipe.model.sample(seeds: Array(0..<20))
    #expect(many.shape == [20, 3, 16, 16] && many.allFinite && abs(many).max().item() <= 1)
    #expect(recipe.model.sample(seeds: [17])[0].isEqual(to: many[17]) && !many[0].isEqual(to: many[1]))
    let pictures = Self.set().batch([0, 1, 2, 3]).contiguous()
    #expect(recipe.model.reconstruct(pictures[2..<3])[0].isEqual(to: recipe.model.reconstruct(pictures)[2]))
  }

  /// Of six pictures, what is drawn at last is like one of them.
  @Test func gridsAreLaidAsPicturesAre() throws {
    var settings = Self.settings()
    (settings.adversarial, settings.rate, settings.averageMemory) = (0, 5e-3, 0.02)
    let recipe = try Self.recipe(settings)
    let pictures = Self.set().batch([0, 1, 2, 3, 4, 5])
    for i in 0..<240 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 6 * i, fraction: Double(i) / 240, totalPictures: 1440)
      let readings = recipe.step(Batch(pictures: pictures, indices: Array(0..<6)), noise: &noise, at: progress)
      #expect(readings.allSatisfy { $0.value.isFinite })
    }
    let again = recipe.model.reconstruct(pictures)
    let spread = square(pictures - pictures.mean(dims: [0], keepDims: true)).mean().item()
    #expect(square(again - pictures).mean().item() < 0.5 * spread)
    let made = recipe.model.sample(seeds: [0, 1, 2, 3, 4, 5])
    let distances = made.unbound().map { one in
      (0..<6).map { square(one - again[$0]).mean().item() }.min()!
    }
    #expect(distances.sorted()[2] < 0.5 * spread, "\(distances) of \(spread)")
  }

  @Test func badSettingsAreNamed() {
    for change in [
      ("size", "48"), ("widths", "8"), ("codes", "1"), ("prior-width", "20"), ("prior-from", "1"), ("steps", "0"),
    ] {
      #expect(throws: RecipeError.self) {
        _ = try Self.recipe(Self.settings().changed(by: [change], recipe: "vqgan"))
      }
    }
  }

  @Test(arguments: [16, 32, 64, 128, 256] as [PictureSize]) func settingsFitEverySize(size: PictureSize) throws {
    let situation = Situation(pictures: 100, size: size, channels: 3)
    #expect(try VQGANSettings(for: situation, preset: nil).size == size)
  }
}
