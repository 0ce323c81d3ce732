import Torch

/// Pictures as networks see them, and back: their numbers in 0...1 or -1...1, colours straight or multiplied by alpha.
extension Picture {
  /// float32 [C, H, W] in 0...1, colours as files have them.
  public func unit(on device: Device = .cpu) -> Tensor { tensor.to(.float32).to(device) / 255 }

  /// float32 [1, 3, H, W] in 0...1, without alpha: the colours under it.
  public func colours(on device: Device) -> Tensor {
    let pixels = unit(on: device)
    let rgb = channels == 1 ? pixels.expanded([3, height, width]) : pixels[0..<3]
    return rgb.unsqueezed(0).contiguous()
  }

  /// float32 [1, C, H, W] in 0...1, colours multiplied by alpha.
  public func premultiplied(on device: Device = .cpu) -> Tensor { multipliedByAlpha(unit(on: device)).unsqueezed(0) }

  /// float32 [1, channels, H, W] in -1...1 of a picture without alpha.
  public func signed(channels wanted: Int, on device: Device) -> Tensor {
    let pixels = tensor.to(.float32).to(device) / 127.5 - 1
    return (channels < wanted ? pixels.expanded([wanted, height, width]) : pixels).unsqueezed(0).contiguous()
  }

  /// float32 [1, channels, H, W] in -1...1; colours are multiplied by alpha, so that none show where nothing is.
  public func signedPremultiplied(channels wanted: Int, on device: Device) -> Tensor {
    var pixels = unit(on: device)
    if channels == 1, wanted > 1 { pixels = pixels.expanded([3, height, width]) }
    if channels == 4 {
      pixels = multipliedByAlpha(pixels)
    } else if wanted == 4 {
      pixels = Tensor.concatenated([pixels, Tensor.ones([1, height, width]).to(device)])
    }
    return (pixels * 2 - 1).unsqueezed(0).contiguous()
  }

  /// The picture of pixels [1, C, H, W] in 0...1, their colours divided by alpha again.
  public init(premultiplied x: Tensor) {
    guard x.size(1) == 4 else {
      self.init(x[0] * 2 - 1)
      return
    }
    let alpha = x[0][3..<4]
    // What is fainter than a level of 255 has no colour left.
    let isSeen = alpha.greaterOrEqual(to: 0.5 / 255).to(.float32)
    let rgb = clamp(x[0][0..<3] / clamp(alpha, min: 0.5 / 255), min: 0, max: 1) * isSeen
    self.init(Tensor.concatenated([rgb, alpha]) * 2 - 1)
  }

  /// The picture of pixels [C, H, W] in -1...1, their colours divided by alpha again.
  public init(signedPremultiplied x: Tensor) {
    self.init(x.size(0) == 4 ? dividedByAlpha((x + 1) / 2) * 2 - 1 : x)
  }
}

/// Pixels [C, H, W] or [N, C, H, W] in 0...1 with colours times alpha, where there is a fourth channel (Porter and Duff
/// 1984, section 3).
public func multipliedByAlpha(_ x: Tensor) -> Tensor {
  let dim = x.rank - 3
  guard x.size(dim) == 4 else { return x }
  let alpha = x.narrowed(dim: dim, from: 3, count: 1)
  return Tensor.concatenated([x.narrowed(dim: dim, from: 0, count: 3) * alpha, alpha], dim: dim)
}

/// The way back, of pixels with four channels; colours fainter than a level of 255 are as if they were of that level.
public func dividedByAlpha(_ x: Tensor) -> Tensor {
  let dim = x.rank - 3
  let alpha = x.narrowed(dim: dim, from: 3, count: 1)
  let rgb = x.narrowed(dim: dim, from: 0, count: 3) / clamp(alpha, min: 1 / 255, max: 1)
  return Tensor.concatenated([clamp(rgb, min: 0, max: 1), alpha], dim: dim)
}
