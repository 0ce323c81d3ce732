import Networks
import Torch

/// Strokes: each place of a picture is drawn towards the place of the style that it looks most like, as the network sees
/// both (Kolkin et al. 2022, "Neural neighbor style transfer", section 3.2).
///
/// Statistics say which strokes there are; this says that each is a whole one. Places are compared at a quarter of the
/// picture's size by relu1_1 to relu4_1 together, by the cosine between what differs from the style's mean.
final class NearestFeatures {
  static let layers = 4
  /// Steps between two searches, which take as long as some steps.
  private static let interval = 25
  /// The losses are near 1; those of statistics are some hundred.
  private static let scale = 100.0

  /// [places, channels], of length 1.
  private let style: Tensor
  private let mean: Tensor
  /// The scale of each layer, so that all have the same weight.
  private let sizes: [Double]
  /// The style's place for each of the picture's.
  private var index: Tensor?
  private var age = 0

  /// - Parameter styles: the features of each style, relu1_1 to relu4_1.
  init(_ styles: [[Tensor]]) {
    (sizes, mean, style) = withoutGradients {
      let sizes = (0..<Self.layers).map { layer in
        styles.map { square($0[layer].to(.float32)).mean().item() }.reduce(0, +).squareRoot()
      }
      let columns = Tensor.concatenated(styles.map { Self.columns($0, sizes) })
      let mean = columns.mean(dims: [0], keepDims: true)
      return (sizes, mean, Self.unit(columns - mean))
    }
  }

  /// - Parameters:
  ///   - features: relu1_1 to relu4_1 of the picture; differentiable.
  ///   - mask: [1, 1, H / 4, W / 4], how much each place counts.
  /// - Returns: a scalar.
  func callAsFunction(_ features: [Tensor], mask: Tensor?) -> Tensor {
    let own = Self.unit(Self.columns(features, sizes) - mean)
    if index == nil || age % Self.interval == 0 { index = withoutGradients { nearest(own.detached()) } }
    age += 1
    let distance = 1 - (own * style.indexSelected(dim: 0, indices: index!)).sum(dims: [1])
    guard let mask else { return distance.mean() * Self.scale }
    let weight = mask.flattened()
    return (distance * weight).sum() / weight.sum() * Self.scale
  }

  /// So that work that goes on draws to the same places.
  var saved: [String: Tensor] { index.map { ["index": $0, "age": Tensor([age])] } ?? [:] }

  func restore(_ saved: [String: Tensor]) throws(StateError) {
    guard let index = saved["index"], let age = saved["age"], age.count == 1 else { throw .missing("index") }
    (self.index, self.age) = (index, Int(age.item()))
  }

  /// Of each row the nearest of the style's, a part at a time: all cosines at once would be gigabytes.
  private func nearest(_ rows: Tensor) -> Tensor {
    let part = 2048
    return Tensor.concatenated(
      stride(from: 0, to: rows.size(0), by: part).map { start in
        matmul(rows[start..<min(start + part, rows.size(0))], style.T).argmax(dim: 1)
      })
  }

  /// All layers at the third one's size, side by side: [places, channels].
  private static func columns(_ features: [Tensor], _ sizes: [Double]) -> Tensor {
    let size = [features[2].size(2), features[2].size(3)]
    let parts = zip(features.prefix(layers), sizes).enumerated().map { i, layer -> Tensor in
      let x = layer.0.to(.float32) / max(layer.1, 1e-6)
      return i < 2 ? interpolate(x, size: size, mode: .area) : i == 2 ? x : interpolate(x, size: size, mode: .bilinear)
    }
    return Tensor.concatenated(parts, dim: 1)[0].flattened(from: 1).T
  }

  private static func unit(_ rows: Tensor) -> Tensor {
    rows / (sqrt(square(rows).sum(dims: [1], keepDims: true)) + 1e-6)
  }
}
