import Networks
import Torch
import Training

/// The generator of dense layers.
public final class DenseModel: PictureModel {
  public let settings: DenseRecipe.Settings
  public let generator: LazyModule<DenseGenerator>
  private let device: Device

  public init(_ settings: DenseRecipe.Settings, on device: Device) throws(RecipeError) {
    try DenseRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    generator = LazyModule(Self.network(settings), on: device, usesChannelsLast: false)
  }

  /// Another network of the same architecture.
  func network() -> DenseGenerator { Self.network(settings) }

  private static func network(_ settings: DenseRecipe.Settings) -> DenseGenerator {
    DenseGenerator(
      latent: settings.latent, widths: settings.widths, size: settings.side, channels: settings.channels)
  }

  public var parts: [String: any Saved] { ["generator.average": generator] }
  public var offers: Offers { Offers(latent: settings.latent) }

  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 32, latents(of: request) * request.truncation) { generator.module($0.to(device)).to(.cpu) }
        .reshaped([-1, settings.channels, settings.side, settings.side])
    }
  }
}
