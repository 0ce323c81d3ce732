import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// The first-order motion model beside PyTorch (Tests/Goldens/motion.py), and what it learns.
@Suite struct MotionTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("motion").tensors
  }

  private func expectClose(_ mine: Tensor, _ name: String, tolerance: Double, over scale: Double? = nil) {
    TestSupport.expectClose(mine, golden[name]!, name, tolerance: tolerance, over: scale, least: 1e-6, reshapes: true)
  }

  @Test func networksLossesAndGradientsAreThoseOfPyTorch() throws {
    let network = MotionNetwork(channels: 4, keypoints: 3, width: 4, blocks: 1, motionWidth: 4, reduction: 2)
    var state: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix("state/") { state[String(name.dropFirst(6))] = tensor }
    try network.load(state)
    let given = golden["given"]!.cloned().requiringGradient(), wanted = golden["wanted"]!.cloned().requiringGradient()
    let source = network.detector(given), driving = network.detector(wanted)
    // Float32 sums in another order, and softmax at a tenth of the temperature.
    expectClose(source.places, "places", tolerance: 1e-4)
    expectClose(source.jacobians, "jacobians", tolerance: 1e-4)
    let motion = network.dense(given, from: source, to: driving)
    expectClose(motion.flow, "flow", tolerance: 2e-4)
    expectClose(motion.visibility, "visibility", tolerance: 2e-4)
    let made = network.generator(given, along: motion)
    expectClose(made.picture, "made", tolerance: 1e-3)

    let bending = Bending(affine: golden["affine"]!, weights: golden["weights"]!)
    let bent = bending.bent(wanted)
    expectClose(bent, "bent", tolerance: 1e-4)
    let afterwards = network.detector(bent)
    expectClose(bending(afterwards.places).jacobians, "derivative", tolerance: 1e-4)
    let error = pyramidError(made.picture, wanted)
    let (places, turns) = equivariance(driving, afterwards, under: bending)
    expectClose(Tensor.stacked([error, places, turns]), "losses", tolerance: 1e-3)

    let named = network.state.filter { $0.tensor.requiresGradient }
    let slopes = gradients(
      of: error * 100 + places * 3 + turns, withRespectTo: [given, wanted] + named.map(\.tensor))
    expectClose(slopes[0], "gradient/given", tolerance: 5e-3)
    expectClose(slopes[1], "gradient/wanted", tolerance: 5e-3)
    // Against the largest of all: biases before a normalisation have none but rounding.
    let largest = golden.filter { $0.key.hasPrefix("gradient/d") || $0.key.hasPrefix("gradient/generator") }
      .map { abs($0.value).max().item() }.max()!
    for (part, slope) in zip(named, slopes.dropFirst(2)) {
      expectClose(slope, "gradient/\(part.name)", tolerance: 5e-3, over: largest)
    }
  }

  /// In float64 by central differences.
  @Test func aBendingsDerivativesAreItsSlopes() {
    var noise = Noise(seed: 3)
    let drawn = Bending(count: 2, noise: &noise, on: .cpu)
    let bending = Bending(affine: drawn.affine.to(.float64), weights: drawn.weights.to(.float64))
    let z = noise.uniform([2, 7, 2], from: -1, to: 1, dtype: .float64), h = 1e-5
    let found = bending(z).jacobians
    for j in 0..<2 {
      let step = Tensor([j == 0 ? h : 0, j == 1 ? h : 0] as [Double])
      let slope = (bending(z + step).places - bending(z - step).places) / (2 * h)
      // Of the order of h², and of ε near a centre.
      #expect(abs(found.selected(dim: 3, index: j) - slope).max().item() < 1e-6)
    }
  }

  @Test func theInverseIsTheInverse() {
    var noise = Noise(seed: 4)
    let x = noise.normal([3, 5, 2, 2], dtype: .float64) + Tensor.eye(2, dtype: .float64) * 3
    #expect(abs(inverse2x2(x).matmul(x) - Tensor.eye(2, dtype: .float64)).max().item() < 1e-12)
  }

  /// Squares of many colours, each at its own places in a sequence: uint8 with alpha.
  static func set(sequences: Int = 12, frames: Int = 4, size: Int = 32) -> PictureSet {
    var noise = Noise(seed: 5)
    var pictures: [Tensor] = [], list: [PictureSequence] = []
    for s in 0..<sequences {
      let colour = noise.integers(below: 200, count: 3).map { UInt8($0 + 40) }
      let start = noise.integers(below: size - 20, count: 2)
      list.append(PictureSequence(name: "square \(s)", frames: s * frames..<(s + 1) * frames))
      for f in 0..<frames {
        var bytes = [UInt8](repeating: 0, count: 4 * size * size)
        let (x0, y0) = (min(size - 10, start[0] + 3 * f), min(size - 10, start[1] + (s % 2) * 2 * f))
        for y in y0..<y0 + 9 {
          for x in x0..<x0 + 9 {
            for c in 0..<3 { bytes[c * size * size + y * size + x] = y < y0 + 4 ? colour[c] : 255 - colour[c] }
            bytes[3 * size * size + y * size + x] = 255
          }
        }
        pictures.append(Tensor(bytes, shape: [4, size, size]))
      }
    }
    return PictureSet(Tensor.stacked(pictures), sequences: list)
  }

  private func recipe(_ seed: UInt64, _ change: (inout MotionRecipe.Settings) -> Void = { _ in }) throws -> MotionRecipe
  {
    var settings = MotionRecipe.Settings()
    (settings.size, settings.batch, settings.keypoints, settings.width) = (32, 4, 3, 8)
    (settings.motionWidth, settings.blocks, settings.precision) = (8, 1, "float32")
    change(&settings)
    var noise = Noise(seed: seed)
    return try MotionRecipe(settings, noise: &noise, on: .cpu)
  }

  @Test func tenStepsAreFiveSavedAndFiveMore() throws {
    let folder = temporaryPath("atelier")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let set = Self.set()
    var plan = Plan(.pictures(40), seed: 5)
    plan.samples = 1
    func run(_ recipe: MotionRecipe, _ name: String, from saved: Checkpoint? = nil, steps: Int = 99) throws {
      let loop = Loop(recipe, on: set, plan: plan, folder: "\(folder)/\(name)")
      if let saved { try loop.resume(saved) }
      var asked = 0
      try loop.run(
        report: { event in
          if case .sample(let sheet, let columns, _) = event {
            #expect(columns == 6 && sheet.shape == [18, 4, 32, 32] && sheet.allFinite)
          }
        },
        shouldStop: {
          asked += 1
          return asked > steps
        })
    }
    let whole = try recipe(1)
    try run(whole, "a")
    try run(recipe(1), "b", steps: 5)
    let second = try recipe(9)
    let saved = try #require(Checkpoint.latest(in: folder + "/b"))
    try run(second, "b", from: saved)
    for (name, part) in whole.saved {
      let other = try #require(second.saved[name]).savedTensors
      #expect(part.savedTensors.allSatisfy { $1.rawBytes == other[$0]!.rawBytes }, "\(name)")
    }
  }

  /// Some seconds of squares: one is moved to where its other frames are, and as far as another square moved.
  @Test func squaresAreMoved() throws {
    let recipe = try recipe(1) { ($0.averageHalfLife, $0.rate, $0.batch) = (100, 2e-3, 8) }
    let set = Self.set(sequences: 24)
    var order = EpochOrder(count: set.count, seed: 1)
    let steps = 80
    for step in 0..<steps {
      var noise = Noise(seed: 2, at: step)
      let (numbers, times) = set.examples(of: order.indices(after: 8 * step, batch: 8), recipe.draw, noise: &noise)
      #expect(times.shape == [8, 2])
      _ = recipe.step(
        Batch(pictures: set.batch(numbers), indices: numbers, times: times), noise: &noise,
        at: Progress(picturesSeen: 8 * step, fraction: Double(step) / Double(steps), totalPictures: 8 * steps))
    }
    let (first, last) = (set.sequences.map { $0.frames.lowerBound }, set.sequences.map { $0.frames.upperBound - 1 })
    let given = premultiplied(set.batch(first)), wanted = premultiplied(set.batch(last))
    let made = recipe.model.mover.reconstructed(given, as: wanted)
    let (error, held) = (abs(made - wanted).mean().item(), abs(given - wanted).mean().item())
    #expect(error < 0.7 * held, "\(error), \(held)")
    // The pose of a picture that follows nothing is its own: it stays.
    let mover = recipe.model.mover, still = mover.pose(of: given[0..<1])
    let same = mover.pose(still, following: still, since: still)
    #expect(abs(same.keypoints.places - still.keypoints.places).max().item() < 1e-6)
    // Another size: the same keypoints, the picture's own pixels.
    let large = interpolate(given[0..<1], size: [64, 64], mode: .nearest)
    let moved = mover.moved(large, from: mover.pose(of: large), to: mover.pose(of: wanted[0..<1])).picture
    #expect(moved.shape == [1, 4, 64, 64])
    // Crisp: mostly the square's own two colours.
    let crisp = mover.moved(given[0..<1], from: still, to: mover.pose(of: wanted[0..<1]), isCrisp: true).picture
    let soft = mover.moved(given[0..<1], from: still, to: mover.pose(of: wanted[0..<1])).picture
    let source = given[0].flattened(from: 1).unsqueezed(1)
    let own = { (x: Tensor) -> Double in
      let away = abs(x[0].flattened(from: 1).unsqueezed(2) - source).max(dims: [0]).min(dims: [1])
      return away.less(than: 0.02).to(.float32).sum().item()
    }
    #expect(own(crisp) >= own(soft))
    // No strength, no motion.
    let none = mover.pose(still, following: mover.pose(of: wanted[0..<1]), since: still, strength: 0)
    #expect(abs(none.keypoints.places - still.keypoints.places).max().item() < 1e-6)
    #expect(abs(none.keypoints.jacobians - still.keypoints.jacobians).max().item() < 1e-5)
  }

  @Test func impossibleSettingsAreRefused() {
    func refuses(_ change: (inout MotionRecipe.Settings) -> Void) {
      #expect(throws: RecipeError.self) { _ = try recipe(1, change) }
    }
    refuses { $0.size = 70 }
    refuses { $0.size = 8 }
    refuses { $0.channels = 1 }
    refuses { $0.batch = 1 }
    refuses { $0.keypoints = 0 }
    refuses { $0.reduction = 3 }
    refuses { $0.width = 1 }
    refuses { $0.span = -1 }
    refuses { $0.precision = "half" }
  }
}
