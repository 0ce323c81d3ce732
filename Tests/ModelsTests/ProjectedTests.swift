import Foundation
@testable import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// The projected GAN beside PyTorch: Tests/Goldens/projected.py.
@Suite struct ProjectedGoldenTests {
  private let golden: [String: Tensor]
  private let names: [String: [String]]
  private let generator = FastGenerator(latent: 6, width: 4, doublings: 4, channels: 3, classes: 2)
  private let discriminator = ProjectedDiscriminator(
    widths: [4, 5, 6, 7], sizes: [16, 8, 4, 2], width: 8, classes: 2)
  private let mixing = RandomMixing([3, 4, 5, 6], widths: [4, 5, 6, 7])

  init() throws {
    let read = try Checkout.golden("projected")
    (golden, names) = (
      read.tensors, try JSONDecoder().decode([String: [String]].self, from: Data(read.metadata["names"]!.utf8))
    )
    try generator.load(part("generator/"))
    try discriminator.load(part("discriminator/"))
    try mixing.load(part("mixing/"))
  }

  private func part(_ prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = tensor }
    return found
  }

  /// In float32, beside float64: sums of some thousands of products, through normalisations.
  private func expectClose(_ mine: Tensor, _ theirs: Tensor, _ name: String, tolerance: Double = 5e-4) {
    TestSupport.expectClose(mine, theirs, name, tolerance: tolerance, reshapes: true)
  }

  private var fake: Tensor { generator(golden["z"]!, classes: golden["kinds"]!) }
  /// Four maps of pictures, each a product of means and a fixed matrix, where a trained network's would be.
  private func mixed(_ pictures: Tensor) -> [Tensor] {
    mixing(
      [16, 8, 4, 2].enumerated().map { n, side in
        let cells = interpolate(pictures, size: [side, side], mode: .area)
        let look = golden["look.\(n)"]!
        return conv2d(cells, look.reshaped([look.size(0), 3, 1, 1]))
      })
  }

  @Test func statesHaveTheNamesOfTheReference() {
    #expect(generator.state.map(\.name).sorted() == names["generator"])
    #expect(discriminator.state.map(\.name).sorted() == names["discriminator"])
  }

  @Test func picturesAndMixturesAreTheSame() {
    expectClose(fake.detached(), golden["fake"]!, "fake")
    for (n, map) in mixed(golden["real"]!).enumerated() { expectClose(map, golden["seen.\(n)"]!, "seen.\(n)") }
  }

  @Test func lossesAndTheirGradientsAreTheSame() {
    let kinds = golden["kinds"]!
    let made = mixed(fake)
    let ours = discriminator(mixed(golden["real"]!), classes: kinds)
    for (n, verdict) in ours.enumerated() { expectClose(verdict.detached(), golden["verdict.\(n)"]!, "verdict.\(n)") }
    let lossD = hingeLoss(real: ours, fake: discriminator(made.map { $0.detached() }, classes: kinds))
    expectClose(lossD.detached().reshaped([1]), golden["loss.discriminator"]!, "loss of D")
    compare("discriminator", discriminator, lossD)
    let lossG = hingeLossOfGenerator(discriminator(made, classes: kinds))
    expectClose(lossG.detached().reshaped([1]), golden["loss.generator"]!, "loss of G")
    compare("generator", generator, lossG)
  }

  private func compare(_ name: String, _ module: any Module, _ loss: Tensor) {
    let parameters = module.state.filter(\.tensor.requiresGradient)
    let found = gradients(of: loss, withRespectTo: parameters.map(\.tensor))
    for ((key, _), gradient) in zip(parameters, found) {
      expectClose(gradient, golden["gradient/\(name)/\(key)"]!, "\(name)/\(key)", tolerance: 2e-3)
    }
    #expect(part("gradient/\(name)/").count == parameters.count)
  }

  /// By hand: margins of 1 that are kept cost nothing.
  @Test func hingesStopAtTheirMargins() {
    let real = [Tensor([2, 0.5], shape: [1, 2]), Tensor([-1.0], shape: [1, 1])]
    let fake = [Tensor([-3, 0.0], shape: [1, 2]), Tensor([1.0], shape: [1, 1])]
    #expect(abs(hingeLoss(real: real, fake: fake).item() - (0.25 + 0.5 + 2 + 2)) < 1e-12)
    #expect(abs(hingeLossOfGenerator(fake).item() - (1.5 - 1)) < 1e-12)
  }
}

@Suite struct ProjectedTests {
  private static func recipe(channels: Int = 3, seamless: Bool = false, classes: Int = 0) throws -> ProjectedRecipe {
    var settings = ProjectedRecipe.Settings()
    (settings.size, settings.channels, settings.batch, settings.latent) = (32, channels, 4, 8)
    (settings.width, settings.seen, settings.seamless) = (4, 64, seamless)
    (settings.classes, settings.classCounts) = (["a", "b"].prefix(classes) + [], [6, 6].prefix(classes) + [])
    (settings.mixed, settings.discriminatorWidth, settings.precision) = ([4, 6, 8, 8], 8, "float32")
    var noise = Noise(seed: 1)
    let recipe = try ProjectedRecipe(settings, noise: &noise, on: .cpu)
    try recipe.take(Pretrained("efficientnet-lite0"), weights: perceptualNetwork(&noise).savedTensors)
    return recipe
  }

  static func perceptualNetwork(_ noise: inout Noise) -> EfficientNetLite0 {
    let perceptualNetwork = EfficientNetLite0()
    perceptualNetwork.initialize(&noise, as: .fanIn(gain: 1.4))
    // Statistics that aren't those of a beginning, which would hide what folding does with them.
    for (name, tensor) in perceptualNetwork.state where name.contains("running") {
      withoutGradients { tensor.copy(from: noise.uniform(tensor.shape, from: 0.5, to: 1.5)) }
    }
    return perceptualNetwork
  }

  private static func set(channels: Int = 3) -> PictureSet {
    var noise = Noise(seed: 5)
    let names = (0..<12).map { "\($0 % 2 == 0 ? "a" : "b")/\($0).png" }
    return PictureSet(noise.uniform([12, channels, 32, 32], from: 0, to: 255).to(.uint8), names: names)
  }

  @Test func sizesFollowThePicturesAndTheTime() {
    func side(of typical: Int, minutes: Double? = nil, pictures: Int? = nil, gigaflops: Double = 200) -> Int {
      ProjectedRecipe.usualSide(
        of: typical,
        in: Situation(
          pictures: 228, size: 64, channels: 3, minutes: minutes, picturesSeen: pictures, gigaflops: gigaflops))
    }
    #expect(side(of: 72) == 64 && side(of: 128) == 128 && side(of: 4000) == 128, "20 minutes of two cores")
    #expect(side(of: 4000, minutes: 4) == 64 && side(of: 4000, pictures: 4000) == 64)
    #expect(side(of: 4000, minutes: 180) == 256 && side(of: 200, minutes: 180) == 128)
    #expect(side(of: 4000, gigaflops: 20_000) == 256, "a GPU")
  }

  @Test(arguments: [1, 3, 4]) func trainsAndGoesOnExactly(channels: Int) throws {
    let whole = try expectResumesExactly(Self.set(channels: channels), pictures: 16, cuts: [8]) {
      try Self.recipe(channels: channels, classes: channels == 3 ? 2 : 0)
    }
    // Only the generator and the discriminators have moved.
    let fresh = try Self.recipe(channels: channels, classes: channels == 3 ? 2 : 0)
    for (name, tensor) in whole.mixing.state { #expect(tensor.isEqual(to: fresh.mixing.savedTensors[name]!)) }
    #expect(!whole.generator.parameters[0].isEqual(to: fresh.generator.parameters[0]))
    #expect(!whole.discriminator.parameters[0].isEqual(to: fresh.discriminator.parameters[0]))
  }

  /// Folded normalisations, and halving convolutions done at every place, are the same numbers in another order.
  @Test func whatIsSeenIsWhatTheNetworkSees() {
    var noise = Noise(seed: 2)
    let perceptualNetwork = Self.perceptualNetwork(&noise), pyramid = EfficientNetPyramid(perceptualNetwork)
    let x = noise.normal([2, 3, 96, 96])
    let maps = withoutGradients { pyramid(x) }
    #expect(maps.map(\.shape) == [[2, 24, 24, 24], [2, 40, 12, 12], [2, 112, 6, 6], [2, 320, 3, 3]])
    let features = withoutGradients { perceptualNetwork.features(x) }
    let mine = withoutGradients {
      relu6(perceptualNetwork.headNorm(perceptualNetwork.head(maps[3]))).mean(dims: [2, 3])
    }
    #expect(abs(mine - features).max().item() < 1e-4 * abs(features).max().item())
  }

  @Test func aSeamlessGeneratorHasNoEdge() throws {
    let recipe = try Self.recipe(seamless: true)
    let network = recipe.average.module
    // Untrained, its pictures are nearly one colour.
    var noise = Noise(seed: 4)
    network.initialize(&noise, as: .fanIn(gain: 2))
    let picture = recipe.model.sample(latents: recipe.model.latents(seeds: [3]))
    // Features that are moved by a pixel at 4 px move the picture by eight.
    withoutGradients {
      let wide = network.base.weight.reshaped([-1, 4, 4, 8])
      network.base.weight.copy(from: wide.rolled(by: [1], dims: [2]).reshaped(network.base.weight.shape))
    }
    let moved = recipe.model.sample(latents: recipe.model.latents(seeds: [3]))
    #expect(abs(moved - picture.rolled(by: [8], dims: [3])).max().item() < 1e-4)
    #expect(abs(moved - picture).max().item() > 1e-3)
  }

  @Test func stylesMakeThePicturesOfTheirLatents() throws {
    let recipe = try Self.recipe(), latents = recipe.model.latents(seeds: [1, 2, 3])
    let styles = recipe.model.styles(PictureRequest(latents: latents))
    #expect(styles.shape == [3, 4, 8])
    let made = withoutGradients { recipe.model.synthesize(styles) }
    #expect(abs(made - recipe.model.sample(latents: latents)).max().item() < 1e-5)
    // Tuned to a picture, as `project` does, all but statistics move.
    recipe.model.synthesizer.setRequiresGradient(true)
    let tuned = recipe.model.synthesizer.state.map(\.tensor).filter(\.requiresGradient)
    #expect(gradients(of: recipe.model.synthesize(styles).sum(), withRespectTo: tuned).count == tuned.count)
    recipe.model.synthesizer.setRequiresGradient(false)
    // Drawn to the middle, all are the same.
    let middle = recipe.model.sample(latents: latents, truncation: 0)
    #expect(abs(middle[0] - middle[1]).max().item() < 1e-5)
  }
}
