import Networks
import Torch

/// The losses that a feed-forward painter is trained with: those of `restyle`'s optimisation, on VGG16's features.
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
  /// Of paintings, by their numbers; some 420 kB each, so that all take less than half a gigabyte. Of more paintings those that
  /// come later are looked at each time.
  private let known = RowCache(limit: 1000)

  init(_ teacher: VGG, contentWeight: Double, smoothness: Double, usesBFloat16: Bool, on device: Device) {
    (self.teacher, self.contentWeight, self.smoothness) = (teacher, contentWeight, smoothness)
    (self.usesBFloat16, self.device) = (usesBFloat16, device)
  }

  /// - Parameter pictures: [N, 3, H, W] in 0...1.
  func features(_ pictures: Tensor, _ layers: [VGG.Layer] = PaintingLoss.layers) -> [Tensor] {
    withAutocast(usesBFloat16, on: device) { teacher(pictures, layers: layers) }
  }

  /// The targets of the style loss, from the style's features.
  static func statistics(_ features: [Tensor]) -> [Statistics] {
    zip(features, groups).map { Statistics($0, group: $1) }
  }

  /// The targets of whole paintings.
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
      var rest = known.rows(numbers) { i in
        let picture = (paintings[i..<i + 1] + 1) / 2
        let texture = Texture(of: picture)
        let all = Self.statistics(features(picture)) + [texture.colours] + texture.levels
        return Tensor.concatenated(all.flatMap { [$0.mean.flattened(), $0.covariance.flattened()] }).unsqueezed(0)
      }
      func next(_ channels: Int, group: Int) -> Statistics {
        let groups = channels / group
        func take(_ count: Int) -> Tensor {
          defer { rest = rest.narrowed(dim: 1, from: count, count: rest.size(1) - count) }
          return rest.narrowed(dim: 1, from: 0, count: count)
        }
        let all = numbers.count * groups
        return Statistics(
          mean: take(channels).reshaped([all, group, 1]),
          covariance: take(channels * group).reshaped([all, group, group]))
      }
      let layers = zip(Self.layers, Self.groups).map { next(VGG.widths[$0.block - 1], group: $1) }
      let place = 3 * Texture.side * Texture.side
      let colours = next(3, group: 3)
      return Goals(
        layers: layers,
        texture: Texture(colours: colours, levels: (0..<Texture.sizes).map { _ in next(place, group: place) }))
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
        groupedWasserstein(own, goals.layers[i]).reshaped([painted.size(0), -1]).mean(dims: [1]) * Self.weights[i]
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
