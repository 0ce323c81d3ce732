import Foundation
import Torch

/// The stationary Gaussian process on the torus with a picture's mean and autocovariance: a texture of any size that closes
/// at its edges, another for each seed (Galerne, Gousseau and Morel 2011, "Random phase textures: theory and synthesis").
///
/// It has what grain, cloth, sand, clouds and water have, and nothing that has edges or things: those are in the phases,
/// which are by chance here.
///
///     let texture = GaussianTexture(of: picture, height: 1024, width: 1024)
///     let made = texture.sample(&noise)  // [3, 1024, 1024]
public struct GaussianTexture {
  /// [C, 1, 1].
  public let mean: Tensor
  /// Height and width of what is made.
  public let size: [Int]
  /// Of the example less its mean, spread over the whole size: complex [C, H, W / 2 + 1].
  private let spectrum: Tensor

  /// - Parameters:
  ///   - example: [C, h, w], 2 px or more a side.
  ///   - height, width: of what is made; as large as the example or larger.
  public init(of example: Tensor, height: Int, width: Int) {
    let (h, w) = (example.size(1), example.size(2))
    precondition(h > 1 && w > 1 && height >= h && width >= w, "a texture of \(height) × \(width) from \(example.shape)")
    size = [height, width]
    let x = example.to(.float32)
    mean = x.mean(dims: [1, 2], keepDims: true)
    var spot = periodicComponent(of: x) - mean
    if size != [h, w] {
      // On a larger ground it ends softly, and what that takes away is given back (section IV-C).
      let window = (softEdges(h).reshaped([1, h, 1]) * softEdges(w).reshaped([1, 1, w])).to(spot.device)
      let before = square(spot).sum()
      let middle = (spot * window).sum(dims: [1, 2], keepDims: true) / window.sum()
      spot = (spot - middle) * window
      spot = spot * sqrt(before / (square(spot).sum() + 1e-20))
      spot = pad(spot, [0, width - w, 0, height - h])
    }
    // A place of the example counts 1 / (h w), whatever it is spread over.
    spectrum = rfft2(spot) * (Double(height * width) / Double(h * w)).squareRoot()
  }

  /// One draw: as many phases as there are are by chance, and the moduli stay, so that its mean and its covariances over
  /// any distance are the spread example's exactly.
  ///
  /// - Returns: [C, height, width].
  public func sample(_ noise: inout Noise) -> Tensor {
    let white = rfft2(noise.normal(size, on: mean.device))
    // White noise's phases are even, and those of a real field. One for all channels: colours stay together.
    let phases = white / (abs(white) + 1e-20)
    return irfft2(spectrum * phases.unsqueezed(0), size: size) + mean
  }
}

/// A picture without the jump from its one edge to the other: what is left when a smooth picture that has that jump is
/// taken off (Moisan 2011, "Periodic plus smooth image decomposition", equation 12).
///
/// - Parameter x: [C, H, W], float32.
/// - Returns: of the same shape and mean.
public func periodicComponent(of x: Tensor) -> Tensor {
  let (c, h, w) = (x.size(0), x.size(1), x.size(2))
  let device = x.device
  // Jumps over the edges, seen from both sides.
  func edge(_ dim: Int, _ place: Int) -> Tensor { x.narrowed(dim: dim, from: place, count: 1) }
  let down = edge(1, h - 1) - edge(1, 0), across = edge(2, w - 1) - edge(2, 0)
  let rows = Tensor.concatenated([down, Tensor.zeros([c, h - 2, w], on: device), -down], dim: 1)
  let columns = Tensor.concatenated([across, Tensor.zeros([c, h, w - 2], on: device), -across], dim: 2)
  func cosines(_ count: Int, of all: Int) -> Tensor {
    cos(Tensor.arange(count, dtype: .float32, on: device) * (2 * Double.pi / Double(all))) * 2
  }
  let laplacian = cosines(h, of: h).reshaped([h, 1]) + cosines(w / 2 + 1, of: w) - 4
  // The mean stays: nothing is taken from it.
  let isMean = laplacian.equal(to: 0)
  let inverse = whereTrue(isMean, laplacian * 0, 1 / whereTrue(isMean, laplacian * 0 + 1, laplacian))
  let smooth = irfft2(rfft2(rows + columns) * inverse, size: [h, w])
  return x - smooth
}

/// 1, and at both ends a cosine's rise over an eighth.
private func softEdges(_ count: Int) -> Tensor {
  let rise = max(1, count / 8)
  return Tensor(
    (0..<count).map { i in
      let place = min(i, count - 1 - i)
      guard place < rise else { return Float(1) }
      return Float(0.5 - 0.5 * Foundation.cos(Double.pi * (Double(place) + 0.5) / Double(rise)))
    })
}
