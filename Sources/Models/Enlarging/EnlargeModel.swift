import Networks
import Torch
import Training

/// A network that enlarges pictures like those that it learned from (super-resolution).
public final class EnlargeModel: Model {
  public let settings: EnlargeRecipe.Settings
  public let network: LazyModule<SRVGGNetCompact>

  public init(_ settings: EnlargeRecipe.Settings, on device: Device) throws(RecipeError) {
    try EnlargeRecipe.check(settings)
    self.settings = settings
    network = LazyModule(Self.network(settings), on: device)
  }

  /// Another network of the same architecture.
  func another() -> SRVGGNetCompact { Self.network(settings) }

  private static func network(_ settings: EnlargeRecipe.Settings) -> SRVGGNetCompact {
    SRVGGNetCompact(scale: settings.scale, width: settings.width, depth: settings.depth)
  }

  public var parts: [String: any Saved] { ["network.average": network] }
}
