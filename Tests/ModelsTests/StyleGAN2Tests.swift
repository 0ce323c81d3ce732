import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// StyleGAN2's layers, networks and penalties beside the paper's equations in PyTorch: Tests/Goldens/stylegan2.py.
@Suite struct StyleGAN2GoldenTests {
  private let golden: [String: Tensor]
  private let names: [String: [String]]
  private let generator = StyleGAN2Generator(
    latent: 6, wSize: 8, depth: 2, widths: [8, 6, 4], channels: 3, classes: 2)
  private let discriminator = StyleGAN2Discriminator(widths: [8, 6, 4], channels: 3, classes: 2)

  init() throws {
    let read = try Checkout.golden("stylegan2")
    (golden, names) = (
      read.tensors, try JSONDecoder().decode([String: [String]].self, from: Data(read.metadata["names"]!.utf8))
    )
    try generator.load(part("generator/"))
    try discriminator.load(part("discriminator/"))
  }

  private func part(_ prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = tensor }
    return found
  }
  private func single(_ name: String) -> Tensor { golden[name]!.to(.float32) }

  private func expectClose(_ mine: Tensor, _ theirs: Tensor, _ name: String, tolerance: Double) {
    TestSupport.expectClose(mine, theirs, name, tolerance: tolerance, reshapes: true)
  }

  /// In float64, values and gradients alike: what differs is the order of sums.
  @Test(arguments: ["layer.same", "layer.plain", "layer.double"]) func layersAreThePapersEquations(name: String) {
    let inputs = ["x", "weight", "styles"].map { golden["layer.\($0)"]!.cloned().requiringGradient() }
    let made = modulatedConvolution(
      inputs[0], weight: inputs[1], styles: inputs[2], demodulates: name != "layer.plain",
      doubles: name == "layer.double")
    expectClose(made.detached(), golden[name]!, name, tolerance: 1e-12)
    let found = gradients(of: (made * golden["\(name)/direction"]!).sum(), withRespectTo: inputs)
    for (input, gradient) in zip(["x", "weight", "styles"], found) {
      expectClose(gradient, golden["\(name)/\(input)"]!, "\(name)/\(input)", tolerance: 1e-11)
    }
  }

  @Test func theDeviationOfAMinibatchIsAMap() {
    let x = golden["deviation.x"]!.cloned().requiringGradient()
    let made = withMinibatchDeviation(x, group: 4)
    expectClose(made.detached(), golden["deviation"]!, "deviation", tolerance: 1e-12)
    let found = gradients(of: (made * golden["deviation/direction"]!).sum(), withRespectTo: [x])
    expectClose(found[0], golden["deviation/x"]!, "deviation/x", tolerance: 1e-11)
  }

  @Test func statesHaveTheNamesOfTheReference() {
    #expect(generator.state.map(\.name).sorted() == names["generator"])
    #expect(discriminator.state.map(\.name).sorted() == names["discriminator"])
  }

  private var kinds: Tensor { single("kinds") }
  private var w: Tensor { generator.mapping(single("z"), classes: kinds) }
  private var fake: Tensor { generator.synthesis(generator.everywhere(w)) }

  @Test func picturesAndVerdictsAreTheSame() {
    // Float32 through a dozen layers.
    expectClose(w, golden["w"]!, "w", tolerance: 1e-5)
    expectClose(fake, golden["pictures"]!, "pictures", tolerance: 1e-5)
    expectClose(discriminator(single("real"), classes: kinds), golden["verdicts"]!, "verdicts", tolerance: 1e-5)
  }

  private func expectGradients(of value: Tensor, _ name: String, _ network: some Module) {
    expectClose(value.reshaped([1]).detached(), golden[name]!, name, tolerance: 1e-4)
    let parameters = network.state.filter { $0.tensor.requiresGradient }
    let found = gradientsIfUsed(of: value, withRespectTo: parameters.map(\.tensor))
    for (parameter, gradient) in zip(parameters, found) {
      guard let theirs = golden["\(name)/\(parameter.name)"] else {
        #expect(gradient.map { abs($0).max().item() == 0 } ?? true, "\(parameter.name)")
        continue
      }
      guard let gradient else {
        #expect(abs(theirs).max().item() == 0, "\(parameter.name)")
        continue
      }
      expectClose(gradient, theirs, "\(name)/\(parameter.name)", tolerance: 2e-4)
    }
  }

  @Test func lossesHaveThePapersGradients() {
    let lossD =
      lossOfReal(discriminator(single("real"), classes: kinds))
      + lossOfFake(discriminator(fake.detached(), classes: kinds))
    expectGradients(of: lossD, "loss.discriminator", discriminator)
    expectGradients(of: lossOfGenerator(discriminator(fake, classes: kinds)), "loss.generator", generator)
  }

  @Test func penaltiesHaveThePapersGradients() {
    let slope = zeroCenteredPenalty(at: single("real")) { discriminator($0, classes: kinds) }
    expectGradients(of: slope, "r1", discriminator)
    let ws = generator.everywhere(w)
    let lengths = pathLengths(generator.synthesis(ws), ws, along: single("path.direction"))
    expectClose(lengths.detached(), golden["path.lengths"]!, "lengths", tolerance: 1e-4)
    expectGradients(of: square(lengths - 0.5).mean(), "path", generator)
  }
}

@Suite struct StyleGAN2Tests {
  private func small(_ change: (inout StyleGAN2Settings) -> Void = { _ in }) -> StyleGAN2Settings {
    var settings = StyleGAN2Settings()
    (settings.size, settings.batch, settings.latent, settings.wSize) = (16, 4, 8, 8)
    (settings.widths, settings.discriminatorWidths, settings.pathEvery, settings.penaltyEvery) = (
      [8, 8, 8], [8, 8, 8], 2, 2
    )
    settings.precision = "float32"
    change(&settings)
    return settings
  }

  /// What is beyond an edge is what is at the other one: a generator that starts from a constant picture of one colour
  /// makes the same picture wherever it is cut.
  @Test func aSeamlessGeneratorKnowsNoEdge() throws {
    var noise = Noise(seed: 1)
    let network = SynthesisNetwork(widths: [8, 8, 8], channels: 3, wSize: 8, least: 4, isSeamless: true)
    network.initialize(&noise)
    let ws = noise.normal([1, network.layers, 8])
    let made = withoutGradients { network(ws) }
    let const = network.blocks[0].const!
    withoutGradients { const.copy(from: const.rolled(by: [1, 2], dims: [1, 2])) }
    let moved = withoutGradients { network(ws) }
    let expected = made.rolled(by: [4, 8], dims: [2, 3])
    #expect(abs(moved - expected).max().item() < 1e-4 * abs(expected).max().item())
  }

  @Test func trainsAndResumesToTheBit() throws {
    var draw = Noise(seed: 5)
    let set = PictureSet(draw.uniform([12, 3, 16, 16], from: 0, to: 255).to(.uint8))
    try expectResumesExactly(set, pictures: 40, cuts: [16, 20]) {
      var noise = Noise(seed: 1)
      return try StyleGAN2Recipe(small { $0.adapt = 0.3 }, noise: &noise, on: .cpu)
    }
  }

  @Test func truncationDrawsTowardsTheMean() throws {
    var noise = Noise(seed: 3)
    let recipe = try StyleGAN2Recipe(small(), noise: &noise, on: .cpu)
    let latents = recipe.model.latents(seeds: [1, 2])
    let (first, second) = (
      recipe.model.sample(latents: latents, truncation: 0)[0..<1],
      recipe.model.sample(latents: latents, truncation: 0)[1..<2]
    )
    #expect(first.isEqual(to: second))
    #expect(!recipe.model.sample(latents: latents)[0..<1].isEqual(to: recipe.model.sample(latents: latents)[1..<2]))
  }
}
