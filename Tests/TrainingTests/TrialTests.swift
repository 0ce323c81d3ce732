import Foundation
import Networks
import Testing
import Torch

@testable import Training

/// What a run takes is measured before it, and looking at itself takes little of it.
@Suite struct TrialTests {
  /// Steps that take 2 ms in the first half of a run, and three times that in the second.
  private final class Slow: Recipe {
    struct Settings: RecipeSettings {
      var size: PictureSize = 4, channels = 1, batch = 8
      var sampleMilliseconds = 0.0
    }
    static let name = "slow", summary = "For tests.", use = Use.pictures
    static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings { Settings() }
    let model: SlowModel
    let layer = Linear(1, 1)
    var steps = 0, time = 0.0
    init(_ settings: Settings, noise: inout Noise, on device: Device) {
      model = SlowModel(settings, on: device)
      layer.initialize(&noise)
    }
    var saved: [String: any Saved] { ["layer": layer] }
    func step(_ batch: Batch, noise: inout Noise, at progress: Training.Progress) -> [Reading] {
      time += progress.fraction < 0.5 ? 0.002 : 0.006
      steps += 1
      return [Reading("loss", 1)]
    }
  }
  private final class SlowModel: PictureModel {
    let settings: Slow.Settings
    let parts: [String: any Saved] = [:]
    let offers = Offers(latent: 1)
    var samples = 0
    init(_ settings: Slow.Settings, on device: Device) { self.settings = settings }
    func pictures(_ request: PictureRequest) -> Tensor {
      samples += 1
      usleep(UInt32(1000 * settings.sampleMilliseconds))
      return Tensor.zeros([request.count, 1, 4, 4])
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
    let trial = try #require(loop.trial { recipe.time })
    // 10,000 steps of 2 ms and as many of 6.
    #expect(abs(trial.seconds(for: 8 * 20_000) - 80) < 1e-6)
    // Half of the time at either pace.
    #expect(abs(trial.pictures(in: 60) - 160_000) <= 1)
    // A hundredth of the run.
    #expect(recipe.time < 1 && recipe.steps > 30)
  }

  @Test func whatIsOverBeforeItIsMeasuredIsNot() {
    for length in [Length.pictures(100), .minutes(0.5)] {
      #expect(Loop(slow(), on: toySet(), plan: Plan(length), folder: "").trial() == nil)
    }
  }

  /// Sampling that takes a third of a second leaves two seconds of training alone, but for a look and the last sheet.
  @Test func aShortRunIsNotEatenBySamples() throws {
    try withFolder { folder in
      let recipe = slow { $0.sampleMilliseconds = 300 }
      var plan = Plan(.minutes(2.0 / 60))
      plan.sampleSeconds = 0.1
      var sheets: [Int] = []
      try Loop(recipe, on: toySet(), plan: plan, folder: folder).run {
        if case .sample(let pictures, _, _) = $0 { sheets.append(pictures.size(0)) }
      }
      #expect(recipe.model.samples == 2 && sheets == [16])
    }
  }

  @Test func aSmallSampleIsTheBeginningOfALargerOne() {
    let set = toySet()
    #expect(set.sample(atMost: 5) == Array(set.sample(atMost: 12).prefix(5)))
    #expect(set.sample(atMost: 100).sorted() == Array(0..<20))
    #expect(set.bytes(of: [3, 0]).flattened(from: 1).narrowed(dim: 1, from: 0, count: 1).ints == [30, 0])
  }
}
