import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Models
@testable import Training

/// videogan beside PyTorch (Tests/Goldens/videogan.py), and what its films keep to.
@Suite struct VideoGANTests {

  private static func settings() -> VideoGANSettings {
    var settings = VideoGANSettings()
    (settings.size, settings.widths, settings.discriminatorWidths) = (32, [12, 8, 8], [12, 8, 8])
    (settings.blocks, settings.discriminatorBlocks, settings.grow) = ([1, 1, 1], [1, 1, 1], [0.4])
    (settings.batch, settings.latent, settings.motion, settings.wSize) = (4, 6, 5, 12)
    (settings.penalised, settings.penaltyEvery, settings.span, settings.precision) = (2, 2, 6, "float32")
    return settings
  }

  private static func recipe(seed: UInt64 = 1) throws -> VideoGANRecipe {
    var noise = Noise(seed: seed)
    return try VideoGANRecipe(settings(), noise: &noise, on: .cpu)
  }

  @Test func theDiscriminatorIsPyTorchs() throws {
    let (golden, metadata) = try Checkout.golden("videogan")
    let discriminator = ClipDiscriminator(widths: [8, 6, 4], blocks: [1, 1, 1], stem: 4, frames: 3, channels: 3)
    let names = try JSONDecoder().decode([String].self, from: Data(metadata["names"]!.utf8))
    #expect(discriminator.state.map(\.name) == names)
    var state: [String: Tensor] = [:]
    for name in names { state[name] = golden["discriminator/\(name)"]! }
    try discriminator.load(state)
    let clips = golden["clips"]!.to(.float32).reshaped([2, 9, 32, 32]), times = golden["times"]!
    /// Float32 sums of some hundred products in another order; twice through all layers for the penalty.
    func expectClose(_ mine: Tensor, _ theirs: Tensor, _ name: String, tolerance: Double = 1e-5) {
      TestSupport.expectClose(mine, theirs, name, tolerance: tolerance)
    }
    for size in [16, 32] {
      let seen = interpolate(clips, size: [size, size], mode: .area)
      expectClose(discriminator(seen, at: times), golden["verdicts/\(size)"]!, "verdicts at \(size)")
    }
    let penalty = zeroCenteredPenalty(at: clips) { discriminator($0, at: times) }
    expectClose(penalty.reshaped([1]), golden["penalty"]!, "penalty", tolerance: 1e-4)
    let parameters = discriminator.state.filter { $0.tensor.requiresGradient }
    let found = gradientsIfUsed(of: penalty, withRespectTo: parameters.map(\.tensor))
    for (parameter, gradient) in zip(parameters, found) {
      guard let theirs = golden["penalty/\(parameter.name)"] else {
        #expect(gradient == nil, "\(parameter.name)")
        continue
      }
      expectClose(gradient!, theirs, parameter.name, tolerance: 1e-4)
    }
  }

  @Test func codesArePyTorchs() throws {
    let golden = try Checkout.golden("videogan").tensors
    var noise = Noise(seed: 5)
    let code = MotionCode(count: 2, size: 4, lengths: (0.5, 4), noise: &noise)
    // Frequencies in float32, times 100 s.
    #expect(abs(code(at: golden["code.times"]!) - golden["code"]!).max().item() < 1e-3)
  }

  /// Over many motions: variance 1, and exp(−d² / 2ℓ²) between two times.
  @Test func codesAreGaussianProcesses() {
    var noise = Noise(seed: 2)
    let code = MotionCode(count: 20_000, size: 2, lengths: (0.5, 2), noise: &noise)
    let values = code(at: Tensor([0.0, 0.7]).unsqueezed(0))
    for (i, length) in [0.5, 2.0].enumerated() {
      let one = values.selected(dim: 2, index: i)
      let (a, b) = (one.selected(dim: 1, index: 0), one.selected(dim: 1, index: 1))
      // 20,000 draws: some hundredth.
      #expect(abs(square(a).mean().item() - 1) < 0.04)
      #expect(abs((a * b).mean().item() - Foundation.exp(-0.49 / (2 * length * length))) < 0.04)
    }
  }

  @Test func aPeriodClosesTheMotion() throws {
    let recipe = try Self.recipe()
    let latent = recipe.model.latents(seeds: [3]).expanded([3, 6])
    var request = PictureRequest(latents: latent)
    request.motion = Motion(times: [0.4, 2.4, 3.1], seed: 7, period: 2)
    let made = recipe.model.pictures(request)
    // Angles of some whole turns, rounded.
    #expect(abs(made[0] - made[1]).max().item() < 1e-5)
    #expect(abs(made[0] - made[2]).max().item() > 1e-3)
  }

  @Test func aFrameIsTheSameInAnyBatch() throws {
    let recipe = try Self.recipe()
    let latent = recipe.model.latents(seeds: [3])
    func made(_ times: [Double]) -> Tensor {
      var request = PictureRequest(latents: latent.expanded([times.count, 6]))
      request.motion = Motion(times: times, seed: 7)
      return recipe.model.pictures(request)
    }
    let alone = made([1.3]), among = made((0..<20).map { $0 == 17 ? 1.3 : Double($0) })
    #expect(alone[0].rawBytes == among[17].contiguous().rawBytes)
    #expect(recipe.model.sample(seeds: [3, 9])[1].rawBytes == recipe.model.sample(seeds: [9])[0].rawBytes)
  }

  private func set() throws -> PictureSet {
    var noise = Noise(seed: 4)
    let pictures = (noise.uniform([24, 3, 32, 32]) * 255).to(.uint8)
    let sequences = [
      PictureSequence(name: "a", frames: 0..<9, rate: 10), PictureSequence(name: "b", frames: 9..<24, rate: 25),
    ]
    return PictureSet(pictures, sequences: sequences)
  }

  @Test func sixStepsAreThreeSavedAndThreeMore() throws {
    let folder = temporaryPath("atelier")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func loop(_ seed: UInt64, _ name: String) throws -> Loop<VideoGANRecipe> {
      Loop(try Self.recipe(seed: seed), on: try set(), plan: Plan(.pictures(24), seed: 5), folder: "\(folder)/\(name)")
    }
    let whole = try loop(1, "whole")
    try whole.run()
    var steps = 0
    try loop(1, "parts").run(shouldStop: {
      steps += 1; return steps > 3
    })
    let rest = try loop(99, "parts")
    try rest.resume(#require(Checkpoint.latest(in: folder + "/parts")))
    #expect(rest.facts.picturesSeen == 12)
    try rest.run()
    let parts = rest.recipe.saved
    for (part, saved) in whole.recipe.saved {
      for (name, tensor) in saved.savedTensors {
        #expect(parts[part]!.savedTensors[name]!.rawBytes == tensor.rawBytes, "\(part)/\(name)")
      }
    }
  }

  @Test func badSettingsAreRefused() {
    var noise = Noise(seed: 0)
    for change in [
      ("frames", "1"), ("span", "1"), ("motion", "0"), ("quickest", "0"), ("augment", "2"), ("size", "20"),
    ] {
      #expect(throws: RecipeError.self, "\(change)") {
        _ = try VideoGANRecipe(
          VideoGANSettings().changed(by: [(name: change.0, value: change.1)], recipe: "videogan"), noise: &noise,
          on: .cpu)
      }
    }
  }
}
