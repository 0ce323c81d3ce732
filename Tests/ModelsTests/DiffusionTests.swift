import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// The diffusion model beside PyTorch (Tests/Goldens/diffusion.py), and as a recipe.
@Suite struct DiffusionTests {
  private let golden: [String: Tensor]
  private let names: [String]
  private let network = UNet(
    channels: 3, size: 16, widths: [8, 16], blocks: 1, attention: 4, halvings: 1, conditions: 5, dropout: 0)

  init() throws {
    let read = try Checkout.golden("diffusion")
    golden = read.tensors
    names = try JSONDecoder().decode([String].self, from: Data(read.metadata["names"]!.utf8))
    let prefix = "network/"
    try network.load(
      Dictionary(
        uniqueKeysWithValues: read.tensors.filter { $0.key.hasPrefix(prefix) }.map {
          (String($0.key.dropFirst(prefix.count)), $0.value)
        }))
  }

  private subscript(name: String) -> Tensor { golden[name]!.to(.float32) }

  /// Float32 sums of some hundred products in another order.
  private func expectClose(_ mine: Tensor, _ theirs: Tensor, _ name: String) {
    TestSupport.expectClose(mine, theirs, name, tolerance: 2e-5)
  }

  @Test func theStateHasPyTorchsNames() { #expect(network.state.map(\.name) == names) }

  @Test(arguments: [Preconditioning.edm, .flow]) func estimatesAndGradientsArePyTorchs(_ objective: Preconditioning) {
    let denoiser = Denoiser(network: network, preconditioning: objective)
    let sigma = self["sigma"], noisy = self["pictures"] + self["noise"] * sigma.reshaped([-1, 1, 1, 1])
    expectClose(denoiser(noisy, sigma, self["conditions"]), self["\(objective)/denoised"], "denoised")
    let loss = denoiser.loss(self["pictures"], noise: self["noise"], sigma: sigma, conditions: self["conditions"])
    expectClose(loss.reshaped([1]), self["\(objective)/loss"], "loss")
    let wanted = network.state.filter { golden["\(objective)/gradient/\($0.name)"] != nil }
    #expect(wanted.count > 10)
    for (slope, part) in zip(gradients(of: loss, withRespectTo: wanted.map(\.tensor)), wanted) {
      expectClose(slope, self["\(objective)/gradient/\(part.name)"], part.name)
    }
  }

  @Test func theDistillationsTargetIsPyTorchs() {
    let denoiser = Denoiser(network: network, preconditioning: .edm)
    let places = Distillation.Places(self["places"])
    let found = withoutGradients {
      Distillation.target(self["pictures"] + self["noise"] * places.here, places) { x, sigma in
        denoiser(x, sigma.reshaped([-1]), self["conditions"])
      } student: { x, sigma in
        denoiser(x, sigma.reshaped([-1]), self["student"])
      }
    }
    expectClose(found, self["target"], "target")
  }

  /// In every segment, a place is above the one it leads to, and that isn't below the segment's end.
  @Test func placesAreInTheirSegments() {
    var noise = Noise(seed: 1)
    for count in Distillation.counts {
      let places = Distillation.Places(64, count: count, noise: &noise, on: .cpu)
      let (here, next, end) = (places.here.floats, places.next.floats, places.end.floats)
      #expect(zip(here, next).allSatisfy { $0 > $1 } && zip(next, end).allSatisfy { $0 >= $1 })
      let ends = Set(end), bounds = Set(Distillation.levels(count).dropFirst().map { Float($0) })
      #expect(ends == bounds)
      #expect(Distillation.levels(count).count == count + 1)
    }
  }

  private static func settings() -> DiffusionSettings {
    var settings = DiffusionSettings()
    (settings.size, settings.widths, settings.blocks, settings.attention) = (16, [8, 16], 1, 4)
    (settings.batch, settings.warmUp, settings.augment, settings.dropout) = (2, 0, 0.5, 0.1)
    (settings.steps, settings.distil, settings.precision) = (3, 0.5, "float32")
    return settings
  }

  private static func set(_ count: Int = 6) -> PictureSet {
    var noise = Noise(seed: 5)
    let smooth = interpolate(noise.normal([count, 3, 4, 4]), size: [16, 16])
    return PictureSet(clamp(smooth * 60 + 128, min: 0, max: 255).to(.uint8))
  }

  /// The second network's beginning is among the steps.
  @Test func aRunGoesOnExactly() throws {
    let whole = try expectResumesExactly(Self.set(), pictures: 20, cuts: [8, 14]) {
      var noise = Noise(seed: 1)
      return try DiffusionRecipe(Self.settings(), noise: &noise, on: .cpu)
    }
    #expect(whole.saved["quick.begun"]!.savedTensors["is_done"]!.item() == 1)
  }

  @Test func aPictureIsTheSameInAnyBatch() throws {
    var noise = Noise(seed: 7)
    let recipe = try DiffusionRecipe(Self.settings(), noise: &noise, on: .cpu)
    for sampling in [Sampling.heun(2), .solver(3)] {
      let many = try recipe.model.sample(seeds: Array(0..<20)) { $0.sampling = sampling }
      #expect(many.shape == [20, 3, 16, 16] && many.allFinite && abs(many).max().item() <= 1)
      #expect(try recipe.model.sample(seeds: [17]) { $0.sampling = sampling }[0].isEqual(to: many[17]), "\(sampling)")
    }
    #expect(throws: RecipeError.self) { try recipe.model.sample(seeds: [0]) { $0.sampling = .quick(4) } }
  }

  /// Of pictures that are all one colour, both networks come nearer to it within some hundred steps.
  @Test func bothNetworksLearnAColour() throws {
    var settings = Self.settings()
    (settings.rate, settings.averageMemory, settings.augment, settings.dropout) = (3e-3, 0.02, 0, 0)
    var noise = Noise(seed: 6)
    let recipe = try DiffusionRecipe(settings, noise: &noise, on: .cpu)
    let real = Batch(pictures: Tensor.full([4, 3, 16, 16], 0.6).channelsLast(), indices: [0, 1, 2, 3])
    func distance(_ sampling: Sampling? = nil) throws -> Double {
      try abs(recipe.model.sample(seeds: [1, 2, 3]) { $0.sampling = sampling } - 0.6).mean().item()
    }
    let before = try distance()
    for i in 0..<120 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 4 * i, fraction: Double(i) / 120, totalPictures: 480)
      #expect(recipe.step(real, noise: &noise, at: progress).allSatisfy { $0.value.isFinite })
    }
    for sampling in [Sampling.solver(8), .quick(4), .quick(1)] {
      // Twelve numbers of noise go through eight channels, so not all of it can be seen.
      #expect(try distance(sampling) < 0.8 * before, "\(sampling)")
    }
  }

  @Test func nothingIsChangedThatNothingIsToldOf() {
    var noise = Noise(seed: 8)
    let x = tanh(noise.normal([40, 3, 8, 8]))
    let (seen, labels) = NonLeakyAugment(probability: 0.2)(x, noise: &noise)
    let untouched = square(labels).sum(dims: [1]).equal(to: 0.0).bools
    #expect(untouched.contains(true) && untouched.contains(false))
    for i in 0..<40 {
      // An identity map of places is exact but for their rounding.
      let moved = abs(seen[i] - x[i]).max().item()
      #expect(untouched[i] ? moved < 1e-5 : moved > 1e-2, "picture \(i)")
    }
    let mirrored = labels.selected(dim: 1, index: 0)
    let alone = square(labels).sum(dims: [1]).equal(to: 1.0).and(mirrored.equal(to: 1.0)).bools
    for i in 0..<40 where alone[i] { #expect(abs(seen[i] - x[i].flipped([2])).max().item() < 1e-5) }
  }

  /// What isn't to be filled stays to the bit; a seed's filling doesn't depend on its batch.
  @Test func whatIsNotMaskedStaysExactly() throws {
    var noise = Noise(seed: 9)
    let recipe = try DiffusionRecipe(Self.settings(), noise: &noise, on: .cpu)
    let pictures = Self.set(2).batch([0, 1])
    var hole = [Float](repeating: 0, count: 2 * 256)
    for i in 0..<2 { for y in 4..<9 { for x in 5..<12 { hole[i * 256 + y * 16 + x] = 1 } } }
    let mask = Tensor(hole, shape: [2, 1, 16, 16])
    func fill(_ some: Range<Int>, seeds: [UInt64]) throws -> Tensor {
      try recipe.model.sample(seeds: seeds) { ($0.given, $0.mask) = (pictures[some], mask[some]) }
    }
    let filled = try fill(0..<2, seeds: [3, 4])
    #expect((filled * (1 - mask)).isEqual(to: pictures.contiguous() * (1 - mask)))
    #expect(abs((filled - pictures) * mask).max().item() > 0.05)
    let alone = try fill(1..<2, seeds: [4])
    #expect(alone[0].isEqual(to: filled[1]))
    #expect(try !fill(1..<2, seeds: [5]).isEqual(to: alone))
  }

  /// The more noise, the less is left.
  @Test func redrawingGoesFromNothingToAll() throws {
    var noise = Noise(seed: 9)
    let recipe = try DiffusionRecipe(Self.settings(), noise: &noise, on: .cpu)
    let pictures = Self.set(2).batch([0, 1]).contiguous()
    let distances = try [0, 0.2, 0.6, 1].map { strength in
      let made = try recipe.model.sample(seeds: [3, 4]) { ($0.given, $0.strength) = (pictures, strength) }
      return abs(made - pictures).mean().item()
    }
    #expect(distances[0] == 0 && distances == distances.sorted())
  }

  @Test func classesAreFoldersNames() throws {
    let classes = PictureClasses(of: ["all/cats/1.png", "all/dogs/b/2.png", "all/cats/3.png", "all/4.png"])
    #expect(classes.names == ["cats", "dogs"] && classes.counts == [2, 1] && classes.labels == [0, 1, 0, -1])
    #expect(classes.labels(in: ["dogs", "birds"]) == [-1, 0, -1, -1])
    #expect(PictureClasses(of: ["all/1.png", "all/2.png"]).names.isEmpty)

    var settings = Self.settings()
    (settings.classes, settings.classCounts, settings.distil) = (classes.names, classes.counts, 0)
    var noise = Noise(seed: 9)
    let recipe = try DiffusionRecipe(settings, noise: &noise, on: .cpu)
    let batch = Batch(pictures: Self.set().batch([0, 1, 2, 3]), indices: [0, 1, 2, 3], labels: classes.labels)
    for i in 0..<8 {
      let progress = Progress(picturesSeen: 4 * i, fraction: Double(i) / 8, totalPictures: 32)
      _ = recipe.step(batch, noise: &noise, at: progress)
    }
    func made(_ name: String?, _ guidance: Double = 1) throws -> Tensor {
      try recipe.model.sample(seeds: [1, 2]) { ($0.className, $0.guidance) = (name, guidance) }
    }
    let cats = try made("cats")
    #expect(try !made("dogs").isEqual(to: cats) && !made("cats", 3).isEqual(to: cats) && made("cats").isEqual(to: cats))
    // Without a choice, each seed has its own class, as often as the set has it.
    let all = try made(nil), dogs = try made("dogs")
    for i in 0..<2 { #expect(all[i].isEqual(to: cats[i]) || all[i].isEqual(to: dogs[i])) }
    #expect(throws: RecipeError.self) { try made("birds") }
  }

  @Test func badSettingsAreNamed() {
    var noise = Noise(seed: 8)
    for change in [
      ("size", "33"), ("widths", "12"), ("widths", "8,8,8,8"), ("objective", "ddpm"), ("distil", "1"), ("steps", "1"),
    ] {
      #expect(throws: RecipeError.self) {
        let settings = try Self.settings().changed(by: [change], recipe: "diffusion")
        _ = try DiffusionRecipe(settings, noise: &noise, on: .cpu)
      }
    }
  }

  @Test(arguments: [16, 32, 64, 128, 256, 96, PictureSize(192, 128), PictureSize(16, 60)])
  func presetsFitEverySize(size: PictureSize) throws {
    for preset in [nil, "small", "large", "flow", "latent"] {
      let situation = Situation(pictures: 100, size: size, channels: 3)
      #expect(try DiffusionSettings(for: situation, preset: preset).size == size)
    }
  }
}
