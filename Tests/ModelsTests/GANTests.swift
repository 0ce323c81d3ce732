import Foundation
import Models
import Networks
import TestSupport
import Testing
import Torch
import Training

/// The dense GAN and DCGAN beside PyTorch: Tests/Goldens/gan.py.
@Suite struct GANTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("gan").tensors
  }

  private func group(_ prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = tensor }
    return found
  }

  /// Five steps from the golden's weights, on its pictures and noise.
  private func followsPyTorch<R: Recipe>(_ settings: R.Settings, as: R.Type) throws where R.Trained: PictureModel {
    var noise = Noise(seed: 0)
    let recipe = try R(settings, noise: &noise, on: .cpu)
    for part in ["generator", "discriminator"] {
      let state = group("\(R.name)/before/\(part)/")
      #expect(Set(recipe.saved[part]!.savedTensors.keys) == Set(state.keys))
      try recipe.saved[part]!.restore(state)
    }
    let reals = golden["\(R.name)/reals"]!, losses = golden["\(R.name)/losses"]!.doubles
    for step in 0..<5 {
      var noise = Noise(seed: UInt64(step))
      let pictures = PictureSet(
        reals[step].reshaped([-1, settings.channels, settings.side, settings.side])
      ).batch(Array(0..<settings.batch))
      let readings = recipe.step(
        Batch(pictures: pictures, indices: []), noise: &noise,
        at: Progress(picturesSeen: step * settings.batch, fraction: Double(step) / 5, totalPictures: 100))
      #expect(readings.map(\.name) == ["discriminator", "generator"])
      // Float32 sums in another order (channels last, one pass instead of two) differ in the sixth digit, and Adam's
      // first steps divide small gradients by themselves.
      for (mine, theirs) in zip(readings, losses[(2 * step)...]) { #expect(abs(mine.value - theirs) < 2e-5) }
    }
    let after = group("\(R.name)/after/generator/")
    for (name, tensor) in recipe.saved["generator"]!.savedTensors {
      // 2 % of the way that five steps of 2e-4 can go.
      #expect(
        (tensor.to(.float64) - after[name]!.to(.float64)).norm().item() < 2e-5 * Double(tensor.count).squareRoot())
    }
    // A state from PyTorch makes PyTorch's pictures; the average is what makes pictures.
    try recipe.saved["generator.average"]!.restore(after)
    let made = recipe.model.sample(latents: golden["\(R.name)/latents"]!.flattened(from: 1))
    let theirs = golden["\(R.name)/pictures"]!.reshaped(made.shape)
    #expect((made - theirs).norm().item() / theirs.norm().item() < 1e-5)
    #expect(abs(made - theirs).max().item() < 1e-5)
  }

  @Test func denseFollowsPyTorch() throws {
    var settings = DenseRecipe.Settings()
    (settings.size, settings.latent, settings.batch, settings.hidden) = (8, 10, 5, 64)
    settings.precision = "float32"
    try followsPyTorch(settings, as: DenseRecipe.self)
  }

  @Test func dcganFollowsPyTorch() throws {
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.latent, settings.batch, settings.width) = (32, 8, 4, 4)
    settings.precision = "float32"
    try followsPyTorch(settings, as: DCGANRecipe.self)
  }

  @Test func theDenseLayersAreTheTextbooks() throws {
    var noise = Noise(seed: 0)
    let recipe = try DenseRecipe(DenseRecipe.Settings(), noise: &noise, on: .cpu)
    func shapes(_ module: any Module) -> [[Int]] { module.state.map(\.tensor.shape).filter { $0.count == 2 } }
    #expect(shapes(recipe.generator) == [[784, 100], [784, 784], [784, 784]])
    #expect(shapes(recipe.discriminator) == [[784, 784], [1, 784]])
    var settings = DenseRecipe.Settings()
    settings.hidden = 0
    #expect(try shapes(DenseRecipe(settings, noise: &noise, on: .cpu).discriminator) == [[1, 784]])
  }

  @Test func theVerdictUpdatesOneNetworkAStep() throws {
    var settings = DenseRecipe.Settings()
    (settings.size, settings.verdict, settings.precision) = (8, true, "float32")
    var noise = Noise(seed: 4)
    let recipe = try DenseRecipe(settings, noise: &noise, on: .cpu)
    let real = noise.uniform([32, 1, 8, 8], from: -1, to: 1)
    var updated: [String] = []
    for step in 0..<40 {
      let before = (recipe.generator.state[0].tensor.rawBytes, recipe.discriminator.state[0].tensor.rawBytes)
      var judge = Noise(seed: 9, at: step)
      let fake = recipe.generator(judge.normal([32, 100]))
      let isRealistic = recipe.discriminator(fake).mean().item() > 0.5
      var stepNoise = Noise(seed: 9, at: step)
      let readings = recipe.step(
        Batch(pictures: real, indices: []), noise: &stepNoise,
        at: Progress(picturesSeen: step * 32, fraction: 0, totalPictures: 100))
      #expect(readings.map(\.name) == [isRealistic ? "discriminator" : "generator"])
      #expect((recipe.generator.state[0].tensor.rawBytes == before.0) == isRealistic)
      #expect((recipe.discriminator.state[0].tensor.rawBytes == before.1) == !isRealistic)
      updated.append(readings[0].name)
    }
    #expect(Set(updated) == ["discriminator", "generator"])
  }

  @Test(arguments: [32, 64, 128, 256]) func dcganMakesEachSize(size: Int) throws {
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.width, settings.batch, settings.augment) = (PictureSize(size), 2, 2, 1)
    var noise = Noise(seed: 0)
    let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
    let readings = recipe.step(
      Batch(pictures: noise.uniform([2, 3, size, size], from: -1, to: 1).channelsLast(), indices: [0, 1]),
      noise: &noise, at: Progress(picturesSeen: 0, fraction: 0, totalPictures: 100))
    #expect(readings.allSatisfy { $0.value.isFinite })
    #expect(recipe.model.sample(seeds: [7]).shape == [1, 3, size, size])
  }

  @Test func aPictureIsTheSameInAnyBatch() throws {
    var noise = Noise(seed: 0)
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.width) = (32, 8)
    let models: [any PictureModel] = [
      try DCGANRecipe(settings, noise: &noise, on: .cpu).model,
      try DenseRecipe(DenseRecipe.Settings(), noise: &noise, on: .cpu).model,
    ]
    for model in models {
      let all = model.sample(seeds: Array(0..<37))
      #expect(all.rawBytes.count == all.count * 4)
      for seed in [0, 5, 15, 16, 36] {
        #expect(model.sample(seeds: [UInt64(seed)]).rawBytes == all[seed..<seed + 1].rawBytes)
      }
    }
  }

  @Test func impossibleSettingsAreRefused() {
    func sentence(_ change: (inout DCGANRecipe.Settings) -> Void) -> String? {
      var settings = DCGANRecipe.Settings()
      change(&settings)
      var noise = Noise(seed: 0)
      do throws(RecipeError) {
        _ = try DCGANRecipe(settings, noise: &noise, on: .cpu)
        return nil
      } catch { return error.sentence }
    }
    #expect(sentence { $0.size = 48 } == "The recipe dcgan can't make pictures of 48 px: use 32, 64, 128 or 256.")
    #expect(sentence { $0.batch = 1 } == "The setting 'batch' can't be 1: it must be 2 or more.")
    #expect(sentence { $0.precision = "half" } != nil)
    #expect(throws: RecipeError.self) {
      _ = try DenseRecipe.settings(for: Situation(pictures: 9, size: 128, channels: 1), preset: nil)
    }
    #expect(throws: RecipeError.self) { _ = try recipe(named: "stylegan9") }
  }

  @Test func aPublishedGeneratorMakesTheSamePictures() throws {
    let folder = temporaryPath("atelier")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var noise = Noise(seed: 1)
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.width) = (32, 4)
    let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
    let facts = Checkpoint.Facts(recipe: DCGANRecipe.name, settings: settings.json, seed: 1)
    try Checkpoint.write(recipe.model.parts, facts: facts, to: folder + "/g.safetensors")
    let other = try #require(try model(of: Checkpoint(path: folder + "/g.safetensors")) as? any PictureModel)
    #expect(other.sample(seeds: [3, 4]).isEqual(to: recipe.model.sample(seeds: [3, 4])))
  }

  /// Red and blue pictures in two folders: each is made when it is asked for.
  @Test func dcganMakesTheClassThatIsAskedFor() throws {
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.batch, settings.width, settings.latent) = (32, 8, 4, 8)
    (settings.classes, settings.classCounts, settings.averageHalfLife) = (["blue", "red"], [30, 10], 50)
    (settings.rate, settings.precision) = (2e-3, "float32")
    var noise = Noise(seed: 2)
    let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
    let red = Tensor([0.8, -0.8, -0.8] as [Float], shape: [1, 3, 1, 1]).expanded([4, 3, 32, 32])
    let batch = Batch(
      pictures: Tensor.concatenated([red, -red]).channelsLast(), indices: Array(0..<8),
      labels: [1, 1, 1, 1, 0, 0, 0, 0])
    for i in 0..<200 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 8 * i, fraction: Double(i) / 200, totalPictures: 1600)
      #expect(recipe.step(batch, noise: &noise, at: progress).allSatisfy { $0.value.isFinite })
    }
    func redness(_ name: String?, _ seeds: [UInt64] = [1, 2, 3, 4]) throws -> [Double] {
      let made = try recipe.model.sample(seeds: seeds) { $0.className = name }
      return (made.narrowed(dim: 1, from: 0, count: 1) - made.narrowed(dim: 1, from: 2, count: 1))
        .mean(dims: [1, 2, 3]).doubles
    }
    let (reds, blues) = try (redness("red"), redness("blue"))
    #expect(reds.min()! > blues.max()! + 0.3, "\(reds) \(blues)")
    let all = try redness(nil, Array(0..<20))
    #expect(try abs(redness(nil, [17])[0] - all[17]) < 1e-6)
    #expect(throws: RecipeError.unknownClass("green", known: ["blue", "red"])) { _ = try redness("green") }
  }
}
