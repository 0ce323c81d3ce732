import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// The recipe that learns to enlarge: how it wears pictures out, what it learns from that, and how it goes on.
@Suite struct EnlargeRecipeTests {
  private static func golden(_ name: String) throws -> [String: Tensor] {
    return try Checkout.golden("\(name)").tensors
  }

  /// [3, 3, 128, 128] in 0...1.
  private static func photographs() throws -> Tensor {
    try #require(golden("photographs")["pictures"]).to(.float32) / 255
  }

  /// Beside libjpeg: Tests/Goldens/jpeg.py.
  @Test(arguments: [35, 60, 90]) func compressionIsThatOfLibjpeg(_ quality: Int) throws {
    let pictures = try Self.photographs().narrowed(dim: 2, from: 40, count: 40).narrowed(dim: 3, from: 50, count: 40)
    let wanted = try #require(Self.golden("jpeg")["quality\(quality)"]).to(.float32)
    let made = compressed(pictures, quality: Double(quality)) * 255
    // Its integers round otherwise; a coefficient near a half may fall to the other side.
    #expect(abs(made - wanted).mean().item() < 1)
    #expect(abs(made - wanted).max().item() < 24)
    #expect(abs(pictures * 255 - wanted).mean().item() > 2 * abs(made - wanted).mean().item())
  }

  @Test func blurKeepsBrightnessAndSpreads() {
    var x = Tensor.zeros([1, 1, 21, 21])
    withoutGradients { x = pad(Tensor.ones([1, 1, 1, 1]), [10, 10, 10, 10]) }
    let y = blurred(x, sigma: 1.5)
    #expect(abs(y.sum().item() - 1) < 1e-5)
    let places = Tensor((0..<21).map { Float($0 - 10) }, shape: [1, 1, 1, 21])
    #expect(abs((y * square(places)).sum().item() - 2.25) < 0.05)
    #expect(abs(blurred(Tensor.full([1, 3, 9, 5], 0.3), sigma: 2) - 0.3).max().item() < 1e-6)
  }

  @Test(arguments: [2, 3, 4]) func worn(_ scale: Int) throws {
    let pictures = try Self.photographs().narrowed(dim: 2, from: 0, count: 96).narrowed(dim: 3, from: 0, count: 96)
    var noise = Noise(seed: 1)
    for damage in [0, 0.5, 1] {
      for _ in 0..<8 {
        let small = Degradation(scale: scale, damage: damage)(pictures, noise: &noise)
        #expect(small.shape == [3, 3, 96 / scale, 96 / scale] && small.allFinite)
        #expect(small.min().item() >= 0 && small.max().item() <= 1)
        // The same picture, however worn.
        let clean = averagePool2d(pictures, kernel: scale)
        #expect(abs(small - clean).mean().item() < (damage == 0 ? 0.03 : 0.08))
      }
    }
  }

  private func recipe(_ seed: UInt64, _ change: (inout EnlargeRecipe.Settings) -> Void = { _ in }) throws
    -> EnlargeRecipe
  {
    var settings = EnlargeRecipe.Settings()
    (settings.size, settings.window, settings.batch, settings.width, settings.depth) = (64, 48, 2, 8, 2)
    (settings.precision, settings.discriminatorWidth) = ("float32", 4)
    change(&settings)
    var noise = Noise(seed: seed)
    return try EnlargeRecipe(settings, noise: &noise, on: .cpu)
  }

  @Test(arguments: [0.0, 0.1]) func fourStepsAreTwoSavedAndTwoMore(adversarial: Double) throws {
    let folder = temporaryPath("atelier")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let set = TransferTests.set(6, size: 64, seed: 1)
    var plan = Plan(.pictures(8), seed: 5)
    plan.samples = 1
    func run(_ recipe: EnlargeRecipe, _ name: String, from saved: Checkpoint? = nil, steps: Int = 99) throws {
      let loop = Loop(recipe, on: set, plan: plan, folder: "\(folder)/\(name)")
      if let saved { try loop.resume(saved) }
      var asked = 0
      try loop.run(
        report: { event in
          if case .sample(let sheet, let columns, _) = event {
            #expect(columns == 6 && sheet.shape == [18, 3, 48, 48] && sheet.allFinite)
          }
        },
        shouldStop: {
          asked += 1
          return asked > steps
        })
    }
    let whole = try recipe(1) { $0.adversarial = adversarial }
    try run(whole, "a")
    try run(recipe(1) { $0.adversarial = adversarial }, "b", steps: 2)
    let second = try recipe(9) { $0.adversarial = adversarial }
    let saved = try #require(Checkpoint.latest(in: folder + "/b"))
    try run(second, "b", from: saved)
    for (name, part) in whole.saved {
      let other = try #require(second.saved[name]).savedTensors
      #expect(part.savedTensors.allSatisfy { $1.rawBytes == other[$0]!.rawBytes }, "\(name)")
    }
  }

  /// Some hundred steps on photographs, and halved ones are nearer to what they were than by a bicubic filter.
  @Test func photographsGetSharperThanByAFilter() throws {
    let recipe = try recipe(1) {
      ($0.damage, $0.width, $0.depth, $0.averageHalfLife, $0.batch, $0.rate) = (0, 16, 4, 200, 3, 2e-3)
    }
    let pictures = try Self.photographs()
    var noise = Noise(seed: 3)
    let steps = 250
    for step in 0..<steps {
      let batch = Batch(pictures: (pictures * 2 - 1).channelsLast(), indices: [0, 1, 2])
      let seen = 3 * step
      let at = Progress(picturesSeen: seen, fraction: Double(step) / Double(steps), totalPictures: 3 * steps)
      _ = recipe.step(batch, noise: &noise, at: at)
    }
    let small = interpolate(pictures, size: [64, 64], mode: .bicubic, antialias: true)
    let error = { (made: Tensor) in square(clamp(made, min: 0, max: 1) - pictures).mean().item() }
    let learned = withoutGradients { error(recipe.average.module(small.channelsLast())) }
    let filtered = error(interpolate(small, size: [128, 128], mode: .bicubic))
    #expect(learned < 0.9 * filtered, "\(learned), \(filtered)")
  }

  @Test func impossibleSettingsAreRefused() {
    func refuses(_ change: (inout EnlargeRecipe.Settings) -> Void) {
      #expect(throws: RecipeError.self) { _ = try recipe(1, change) }
    }
    refuses { $0.scale = 5 }
    refuses { $0.channels = 1 }
    refuses {
      $0.window = 50; $0.scale = 4
    }
    refuses { $0.window = 100 }
    refuses { $0.damage = 2 }
    refuses { $0.depth = 0 }
    refuses { $0.batch = 0 }
    refuses { $0.precision = "half" }
  }
}
