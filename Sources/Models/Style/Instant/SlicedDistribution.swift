import Networks
import Torch

/// How the neighbourhoods of 3 × 3 pixels of a painting, at full and half size, are distributed along directions by chance:
/// what `Texture`'s means and covariances don't say. Flat colours and hard edges are no Gaussians.
///
/// Sliced optimal transport (Pitié et al. 2005, "N-dimensional probability density function transfer"; Rabin et al. 2011,
/// "Wasserstein barycenter and its application to texture mixing"): along each direction values are moved to the
/// painting's of the same rank.
public struct SlicedDistribution {
  /// Pixels of a neighbourhood's side.
  static let side = 3
  static let sizes = 2
  /// How far a pixel looks, at both sizes and through the halving.
  static let margin = 8
  /// A few tensors of some directions, one of them of 64 bits.
  static let bytesPerPixel = Double(together) * 28 + 100
  /// Quantiles that are kept of each direction.
  private static let count = 129
  /// Values looked at for them, about.
  private static let samples = 6144
  /// Pieces of a curve that values are moved by.
  private static let pieces = 2048
  /// Directions that are looked along at a time: a third.
  private static let together = 9

  /// From full size on: [D, count], for D directions.
  let quantiles: [Tensor]

  init(quantiles: [Tensor]) { self.quantiles = quantiles }

  /// - Parameter pictures: [N, 3, H, W], 6 px or more a side; looked at as one.
  public init(of pictures: Tensor) {
    var (picture, found): (Tensor, [Tensor]) = (pictures.to(.float32), [])
    for size in 0..<Self.sizes {
      if size > 0 { picture = halved(picture) }
      found.append(Self.quantiles(of: Self.rows(conv2d(picture, Self.directions(size, on: picture.device)))))
    }
    quantiles = found
  }

  /// Between paintings: along each direction the barycentre, whose quantiles are the mean ones. The weights needn't sum to 1.
  public static func mixed(_ parts: [(slices: SlicedDistribution, weight: Double)]) -> SlicedDistribution {
    let sum = parts.reduce(0) { $0 + $1.weight }
    return SlicedDistribution(
      quantiles: (0..<sizes).map { size in
        parts.dropFirst().reduce(parts[0].slices.quantiles[size] * (parts[0].weight / sum)) {
          $0 + $1.slices.quantiles[size] * ($1.weight / sum)
        }
      })
  }

  /// Pictures whose neighbourhoods are distributed nearly as the painting's; where they overlap, a pixel is their mean.
  ///
  /// - Parameters:
  ///   - pictures: [N, 3, H, W], 6 px or more a side.
  ///   - tileStatistics: keeps the curves, for tiles of one picture.
  /// - Returns: [N, 3, H, W], float32.
  func carried(to pictures: Tensor, tileStatistics: TileStatistics? = nil) -> Tensor {
    carried(to: pictures.to(.float32), from: 0, tileStatistics).channelsLast()
  }

  private func carried(to pictures: Tensor, from size: Int, _ tileStatistics: TileStatistics?) -> Tensor {
    var x = pictures
    if size + 1 < Self.sizes {
      let small = halved(x)
      let changed = carried(to: small, from: size + 1, tileStatistics)
      x = x + interpolate(changed - small, size: [x.size(2), x.size(3)], mode: .bilinear)
    }
    let beyond = Self.side - 1
    let padded = pad(x, [beyond, beyond, beyond, beyond], mode: .reflect)
    let all = Self.directions(size, on: x.device)
    var sum: Tensor?
    // Some directions at a time, so that a picture needn't be there 27 times.
    for first in stride(from: 0, to: all.size(0), by: Self.together) {
      let directions = all.narrowed(dim: 0, from: first, count: Self.together)
      let seen = conv2d(padded, directions)
      let values = Self.rows(seen)
      let wanted = quantiles[size].narrowed(dim: 0, from: first, count: Self.together)
      let found = { Self.curve(from: Self.quantiles(of: values), to: wanted) }
      let change = Self.along(tileStatistics?.next(found) ?? found(), values)
      let moved = change.reshaped([Self.together, x.size(0), seen.size(2), seen.size(3)]).permuted([1, 0, 2, 3])
      // The transposed convolution where all neighbourhoods are.
      let back = conv2d(moved, directions.permuted([1, 0, 2, 3]).flipped([2, 3]))
      sum = sum.map { $0 + back } ?? back
    }
    return x + sum! / Double(Self.side * Self.side)
  }

  /// [D, 3, side, side], each at right angles to the others.
  private static func directions(_ size: Int, on device: Device) -> Tensor {
    var noise = Noise(seed: UInt64(size))
    let d = 3 * side * side
    return qr(noise.normal([d, d])).q.reshaped([d, 3, side, side]).to(device)
  }

  /// [N, D, H, W] as [D, places].
  private static func rows(_ seen: Tensor) -> Tensor { seen.permuted([1, 0, 2, 3]).reshaped([seen.size(1), -1]) }

  private static func quantiles(of values: Tensor) -> Tensor {
    let step = max(1, values.size(1) / samples) | 1
    let places = (values.size(1) - 1) / step + 1
    let some = values.indexSelected(
      dim: 1, indices: (Tensor.arange(places, on: values.device) * Double(step)).to(.int64))
    let wanted = (Tensor.arange(count, on: values.device) * (Double(places - 1) / Double(count - 1)) + 0.5).to(.int64)
    return some.sorted(dim: 1).values.indexSelected(dim: 1, indices: wanted)
  }

  /// How far values are moved, by pieces of the same length: where those begin and how long they are, [D, 2], and the change
  /// in the middle of each, [D, pieces].
  private static func curve(from own: Tensor, to wanted: Tensor) -> (Tensor, Tensor) {
    let low = own.narrowed(dim: 1, from: 0, count: 1)
    let length = (own.narrowed(dim: 1, from: count - 1, count: 1) - low) / Double(pieces) + 1e-8
    let middles = low + length * (Tensor.arange(pieces, dtype: .float32, on: own.device) + 0.5)
    let above = clamp(searchSorted(own, middles), min: 1, max: Double(count - 1)).to(.int64)
    let below = (above - 1).to(.int64)
    let (x0, x1) = (own.gathered(dim: 1, index: below), own.gathered(dim: 1, index: above))
    let (y0, y1) = (wanted.gathered(dim: 1, index: below), wanted.gathered(dim: 1, index: above))
    let part = clamp((middles - x0) / (x1 - x0 + 1e-8), min: 0, max: 1)
    return (Tensor.concatenated([low, length], dim: 1), y0 + (y1 - y0) * part - middles)
  }

  /// The change of each value.
  private static func along(_ curve: (Tensor, Tensor), _ values: Tensor) -> Tensor {
    let (low, length) = (curve.0.narrowed(dim: 1, from: 0, count: 1), curve.0.narrowed(dim: 1, from: 1, count: 1))
    let pieces = clamp((values - low) / length, min: 0, max: Double(Self.pieces - 1)).to(.int64)
    return curve.1.gathered(dim: 1, index: pieces)
  }
}
