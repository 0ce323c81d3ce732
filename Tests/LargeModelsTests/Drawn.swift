import Foundation
import Networks
import TestSupport
import Torch

@testable import LargeModels

/// As `SmallModels.drawn`.
func drawn(_ name: String, _ shape: [Int]) -> Tensor { SmallModels.drawn(name, shape) }

extension SmallModels {
  static var tokenizer: Tokenizer {
    get throws { try Tokenizer.folder(Checkout.path("Tests/Goldens/large/tokenizer")).tokenizer }
  }
}

extension Module {
  /// With the weights of that prefix.
  func drawn(_ prefix: String) throws -> Self {
    try load(SmallModels.weights(prefix, Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.shape) })))
    setRequiresGradient(false)
    useChannelsLast()
    return self
  }
}

/// Goldens of Tests/Goldens/large, and the names and shapes of each network's state.
struct LargeGolden {
  let tensors: [String: Tensor]
  let metadata: [String: String]

  init(_ name: String) throws { (tensors, metadata) = try Checkout.golden("large/\(name)") }

  subscript(name: String) -> Tensor { tensors[name]! }

  func shapes(_ network: String) throws -> [String: [Int]] {
    try JSONDecoder().decode([String: [String: [Int]]].self, from: Data(metadata["names"]!.utf8))[network]!
  }
}

/// The small models of models.py.
enum Small {
  static func unet(_ kind: String) -> UNetConfiguration {
    var c = UNetConfiguration()
    switch kind {
    case "sd2":
      (c.widths, c.heads, c.context, c.isLinear, c.upcastsAttention) = (
        [64, 64, 128, 128], [1, 1, 2, 2], 128, true, true
      )
    case "xl":
      (c.widths, c.heads, c.context, c.isLinear) = ([64, 128, 128], [1, 2, 2], 256, true)
      (c.transformers, c.middleTransformer, c.addition) = ([0, 1, 2], 2, .init(waves: 8, inputs: 176))
    default:
      (c.widths, c.heads, c.context) = ([32, 64, 64, 64], [8, 8, 8, 8], 128)
    }
    c.side = 8
    return c
  }

  static func vae(_ kind: String) -> AutoencoderConfiguration {
    var c = AutoencoderConfiguration()
    (c.widths, c.blocks, c.scale) = ([32, 32, 64, 64], kind == "xl" ? 1 : 2, kind == "xl" ? 0.13025 : 0.18215)
    return c
  }

  static func text(_ kind: String, second: Bool = false) -> TextConfiguration {
    var c = TextConfiguration()
    (c.vocabulary, c.width, c.inner, c.layers, c.heads, c.end) = (1000, 128, 512, 3, 2, 999)
    (c.usesQuickGELU, c.projection) = (kind != "sd2" && !second, second ? 128 : nil)
    return c
  }
}
