import Networks
import Torch

/// Moves one picture as another moves (Siarohin et al. 2019, section 3.3).
public struct Mover {
  private let network: MotionNetwork
  /// The side in pixels at which motion was learned.
  public let size: Int
  private let device: Device

  init(_ network: MotionNetwork, size: Int, on device: Device) {
    (self.network, self.size, self.device) = (network, size, device)
  }

  /// How a picture is, as far as motion is concerned.
  public struct Pose {
    let keypoints: Keypoints
  }

  /// - Parameter picture: [1, C, S, S] in 0...1, colours multiplied by alpha.
  public func pose(of picture: Tensor) -> Pose {
    withoutGradients { Pose(keypoints: network.detector(sized(picture))) }
  }

  /// The picture in another pose.
  ///
  /// - Parameters:
  ///   - picture: [1, C, S, S] in 0...1, colours multiplied by alpha; of another side than `size` it is moved at its own,
  ///     and what is painted is enlarged.
  ///   - source: its own pose.
  ///   - isCrisp: carries whole pixels, and paints only where that is much better: drawings keep their grid.
  /// - Returns: the picture, and how much of what can be seen on it the network painted, since the picture didn't show
  ///   it, 0...1.
  public func moved(
    _ picture: Tensor, from source: Pose, to pose: Pose, isCrisp: Bool = false
  ) -> (picture: Tensor, invented: Double) {
    withoutGradients {
      let (x, small) = (picture.to(device), sized(picture))
      let motion = network.dense(small, from: source.keypoints, to: pose.keypoints)
      let made = network.generator(small, along: motion)
      let isSame = x.size(2) == size && x.size(3) == size
      func whole(_ part: Tensor) -> Tensor {
        isSame ? part : interpolate(part, size: [x.size(2), x.size(3)], mode: .bilinear)
      }
      let carried = isSame && !isCrisp ? made.carried : Models.moved(x, by: motion.flow, isCrisp: isCrisp)
      let kept = whole(isCrisp ? clamp(made.kept * Self.crispness, max: 1) : made.kept)
      let result = clamp(carried * kept + whole(made.painted) * (1 - kept), min: 0, max: 1)
      let painted = 1 - made.kept
      guard made.picture.size(1) == 4 else { return (result, painted.mean().item()) }
      let cover = made.picture.narrowed(dim: 1, from: 3, count: 1)
      return (result, (painted * cover).sum().item() / max(1e-6, cover.sum().item()))
    }
  }
  /// How much more is carried than the network would, which learned to be right on average and not to be sharp.
  private static let crispness = 2.0

  /// Pictures [N, C, size, size] in the poses of others: how well the network tells motion.
  public func reconstructed(_ pictures: Tensor, as others: Tensor) -> Tensor {
    withoutGradients {
      let source = network.detector(pictures), driving = network.detector(others)
      return clamp(network(pictures, from: source, to: driving).picture, min: 0, max: 1)
    }
  }

  /// The pose of one figure, after a motion that another made: its keypoints are shifted and turned as the other's were
  /// since the motion's beginning, so that it keeps its shape (equations 14 and 15).
  ///
  /// - Parameters:
  ///   - start: the other's pose at the beginning.
  ///   - now: and now.
  ///   - scale: of the shifts, such as how much larger the figure is than the other.
  ///   - strength: of all, beside that; 1 turns it as much as the other, and more doesn't turn it further.
  public func pose(
    _ source: Pose, following now: Pose, since start: Pose, scale: Double = 1, strength: Double = 1
  ) -> Pose {
    withoutGradients {
      let (p, q, r) = (source.keypoints, now.keypoints, start.keypoints)
      let identity = Tensor.eye(2, on: q.places.device)
      let turn = identity + (q.jacobians.matmul(inverse2x2(r.jacobians)) - identity) * min(1, strength)
      return Pose(
        keypoints: Keypoints(
          places: p.places + (q.places - r.places) * (scale * strength), jacobians: turn.matmul(p.jacobians)))
    }
  }

  private func sized(_ picture: Tensor) -> Tensor {
    let x = picture.to(device)
    guard x.size(2) != size || x.size(3) != size else { return x.channelsLast() }
    return clamp(
      interpolate(x, size: [size, size], mode: .bilinear, antialias: true), min: 0, max: 1
    ).channelsLast()
  }
}

/// How much larger one figure is than another, by where its alpha, or what differs from its corner, lies: the ratio of the
/// diagonals of the boxes around them, from 0.25 to 4.
///
/// - Parameters: [1, C, H, W] in 0...1.
public func relativeExtent(of picture: Tensor, to other: Tensor) -> Double {
  func extent(_ x: Tensor) -> Double {
    let cover =
      x.size(1) == 4
      ? x.narrowed(dim: 1, from: 3, count: 1)
      : abs(x - x.narrowed(dim: 2, from: 0, count: 1).narrowed(dim: 3, from: 0, count: 1)).max(
        dims: [1], keepDims: true)
    func part(_ dim: Int, _ side: Int) -> Double {
      let isSeen = cover.max(dims: [0, 1, dim]).greater(than: 0.1).bools
      guard let first = isSeen.firstIndex(of: true), let last = isSeen.lastIndex(of: true) else { return 1 }
      return Double(last - first + 1) / Double(side)
    }
    let (width, height) = (part(2, x.size(3)), part(3, x.size(2)))
    return (width * width + height * height).squareRoot()
  }
  return min(4, max(0.25, extent(picture) / extent(other)))
}
