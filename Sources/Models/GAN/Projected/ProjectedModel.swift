import Networks
import Torch
import Training

/// The generator of a projected GAN.
public final class ProjectedModel: StyleModel, TraitModel {
  public let settings: ProjectedRecipe.Settings
  let table: TraitTable?
  public let generator: LazyModule<FastGenerator>
  private let device: Device

  public init(_ settings: ProjectedRecipe.Settings, on device: Device) throws(RecipeError) {
    try ProjectedRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    table = settings.newTable
    generator = LazyModule(Self.network(settings), on: device)
  }

  /// Another network of the same architecture.
  func network() -> FastGenerator { Self.network(settings) }

  private static func network(_ settings: ProjectedRecipe.Settings) -> FastGenerator {
    let (least, doublings) = settings.grid
    return FastGenerator(
      latent: settings.latent, width: settings.width, least: least, doublings: doublings, channels: settings.channels,
      classes: settings.kinds, isSeamless: settings.seamless)
  }

  public var parts: [String: any Saved] { parts(["generator.average": generator]) }

  /// In float32, whatever the precision of training. Styles are drawn towards their mean, which is nothing in particular
  /// (Karras et al. 2019, appendix B). One by one: sixteen at once take as long, and a single one would wait for them.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 1, w(of: request)) { straightened(synthesize($0).to(.cpu)).contiguous() }
    }
  }

  public var synthesizer: any Module { generator.module }
  public var styleWeights: [Tensor] {
    [generator.module.base.weight] + generator.module.stages.map(\.style.weight)
  }

  public func styles(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let w = w(of: request)
      return w.unsqueezed(1).expanded([w.size(0), generator.module.layers, w.size(1)])
    }
  }

  public func synthesize(_ styles: Tensor) -> Tensor { generator.module.pictures(of: styles) }

  /// [N, latent], of one class each.
  private func w(of request: PictureRequest) -> Tensor {
    let network = generator.module, (z, kinds) = asked(request)
    return network.asked(
      network.styles(z.to(device)) * request.truncation, kinds?.to(device), guidance: request.guidance)
  }
}
