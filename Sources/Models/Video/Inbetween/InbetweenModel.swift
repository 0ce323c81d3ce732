import Networks
import Torch
import Training

/// A network that draws what is between two frames (frame interpolation).
public final class InbetweenModel: Model {
  public let settings: InbetweenRecipe.Settings
  public let network: LazyModule<InbetweenNetwork>
  private let device: Device

  public init(_ settings: InbetweenRecipe.Settings, on device: Device) throws(RecipeError) {
    try InbetweenRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    network = LazyModule(InbetweenNetwork(width: settings.width, depth: settings.depth), on: device)
  }

  public var parts: [String: any Saved] { ["network.average": network] }

  /// What draws between frames.
  public var inbetweening: Inbetweening { Inbetweening(network.module, precision: settings.precision, on: device) }
}
