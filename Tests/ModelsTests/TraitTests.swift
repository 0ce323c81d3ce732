import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// Generators that are told what each picture of the set is like.
@Suite struct TraitTests {
  /// 60 pictures of two kinds, red ones with traits about 2 and blue ones about -2.
  private static var traits: Tensor { Tensor.concatenated([Tensor.full([20, 3], 2), Tensor.full([40, 3], -2)]) }
  private static let labels = [Int](repeating: 1, count: 20) + [Int](repeating: 0, count: 40)
  private static func pictures(_ indices: [Int]) -> Tensor {
    let colours = indices.map { $0 < 20 ? [0.8, -0.8, -0.8] : [-0.8, -0.8, 0.8] }.flatMap { $0.map(Float.init) }
    return Tensor(colours, shape: [indices.count, 3, 1, 1]).expanded([indices.count, 3, 16, 16]).contiguous()
      .channelsLast()
  }

  private static func r3gan() throws -> R3GANRecipe {
    var settings = R3GANSettings()
    (settings.size, settings.widths, settings.discriminatorWidths) = (16, [12, 8], [12, 8])
    (settings.blocks, settings.discriminatorBlocks, settings.grow) = ([1, 1], [1, 1], [])
    (settings.latent, settings.wSize, settings.discriminatorStem) = (8, 16, 8)
    (settings.classes, settings.classCounts, settings.averageMemory) = (["blue", "red"], [40, 20], 0.02)
    (settings.rate, settings.gamma, settings.precision) = (2e-3, [0.5], "float32")
    (settings.traits, settings.pictures) = (3, 60)
    var noise = Noise(seed: 2)
    let recipe = try R3GANRecipe(settings, noise: &noise, on: .cpu)
    recipe.take(traits: traits, labels: labels)
    return recipe
  }

  @Test func aGeneratorMakesWhatItIsToldOf() throws {
    let recipe = try Self.r3gan()
    #expect(recipe.classes == ["blue", "red"] && recipe.traitCount == 3 && recipe.model.offers.latent == 11)
    for i in 0..<200 {
      var noise = Noise(seed: 1, at: i)
      let indices = noise.integers(below: 60, count: 8)
      let batch = Batch(pictures: Self.pictures(indices), indices: indices, labels: indices.map { Self.labels[$0] })
      let progress = Progress(picturesSeen: 8 * i, fraction: Double(i) / 200, totalPictures: 1600)
      #expect(recipe.step(batch, noise: &noise, at: progress).allSatisfy { $0.value.isFinite })
    }
    func redness(_ change: (inout PictureRequest) -> Void, seeds: [UInt64] = Array(0..<30)) -> [Double] {
      var request = PictureRequest(seeds: seeds)
      change(&request)
      let made = recipe.model.pictures(request)
      return (made.narrowed(dim: 1, from: 0, count: 1) - made.narrowed(dim: 1, from: 2, count: 1))
        .mean(dims: [1, 2, 3]).doubles
    }
    let (reds, blues) = (redness { $0.className = "red" }, redness { $0.className = "blue" })
    #expect(reds.min()! > blues.max()! + 0.3, "\(reds) \(blues)")
    // Without a choice as often as the set has them, and a seed's own whatever its batch.
    let all = redness { _ in }
    #expect((3...18).contains(all.count { $0 > 0 }), "\(all)")
    #expect(abs(redness({ _ in }, seeds: [17])[0] - all[17]) < 1e-6)
    // Styles say the same, and a latent carries what its picture is like.
    let request = PictureRequest(seeds: [3, 4])
    let styled = withoutGradients { clamp(recipe.model.synthesize(recipe.model.styles(request)), min: -1, max: 1) }
    #expect(abs(styled - recipe.model.pictures(request)).max().item() < 1e-5)
    let again = recipe.model.sample(latents: recipe.model.latents(of: request))
    #expect(abs(again - recipe.model.pictures(request)).max().item() < 1e-5)
  }

  @Test func traitsAreThoseOfAPictureBlurred() {
    let table = TraitTable(pictures: 60, traits: 3)
    table.fill(Self.traits, labels: Self.labels)
    let drawn = table.drawn(seeds: Array(0..<400), label: 1)
    // Of three numbers each, so that a picture's squares are its traits' mean square.
    let root = 3.0.squareRoot()
    #expect(drawn.shape == [400, 3] && abs(drawn * root - 2).mean().item() < 0.3)
    #expect(abs(sqrt(drawn.variance(dims: [0])).mean().item() * root - TraitTable.blur) < 0.03)
    let any = table.drawn(seeds: Array(0..<400), label: nil).narrowed(dim: 1, from: 0, count: 1).doubles
    #expect((100...170).contains(any.count { $0 > 0 }))
    // A class without pictures has those of all.
    #expect(table.drawn(seeds: [1], label: 5).isEqual(to: table.drawn(seeds: [1], label: nil)))
    var noise = Noise(seed: 1)
    let blurred = table.blurred([0, 59], &noise)
    #expect(abs(blurred[0] * root - 2).max().item() < 2 && abs(blurred[1] * root + 2).max().item() < 2)
  }

  /// Checkpoints, averages and the model opened alone have the table.
  @Test func aCheckpointKnowsThePictures() throws {
    let recipe = try Self.r3gan()
    var noise = Noise(seed: 9)
    let other = try R3GANRecipe(recipe.settings, noise: &noise, on: .cpu)
    for (name, part) in recipe.saved { try other.saved[name]!.restore(part.savedTensors.mapValues { $0.cloned() }) }
    #expect(other.model.table!.values.isEqual(to: recipe.model.table!.values))
    let model = try R3GANModel(recipe.settings, on: .cpu)
    for (name, part) in model.parts { try part.restore(recipe.saved[name]!.savedTensors) }
    #expect(model.table!.values.isEqual(to: recipe.model.table!.values) && model.latents(seeds: [5]).shape == [1, 11])
    #expect(model.latents(seeds: [5]).isEqual(to: recipe.model.latents(seeds: [5])))
  }

  @Test(arguments: [(40, 0), (50, 6), (228, 28), (3926, 32), (20_000, 32), (20_001, 0)])
  func traitsSuitThePictures(pictures: Int, traits: Int) throws {
    var situation = Situation(pictures: pictures, size: 64, channels: 3)
    #expect(try ProjectedRecipe.settings(for: situation, preset: nil).traits == 0)
    situation.knowsTraits = true
    let chosen = try (ProjectedRecipe.settings(for: situation, preset: nil), R3GANSettings(for: situation, preset: nil))
    #expect(chosen.0.traits == traits && chosen.1.traits == traits)
    #expect(chosen.0.pictures == (traits > 0 ? pictures : 0))
    var settings = chosen.1
    (settings.traits, settings.pictures) = (5, 5)
    #expect(throws: RecipeError.self) { try settings.check() }
  }
}
