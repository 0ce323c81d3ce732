import Networks
import Torch
import Training

/// A DCGAN's generator.
public final class DCGANModel: PictureModel {
  public let settings: DCGANRecipe.Settings
  let classes: Classes
  public let generator: LazyModule<DCGANGenerator>
  private let device: Device

  public init(_ settings: DCGANRecipe.Settings, on device: Device) throws(RecipeError) {
    try DCGANRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    classes = Classes(settings.conditional ? settings.classes : [], counts: settings.classCounts)
    generator = LazyModule(Self.network(settings, classes), on: device)
  }

  /// Another network of the same architecture.
  func network() -> DCGANGenerator { Self.network(settings, classes) }

  private static func network(_ settings: DCGANRecipe.Settings, _ classes: Classes) -> DCGANGenerator {
    DCGANGenerator(
      latent: settings.latent,
      widths: settings.widths.isEmpty ? dcganWidths(settings.width, settings.size) : settings.widths,
      channels: settings.channels, classes: classes.names.count, isSeamless: settings.seamless)
  }

  public var parts: [String: any Saved] { ["generator.average": generator] }
  public var offers: Offers { Offers(latent: settings.latent, classes: classes.names) }

  /// In float32, whatever the precision of training, so that pictures are the same on any machine up to rounding.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let latents = latents(of: request) * request.truncation
      return inEqualBatches(of: 16, latents, classes: classes.weights(of: request)) { rows, kinds in
        let z = rows.to(device).reshaped([-1, settings.latent, 1, 1]).channelsLast()
        let asked = kinds.map { $0.to(device) * request.guidance }
        return straightened(generator.module(z, classes: asked).to(.cpu)).contiguous()
      }
    }
  }
}
