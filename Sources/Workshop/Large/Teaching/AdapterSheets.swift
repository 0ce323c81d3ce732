import Evaluation
import Foundation
import LargeModels
import Media
import Torch
import Training

/// What a LoRA's training draws to look at: a prompt a column, without the LoRA above and with it below.
final class AdapterSheets {
  let prompts: [String]
  private let pipeline: DrawingPipeline
  private let training: AdapterTraining
  private let steps: Int
  /// What the model draws without the LoRA, [1, 3, H, W] each; drawn once.
  private var before: [Tensor] = []
  private(set) var after: [Tensor] = []
  /// Seconds that one row took; nil before the first.
  private(set) var secondsARow: Double?
  static let most = 8

  init(_ prompts: [String], _ pipeline: DrawingPipeline, _ training: AdapterTraining, steps: Int) {
    (self.prompts, self.pipeline, self.training) = (Array(prompts.prefix(Self.most)), pipeline, training)
    self.steps = steps
  }

  /// A request as it is drawn on sheets; seeds are the prompts' numbers.
  private func request(_ prompt: String) -> DrawingRequest {
    var request = DrawingRequest(prompt: prompt)
    request.steps = steps
    request.guidance = pipeline.model.guidance ?? request.guidance
    return request
  }

  /// Draws what the LoRA makes of the prompts now, at first also what the model makes without it.
  ///
  /// - Parameter goesOn: asked after each step.
  /// - Returns: false where it was stopped.
  /// - Throws: `LargeModelError`.
  func draw(while goesOn: () -> Bool) throws -> Bool {
    if before.isEmpty {
      guard let row = try training.without({ try self.row(while: goesOn) }) else { return false }
      before = row
    }
    guard let row = try row(while: goesOn) else { return false }
    after = row
    return true
  }

  private func row(while goesOn: () -> Bool) throws -> [Tensor]? {
    let begun = ProcessInfo.processInfo.systemUptime
    var row: [Tensor] = []
    for (i, prompt) in prompts.enumerated() {
      guard let drawn = try pipeline.drawn(request(prompt), seed: UInt64(i), while: { _ in goesOn() }) else {
        return nil
      }
      row.append(drawn)
    }
    secondsARow = ProcessInfo.processInfo.systemUptime - begun
    return row
  }

  /// Without the LoRA above, with it below.
  var sheet: Picture {
    Sheet(columns: prompts.count, for: 2 * prompts.count).drawn((before + after).map { Picture($0[0]) })
  }

  /// Whether it has learned: how far both rows are from the artist's pictures, and how many are likely copies of them.
  ///
  /// - Parameter set: the artist's pictures, packed.
  /// - Throws: as `featureNet`.
  func learned(_ set: PictureSet, at path: String, in workspace: Workspace, on device: Device) throws -> AdapterLook {
    let net = try featureNet(in: workspace, on: device)
    let pictures = set.pictures[0..<min(set.count, 256)]
    let real = net.features(of: pictures)
    let middle = real.mean(dims: [0], keepDims: true)
    // The pictures' own distance from their middle is 1.
    let spread = square(real - middle).sum(dims: [1]).mean().item().squareRoot()
    func bytes(_ row: [Tensor]) -> Tensor {
      Tensor.concatenated(
        row.map { drawn in
          let small = Picture(drawn[0]).resampled(width: set.size.width, height: set.size.height)
          return small.tensor.unsqueezed(0)
        })
    }
    func distance(_ row: [Tensor]) -> Double {
      let found = net.features(of: bytes(row))
      return sqrt(square(found - middle).sum(dims: [1])).mean().item() / max(spread, 1e-9)
    }
    var copies = 0
    if set.count > 1 {
      let meter = copyMeter(copySearch(among: set, at: path), at: path)
      copies = meter.nearest(to: bytes(after)).filter(meter.isCopy).count
    }
    return AdapterLook(before: distance(before), after: distance(after), copies: copies, of: after.count)
  }
}

/// What a LoRA has learned, by the features of EfficientNet-Lite0.
struct AdapterLook {
  /// Mean distances of what is drawn to the middle of the artist's pictures, whose own mean distance is about 1.
  let before: Double, after: Double
  let copies: Int, of: Int

  var sentence: String {
    String(
      format:
        "What it draws was %.2f from the pictures without the LoRA, and is %.2f with it (they themselves are 1 from their "
        + "middle).", before, after)
      + (copies == 0
        ? " None of \(of) is like a copy of a picture." : " \(copies) of \(of) are likely copies of pictures.")
  }
}
