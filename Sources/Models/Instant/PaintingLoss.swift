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
  /// Style's distance at which it counts as much as a content of 1: what is near is brought as much nearer, in proportion,
  /// as what is far.
  static let styleScale = 40.0
  static let steadiness = 100.0  // Weight of what holds contrast.
  /// Of paintings, by their numbers.
  private var known: [Int: Goals] = [:]

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

  /// What whole paintings ask for.
  struct Goals {
    /// Of features, layer by layer.
    let layers: [Statistics]
    let texture: Texture
  }

  /// Those of whole paintings, each looked at once.
  ///
  /// - Parameter paintings: [N, 3, H, W] in -1...1.
  func goals(_ paintings: Tensor, _ numbers: [Int]) -> Goals {
    withoutGradients {
      let each = numbers.enumerated().map { i, number -> Goals in
        if let found = known[number] { return found }
        let picture = (paintings[i..<i + 1] + 1) / 2
        let found = Goals(layers: Self.statistics(features(picture)), texture: Texture(of: picture))
        // Some 430 kB each.
        if known.count < 4000 { known[number] = found }
        return found
      }
      return Goals(
        layers: Self.groups.indices.map { layer in .joined(each.map { $0.layers[layer] }) },
        texture: .joined(each.map(\.texture)))
    }
  }

  /// - Parameters:
  ///   - raw: [N, 3, H, W], what the network made of the pictures, which are of the same shape, in 0...1.
  ///   - content: the last layer's features of the pictures.
  func callAsFunction(_ raw: Tensor, of pictures: Tensor, content: Tensor, goals: Goals) -> (
    sum: Tensor, style: Tensor, content: Tensor
  ) {
    let (mixed, painted) = withAutocast(false, on: device) {
      let mixed = goals.texture.mixed(raw, with: pictures)
      return (mixed, goals.texture.carried(to: mixed))
    }
    // Contrast that is set right anyway could drift; it is held where it is led to.
    let drift = meanSquaredError(mixed, painted.detached())
    let found = features(painted)
    let lossC = meanSquaredError(found.last!.to(.float32), content.to(.float32))
    var each: Tensor?  // [N]
    for (i, own) in Self.statistics(found).enumerated() {
      let part =
        wasserstein(own, goals.layers[i]).reshaped([painted.size(0), -1]).mean(dims: [1]) * Self.weights[i]
      each = each.map { $0 + part } ?? part
    }
    let relative = log(each! + 1).mean() * Self.styleScale
    return (
      lossC * contentWeight + relative + totalVariation(painted) * smoothness + drift * Self.steadiness, each!.mean(),
      lossC
    )
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
