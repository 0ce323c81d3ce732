import Foundation
import Networks
import Testing
import Torch
import Training

@testable import Models

@Suite struct R3GANTests {
  /// Small networks for 64 px in float32.
  static func settings() -> R3GANSettings {
    var settings = R3GANSettings()
    (settings.widths, settings.discriminatorWidths) = ([16, 12, 8, 8], [16, 12, 8, 8])
    (settings.batch, settings.latent, settings.wSize, settings.penalised) = (4, 8, 16, 4)
    settings.precision = "float32"
    return settings
  }

  static func batch(_ size: Int = 64, seed: UInt64 = 9) -> Batch {
    var noise = Noise(seed: seed)
    return Batch(pictures: tanh(noise.normal([4, 3, size, size])).channelsLast(), indices: [0, 1, 2, 3])
  }

  @Test func theLossPairsRealWithFake() {
    let (real, fake) = (Tensor([1, -2] as [Double]), Tensor([0.5, 3] as [Double]))
    let expected = (log(1 + exp(-0.5)) + log(1 + exp(5.0))) / 2
    // Float64 rounding.
    #expect(abs(relativisticLoss(real: real, fake: fake).item() - expected) < 1e-12)
  }

  @Test func allPairsAreTheMeanOverPairings() {
    var noise = Noise(seed: 4)
    let (real, fake) = (noise.normal([5], dtype: .float64), noise.normal([5], dtype: .float64))
    let turned = (0..<5).map { k in
      let partners = Tensor.concatenated([fake[k..<5], fake[0..<k]])
      return relativisticLoss(real: real, fake: partners).item()
    }
    let found = relativisticLossOfAllPairs(real: real, fake: fake).item()
    // Float64 rounding.
    #expect(abs(found - turned.reduce(0, +) / 5) < 1e-12)
  }

  @Test func onePassBackwardServesBothUpdates() {
    var noise = Noise(seed: 1)
    let w = noise.normal([12, 1], dtype: .float64)
    func judge(_ x: Tensor) -> Tensor { matmul(square(tanh(x)), w).reshaped([-1]) }
    let real = noise.normal([5, 12], dtype: .float64)
    let fake = noise.normal([5, 12], dtype: .float64).requiringGradient()
    let (a, b) = (judge(real), judge(fake))
    let shared = gradients(of: relativisticLossOfAllPairs(real: a, fake: b), withRespectTo: [fake])[0]
    let mine = generatorGradient(from: shared, real: a, fake: b)
    let own = gradients(
      of: relativisticLossOfAllPairs(real: judge(fake), fake: judge(real)), withRespectTo: [fake])[0]
    // The same numbers in another order of float64 operations.
    #expect(abs(mine - own).max().item() < 1e-12)
    // Of pairs, too.
    let ofPairs = gradients(of: relativisticLoss(real: judge(real), fake: judge(fake)), withRespectTo: [fake])[0]
    let theirs = gradients(of: relativisticLoss(real: judge(fake), fake: judge(real)), withRespectTo: [fake])[0]
    #expect(abs(generatorGradient(from: ofPairs, real: a, fake: b, isPaired: true) - theirs).max().item() < 1e-12)
  }

  /// A step goes against the gradient: at 1.5, a negative one would lead further out.
  @Test func aPixelBeyondWhiteMayOnlyComeBack() {
    let pictures = Tensor([1.5, 1.5, -2, -2, 0.3] as [Float])
    let gradient = Tensor([-1, 1, 1, -1, 1] as [Float])
    let kept = inwardGradient(gradient, of: pictures, clamped: clamp(pictures, min: -1, max: 1))
    #expect(kept.isEqual(to: Tensor([0, 1, 0, -1, 1] as [Float])))
  }

  /// The gradient of the exact penalty with respect to a weight, against central differences.
  @Test func thePenaltyCanBeDifferentiated() {
    var noise = Noise(seed: 2)
    let x = noise.normal([3, 6], dtype: .float64)
    let w = noise.normal([6, 4], dtype: .float64).requiringGradient()
    func penalty(_ w: Tensor) -> Tensor {
      zeroCenteredPenalty(at: x) { square(tanh(matmul($0, w))).sum(dims: [1]) }
    }
    // zeroCenteredPenalty computes in float32 at its end, so differences carry 1e-7 / 2e-3 of error.
    let found = gradients(of: penalty(w), withRespectTo: [w])[0]
    for i in 0..<6 {
      var change = [Double](repeating: 0, count: 24)
      change[i * 4] = 1e-3
      let step = Tensor(change, shape: [6, 4])
      let slope = (penalty(w.detached() + step).item() - penalty(w.detached() - step).item()) / 2e-3
      #expect(abs(found[i][0].item() - slope) < 2e-3 * max(1, abs(slope)))
    }
  }

  /// For a linear discriminator the finite difference is exact: (w·n)², on average ‖w‖².
  @Test func theFiniteDifferenceEstimatesTheSlope() {
    var noise = Noise(seed: 3)
    let w = noise.normal([8, 1], dtype: .float64)
    let x = noise.normal([4000, 8], dtype: .float64)
    let found = slopePenalty(at: x, along: noise.normal([4000, 8], dtype: .float64), step: 0.1) {
      matmul($0, w).reshaped([-1])
    }
    let exact = square(w).sum().item()
    // The mean of 4,000 squares of normals has a relative deviation of √(2/4000) = 2.2 %; four of them.
    #expect(abs(found.item() / exact - 1) < 0.09)
  }

  @Test func growingChangesNothingAtFirst() throws {
    var noise = Noise(seed: 4)
    let recipe = try R3GANRecipe(Self.settings(), noise: &noise, on: .cpu)
    let z = noise.normal([2, 8])
    let small = recipe.generator(z, size: 32)
    // The new head is zero, so the larger picture is the smaller one enlarged, exactly.
    #expect(recipe.generator(z, size: 64).isEqual(to: interpolate(small, size: [64, 64])))
    let x = noise.normal([2, 3, 64, 64])
    let difference = recipe.discriminator(x) - recipe.discriminator(averagePool2d(x, kernel: 2))
    #expect(abs(difference).max().item() == 0)
  }

  @Test func bothNetworksLearnAtEachSize() throws {
    var noise = Noise(seed: 5)
    let recipe = try R3GANRecipe(Self.settings(), noise: &noise, on: .cpu)
    for (i, fraction) in [0.0, 0.2, 0.6].enumerated() {
      let before = recipe.generator.state.map { $0.tensor.cloned() }
      let progress = Progress(picturesSeen: 0, fraction: fraction, totalPictures: 1000)
      let readings = recipe.step(Self.batch(), noise: &noise, at: progress)
      #expect(readings.first { $0.name == "size" }?.value == Double(16 << i))
      #expect(readings.allSatisfy { $0.value.isFinite })
      let moved = zip(recipe.generator.state, before).filter { !$0.tensor.isEqual(to: $1) }.map(\.0.name)
      #expect(moved.contains("base.weight"))
      #expect(moved.contains { $0.hasPrefix("stages.3") } == (fraction == 0.6))
      #expect(recipe.model.sample(seeds: [1]).shape == [1, 3, 64, 64])
    }
  }

  /// The discriminator must come to prefer real pictures, the generator to please it: a few steps toward a set of one
  /// colour move the generated colour there.
  @Test func generatedPicturesMoveTowardRealOnes() throws {
    var settings = Self.settings()
    (settings.size, settings.grow, settings.rate, settings.warmUp) = (16, [], 2e-3, 0)
    (settings.widths, settings.discriminatorWidths, settings.blocks, settings.discriminatorBlocks) = (
      [16, 12], [16, 12], [1, 1], [1, 1]
    )
    var noise = Noise(seed: 6)
    let recipe = try R3GANRecipe(settings, noise: &noise, on: .cpu)
    let real = Batch(pictures: Tensor.full([4, 3, 16, 16], 0.8).channelsLast(), indices: [0, 1, 2, 3])
    let start = recipe.model.sample(seeds: [1, 2, 3]).mean().item()
    for i in 0..<60 {
      _ = recipe.step(real, noise: &noise, at: Progress(picturesSeen: 4 * i, fraction: 0, totalPictures: 240))
    }
    #expect(recipe.model.sample(seeds: [1, 2, 3]).mean().item() > start + 0.2)
  }

  @Test func aPictureIsTheSameInAnyBatch() throws {
    var noise = Noise(seed: 7)
    let recipe = try R3GANRecipe(Self.settings(), noise: &noise, on: .cpu)
    let many = recipe.model.sample(seeds: Array(0..<20))
    #expect(recipe.model.sample(seeds: [17])[0].isEqual(to: many[17]))
  }

  /// Penalties, the average and the probability of changes are moved every few steps, wherever a run is cut.
  @Test(arguments: ["shift", "all"]) func anAdaptingRunGoesOnExactly(changes: String) throws {
    var settings = Self.settings()
    (settings.size, settings.widths, settings.discriminatorWidths) = (32, [12, 8, 8], [12, 8, 8])
    (settings.blocks, settings.discriminatorBlocks, settings.grow) = ([1, 1, 1], [1, 1, 1], [0.3])
    (settings.changes, settings.adapt, settings.augment) = (changes, 0.6, 0.3)
    let set = PictureSet(((Self.batch(32).pictures.contiguous() + 1) * 127.5).to(.uint8))
    let recipe = try expectResumesExactly(set, pictures: 48, cuts: [20, 32]) {
      var noise = Noise(seed: 2)
      return try R3GANRecipe(settings, noise: &noise, on: .cpu)
    }
    let p = recipe.saved["augment"]!.savedTensors["state"]!.doubles[0]
    #expect((0...0.8).contains(p) && p != 0.3, "\(p)")
    #expect(!recipe.inherited.keys.contains("augment"))
  }

  /// Red and blue pictures in two folders: each is made when it is asked for.
  @Test func aClassIsMadeWhenItIsAskedFor() throws {
    var settings = Self.settings()
    (settings.size, settings.widths, settings.discriminatorWidths) = (16, [12, 8], [12, 8])
    (settings.blocks, settings.discriminatorBlocks, settings.grow) = ([1, 1], [1, 1], [])
    (settings.classes, settings.classCounts, settings.averageMemory) = (["blue", "red"], [30, 10], 0.02)
    (settings.rate, settings.gamma) = (2e-3, [0.5])
    var noise = Noise(seed: 2)
    let recipe = try R3GANRecipe(settings, noise: &noise, on: .cpu)
    let red = Tensor([0.8, -0.8, -0.8] as [Float], shape: [1, 3, 1, 1]).expanded([2, 3, 16, 16])
    let pictures = Tensor.concatenated([red, -red]).channelsLast()
    let batch = Batch(pictures: pictures, indices: [0, 1, 2, 3], labels: [1, 1, 0, 0])
    for i in 0..<150 {
      var noise = Noise(seed: 1, at: i)
      let progress = Progress(picturesSeen: 4 * i, fraction: Double(i) / 150, totalPictures: 600)
      #expect(recipe.step(batch, noise: &noise, at: progress).allSatisfy { $0.value.isFinite })
    }
    func redness(_ name: String?, _ seeds: [UInt64] = [1, 2, 3, 4], guidance: Double = 1) throws -> [Double] {
      let made = try recipe.model.sample(seeds: seeds) { ($0.className, $0.guidance) = (name, guidance) }
      return (made.narrowed(dim: 1, from: 0, count: 1) - made.narrowed(dim: 1, from: 2, count: 1))
        .mean(dims: [1, 2, 3]).doubles
    }
    let (reds, blues) = try (redness("red"), redness("blue"))
    #expect(reds.min()! > blues.max()! + 0.3, "\(reds) \(blues)")
    // Without a choice as often as the set has them, and a seed's own whatever its batch.
    let all = try redness(nil, Array(0..<40))
    #expect((20...38).contains(all.count { $0 < 0 }))
    #expect(try abs(redness(nil, [17])[0] - all[17]) < 1e-6)
    #expect(throws: RecipeError.unknownClass("green", known: ["blue", "red"])) { _ = try redness("green") }
  }

  @Test func badSettingsAreNamed() {
    var noise = Noise(seed: 8)
    for change in [("size", "100"), ("widths", "1,2"), ("grow", "0.5,0.2"), ("precision", "float8")] {
      #expect(throws: RecipeError.self) {
        let settings = try R3GANSettings().changed(by: [change], recipe: "r3gan")
        _ = try R3GANRecipe(settings, noise: &noise, on: .cpu)
      }
    }
  }

  @Test func aSizeThatCannotBeNamesItsNeighbours() {
    let error = RecipeError.impossibleSize(100, recipe: "r3gan", reason: "use 96 or 104")
    #expect(throws: error) { try R3GANSettings(for: Situation(pictures: 100, size: 100, channels: 3), preset: nil) }
  }

  /// Sprites are of 72 px: nothing is resampled for their sake.
  @Test func spritesOf72PixelsAreLearnedAsTheyAre() throws {
    var situation = Situation(pictures: 800, size: 72, channels: 4)
    situation.picturesSeen = 1000
    var settings = try R3GANSettings(for: situation, preset: "small")
    #expect(settings.widths == [128, 64, 32] && settings.grow.count == 1)
    (settings.widths, settings.discriminatorWidths, settings.wSize) = ([8, 8, 8], [8, 8, 8], 8)
    (settings.batch, settings.penalised, settings.precision) = (4, 4, "float32")
    var noise = Noise(seed: 3)
    let recipe = try R3GANRecipe(settings, noise: &noise, on: .cpu)
    let batch = Batch(
      pictures: tanh(noise.normal([4, 4, 72, 72])).channelsLast(), indices: [0, 1, 2, 3])
    for (fraction, size) in [(0.0, 36.0), (0.9, 72)] {
      let readings = recipe.step(
        batch, noise: &noise, at: Progress(picturesSeen: 0, fraction: fraction, totalPictures: 1000))
      #expect(readings.first { $0.name == "size" }?.value == size)
      #expect(readings.allSatisfy { $0.value.isFinite })
      #expect(recipe.model.sample(seeds: [1]).shape == [1, 4, 72, 72])
    }
  }

  /// Features that are moved along move the picture, over its edges, too.
  @Test(arguments: [32, 64] as [PictureSize]) func aSeamlessGeneratorKnowsNoEdge(size: PictureSize) {
    func moved(isSeamless: Bool) -> Double {
      var noise = Noise(seed: 1)
      let network = R3GANGenerator(
        latent: 8, wSize: 8, widths: [12, 8, 8, 8], blocks: [1, 1, 1, 2], channels: 3, isSeamless: isSeamless)
      network.initialize(&noise, as: .fanIn(gain: 1))
      for parameter in network.parameters where parameter.rank == 4 {
        withoutGradients { parameter.copy(from: noise.normal(parameter.shape) / 6) }
      }
      let z = noise.normal([2, 8])
      let plain = withoutGradients { network.enlarged(network(z, size: size), to: 64) }
      for part in [network.base.weight, network.base.bias!] {
        let grid = part.reshaped([12, 4, 4] + part.shape.dropFirst())
        withoutGradients { part.copy(from: grid.rolled(by: [1, 2], dims: [1, 2]).reshaped(part.shape)) }
      }
      let made = withoutGradients { network.enlarged(network(z, size: size), to: 64) }
      let expected = plain.rolled(by: [16, 32], dims: [2, 3])
      return Double(abs(made - expected).max().item() / abs(expected).max().item())
    }
    #expect(moved(isSeamless: true) < 1e-4)
    #expect(moved(isSeamless: false) > 1e-2)
  }

  /// Features that are moved along move the picture, over its edges, too.
  @Test(arguments: [true, false]) func aSeamlessDCGANKnowsNoEdge(isSeamless: Bool) {
    var noise = Noise(seed: 1)
    let network = DCGANGenerator(latent: 8, widths: dcganWidths(4, 32), channels: 3, isSeamless: isSeamless)
    network.initialize(&noise, as: .normal(0.3))
    network.setTraining(false)
    let z = noise.normal([2, 8, 1, 1])
    let plain = withoutGradients { network(z) }
    let first = (network.main[0] as! ConvTranspose2d).weight
    withoutGradients { first.copy(from: first.rolled(by: [1, 2], dims: [2, 3])) }
    let moved = withoutGradients { network(z) }
    let difference = abs(moved - plain.rolled(by: [8, 16], dims: [2, 3])).max().item()
    #expect(isSeamless ? difference < 1e-5 : difference > 1e-2, "\(difference)")
  }

  @Test func shortRunsStaySmallForLonger() throws {
    func grow(_ pictures: Int) throws -> [Double] {
      var situation = Situation(pictures: 4000, size: 64, channels: 3)
      situation.picturesSeen = pictures
      return try R3GANSettings(for: situation, preset: nil).grow
    }
    #expect(try grow(1_000_000) == [0.12, 0.3])
    let short = try grow(37_500)
    // √(150,000 / 37,500) = 2 times as long.
    #expect(abs(short[0] - 0.24) < 1e-9 && abs(short[1] - 0.6) < 1e-9)
    #expect(try grow(100)[1] == 0.65)
  }

  @Test func fewPicturesHaveLargerBatches() throws {
    let batches = try [479, 3926].map { pictures in
      try R3GANSettings(for: Situation(pictures: pictures, size: 64, channels: 3), preset: "small").batch
    }
    #expect(batches == [16, 8])
  }

  @Test(arguments: [16, 28, 32, 48, 64, 72, 80, 120, 128, 256, PictureSize(192, 128), PictureSize(60, 108)])
  func presetsFitEverySize(size: PictureSize) throws {
    for preset in [nil, "small", "large"] {
      let situation = Situation(pictures: 100, size: size, channels: 3)
      #expect(try R3GANSettings(for: situation, preset: preset).size == size)
    }
  }

  /// A rate that falls after the run's end was an empty range, which trapped.
  @Test func ratesFallWithinTheRun() {
    #expect(throws: RecipeError.self) {
      try R3GANSettings().changed(by: [("rate-hold", "1e9")], recipe: R3GANRecipe.name)
    }
  }
}
