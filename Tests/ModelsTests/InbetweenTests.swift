import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// What is between two frames: the network, what it learns from, and what the shipped one draws.
@Suite struct InbetweenTests {

  private static func golden(_ name: String) throws -> [String: Tensor] {
    try Checkout.golden("\(name)").tensors
  }

  /// [3, 3, 128, 128] in 0...1.
  private static func photographs() throws -> Tensor {
    try #require(golden("photographs")["pictures"]).to(.float32) / 255
  }

  /// Beside PyTorch: Tests/Goldens/inbetween.py.
  @Test func theNetworkIsPyTorchs() throws {
    let golden = try Self.golden("inbetween")
    let network = InbetweenNetwork(width: 8, depth: 1)
    let prefix = "weights/"
    try network.load(
      Dictionary(
        uniqueKeysWithValues: golden.filter { $0.key.hasPrefix(prefix) }.map {
          (String($0.key.dropFirst(prefix.count)), $0.value)
        }))
    let first = try #require(golden["first"]).requiringGradient()
    let found = try network(first, #require(golden["second"]), at: #require(golden["times"]))
    let flows = found.last!.flows
    // Sums of a thousand products each, in another order.
    #expect(abs(flows - golden["flows"]!).max().item() < 1e-4)
    for (i, stage) in found.enumerated() {
      #expect(abs(stage.picture - golden["pictures/\(i)"]!).max().item() < 1e-4, "stage \(i)")
    }
    var loss = abs(flows).mean()
    for (i, stage) in found.enumerated() { loss = loss + square(stage.picture).mean() * Double(i + 1) }
    let slopes = gradients(of: loss, withRespectTo: [first, network.stages[0].enter[0].weight])
    for (slope, name) in zip(slopes, ["gradient/first", "gradient/weight"]) {
      let wanted = golden[name]!
      #expect(abs(slope - wanted).max().item() < 1e-3 * abs(wanted).max().item(), "\(name)")
    }
  }

  /// Each picture seen along its flow is the one between, but for what is hidden.
  @Test func inventedMotionIsKnown() throws {
    var noise = Noise(seed: 3)
    let pictures = try Self.photographs()
    for seed in 0..<6 {
      noise = Noise(seed: UInt64(seed))
      let times = noise.uniform([3, 1, 1, 1], from: 0.2, to: 0.8)
      let made = InventedMotion()(pictures, at: times, side: 96, noise: &noise)
      #expect(made.between.shape == [3, 3, 96, 96] && made.flows.shape == [3, 4, 96, 96])
      #expect(made.between.min().item() >= 0 && made.between.max().item() <= 1 && made.flows.allFinite)
      let parts = made.flows.chunks(2, dim: 1)
      for (side, flow) in [(made.first, parts[0]), (made.second, parts[1])] {
        let isIn = insidePicture(flow).to(.float32)
        func error(_ x: Tensor) -> Double {
          ((abs(x - made.between) * isIn).sum() / (isIn.sum() * 3)).item()
        }
        let (along, still) = (error(warped(side, by: flow)), error(side))
        #expect(along < max(0.6 * still, 0.015), "\(along) and \(still)")
      }
    }
  }

  @Test func atTheFirstMomentNothingMoved() throws {
    var noise = Noise(seed: 2)
    let made = InventedMotion()(try Self.photographs(), at: Tensor.zeros([3, 1, 1, 1]), side: 96, noise: &noise)
    // Grain and light differ.
    #expect(abs(made.first - made.between).mean().item() < 0.03)
    #expect(abs(made.flows.narrowed(dim: 1, from: 0, count: 2)).max().item() < 1e-4)
    #expect(abs(made.flows).max().item() > 0.5)
  }

  private func shipped() throws -> Inbetweening {
    let path = Checkout.path("Examples/models/inbetween.safetensors")
    let model = try #require(try model(of: Checkpoint(path: path)) as? InbetweenModel)
    return model.inbetweening
  }

  @Test func aPanIsDrawnHalfWay() throws {
    let photograph = try Self.photographs()[0..<1]
    func seen(_ x: Int, _ y: Int) -> Tensor {
      photograph.narrowed(dim: 3, from: 16 + x, count: 90).narrowed(dim: 2, from: 12 + y, count: 100).contiguous()
    }
    let (first, second) = (seen(-8, 4), seen(8, -4))
    var inbetweening = try shipped()
    for (quick, time, wanted) in [(false, 0.5, seen(0, 0)), (true, 0.5, seen(0, 0)), (true, 0.25, seen(-4, 2))] {
      inbetweening.isQuick = quick
      let drawn = inbetweening.frame(between: first, and: second, at: time)
      // At the edges, one picture alone shows what comes in.
      func inner(_ x: Tensor) -> Tensor {
        x.narrowed(dim: 3, from: 12, count: 66).narrowed(dim: 2, from: 12, count: 76)
      }
      let error = meanAbsoluteError(inner(drawn), inner(wanted)).item()
      let fade = meanAbsoluteError(inner((first + second) / 2), inner(wanted)).item()
      #expect(drawn.shape == wanted.shape && error < 0.35 * fade, "\(error) and \(fade)")
    }
  }

  @Test func transparencyMovesAlong() throws {
    func seen(_ x: Int) -> Tensor {
      var cover = Tensor.zeros([1, 1, 64, 96])
      withoutGradients {
        cover = pad(Tensor.ones([1, 1, 32, 32]), [20 + x, 44 - x, 16, 16])
      }
      return Tensor.concatenated([cover * 0.8, cover * 0.3, cover * 0.2, cover], dim: 1)
    }
    let made = try shipped().frame(between: seen(0), and: seen(12), at: 0.5)
    let fade = meanAbsoluteError((seen(0) + seen(12)) / 2, seen(6)).item()
    #expect(made.shape == [1, 4, 64, 96] && meanAbsoluteError(made, seen(6)).item() < 0.35 * fade)
  }

  @Test func nothingIsBetweenTwoScenes() throws {
    let photographs = try Self.photographs()
    var inbetweening = try shipped()
    for quick in [false, true] {
      inbetweening.isQuick = quick
      #expect(inbetweening.motion(from: photographs[0..<1], to: photographs[1..<2]).isCut)
      #expect(!inbetweening.motion(from: photographs[0..<1], to: photographs[0..<1]).isCut)
    }
  }

  private func recipe(_ seed: UInt64) throws -> InbetweenRecipe {
    var settings = InbetweenRecipe.Settings()
    (settings.size, settings.window, settings.batch, settings.width, settings.depth) = (64, 64, 2, 8, 1)
    settings.precision = "float32"
    var noise = Noise(seed: seed)
    return try InbetweenRecipe(settings, noise: &noise, on: .cpu)
  }

  @Test func itBeginsAsACrossFade() throws {
    let pictures = try Self.photographs()
    let (first, second) = (pictures[0..<1], pictures[1..<2])
    let recipe = try recipe(1)
    let made = recipe.network(first, second, at: Tensor.full([1, 1, 1, 1], 0.25)).last!.picture
    #expect(meanAbsoluteError(made, first * 0.75 + second * 0.25).item() < 0.02)
  }

  @Test func fourStepsAreTwoSavedAndTwoMore() throws {
    let folder = temporaryPath("atelier")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let set = PictureSet(
      (interpolate(try Self.photographs(), size: [64, 64], antialias: true) * 255).to(.uint8).contiguous())
    func run(_ recipe: InbetweenRecipe, _ place: String, steps: Int, from checkpoint: Checkpoint? = nil) throws {
      let loop = Loop(recipe, on: set, plan: Plan(.pictures(8), seed: 4), folder: folder + place)
      if let checkpoint { try loop.resume(checkpoint) }
      var asked = 0
      try loop.run(shouldStop: {
        asked += 1
        return asked > steps
      })
    }
    let whole = try recipe(1)
    try run(whole, "/a", steps: 99)
    try run(recipe(1), "/b", steps: 2)
    let second = try recipe(9)
    let saved = try #require(Checkpoint.latest(in: folder + "/b"))
    try run(second, "/b", steps: 99, from: saved)
    for (name, part) in whole.saved {
      let other = second.saved[name]!.savedTensors
      #expect(part.savedTensors.allSatisfy { $1.rawBytes == other[$0]!.rawBytes }, "\(name)")
    }
  }

  @Test(arguments: [("window", "50"), ("batch", "1"), ("channels", "1"), ("farthest", "0"), ("width", "6")])
  func wrongSettings(_ name: String, _ value: String) throws {
    let settings = try InbetweenRecipe.Settings().changed(by: [(name, value)], recipe: "inbetween")
    var noise = Noise(seed: 0)
    #expect(throws: RecipeError.self) { try InbetweenRecipe(settings, noise: &noise, on: .cpu) }
  }
}
