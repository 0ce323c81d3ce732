import Networks
import Torch

/// The mean absolute error at the full size, a half and a quarter of it, in equal parts.
func pyramidError(_ made: Tensor, _ wanted: Tensor) -> Tensor {
  var (a, b) = (made, wanted)
  var sum = meanAbsoluteError(a, b)
  for _ in 0..<2 {
    (a, b) = (averagePool2d(a, kernel: 2), averagePool2d(b, kernel: 2))
    sum = sum + meanAbsoluteError(a, b)
  }
  return sum / 3
}

/// A smooth bending of the plane, another for each picture: an affine map and a thin plate's (Siarohin et al. 2019,
/// section 3.1).
struct Bending {
  /// The affine map: [N, 2, 3].
  let affine: Tensor
  /// Weights of the plate's r² log r², for x and y: [N, 2, points²].
  let weights: Tensor
  /// Where the plate is bent: [points², 2].
  private let centres: Tensor
  private static let tiny = 1e-6

  /// - Parameters:
  ///   - affine: how far the map's numbers are from those of the identity, as a deviation.
  ///   - plate: of the weights.
  init(count: Int, affine: Double = 0.08, plate: Double = 0.005, points: Int = 5, noise: inout Noise, on device: Device)
  {
    let identity = Tensor([1, 0, 0, 0, 1, 0] as [Float], shape: [1, 2, 3]).to(device)
    self.init(
      affine: identity + noise.normal([count, 2, 3], on: device) * affine,
      weights: noise.normal([count, 2, points * points], on: device) * plate)
  }

  init(affine: Tensor, weights: Tensor) {
    (self.affine, self.weights) = (affine, weights)
    let points = Int(Double(weights.size(2)).squareRoot())
    let line = Tensor.linspace(from: -1, to: 1, count: points, on: affine.device)
    centres = Tensor.stacked(
      [
        line.reshaped([1, points]).expanded([points, points]), line.reshaped([points, 1]).expanded([points, points]),
      ], dim: 2
    ).reshaped([points * points, 2])
  }

  /// Where points [N, M, 2] go, and the map's derivatives there [N, M, 2, 2].
  func callAsFunction(_ points: Tensor) -> (places: Tensor, jacobians: Tensor) {
    let (n, m) = (points.size(0), points.size(1))
    let turn = affine.narrowed(dim: 2, from: 0, count: 2).unsqueezed(1)
    let shift = affine.narrowed(dim: 2, from: 2, count: 1).reshaped([n, 1, 2])
    let d = points.unsqueezed(2) - centres
    let r = square(d).sum(dims: [3])
    let level = log(r + Self.tiny)
    let plate = (r * level).matmul(weights.T)
    // d/dz of r log(r + ε), r = |z - c|²: 2 (z - c) (log(r + ε) + r / (r + ε)).
    let slope = d * (2 * (level + r / (r + Self.tiny))).unsqueezed(3)
    let bent = weights.unsqueezed(1).matmul(slope)
    return (
      (turn * points.unsqueezed(2)).sum(dims: [3]) + shift + plate, turn.expanded([n, m, 2, 2]) + bent
    )
  }

  /// Pictures [N, C, H, W] that show at each place what was where the map leads from there.
  func bent(_ pictures: Tensor) -> Tensor {
    let (n, h, w) = (pictures.size(0), pictures.size(2), pictures.size(3))
    let grid = places(h, w, on: pictures.device).reshaped([1, h * w, 2]).expanded([n, h * w, 2])
    return gridSample(pictures, self(grid).places.reshaped([n, h, w, 2]))
  }
}

/// That keypoints go where a bent picture's parts went, and turn with them (Siarohin et al. 2019, equations 9 to 11).
///
/// - Parameters:
///   - found: in the pictures.
///   - bent: in the pictures that `bending` made of them.
/// - Returns: mean absolute differences of places and of Jacobians.
func equivariance(_ found: Keypoints, _ bent: Keypoints, under bending: Bending) -> (places: Tensor, jacobians: Tensor)
{
  let (back, derivatives) = bending(bent.places)
  let turned = inverse2x2(found.jacobians).matmul(derivatives.matmul(bent.jacobians))
  let identity = Tensor.eye(2, on: turned.device)
  return (meanAbsoluteError(found.places, back), abs(turned - identity).mean())
}
