import Networks
import Torch

/// The grain of a painting: mean and covariance of its colours, and of all its neighbourhoods of 5 × 5 pixels at full,
/// half and quarter size.
///
/// Where a small network's strokes and edges have another contrast than the painting's, filters that carry these over set
/// it right, for any painting, without having learned it; and they paint by themselves where they get the photograph.
public struct Texture {
  /// Pixels of a neighbourhood's side.
  static let side = 5
  static let sizes = 3
  /// How far a pixel looks: as far as the filters do at each size, and the halvings.
  static let margin = 40
  /// Of a picture's side, in pixels.
  public static let least = 4 * side
  /// Neighbourhoods looked at, about: more tell no more.
  private static let places = 65_536.0

  /// Of colours: a group of C channels.
  let colours: Statistics
  /// Of neighbourhoods, from full size on: a group of C · 25 channels.
  let levels: [Statistics]

  init(colours: Statistics, levels: [Statistics]) { (self.colours, self.levels) = (colours, levels) }

  /// - Parameter pictures: [N, C, H, W], 20 px or more a side.
  public init(of pictures: Tensor) {
    colours = Statistics(pictures, group: pictures.size(1))
    var (picture, levels): (Tensor, [Statistics]) = (pictures.to(.float32), [])
    for level in 0..<Self.sizes {
      if level > 0 { picture = halved(picture) }
      levels.append(Self.neighbourhoods(of: picture))
    }
    self.levels = levels
  }

  /// Of several paintings together; the weights needn't sum to 1.
  public static func mixed(_ parts: [(texture: Texture, weight: Double)]) -> Texture {
    func mix(_ part: (Texture) -> Statistics) -> Statistics {
      Statistics.mixed(parts.map { (part($0.texture), $0.weight) })
    }
    return Texture(colours: mix(\.colours), levels: (0..<sizes).map { level in mix { $0.levels[level] } })
  }

  private static func neighbourhoods(of pictures: Tensor) -> Statistics {
    let (n, c) = (pictures.size(0), pictures.size(1))
    let count = Double(pictures.size(2) * pictures.size(3))
    // Odd, so that it isn't in step with the doublings of a network.
    let step = 2 * Int((max(1, (count / places).squareRoot()) / 2).rounded(.down)) + 1
    let found = pictures.windows(dim: 2, size: side, step: step).windows(dim: 3, size: side, step: step)
    let (down, across) = (found.size(2), found.size(3))
    return Statistics(
      found.permuted([0, 1, 4, 5, 2, 3]).reshaped([n, c * side * side, down, across]), group: c * side * side)
  }

  /// How much of a picture a network paints, the photograph in the painting's colours being the rest: [N, 1, 1, 1].
  ///
  /// The finer a painting's strokes, the more do the filters paint by themselves. Fitted to what was best for 58 paintings
  /// (docs/experiments/style.md), with the share that details under 5 pixels have in the colours' variance.
  var share: Tensor {
    let covariance = levels[0].covariance
    let (n, count, middle) = (covariance.size(0), Self.side * Self.side, Self.side * Self.side / 2)
    var (fine, all): (Tensor?, Tensor?)
    for channel in 0..<covariance.size(1) / count {
      let own = covariance.narrowed(dim: 1, from: channel * count, count: count)
        .narrowed(dim: 2, from: channel * count, count: count)
      let row = own.selected(dim: 1, index: middle)
      let variance = row.selected(dim: 1, index: middle)
      // Of a pixel's difference from its neighbourhood's mean.
      let detail = variance - row.mean(dims: [1]) * 2 + own.mean(dims: [1, 2])
      fine = fine.map { $0 + detail } ?? detail
      all = all.map { $0 + variance } ?? variance
    }
    let ratio = (fine! + 1e-8) / (all! + 1e-6)
    return clamp(0.278 - log(ratio) * 0.125, min: 0.2, max: 1).reshaped([n, 1, 1, 1])
  }

  /// A network's painting and the photograph in the painting's colours, as `share` says: what is left of a photograph's
  /// things needn't be painted.
  ///
  /// - Parameters:
  ///   - raw, pictures: [N, 3, H, W] in 0...1.
  ///   - tileStatistics: keeps the map of colours, for tiles of one picture.
  func mixed(_ raw: Tensor, with pictures: Tensor, tileStatistics: TileStatistics? = nil) -> Tensor {
    let colours = transported(pictures, to: colours, tileStatistics: tileStatistics)
    return colours + (raw - colours) * share
  }

  /// Pictures whose neighbourhoods get the painting's mean and covariance at each size, from the smallest on, by the map
  /// that moves them least (as `transported`); where neighbourhoods overlap, a pixel is their mean, so that all of it is
  /// one filter of 9 × 9 pixels a size.
  ///
  /// Gradients go through the pictures, not through the filters.
  /// - Parameters:
  ///   - pictures: [N, C, H, W], 20 px or more a side, as many as there are paintings.
  ///   - tileStatistics: keeps the filters, for tiles of one picture.
  /// - Returns: [N, C, H, W], float32.
  func carried(to pictures: Tensor, tileStatistics: TileStatistics? = nil) -> Tensor {
    carried(to: pictures.to(.float32), from: levels[...], tileStatistics).channelsLast()
  }

  private func carried(to pictures: Tensor, from levels: ArraySlice<Statistics>, _ tileStatistics: TileStatistics?)
    -> Tensor
  {
    guard let first = levels.first else { return pictures }
    var x = pictures
    if levels.count > 1 {
      let small = halved(x)
      let changed = carried(to: small, from: levels.dropFirst(), tileStatistics)
      x = x + interpolate(changed - small, size: [x.size(2), x.size(3)], mode: .bilinear)
    }
    let (n, c, margin) = (x.size(0), x.size(1), Self.side - 1)
    func found() -> (Tensor, Tensor) {
      withoutGradients { Self.filter(from: Self.neighbourhoods(of: x), to: first, c) }
    }
    let (weights, shift) = tileStatistics?.next(found) ?? found()
    // Each picture has a filter of its own.
    let padded = pad(x, [margin, margin, margin, margin], mode: .reflect)
    let together = padded.reshaped([1, n * c, padded.size(2), padded.size(3)]).channelsLast()
    return conv2d(together, weights, shift, groups: n).reshaped(x.shape)
  }

  /// - Returns: weights [N · C, C, 9, 9] and biases [N · C] of a convolution.
  private static func filter(from own: Statistics, to style: Statistics, _ c: Int) -> (Tensor, Tensor) {
    let n = own.mean.size(0), d = c * side * side, margin = side - 1
    // By eigenvalues in float64: the finest grain's variance is some millionth of the coarsest's, and here it is squared.
    func raised(_ x: Statistics) -> Tensor { x.raised(by: 1e-4, atLeast: 1e-6).to(.float64) }
    func powers(_ x: Tensor) -> (root: Tensor, inverse: Tensor) {
      let (values, vectors) = eigh(x)
      let roots = sqrt(clamp(values, min: 1e-20)).unsqueezed(-2)
      return (matmul(vectors * roots, vectors.T), matmul(vectors / roots, vectors.T))
    }
    let (root, inverse) = powers(raised(own))
    let middle = powers(matmul(matmul(root, raised(style)), root)).root
    let map = matmul(matmul(inverse, middle), inverse).to(.float32)
    let shift = (style.mean - matmul(map, own.mean)).reshaped([n, c, side * side]).mean(dims: [2])
    let rows = map.reshaped([n, c, side * side, d])
    var sum: Tensor?
    for place in 0..<side * side {
      let (y, x) = (place / side, place % side)
      let part = rows.selected(dim: 2, index: place).reshaped([n * c, c, side, side])
      let moved = pad(part, [margin - x, x, margin - y, y])
      sum = sum.map { $0 + moved } ?? moved
    }
    return (sum! / Double(side * side), shift.reshaped([n * c]))
  }
}

func halved(_ x: Tensor) -> Tensor {
  interpolate(x, size: [x.size(2) / 2, x.size(3) / 2], mode: .bilinear, antialias: true)
}
