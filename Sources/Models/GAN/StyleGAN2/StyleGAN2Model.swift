import Networks
import Torch
import Training

/// StyleGAN2's generator.
public final class StyleGAN2Model: StyleModel, TraitModel {
  public let settings: StyleGAN2Settings
  let table: TraitTable?
  public let generator: LazyModule<StyleGAN2Generator>
  private let device: Device

  public init(_ settings: StyleGAN2Settings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    table = settings.newTable
    generator = LazyModule(Self.network(settings), on: device)
  }

  /// Another network of the same architecture.
  func network() -> StyleGAN2Generator { Self.network(settings) }

  private static func network(_ settings: StyleGAN2Settings) -> StyleGAN2Generator {
    StyleGAN2Generator(
      latent: settings.latent, wSize: settings.wSize, depth: settings.depth, widths: settings.widths,
      channels: settings.channels, classes: settings.kinds, least: settings.least, isSeamless: settings.seamless)
  }

  public var parts: [String: any Saved] { parts(["generator.average": generator]) }

  /// w is drawn towards its mean (Karras et al. 2019, appendix B).
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let (z, kinds) = asked(request)
      return inEqualBatches(of: 16, z, classes: kinds) { z, kinds in
        let made = generator.module.synthesis(styles(z, kinds, truncation: request.truncation))
        return straightened(clamp(made.to(.cpu), min: -1, max: 1)).contiguous()
      }
    }
  }

  public var synthesizer: any Module { generator.module.synthesis }
  public var styleWeights: [Tensor] {
    generator.module.synthesis.blocks.flatMap {
      [$0.conv0?.affine.weight, $0.conv1.affine.weight].compactMap { $0 }
    }
  }
  public func styles(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let (z, kinds) = asked(request)
      return styles(z, kinds, truncation: request.truncation)
    }
  }
  public func synthesize(_ styles: Tensor) -> Tensor { generator.module.synthesis(styles) }

  private func styles(_ z: Tensor, _ kinds: Tensor?, truncation: Double) -> Tensor {
    let network = generator.module
    let w = network.mapping(z.to(device), classes: kinds?.to(device))
    guard truncation != 1, let mean = network.mapping.average else { return network.everywhere(w) }
    return network.everywhere(mean + (w - mean) * truncation)
  }
}
