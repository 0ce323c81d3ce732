import Networks
import Torch

/// What an autoencoder is built from, by diffusers' `config.json`.
public struct AutoencoderConfiguration: Equatable, Sendable {
  public var channels = 3
  public var latents = 4
  /// Channels at each size, the largest picture first.
  public var widths = [128, 256, 512, 512]
  /// Residual blocks a size in the encoder; one more in the decoder.
  public var blocks = 2
  public var groups = 32
  /// What latents are multiplied by, so that their deviation is about 1.
  public var scale = 0.18215
  /// What is taken off before.
  public var shift = 0.0
  /// Whether it mustn't be computed in float16. It never is here.
  public var forcesUpcast = true
  public var hasQuantConv = true
  public var hasPostQuantConv = true
  public var attendsInMiddle = true
  public init() {}

  /// How many pixels a latent's side is: 8.
  public var factor: Int { 1 << (widths.count - 1) }
}

/// The autoencoder between pictures and latents (Rombach et al. 2022, section 3.1), with the names of diffusers' `AutoencoderKL`.
public final class AutoencoderKL: Module, PictureEncoding, LatentDecoding {
  let encoder: PictureEncoder
  let decoder: PictureDecoder
  let quantConv: Conv2d?
  let postQuantConv: Conv2d?
  public let configuration: AutoencoderConfiguration

  public init(_ c: AutoencoderConfiguration) {
    configuration = c
    (encoder, decoder) = (PictureEncoder(c), PictureDecoder(c))
    quantConv = c.hasQuantConv ? Conv2d(2 * c.latents, 2 * c.latents, kernel: 1) : nil
    postQuantConv = c.hasPostQuantConv ? Conv2d(c.latents, c.latents, kernel: 1) : nil
  }
}

/// The half that makes latents of pictures.
final class LatentEncoder: Module, PictureEncoding {
  let encoder: PictureEncoder
  let quantConv: Conv2d?

  init(_ c: AutoencoderConfiguration) {
    encoder = PictureEncoder(c)
    quantConv = c.hasQuantConv ? Conv2d(2 * c.latents, 2 * c.latents, kernel: 1) : nil
  }
}

/// The half that makes pictures of latents.
final class LatentDecoder: Module, LatentDecoding {
  let decoder: PictureDecoder
  let postQuantConv: Conv2d?

  init(_ c: AutoencoderConfiguration) {
    decoder = PictureDecoder(c)
    postQuantConv = c.hasPostQuantConv ? Conv2d(c.latents, c.latents, kernel: 1) : nil
  }
}

protocol PictureEncoding {
  var encoder: PictureEncoder { get }
  var quantConv: Conv2d? { get }
}

extension PictureEncoding {
  /// The distribution of a picture's latents, unscaled.
  ///
  /// - Parameter pictures: [N, channels, H, W] in -1...1; sides are multiples of `factor`.
  /// - Returns: means and standard deviations [N, latents, H / factor, W / factor], float32.
  func distribution(of pictures: Tensor) -> (mean: Tensor, deviation: Tensor) {
    let h = encoder(pictures.to(encoder.convIn.weight.dtype))
    let halves = (quantConv.map { $0(h) } ?? h).to(.float32).chunks(2, dim: 1)
    return (halves[0], exp(clamp(halves[1], min: -30, max: 20) * 0.5))
  }
}

protocol LatentDecoding {
  var decoder: PictureDecoder { get }
  var postQuantConv: Conv2d? { get }
}

extension LatentDecoding {
  /// Pictures [N, channels, H · factor, W · factor], about in -1...1, float32.
  ///
  /// - Parameter latents: [N, latents, H, W], unscaled.
  func pictures(of latents: Tensor) -> Tensor {
    let z = latents.to(decoder.convIn.weight.dtype)
    return decoder(postQuantConv.map { $0(z) } ?? z).to(.float32)
  }
}

final class PictureEncoder: Module {
  let convIn: Conv2d
  let downBlocks: [EncoderBlock]
  let midBlock: AutoencoderMiddle
  let convNormOut: GroupNorm
  let convOut: Conv2d

  init(_ c: AutoencoderConfiguration) {
    convIn = Conv2d(c.channels, c.widths[0], kernel: 3, padding: 1)
    downBlocks = c.widths.indices.map { level in
      EncoderBlock(
        c, from: c.widths[max(level - 1, 0)], to: c.widths[level], isLast: level + 1 == c.widths.count)
    }
    midBlock = AutoencoderMiddle(c)
    convNormOut = GroupNorm(c.groups, c.widths.last!, epsilon: 1e-6)
    convOut = Conv2d(c.widths.last!, 2 * c.latents, kernel: 3, padding: 1)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = downBlocks.reduce(convIn(x)) { $1($0) }
    return convOut(convNormOut(midBlock(h)).silued())
  }
}

final class PictureDecoder: Module {
  let convIn: Conv2d
  let upBlocks: [DecoderBlock]
  let midBlock: AutoencoderMiddle
  let convNormOut: GroupNorm
  let convOut: Conv2d

  init(_ c: AutoencoderConfiguration) {
    let widths = Array(c.widths.reversed())
    convIn = Conv2d(c.latents, widths[0], kernel: 3, padding: 1)
    midBlock = AutoencoderMiddle(c)
    upBlocks = widths.indices.map { i in
      DecoderBlock(c, from: widths[max(i - 1, 0)], to: widths[i], isLast: i + 1 == widths.count)
    }
    convNormOut = GroupNorm(c.groups, widths.last!, epsilon: 1e-6)
    convOut = Conv2d(widths.last!, c.channels, kernel: 3, padding: 1)
  }

  func callAsFunction(_ z: Tensor) -> Tensor {
    var h = midBlock(convIn(z))
    for block in upBlocks { block.advance(&h) }
    return convOut(convNormOut(h).silued())
  }
}

final class EncoderBlock: Module {
  let resnets: [ResnetBlock]
  let downsamplers: [Downsampler]?

  init(_ c: AutoencoderConfiguration, from: Int, to: Int, isLast: Bool) {
    resnets = (0..<c.blocks).map { ResnetBlock($0 == 0 ? from : to, to, groups: c.groups, epsilon: 1e-6) }
    downsamplers = isLast ? nil : [Downsampler(to, isAsymmetric: true)]
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = resnets.reduce(x) { $1($0) }
    return downsamplers.map { $0[0](h) } ?? h
  }
}

final class DecoderBlock: Module {
  let resnets: [ResnetBlock]
  let upsamplers: [Upsampler]?

  init(_ c: AutoencoderConfiguration, from: Int, to: Int, isLast: Bool) {
    resnets = (0...c.blocks).map { ResnetBlock($0 == 0 ? from : to, to, groups: c.groups, epsilon: 1e-6) }
    upsamplers = isLast ? nil : [Upsampler(to)]
  }

  /// Makes of `h` what follows, and holds no more of large pictures than a step needs.
  func advance(_ h: inout Tensor) {
    for resnet in resnets { resnet.advance(&h) }
    guard let upsamplers else { return }
    h = upsamplers[0](h)
    // What was kept for blocks of the former size is of no use for the next.
    if !gradientsAreRecorded, h.device.isCPU, h.count >= 1 << 24 { Memory.giveBackFreed() }
  }
}

/// Two residual blocks with attention of one head between them.
final class AutoencoderMiddle: Module {
  let attentions: [Attention]?
  let resnets: [ResnetBlock]

  init(_ c: AutoencoderConfiguration) {
    let width = c.widths.last!
    attentions = c.attendsInMiddle ? [Attention(width, heads: 1, groups: c.groups)] : nil
    resnets = (0..<2).map { _ in ResnetBlock(width, width, groups: c.groups, epsilon: 1e-6) }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = resnets[0](x)
    return resnets[1](attentions.map { $0[0](pixels: h) } ?? h)
  }
}
