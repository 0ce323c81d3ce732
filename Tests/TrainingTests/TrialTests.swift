import Foundation
import Networks
import Testing
import Torch

@testable import Training

/// What a run takes is measured before it, and looking at itself takes little of it.
@Suite struct TrialTests {
  /// Steps that take `milliseconds` in the first half of a run, and three times that in the second.
  private final class Slow: LatentRecipe {
    struct Settings: RecipeSettings {
      var size = 4, channels = 1, batch = 8
      var milliseconds = 2.0, sampleMilliseconds = 0.0
    }
    static let name = "slow", summary = "For tests."
    static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings { Settings() }
    let settings: Settings
    let layer = Linear(1, 1)
    var (steps, samples) = (0, 0)
    init(_ settings: Settings, noise: inout Noise, on device: Device) {
      self.settings = settings
      layer.initialize(&noise)
    }
    var saved: [String: any Saved] { ["layer": layer] }
    var published: [String: any Saved] { saved }
    func step(_ batch: Batch, noise: inout Noise, at progress: Training.Progress) -> [Reading] {
      usleep(UInt32(1000 * settings.milliseconds * (progress.fraction < 0.5 ? 1 : 3)))
      steps += 1
      return [Reading("loss", 1)]
    }
    func latents(seeds: [UInt64]) -> Tensor { gaussianLatents(seeds: seeds, size: 1) }
    func decode(_ latents: Tensor) -> Tensor {
      samples += 1
      usleep(UInt32(1000 * settings.sampleMilliseconds))
      return Tensor.zeros([latents.size(0), 1, 4, 4])
    }
  }
  private func slow(_ change: (inout Slow.Settings) -> Void = { _ in }) -> Slow {
    var settings = Slow.Settings()
    change(&settings)
    var noise = Noise(seed: 0)
    return Slow(settings, noise: &noise, on: .cpu)
  }

  @Test func aTrialTellsWhatARunTakes() throws {
    let recipe = slow()
    let loop = Loop(recipe, on: toySet(), plan: Plan(.pictures(8 * 20_000)), folder: "")
    let trial = try #require(loop.trial())
    // 10,000 steps of 2 ms and as many of 6, and some tenths of a millisecond each for sleeping too long.
    let seconds = trial.seconds(for: 8 * 20_000)
    #expect((75...130).contains(seconds), "\(seconds)")
    // Half of the time at either pace.
    let pictures = trial.pictures(in: 60)
    #expect((90_000...165_000).contains(pictures), "\(pictures)")
    #expect(recipe.steps < 300)
  }

  @Test func whatIsOverBeforeItIsMeasuredIsNot() {
    for length in [Length.pictures(100), .minutes(0.5)] {
      #expect(Loop(slow(), on: toySet(), plan: Plan(length), folder: "").trial() == nil)
    }
  }

  /// Sampling that takes a third of a second leaves two seconds of training alone, but for a look and the last sheet.
  @Test func aShortRunIsNotEatenBySamples() throws {
    try withFolder { folder in
      let recipe = slow { ($0.milliseconds, $0.sampleMilliseconds) = (1, 300) }
      var plan = Plan(.minutes(2.0 / 60))
      plan.sampleSeconds = 0.1
      var sheets: [Int] = []
      try Loop(recipe, on: toySet(), plan: plan, folder: folder).run {
        if case .sample(let pictures, _, _) = $0 { sheets.append(pictures.size(0)) }
      }
      #expect(recipe.samples == 2 && sheets == [16])
    }
  }

  /// Quick samples come as they did.
  @Test func quickSamplesComeOften() throws {
    try withFolder { folder in
      let recipe = slow { $0.milliseconds = 1 }
      var plan = Plan(.minutes(1.0 / 60))
      plan.sampleSeconds = 0.1
      var sheets: [Int] = []
      try Loop(recipe, on: toySet(), plan: plan, folder: folder).run {
        if case .sample(let pictures, _, _) = $0 { sheets.append(pictures.size(0)) }
      }
      #expect(sheets.count >= 3 && sheets.allSatisfy { $0 == 36 })
    }
  }

  @Test func aSmallSampleIsTheBeginningOfALargerOne() {
    let set = toySet()
    #expect(set.sample(atMost: 5) == Array(set.sample(atMost: 12).prefix(5)))
    #expect(set.sample(atMost: 100).sorted() == Array(0..<20))
    #expect(set.bytes(of: [3, 0]).flattened(from: 1).narrowed(dim: 1, from: 0, count: 1).ints == [30, 0])
  }
}
