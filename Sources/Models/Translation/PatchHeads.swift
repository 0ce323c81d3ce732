import Networks
import Torch

/// Features at some places of each of several layers, as vectors of length 1: two linear maps a layer (Park et al. 2020,
/// section 3.2).
final class PatchHeads: Module {
  let heads: [Sequential]

  /// - Parameters:
  ///   - channels: of each layer.
  ///   - size: of a vector.
  init(channels: [Int], size: Int) {
    heads = channels.map { Sequential(Linear($0, size), ReLU(), Linear(size, size)) }
  }

  /// `mlp_0.0.weight` and so on, as in the published checkpoints.
  var members: [(name: String, value: Any)] { heads.enumerated().map { ("mlp_\($0)", $1) } }

  /// - Parameters:
  ///   - features: a tensor [N, C, H, W] a layer.
  ///   - places: int64 [places] a layer, counted along the rows.
  /// - Returns: [N, places, size] a layer, float32.
  func callAsFunction(_ features: [Tensor], at places: [Tensor]) -> [Tensor] {
    zip(heads, zip(features, places)).map { head, given in
      let rows = given.0.flattened(from: 2).indexSelected(dim: 2, indices: given.1).transposed(1, 2)
      let vectors = head(rows.contiguous()).to(.float32)
      return vectors / (sqrt(square(vectors).sum(dims: [2], keepDims: true)) + 1e-7)
    }
  }

  /// Places drawn for each layer, none twice.
  ///
  /// - Parameter count: at most; a small layer has fewer.
  static func places(in features: [Tensor], count: Int, noise: inout Noise) -> [Tensor] {
    features.map { layer in
      let all = noise.permutation(layer.size(2) * layer.size(3))
      return Tensor(Array(all.prefix(count))).to(layer.device)
    }
  }
}
