import Networks
import Torch
import Training

/// A network that paints pictures in any painting's style, in one pass.
public final class InstantModel: Model {
  public let settings: InstantRecipe.Settings
  public let network: LazyModule<InstantNetwork>

  public init(_ settings: InstantRecipe.Settings, on device: Device) throws(RecipeError) {
    try InstantRecipe.check(settings)
    self.settings = settings
    network = LazyModule(InstantNetwork(width: settings.width), on: device)
  }

  public var parts: [String: any Saved] { ["network.average": network] }

  /// The network's weights in a file, which is one of this model's or has the published network's names.
  static func weights(in file: [String: Tensor]) -> [String: Tensor] {
    let prefix = "network.average/"
    let own = file.filter { $0.key.hasPrefix(prefix) }
    guard !own.isEmpty else { return file }
    return Dictionary(
      uniqueKeysWithValues: own.map { (String($0.key.dropFirst(prefix.count)), $0.value.to(.float32)) })
  }
}

/// A network that paints in the style of the one painting that it learned.
public final class BrushModel: TranslationModel {
  public let settings: BrushRecipe.Settings
  public let network: LazyModule<InstantNetwork>
  public let painting: LazyModule<BrushStyle>

  public init(_ settings: BrushRecipe.Settings, on device: Device) throws(RecipeError) {
    try BrushRecipe.check(settings)
    self.settings = settings
    network = LazyModule(InstantNetwork(width: settings.width), on: device)
    painting = LazyModule(BrushStyle(), on: device)
  }

  public var parts: [String: any Saved] { ["network": network, "painting": painting] }

  var painter: InstantPainter {
    let painting = painting.module
    return InstantPainter(
      network.module, style: painting.style.detached(), texture: painting.texture, precision: settings.precision)
  }

  public func transfer(back: Bool) -> (any PictureTransfer)? { back ? nil : painter }
}
