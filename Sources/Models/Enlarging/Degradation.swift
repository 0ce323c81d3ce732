import Foundation
import Torch

/// How pictures get as small and as worn as those that are to be enlarged: blurred, reduced, noisy, compressed
/// (Wang et al. 2021, "Real-ESRGAN", section 3, one round of it).
struct Degradation {
  /// How many times as small.
  let scale: Int
  /// 0 for a clean reduction, 1 for what old pictures of the web have been through.
  let damage: Double

  /// - Parameters:
  ///   - x: [N, 3, H, W] in 0...1, sides multiples of `scale`.
  ///   - noise: says how much of each, the same for all of the batch but the grain.
  /// - Returns: [N, 3, H / scale, W / scale] in 0...1.
  func callAsFunction(_ x: Tensor, noise: inout Noise) -> Tensor {
    let draws = noise.uniform([6]).floats.map(Double.init)
    let way = noise.integers(below: 3, count: 1)[0]
    var y = x
    let sigma = damage * 0.8 * Double(scale) * draws[0]
    if draws[1] < 0.5 && sigma > 0.2 { y = blurred(y, sigma: sigma) }
    let size = [x.size(2) / scale, x.size(3) / scale]
    switch way {
    case 0: y = interpolate(y, size: size, mode: .bilinear, antialias: true)
    case 1: y = interpolate(y, size: size, mode: .bicubic, antialias: true)
    default: y = averagePool2d(y, kernel: scale)
    }
    if draws[2] < 0.5 && damage > 0 { y = y + noise.normal(y.shape, on: y.device) * (0.04 * damage * draws[3]) }
    y = clamp(y, min: 0, max: 1)
    if draws[4] < 0.7 && damage > 0 { y = compressed(y, quality: 95 - 60 * damage * draws[5]) }
    // As a file keeps it.
    return round(y * 255) / 255
  }
}

/// What JPEG leaves of pictures (ITU-T T.81, annexes A and K), colours at full size.
///
/// - Parameters:
///   - x: [N, 3, H, W] in 0...1; what is beyond a multiple of 8 px is repeated edges.
///   - quality: 1 to 100, as in libjpeg.
func compressed(_ x: Tensor, quality: Double) -> Tensor {
  let (height, width) = (x.size(2), x.size(3))
  let filled = pad(x, [0, (8 - width % 8) % 8, 0, (8 - height % 8) % 8], mode: .replicate)
  let (n, rows, columns) = (x.size(0), filled.size(2) / 8, filled.size(3) / 8)
  let colours = Tensor(
    [0.299, 0.587, 0.114, -0.168_735_892, -0.331_264_108, 0.5, 0.5, -0.418_687_589, -0.081_312_411] as [Float],
    shape: [3, 3]
  ).to(x.device)
  let back = Tensor(
    [1, 0, 1.402, 1, -0.344_136_286, -0.714_136_286, 1, 1.772, 0] as [Float], shape: [3, 3]
  ).to(x.device)
  let dct = cosines.to(x.device)
  // Rounded as bytes are, before and after the change of colours.
  let bytes = round(filled * 255).flattened(from: 2)
  let shift = Tensor([128, 0, 0] as [Float], shape: [3, 1]).to(x.device)
  let ycc = round(matmul(colours, bytes)) - shift
  let blocks = ycc.reshaped([n, 3, rows, 8, columns, 8]).permuted([0, 1, 2, 4, 3, 5])
  let factor = quality < 50 ? 5000 / quality : 200 - 2 * quality
  let tables = Tensor(
    (luminance + chrominance + chrominance).map { Float(min(255, max(1, (($0 * factor + 50) / 100).rounded(.down)))) },
    shape: [1, 3, 1, 1, 8, 8]
  ).to(x.device)
  let coefficients = round(matmul(matmul(dct, blocks), dct.T) / tables) * tables
  let restored = matmul(matmul(dct.T, coefficients), dct).permuted([0, 1, 2, 4, 3, 5])
    .reshaped([n, 3, rows * columns * 64])
  let rgb = matmul(back, round(restored + shift)).reshaped([n, 3, rows * 8, columns * 8])
  return clamp(rgb / 255, min: 0, max: 1).narrowed(dim: 2, from: 0, count: height)
    .narrowed(dim: 3, from: 0, count: width)
}

/// The orthonormal discrete cosine transform of eight numbers, [8, 8].
private var cosines: Tensor {
  var numbers: [Float] = []
  for k in 0..<8 {
    let size = k == 0 ? 0.125.squareRoot() : 0.5
    for n in 0..<8 { numbers.append(Float(size * cos(Double.pi * Double(k) * (Double(n) + 0.5) / 8))) }
  }
  return Tensor(numbers, shape: [8, 8])
}

/// ITU-T T.81, tables K.1 and K.2.
private let luminance: [Double] = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
]
private let chrominance: [Double] = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
]
