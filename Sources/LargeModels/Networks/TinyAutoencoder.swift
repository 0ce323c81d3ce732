import Networks
import Torch

/// A small autoencoder of the same latents (TAESD, Boer Bohan 2023), for previews: with the names of diffusers' `AutoencoderTiny`.
public final class TinyAutoencoder: Module {
  let encoder: TinyEncoder
  let decoder: TinyDecoder

  public init(_ c: TinyConfiguration = TinyConfiguration()) { (encoder, decoder) = (TinyEncoder(c), TinyDecoder(c)) }

  /// Latents [N, latents, H / 8, W / 8] of pictures [N, 3, H, W] in -1...1; they need no scale.
  public func latents(of pictures: Tensor) -> Tensor { encoder.layers.reduce((pictures + 1) / 2) { $1($0) } }

  /// Pictures [N, 3, 8 H, 8 W], about in -1...1, of scaled latents [N, latents, H, W].
  public func pictures(of latents: Tensor) -> Tensor {
    decoder.layers.reduce(tanh(latents / 3) * 3) { $1($0) } * 2 - 1
  }
}

public struct TinyConfiguration: Equatable, Sendable {
  public var channels = 3
  public var latents = 4
  public var width = 64
  /// Blocks at each size, from the picture's to the latents'.
  public var encoderBlocks = [1, 3, 3, 3]
  /// From the latents' to the picture's.
  public var decoderBlocks = [3, 3, 3, 1]
  public init() {}
}

final class TinyEncoder: Module {
  let layers: [any UnaryModule]

  init(_ c: TinyConfiguration) {
    var layers: [any UnaryModule] = []
    for (i, count) in c.encoderBlocks.enumerated() {
      layers.append(
        i == 0
          ? Conv2d(c.channels, c.width, kernel: 3, padding: 1)
          : Conv2d(c.width, c.width, kernel: 3, stride: 2, padding: 1, bias: false))
      for _ in 0..<count { layers.append(TinyBlock(c.width)) }
    }
    layers.append(Conv2d(c.width, c.latents, kernel: 3, padding: 1))
    self.layers = layers
  }
}

final class TinyDecoder: Module {
  let layers: [any UnaryModule]

  init(_ c: TinyConfiguration) {
    var layers: [any UnaryModule] = [Conv2d(c.latents, c.width, kernel: 3, padding: 1), ReLU()]
    for (i, count) in c.decoderBlocks.enumerated() {
      for _ in 0..<count { layers.append(TinyBlock(c.width)) }
      let isLast = i + 1 == c.decoderBlocks.count
      if !isLast { layers.append(Doubling()) }
      layers.append(Conv2d(c.width, isLast ? c.channels : c.width, kernel: 3, padding: 1, bias: isLast))
    }
    self.layers = layers
  }
}

/// Three convolutions, added to what came in, and a ReLU.
final class TinyBlock: UnaryModule {
  let conv: Sequential
  init(_ width: Int) {
    let make = { Conv2d(width, width, kernel: 3, padding: 1) }
    conv = Sequential(make(), ReLU(), make(), ReLU(), make())
  }
  func callAsFunction(_ x: Tensor) -> Tensor { relu(conv(x) + x) }
}

/// Each pixel four times.
private final class Doubling: UnaryModule {
  func callAsFunction(_ x: Tensor) -> Tensor { interpolate(x, size: [2 * x.size(2), 2 * x.size(3)], mode: .nearest) }
}
