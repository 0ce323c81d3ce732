import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// Pictures that aren't square, wide and tall, by the recipes that make them, with the smallest networks.
@Suite struct ShapeTests {
  private static let shapes = [PictureSize(48, 32), PictureSize(32, 56)]

  private func set(_ size: PictureSize, channels: Int = 3) -> PictureSet {
    var noise = Noise(seed: 5)
    return PictureSet(noise.uniform([12, channels] + size.shape, from: 0, to: 255).to(.uint8))
  }

  private func expectPictures(_ model: some PictureModel, _ size: PictureSize, channels: Int = 3) {
    let made = model.sample(seeds: [1, 2])
    #expect(made.shape == [2, channels] + size.shape && made.allFinite)
  }

  /// Cut before and after the pictures have grown.
  @Test(arguments: shapes, ["shift", "light", "all"]) func r3gan(size: PictureSize, changes: String) throws {
    var settings = R3GANSettings()
    (settings.size, settings.batch, settings.latent, settings.wSize) = (size, 4, 8, 8)
    (settings.widths, settings.discriminatorWidths) = ([8, 8, 8], [8, 8, 8])
    (settings.blocks, settings.discriminatorBlocks, settings.discriminatorStem) = ([1, 1, 1], [1, 1, 1], 4)
    (settings.grow, settings.penalised, settings.penaltyEvery, settings.precision) = ([0.5], 2, 2, "float32")
    (settings.augment, settings.changes, settings.seamless) = (0.6, changes, changes == "shift")
    let whole = try expectResumesExactly(set(size), pictures: 32, cuts: [8, 24]) {
      var noise = Noise(seed: 1)
      return try R3GANRecipe(settings, noise: &noise, on: .cpu)
    }
    #expect(whole.generator.trainedSize == size)
    expectPictures(whole.model, size)
    // At a smaller size it is the same shape, enlarged.
    whole.average.module.trainedSize = size / 2
    expectPictures(whole.model, size)
    let styles = whole.model.styles(PictureRequest(seeds: [1]))
    #expect(whole.model.synthesize(styles).shape == [1, 3] + size.shape)
  }

  @Test(arguments: shapes) func projected(size: PictureSize) throws {
    var settings = ProjectedRecipe.Settings()
    (settings.size, settings.channels, settings.batch, settings.latent) = (size, 4, 4, 8)
    (settings.width, settings.seen) = (4, 64)
    (settings.mixed, settings.discriminatorWidth, settings.precision) = ([4, 6, 8, 8], 8, "float32")
    // As many pixels as 64 × 64, or nearly.
    #expect(settings.seenSize == (size.aspect > 1 ? PictureSize(64, 64) : PictureSize(64, 96)))
    let whole = try expectResumesExactly(set(size, channels: 4), pictures: 16, cuts: [8]) {
      var noise = Noise(seed: 1)
      let recipe = try ProjectedRecipe(settings, noise: &noise, on: .cpu)
      let weights = ProjectedTests.perceptualNetwork(&noise).savedTensors
      try recipe.take(Pretrained("efficientnet-lite0"), weights: weights)
      return recipe
    }
    expectPictures(whole.model, size, channels: 4)
  }

  /// What the pretrained network is given costs about as much in any shape.
  @Test func whatIsSeenKeepsItsPixels() {
    var settings = ProjectedRecipe.Settings()
    for (size, seen) in [
      (64, 128), (PictureSize(192, 128), PictureSize(160, 96)), (PictureSize(96, 192), PictureSize(96, 192)),
      (PictureSize(256, 64), PictureSize(256, 64)),
    ] as [(PictureSize, PictureSize)] {
      settings.size = size
      #expect(settings.seenSize == seen, "\(size)")
    }
  }

  @Test(arguments: shapes) func stylegan2(size: PictureSize) throws {
    var settings = StyleGAN2Settings()
    (settings.size, settings.batch, settings.latent, settings.wSize) = (size, 4, 8, 8)
    (settings.widths, settings.discriminatorWidths) = ([8, 8, 8, 8], [8, 8, 8, 8])
    (settings.pathEvery, settings.penaltyEvery, settings.precision) = (2, 2, "float32")
    (settings.adapt, settings.augment, settings.seamless) = (0, 0.8, true)
    let whole = try expectResumesExactly(set(size), pictures: 24, cuts: [12]) {
      var noise = Noise(seed: 1)
      return try StyleGAN2Recipe(settings, noise: &noise, on: .cpu)
    }
    expectPictures(whole.model, size)
    #expect(whole.generator.synthesis.blocks[0].const!.shape == [8] + (size >> 3).shape)
  }

  @Test(arguments: shapes, [0, 0.4]) func diffusion(size: PictureSize, coding: Double) throws {
    var settings = DiffusionSettings()
    (settings.size, settings.widths, settings.attention) = (size, [8, 16], 8)
    (settings.batch, settings.warmUp, settings.dropout, settings.augment) = (2, 0, 0, 0.5)
    (settings.steps, settings.distil, settings.precision) = (3, 0.25, "float32")
    (settings.coding, settings.grid, settings.latentChannels) = (coding, 16, 3)
    (settings.coderWidths, settings.discriminatorWidths, settings.stem) = ([8], [8, 8, 8], 4)
    let whole = try expectResumesExactly(set(size), pictures: 24, cuts: [6, 14, 20]) {
      var noise = Noise(seed: 1)
      return try DiffusionRecipe(settings, noise: &noise, on: .cpu)
    }
    expectPictures(whole.model, size)
    let given = set(size).batch([0]).contiguous()
    let redrawn = try whole.model.sample(seeds: [3]) { ($0.given, $0.strength) = (given, 0.5) }
    #expect(redrawn.shape == given.shape)
    // Pixels that stay are the picture's own.
    let mask = Tensor.zeros([1, 1] + size.shape)
    mask[0][0].narrowed(dim: 0, from: 5, count: 4).narrowed(dim: 1, from: 20, count: 7).fill(1)
    let filled = try whole.model.sample(seeds: [3]) { ($0.given, $0.mask) = (given, mask) }
    #expect((filled * (1 - mask)).isEqual(to: given * (1 - mask)))
  }

  /// A disk that is turned is the same disk, in a wide picture, too.
  @Test func turnsOfWidePicturesKeepDisksRound() {
    let (width, height) = (96, 64)
    let disk = Tensor(
      (0..<width * height).map { place -> Float in
        let (x, y) = (Double(place % width) - 47.5, Double(place / width) - 31.5)
        return x * x + y * y < 144 ? 1 : -1
      }, shape: [1, 1, height, width])
    var noise = Noise(seed: 2), turned = 0
    let (seen, labels) = NonLeakyAugment(probability: 0.3)(disk.expanded([100, 1, height, width]), noise: &noise)
    for i in 0..<100 {
      let label = labels[i].floats
      guard label[3] != 0, [1, 4, 5, 6, 7].allSatisfy({ label[$0] == 0 }) else { continue }
      turned += 1
      // Where nothing is mirrored from beyond an edge, and but for pixels at the disk's edge.
      func middle(_ x: Tensor) -> Tensor {
        x.narrowed(dim: 1, from: 12, count: 40).narrowed(dim: 2, from: 28, count: 40)
      }
      #expect(abs(middle(seen[i]) - middle(disk[0])).mean().item() < 0.06)
    }
    #expect(turned > 2)
  }
}
