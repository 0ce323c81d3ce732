import Evaluation
import Foundation
import LargeModels
import Torch
import Training

/// Does a model draw what its prompt says? Ten captions by chance are drawn; how often, of the ten pictures they belong to, is the right one
/// nearest to what was drawn, in EfficientNet-Lite0's features. By chance 10 %.
struct PromptMatch {
  private let arguments: Arguments
  init(_ arguments: Arguments) { self.arguments = arguments }

  private func needed(_ name: String, _ what: String) -> String {
    guard let value = arguments.text(name) else { stop("Name \(what) by --\(name).") }
    return value
  }

  func run() {
    let rounds = arguments.number("rounds") ?? 50
    let captions = needed("captions", "the folder of the pictures' captions")
    do {
      let set = try PictureSet(path: needed("set", "a packed set of pictures"))
      let net = try FeatureNet(weights: Safetensors.read(needed("features", "EfficientNet-Lite0's weights")).tensors)
      let model = try LargeModel(needed("model", "a model"))
      let pipeline = try DrawingPipeline(model)
      let known = set.names.enumerated().compactMap { i, name -> (number: Int, words: String)? in
        let path = "\(captions)/\((name as NSString).deletingPathExtension).txt"
        let words = try? String(contentsOfFile: path, encoding: .utf8)
        return words.map { (i, $0.trimmed) }
      }
      guard known.count >= 10 else { stop("Fewer than ten pictures of \(captions) have captions.") }
      var noise = Noise(seed: 0), right = 0, alike = 0.0
      for round in 1...max(rounds, 1) {
        let ten = noise.permutation(known.count).prefix(10).map { known[$0] }
        let drawn = try ten.enumerated().map { i, one in
          var request = DrawingRequest(prompt: one.words)
          request.guidance = model.guidance ?? request.guidance
          return try pipeline.draw(request, seed: UInt64(10 * round + i))
        }
        let made = ((Tensor.concatenated(drawn) + 1) * 127.5 + 0.5).to(.uint8)
        let (mine, real) = (unit(net.features(of: made)), unit(net.features(of: set.bytes(of: ten.map(\.number)))))
        let likeness = mine.matmul(real.T)
        right += zip(likeness.argmax(dim: 1).ints, 0...).filter { $0 == $1 }.count
        alike += likeness.diagonal().mean().item()
        if round % 10 == 0 {
          let (share, all) = (Double(right) / Double(10 * round), 10 * round)
          say("\(all) drawn: \(formatted(100 * share)) % are nearest to their own of ten")
        }
      }
      say("Cosine to their own, on average: \(formatted(alike / Double(rounds), digits: 3))")
    } catch { stop("\(error)") }
  }

  private func unit(_ features: Tensor) -> Tensor {
    features / sqrt(square(features).sum(dims: [1], keepDims: true))
  }
}
