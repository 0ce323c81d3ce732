import Networks
import Torch
import Training

/// A DCGAN's generator.
public final class DCGANModel: TraitModel {
  public let settings: DCGANRecipe.Settings
  let table: TraitTable?
  public let generator: LazyModule<DCGANGenerator>
  private let device: Device

  public init(_ settings: DCGANRecipe.Settings, on device: Device) throws(RecipeError) {
    try DCGANRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    table = settings.newTable
    generator = LazyModule(Self.network(settings), on: device)
  }

  /// Another network of the same architecture.
  func network() -> DCGANGenerator { Self.network(settings) }

  private static func network(_ settings: DCGANRecipe.Settings) -> DCGANGenerator {
    DCGANGenerator(
      latent: settings.latent,
      widths: settings.widths.isEmpty ? dcganWidths(settings.width, settings.side) : settings.widths,
      channels: settings.channels, classes: settings.kinds, isSeamless: settings.seamless)
  }

  public var parts: [String: any Saved] { parts(["generator.average": generator]) }

  /// In float32, whatever the precision of training, so that pictures are the same on any machine up to rounding.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let (z, kinds) = asked(request)
      return inEqualBatches(of: 16, z * request.truncation, classes: kinds) { rows, kinds in
        let z = rows.to(device).reshaped([-1, settings.latent, 1, 1]).channelsLast()
        let asked = kinds.map { $0.to(device) * request.guidance }
        return straightened(generator.module(z, classes: asked).to(.cpu)).contiguous()
      }
    }
  }
}
