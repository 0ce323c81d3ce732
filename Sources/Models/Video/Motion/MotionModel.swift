import Networks
import Torch
import Training

/// A network that moves a picture as another moves (image animation).
public final class MotionModel: Model {
  public let settings: MotionRecipe.Settings
  public let network: LazyModule<MotionNetwork>
  private let device: Device

  public init(_ settings: MotionRecipe.Settings, on device: Device) throws(RecipeError) {
    try MotionRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    network = LazyModule(Self.network(settings), on: device)
  }

  static func network(_ settings: MotionRecipe.Settings) -> MotionNetwork {
    MotionNetwork(
      channels: settings.channels, keypoints: settings.keypoints, width: settings.width, blocks: settings.blocks,
      motionWidth: settings.motionWidth, reduction: settings.reduction)
  }

  public var parts: [String: any Saved] { ["network.average": network] }

  /// What moves a picture: ready for `animate`.
  public var mover: Mover { Mover(network.module, size: settings.side, on: device) }
}
