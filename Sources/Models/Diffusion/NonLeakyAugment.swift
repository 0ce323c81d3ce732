import Foundation
import Torch

/// Changes of pictures that the network is told of, so that it learns from them and, told of none, makes none (Karras et
/// al. 2022, appendix F.2): mirroring, size, turns, stretches and shifts, each with a probability of its own.
public struct NonLeakyAugment: Sendable {
  /// How many numbers tell of a picture's changes; all 0 of none.
  public static let labels = 8
  public var probability: Double

  public init(probability: Double) { self.probability = probability }

  /// - Parameter x: [N, C, H, W].
  /// - Returns: as many pictures of the same shape, mirrored beyond their borders where those come into sight; what was
  ///   done, [N, `labels`].
  public func callAsFunction(_ x: Tensor, noise: inout Noise) -> (pictures: Tensor, labels: Tensor) {
    let n = x.size(0), aspect = PictureSize(of: x).aspect
    guard probability > 0 else { return (x, Tensor.zeros([n, Self.labels], on: x.device)) }
    let chosen = noise.bernoulli(probability, [n, 5]).floats
    let mirrored = noise.bernoulli(0.5, [n]).floats
    let drawn = noise.normal([n, 5]).floats.map(Double.init)
    let turns = noise.uniform([n, 2], from: -Double.pi, to: Double.pi).floats.map(Double.init)
    var (maps, labels) = ([Float](), [Float]())
    for i in 0..<n {
      func amount(_ k: Int, _ value: Double) -> Double { chosen[5 * i + k] > 0 ? value : 0 }
      let isMirrored = amount(0, Double(mirrored[i])) > 0
      let size = amount(1, 0.2 * drawn[5 * i])
      let turn = amount(2, turns[2 * i])
      let (stretch, axis) = (amount(3, 0.2 * drawn[5 * i + 1]), turns[2 * i + 1])
      let shift = (amount(4, 0.125 * drawn[5 * i + 2]), amount(4, 0.125 * drawn[5 * i + 3]))
      // From places in the changed picture to those in the given one; both in -1...1.
      let (c, s) = (cos(turn), sin(turn))
      let (e, f) = (pow(2, stretch), pow(2, -stretch))
      let (p, q) = (cos(axis), sin(axis))
      let pull = [p * p * e + q * q * f, p * q * (e - f), p * q * (e - f), q * q * e + p * p * f]
      let scale = pow(2, -size), side = isMirrored ? -1.0 : 1
      // Turned and stretched as squares are, whatever the picture's shape.
      let a = [
        side * scale * (c * pull[0] - s * pull[2]), side * scale * (c * pull[1] - s * pull[3]) / aspect,
        scale * (s * pull[0] + c * pull[2]) * aspect, scale * (s * pull[1] + c * pull[3]),
      ]
      // Shifts are of the changed picture.
      let (tx, ty) = (-(a[0] * shift.0 + a[1] * shift.1), -(a[2] * shift.0 + a[3] * shift.1))
      maps += [a[0], a[1], tx, a[2], a[3], ty].map(Float.init)
      labels += [
        isMirrored ? 1 : 0, size, c - 1, s, stretch * cos(2 * axis), stretch * sin(2 * axis), shift.0, shift.1,
      ]
      .map(Float.init)
    }
    let grid = affineGrid(Tensor(maps, shape: [n, 2, 3]).to(x.device), size: x.shape)
    let seen = gridSample(x, grid, padding: .reflection)
    return (seen.channelsLast(), Tensor(labels, shape: [n, Self.labels]).to(x.device))
  }
}
