import Foundation
import Networks
import Torch

/// Changes of a picture and the one that moves it, so that few sequences teach many motions.
struct MotionAugmentation {
  var isColoured = true  // Colours mixed and dimmed, for both alike.
  var shift = 0.08  // Of both alike, as a part of the side.
  var share = 0.25  // Of the pictures, that are turned and stretched, both alike; half of them differently, too.

  /// - Parameters: pictures [N, C, H, W] in 0...1, colours multiplied by alpha.
  func callAsFunction(_ source: Tensor, _ driving: Tensor, noise: inout Noise) -> (Tensor, Tensor) {
    let n = source.size(0), device = source.device
    var both = Tensor.concatenated([source, driving], dim: 1)
    both = shifted(both, &noise)
    if share > 0 {
      let chosen = noise.bernoulli(share, [n, 1, 1], on: device)
      both = gridSample(both, affineGrid(chosenOr(chosen, turned(n, 0.15, &noise, device)), size: both.shape))
    }
    let c = source.size(1)
    var (a, b) = (both.narrowed(dim: 1, from: 0, count: c), both.narrowed(dim: 1, from: c, count: c))
    if share > 0 {
      let chosen = noise.bernoulli(share / 2, [n, 1, 1], on: device)
      b = gridSample(b, affineGrid(chosenOr(chosen, turned(n, 0.08, &noise, device)), size: b.shape))
    }
    if isColoured && c >= 3 {
      let mix = mixed(n, &noise).to(device)
      (a, b) = (coloured(a, mix), coloured(b, mix))
    }
    return (a, b)
  }

  /// By whole pixels, so that their grid stays.
  private func shifted(_ x: Tensor, _ noise: inout Noise) -> Tensor {
    let (n, h, w) = (x.size(0), x.size(2), x.size(3))
    let most = Int(Double(min(h, w)) * shift)
    guard most > 0 else { return x }
    let wide = pad(x, [most, most, most, most])
    let (down, across) = (
      noise.integers(below: 2 * most + 1, count: n), noise.integers(below: 2 * most + 1, count: n)
    )
    return Tensor.concatenated(
      (0..<n).map {
        wide[$0..<$0 + 1].narrowed(dim: 2, from: down[$0], count: h).narrowed(dim: 3, from: across[$0], count: w)
      })
  }

  /// Turned by up to twice the amount in radians, stretched, sheared and shifted by up to about as much: [N, 2, 3].
  private func turned(_ n: Int, _ amount: Double, _ noise: inout Noise, _ device: Device) -> Tensor {
    func draw(_ most: Double) -> Tensor { noise.uniform([n], from: -most, to: most, on: device) }
    let angle = draw(2 * amount), x = exp(draw(amount)), y = exp(draw(amount)), shear = draw(amount)
    let (c, s) = (cos(angle), sin(angle))
    let rows = [c * x, c * shear - s * y, draw(amount), s * x, s * shear + c * y, draw(amount)]
    return Tensor.stacked(rows, dim: 1).reshaped([n, 2, 3])
  }

  /// The identity where it isn't chosen.
  private func chosenOr(_ chosen: Tensor, _ theta: Tensor) -> Tensor {
    let identity = Tensor([1, 0, 0, 0, 1, 0] as [Float], shape: [1, 2, 3]).to(theta.device)
    return whereTrue(chosen, theta, identity.expanded(theta.shape))
  }

  /// From each colour to another, dimmed: [N, 3, 3]; for some the identity.
  private func mixed(_ n: Int, _ noise: inout Noise) -> Tensor {
    let isPlain = noise.uniform([n]).floats, amount = noise.uniform([n]).floats
    let gain = noise.uniform([n, 3], from: 0.6, to: 1.2).floats
    var values: [Float] = []
    for i in 0..<n {
      let order = noise.permutation(3)
      for row in 0..<3 {
        for column in 0..<3 {
          let same: Float = row == column ? 1 : 0
          let other: Float = order[row] == column ? 1 : 0
          values.append(
            isPlain[i] < 0.4 ? same : gain[3 * i + row] * (other * amount[i] + same * (1 - amount[i])))
        }
      }
    }
    return Tensor(values, shape: [n, 3, 3])
  }

  private func coloured(_ x: Tensor, _ mix: Tensor) -> Tensor {
    let rgb = einsum("nij,njhw->nihw", [mix, x.narrowed(dim: 1, from: 0, count: 3)])
    guard x.size(1) == 4 else { return clamp(rgb, min: 0, max: 1) }
    let alpha = x.narrowed(dim: 1, from: 3, count: 1)
    return Tensor.concatenated([minimum(clamp(rgb, min: 0), alpha), alpha], dim: 1)
  }
}

/// Pictures [N, C, H, W] in -1...1 as 0...1; with 4 channels, colours are multiplied by alpha.
func premultiplied(_ pictures: Tensor) -> Tensor {
  let x = pictures * 0.5 + 0.5
  guard x.size(1) == 4 else { return x }
  let alpha = x.narrowed(dim: 1, from: 3, count: 1)
  return Tensor.concatenated([x.narrowed(dim: 1, from: 0, count: 3) * alpha, alpha], dim: 1)
}

/// The inverse: -1...1, colours divided by alpha.
func unmultiplied(_ x: Tensor) -> Tensor {
  guard x.size(1) == 4 else { return clamp(x * 2 - 1, min: -1, max: 1) }
  let alpha = x.narrowed(dim: 1, from: 3, count: 1)
  let rgb = x.narrowed(dim: 1, from: 0, count: 3) / clamp(alpha, min: 1e-4)
  return clamp(Tensor.concatenated([rgb, alpha], dim: 1) * 2 - 1, min: -1, max: 1)
}
