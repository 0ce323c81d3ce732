import Torch

extension DrawingPipeline {
  /// What a drawing begins with.
  struct Beginning {
    /// Noisy latents of the first level.
    var x: Tensor
    /// What an inpainting model reads beside them: the mask and the latents of what isn't masked, [1, 5, H, W].
    var mask: Tensor?
    /// What a plain model's latents are replaced by outside of the mask.
    var kept: (latents: Tensor, noise: Tensor, mask: Tensor)?
  }

  /// Draws in the order of diffusers' pipelines: the picture's own latents, the noise, the latents of what isn't masked.
  func start(
    _ request: DrawingRequest, _ level: NoiseLevel, _ strength: Double, _ sampler: Sampler, _ spacing: Spacing,
    _ draw: () -> Tensor
  ) throws(LargeModelError) -> Beginning {
    guard let picture = request.picture?.to(device).to(.float32) else {
      return Beginning(x: draw() * first(level, sampler, spacing))
    }
    guard let mask = request.mask?.to(device).to(.float32) else {
      let latents = encoded(picture, draw)
      return Beginning(x: latents * level.alpha + draw() * level.sigma)
    }
    let hard = mask.less(than: 0.5).not.to(.float32)
    let places = interpolate(hard, size: [mask.size(2) / factor, mask.size(3) / factor], mode: .nearest)
    let isWhole = strength >= 1
    let latents = model.isForInpainting && isWhole ? nil : encoded(picture, draw)
    let noise = draw()
    let x = isWhole ? noise * first(level, sampler, spacing) : latents! * level.alpha + noise * level.sigma
    guard model.isForInpainting else { return Beginning(x: x, kept: (latents!, noise, places)) }
    let seen = encoded(picture * (1 - hard), draw)
    return Beginning(x: x, mask: Tensor.concatenated([places, seen], dim: 1))
  }

  /// How much noise there is where there is no picture: Euler and its kin begin with all of it when steps are `leading`, and with the first
  /// level's otherwise; the others always with all.
  private func first(_ level: NoiseLevel, _ sampler: Sampler, _ spacing: Spacing) -> Double {
    let base = spacing.isEven ? spacing : model.schedule.evenSpacing
    return [.euler, .eulerAncestral, .heun].contains(sampler) && base != .leading ? level.sigma : 1
  }

  /// A picture's latents [1, latents, H / 8, W / 8], scaled, drawn from their distribution.
  func encoded(_ picture: Tensor, _ draw: () -> Tensor) -> Tensor {
    let c = model.vae.configuration
    let both = cut(picture, scale: (1, factor)) { tile in
      let found = pictureEncoder.module.distribution(of: tile.channelsLast())
      return Tensor.concatenated([found.mean, found.deviation], dim: 1)
    }.to(device)
    let halves = both.chunks(2, dim: 1)
    if memory == .inTurn { pictureEncoder.release() }
    return (halves[0] + halves[1] * draw() - c.shift) * c.scale
  }

  /// The picture of scaled latents, float32 on the CPU.
  public func decoded(_ latents: Tensor) -> Tensor {
    let c = model.vae.configuration
    let picture = cut(latents / c.scale + c.shift, scale: (factor, 1)) {
      pictureDecoder.module.pictures(of: $0.channelsLast())
    }
    if memory == .inTurn { pictureDecoder.release() }
    return picture.to(.cpu).contiguous()
  }

  /// In tiles where the picture is larger than one.
  private func cut(_ x: Tensor, scale: (up: Int, down: Int), _ body: (Tensor) -> Tensor) -> Tensor {
    guard let tiling else { return body(x) }
    let side = scale.down > 1 ? tiling.side : tiling.side / factor
    let overlap = scale.down > 1 ? tiling.overlap : tiling.overlap / factor
    return tiled(x, side: side, overlap: overlap, scale: scale, body)
  }
}

/// A picture on a larger canvas and the mask of what is new: how outpainting begins.
///
/// - Parameters:
///   - picture: [1, 3, H, W] in -1...1.
///   - sides: pixels on each side.
/// - Returns: the canvas, whose new parts repeat the picture's edges, and the mask [1, 1, H', W'].
public func extended(
  _ picture: Tensor, left: Int = 0, right: Int = 0, top: Int = 0, bottom: Int = 0
) -> (picture: Tensor, mask: Tensor) {
  precondition([left, right, top, bottom].allSatisfy { $0 >= 0 }, "a canvas that is smaller than its picture")
  let sides = [left, right, top, bottom]
  let inside = Tensor.zeros([1, 1, picture.size(2), picture.size(3)])
  return (pad(picture, sides, mode: .replicate), pad(inside, sides, mode: .constant(1)))
}
