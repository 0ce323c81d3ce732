import Foundation
import Models
import Torch
import Training

/// Does the map of `gplvm` keep digits of a kind together? The error of the nearest neighbour in two dimensions, each of
/// the 5,000 digits left out in turn, beside that of two principal components (Lawrence 2005, section 4, has the measure).
struct PictureMap {
  private let arguments: Arguments

  init(_ arguments: Arguments) { self.arguments = arguments }

  func run() {
    let path = arguments.text("digits") ?? ".cache/digits.safetensors"
    guard let tensors = try? Safetensors.read(path).tensors, let pictures = tensors["pictures"],
      let labels = tensors["labels"]?.ints, pictures.shape == [5000, 1, 28, 28]
    else { stop("The digits aren't at \(path): run Scripts/digits.py, or name the file with --digits.") }
    let set = PictureSet(pictures.to(.uint8))
    var noise = Noise(seed: 0)
    let situation = Situation(pictures: set.count, size: 28, channels: 1)
    guard let settings = try? GPLVMRecipe.settings(for: situation, preset: nil),
      let recipe = try? GPLVMRecipe(settings, noise: &noise, on: .cpu)
    else { stop("The recipe can't be made.") }
    let epochs = arguments.number("epochs") ?? 60
    let folder = NSTemporaryDirectory() + "picture-map-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var plan = Plan(.pictures(epochs * set.count))
    plan.samples = 0
    let taken = seconds {
      do {
        try Loop(recipe, on: set, plan: plan, folder: folder).run { event in
          if case .reading(let report) = event, Int(report.seconds) % 15 == 0 {
            say(
              "\(report.picturesSeen) pictures: "
                + report.figures.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
          }
        }
      } catch { stop("\(error)") }
    }
    let all = set.batch(Array(0..<set.count)).contiguous()
    let mapped = nearestError(recipe.model.encode(all), labels)
    let principal = nearestError(components(all.flattened(from: 1)), labels)
    say("5,000 digits, \(epochs) epochs in \(Int(taken)) s, \(Threads.count) threads")
    printTable([
      ["nearest neighbour in 2 dimensions", "error"],
      ["two principal components", formatted(principal, digits: 4)],
      ["gplvm", formatted(mapped, digits: 4)],
      ["ratio", formatted(mapped / principal, digits: 3)],
    ])
    if let out = arguments.text("out") {
      try? Safetensors.write(["places": recipe.model.encode(all), "labels": Tensor(labels)], to: out)
    }
  }

  /// The first two principal components of [N, D]: [N, 2].
  private func components(_ x: Tensor) -> Tensor {
    let y = (x - x.mean(dims: [0], keepDims: true)).to(.float64)
    let vectors = eigh(matmul(y.T, y)).vectors
    return matmul(y, vectors.narrowed(dim: 1, from: vectors.size(1) - 2, count: 2))
  }

  /// The part of points [N, 2] whose nearest other one has another label.
  private func nearestError(_ points: Tensor, _ labels: [Int]) -> Double {
    let x = points.to(.float64), n = x.size(0)
    let lengths = square(x).sum(dims: [1])
    let squares = lengths.unsqueezed(1) + lengths - matmul(x, x.T) * 2
    let others = squares + Tensor.eye(n, dtype: .float64) * 1e30
    let nearest = others.topK(1, dim: 1, largest: false).indices.ints
    return Double(zip(nearest, labels).count { labels[$0] != $1 }) / Double(n)
  }
}
