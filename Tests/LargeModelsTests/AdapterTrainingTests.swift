import Foundation
import TestSupport
import Testing
import Torch

@testable import LargeModels

/// A LoRA that is learned on a small model with random weights.
@Suite struct AdapterTrainingTests {
  private let small = SmallModels()

  private func training(_ kind: String, rate: Double = 1e-3) throws -> (AdapterTraining, DrawingPipeline) {
    let pipeline = try DrawingPipeline(LargeModel(small.folder(kind)), precision: .float32)
    var noise = Noise(seed: 1)
    return (AdapterTraining(pipeline, rank: 4, alpha: 2, rate: rate, noise: &noise), pipeline)
  }

  private func example(_ training: AdapterTraining) -> AdapterTraining.Example {
    var noise = Noise(seed: 2)
    let picture = sigmoid(SmallModels.drawn("drawing/picture", [1, 3, 64, 64]) * 8) * 2 - 1
    return training.example(picture, caption: "a cat", noise: &noise)
  }

  /// Central differences in float32 along the gradient itself, whose rounding leaves some thousandths.
  @Test(arguments: ["sd1", "sd2", "xl"]) func gradientsAreThoseOfTheLoss(_ kind: String) throws {
    let (training, _) = try training(kind)
    let example = example(training)
    var noise = Noise(seed: 4)
    training.step([example], noise: &noise)
    func loss() -> Tensor {
      var noise = Noise(seed: 3)
      return training.loss(example, noise: &noise)
    }
    let found = training.factorGradients(of: loss())
    let factors = training.layers.flatMap { [$0.down, $0.up] }
    let length = found.reduce(0) { $0 + square($1).sum().item() }.squareRoot()
    func moved(_ distance: Double) -> Double {
      withoutGradients {
        for (factor, gradient) in zip(factors, found) { factor.copy(from: factor + gradient * (distance / length)) }
        training.fold()
        let value = loss().item()
        for (factor, gradient) in zip(factors, found) { factor.copy(from: factor - gradient * (distance / length)) }
        return value
      }
    }
    let slope = (moved(0.001) - moved(-0.001)) / 0.002
    #expect(length > 0 && abs(slope - length) < 0.01 * length, "\(kind): \(slope) and \(length)")
  }

  /// It learns, and its file draws in another pipeline what its own draws.
  @Test(arguments: ["sd1", "xl"]) func whatIsLearnedIsWritten(_ kind: String) throws {
    let (training, pipeline) = try training(kind, rate: 5e-3)
    let path = small.folder.path("learned-\(kind).safetensors")
    #expect(throws: LargeModelError.self) { try training.write(to: path) }
    let example = example(training)
    func loss() -> Double {
      withoutGradients {
        (0..<8).reduce(0) { sum, i in
          var noise = Noise(seed: UInt64(100 + i))
          return sum + training.loss(example, noise: &noise).item()
        }
      }
    }
    let before = loss()
    var noise = Noise(seed: 5)
    for _ in 0..<20 { training.step([example, example], noise: &noise) }
    #expect(loss() < before, "\(kind)")
    try training.write(to: path)
    let adapter = try Adapter(path)
    #expect(adapter.base == pipeline.model.family && adapter.layerCount == training.layers.count)
    var request = DrawingRequest(prompt: "a cat")
    (request.steps, request.size, request.sampler) = (3, (64, 64), .euler)
    let own = try pipeline.draw(request, seed: 7)
    let model = try LargeModel(small.folder(kind))
    let other = try DrawingPipeline(model, precision: .float32, adapters: [(adapter, 1)]).draw(request, seed: 7)
    let plain = try DrawingPipeline(model, precision: .float32).draw(request, seed: 7)
    expectClose(own, other, kind, tolerance: 1e-4)
    #expect(abs(other - plain).max().item() > 1e-3)
  }
}
