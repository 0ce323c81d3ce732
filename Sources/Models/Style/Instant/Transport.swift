import Networks
import Torch

/// Mean and covariance of the features of each picture, by groups of channels: what is carried over from a style.
public struct Statistics {
  /// [N · groups, K, 1] and [N · groups, K, K], float32, for K channels a group.
  public let mean: Tensor, covariance: Tensor

  public init(mean: Tensor, covariance: Tensor) { (self.mean, self.covariance) = (mean, covariance) }

  /// - Parameters:
  ///   - features: [N, C, H, W].
  ///   - group: channels of a group; divides C.
  public init(_ features: Tensor, group: Int) {
    let x = grouped(features, group)
    mean = x.mean(dims: [2], keepDims: true)
    let centred = x - mean
    covariance = matmul(centred, centred.T) / Double(x.size(2))
  }

  /// Of a mixture of styles, by their moments; the weights needn't sum to 1.
  public static func mixed(_ parts: [(statistics: Statistics, weight: Double)]) -> Statistics {
    let sum = parts.reduce(0) { $0 + $1.weight }
    func mix(_ part: (Statistics) -> Tensor) -> Tensor {
      parts.dropFirst().reduce(part(parts[0].statistics) * (parts[0].weight / sum)) {
        $0 + part($1.statistics) * ($1.weight / sum)
      }
    }
    let mean = mix(\.mean)
    let moment = mix { $0.covariance + matmul($0.mean, $0.mean.T) }
    return Statistics(mean: mean, covariance: moment - matmul(mean, mean.T))
  }

  /// The covariances with a little more on the diagonal, so that their roots exist.
  var raised: Tensor { raised(by: 1e-3, atLeast: 1e-5) }

  /// - Parameter share: of the mean variance, since features differ by layers in size.
  func raised(by share: Double, atLeast least: Double) -> Tensor {
    let k = covariance.size(-1)
    let eye = Tensor.eye(k, on: covariance.device)
    let variance = (covariance * eye).sum(dims: [-2, -1], keepDims: true) / Double(k)
    return covariance + eye * (variance * share + least)
  }
}

/// [N, C, H, W] as float32 [N · groups, K, H · W].
func grouped(_ features: Tensor, _ group: Int) -> Tensor {
  let (n, c) = (features.size(0), features.size(1))
  return features.to(.float32).flattened(from: 2).reshaped([n * c / group, group, -1])
}

/// Features whose mean and covariance, in each group of channels, become the style's by the map that moves them least:
/// the optimal transport of Gaussians (Lu et al. 2019, equation 10), T = C₁^-½ (C₁^½ C₂ C₁^½)^½ C₁^-½.
///
/// Gradients go through the features, not through the map.
/// - Parameters:
///   - features: [N, C, H, W].
///   - style: of as many pictures, in groups of the same size.
///   - tileStatistics: keeps the map and the mean that are moved from, for tiles of one picture.
/// - Returns: [N, C, H, W], float32, channels-last.
public func transported(_ features: Tensor, to style: Statistics, tileStatistics: TileStatistics? = nil) -> Tensor {
  let group = style.mean.size(1)
  let x = grouped(features, group)
  func found() -> (map: Tensor, mean: Tensor) {
    let own = Statistics(features, group: group)
    return (withoutGradients { transportMap(from: own, to: style) }, own.mean)
  }
  let (map, mean) = tileStatistics?.next(found) ?? found()
  return (matmul(map, x - mean) + style.mean).reshaped(features.shape).channelsLast()
}

/// What a network finds out about a picture as a whole, in the order of its layers: taken once, and used for each tile;
/// or followed from frame to frame of a film.
public final class TileStatistics {
  /// In order, pairs side by side.
  public var kept: [(Tensor, Tensor)] = []
  private let share: Double?
  private var place = 0
  private var isTaking = true

  /// - Parameter share: of what a frame's own is in what is used; nil to use what was found first.
  public init(following share: Double? = nil) { self.share = share }

  /// Before the network begins anew.
  func rewind() {
    isTaking = kept.isEmpty
    place = 0
  }

  func next(_ find: () -> (Tensor, Tensor)) -> (Tensor, Tensor) {
    defer { place += 1 }
    if isTaking {
      kept.append(find())
    } else if let share {
      let (found, before) = (find(), kept[place])
      kept[place] = (before.0 + (found.0 - before.0) * share, before.1 + (found.1 - before.1) * share)
    }
    return kept[place]
  }
}

/// [N · groups, K, K].
func transportMap(from own: Statistics, to style: Statistics) -> Tensor {
  let (root, inverse) = matrixRoots(own.raised)
  let middle = matrixRoots(matmul(matmul(root, style.raised), root)).root
  return matmul(matmul(inverse, middle), inverse)
}

/// The squared Wasserstein-2 distance of two Gaussians a group of channels, over the number of channels, as
/// `WassersteinLoss`: [N · groups].
///
/// - Parameters:
///   - own: differentiable.
///   - style: of as many pictures and groups.
public func groupedWasserstein(_ own: Statistics, _ style: Statistics) -> Tensor {
  let k = own.mean.size(1)
  let c = own.raised
  let (value, slope, rest) = withoutGradients { () -> (Tensor, Tensor, Tensor) in
    let target = style.raised
    let root = matrixRoots(target).root
    let roots = matrixRoots(matmul(matmul(root, c.detached()), root))
    let eye = Tensor.eye(k, on: c.device)
    let traces = { (x: Tensor) in (x * eye).sum(dims: [-2, -1]) }
    return (traces(roots.root), matmul(matmul(root, roots.inverse), root), traces(target))
  }
  // tr(slope · c) is tr(M^-½ M) with slope's gradient: twice that of tr(M^½).
  let product = (slope * c).sum(dims: [-2, -1])
  let fit = product - product.detached() + 2 * value
  let variance = (c * Tensor.eye(k, on: c.device)).sum(dims: [-2, -1])
  let shift = square(own.mean - style.mean).sum(dims: [-2, -1])
  return (shift + variance + rest - fit) / Double(k)
}
