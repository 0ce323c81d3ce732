import Torch

import func Foundation.pow

/// Changes of real and generated pictures alike that cost next to nothing beside a discriminator, each with the probability
/// p: places (a shift, a slight turn, another scale) and colours (brightness, contrast, saturation).
///
/// As `AugmentPipe`'s, but sampled between pixels without filters, without changes that no artist would make (quarter
/// turns, inverted luma, other hues).
public struct LightAugment: Sendable, Equatable {
  /// Shifts up to this part of the side.
  public var shift = 0.125
  /// Deviations of the logarithm to the base 2 of scales, and of turns in radians.
  public var scale = 0.15, turn = 0.12
  /// Deviations of brightness in -1...1, and of the logarithms to the base 2 of contrast and saturation.
  public var brightness = 0.15, contrast = 0.3, saturation = 0.6

  public init() {}

  /// - Parameters:
  ///   - x: [N, C, H, W] in -1...1, C of 1, 3 or 4.
  ///   - p: in 0...1; each picture draws for itself.
  /// - Returns: pictures of the same shape; can be differentiated once.
  public func callAsFunction(_ x: Tensor, probability p: Double, noise: inout Noise) -> Tensor {
    guard p > 0 else { return x }
    let n = x.size(0), width = Double(x.size(3)), height = Double(x.size(2))
    var ways: [Double] = [], colourings: [Colouring] = []
    // All numbers are drawn whatever p is, so that a picture's changes come and go with p alone.
    let drawn = noise.each(n) {
      ($0.uniform([6]).doubles, $0.uniform([2], from: -1, to: 1).doubles, $0.normal([5]).doubles)
    }
    for (chance, even, normal) in drawn {
      var place = Placement.identity
      if chance[0] < p { place = place.then(.moving(even[0] * shift * width, even[1] * shift * height)) }
      if chance[1] < p { place = place.then(.rotation(turn * normal[0])) }
      if chance[2] < p { place = place.then(.scaling(pow(2, scale * normal[1]))) }
      let back = place.inverted
      // From pixels about the middle to -1...1.
      ways += [
        back.a, back.b * (height / width), back.c * 2 / width, back.d * (width / height), back.e, back.f * 2 / height,
      ]
      var colouring = Colouring.identity
      if chance[3] < p { colouring = colouring.then(.brightness(brightness * normal[2])) }
      if chance[4] < p { colouring = colouring.then(.contrast(pow(2, contrast * normal[3]))) }
      if chance[5] < p { colouring = colouring.then(.saturation(pow(2, saturation * normal[4]))) }
      colourings.append(colouring)
    }
    // In bfloat16 places would be off by up to a fifth of a pixel at 64 px.
    return withAutocast(false, on: x.device) {
      let grid = affineGrid(Tensor(ways, shape: [n, 2, 3]).to(x.dtype).to(x.device), size: x.shape)
      return tinted(gridSample(x, grid, padding: .reflection), colourings).channelsLast()
    }
  }
}
