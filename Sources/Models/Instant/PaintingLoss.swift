import Networks
import Torch

/// What a feed-forward painter is trained by: the losses of `restyle`'s optimisation, as a trained network sees them.
final class PaintingLoss {
  static let layers = [VGG.Layer(1, 1), VGG.Layer(2, 1), VGG.Layer(3, 1), VGG.Layer(4, 1)]
  /// Of the layers' style losses, as in `restyle`, and the channels whose covariance each compares.
  static let weights = [256.0, 64, 16, 4].map { $0 / 340 }, groups = [64, 128, 128, 64]

  private let teacher: VGG
  private let contentWeight: Double, smoothness: Double
  private let usesBFloat16: Bool, device: Device
  /// Of paintings, by their numbers.
  private var known: [Int: [Statistics]] = [:]

  init(_ teacher: VGG, contentWeight: Double, smoothness: Double, usesBFloat16: Bool, on device: Device) {
    (self.teacher, self.contentWeight, self.smoothness) = (teacher, contentWeight, smoothness)
    (self.usesBFloat16, self.device) = (usesBFloat16, device)
  }

  /// - Parameter pictures: [N, 3, H, W] in 0...1.
  func features(_ pictures: Tensor, _ layers: [VGG.Layer] = PaintingLoss.layers) -> [Tensor] {
    withAutocast(usesBFloat16, on: device) { teacher(pictures, layers: layers) }
  }

  /// What pictures are to be painted like, of their features.
  static func statistics(_ features: [Tensor]) -> [Statistics] {
    zip(features, groups).map { Statistics($0, group: $1) }
  }

  /// Those of whole paintings, each looked at once.
  ///
  /// - Parameter paintings: [N, 3, H, W] in -1...1.
  func goals(_ paintings: Tensor, _ numbers: [Int]) -> [Statistics] {
    withoutGradients {
      let each = numbers.enumerated().map { i, number -> [Statistics] in
        if let found = known[number] { return found }
        let found = Self.statistics(features((paintings[i..<i + 1] + 1) / 2))
        // Some 350 kB each.
        if known.count < 4000 { known[number] = found }
        return found
      }
      return Self.groups.indices.map { layer in
        Statistics(
          mean: Tensor.concatenated(each.map { $0[layer].mean }),
          covariance: Tensor.concatenated(each.map { $0[layer].covariance }))
      }
    }
  }

  /// - Parameters:
  ///   - painted: [N, 3, H, W], about 0...1.
  ///   - content: the last layer's features of what was painted.
  func callAsFunction(_ painted: Tensor, content: Tensor, goals: [Statistics]) -> (
    sum: Tensor, style: Tensor, content: Tensor
  ) {
    let found = features(painted)
    let lossC = meanSquaredError(found.last!.to(.float32), content.to(.float32))
    var lossS: Tensor?
    for (i, own) in Self.statistics(found).enumerated() {
      let part = wasserstein(own, goals[i]) * Self.weights[i]
      lossS = lossS.map { $0 + part } ?? part
    }
    return (lossC * contentWeight + lossS! + totalVariation(painted) * smoothness, lossS!, lossC)
  }
}

/// A part of each picture at a size by chance, mirrored by chance.
///
/// - Parameters:
///   - pictures: [N, 3, S, S] in -1...1.
///   - crop: side of the result.
/// - Returns: [N, 3, crop, crop] in 0...1.
func cropped(_ pictures: Tensor, to crop: Int, _ noise: inout Noise) -> Tensor {
  let size = pictures.size(2)
  let sides = [crop, (crop + size) / 2, size]
  let side = sides[noise.integers(below: 3, count: 1)[0]]
  let free = size - side + 1
  let (y, x) = (noise.integers(below: free, count: 1)[0], noise.integers(below: free, count: 1)[0])
  let part = pictures.narrowed(dim: 2, from: y, count: side).narrowed(dim: 3, from: x, count: side)
  let sized = side == crop ? part : interpolate(part, size: [crop, crop], mode: .bilinear, antialias: true)
  let turned = noise.bernoulli(0.5, [1]).item() > 0 ? sized.flipped([3]) : sized
  return (turned * 0.5 + 0.5).channelsLast()
}
