import Networks
import Torch
import Training

/// CUT's generator.
public final class CUTModel: TranslationModel {
  public let settings: CUTRecipe.Settings
  public let generator: LazyModule<ResnetGenerator>

  public init(_ settings: CUTRecipe.Settings, on device: Device) throws(RecipeError) {
    try CUTRecipe.check(settings)
    self.settings = settings
    generator = try Transfer.lazy(ResnetGenerator(settings.shape), precision: settings.precision, on: device)
  }

  public var parts: [String: any Saved] { ["generator.average": generator] }
  public func transfer(back: Bool) -> (any PictureTransfer)? { back ? nil : generator.module }
}

/// CycleGAN's two generators.
public final class CycleGANModel: TranslationModel {
  public let settings: CycleGANRecipe.Settings
  /// From the first set to the second, and back.
  public let there: LazyModule<ResnetGenerator>, back: LazyModule<ResnetGenerator>

  public init(_ settings: CycleGANRecipe.Settings, on device: Device) throws(RecipeError) {
    try CycleGANRecipe.check(settings)
    self.settings = settings
    there = try Transfer.lazy(ResnetGenerator(settings.shape), precision: settings.precision, on: device)
    back = try Transfer.lazy(ResnetGenerator(settings.shape), precision: settings.precision, on: device)
  }

  public var parts: [String: any Saved] { ["generator.average": there, "generator.back.average": back] }
  public func transfer(back: Bool) -> (any PictureTransfer)? { (back ? self.back : there).module }
}

/// pix2pix's generator.
public final class Pix2PixModel: TranslationModel {
  public let settings: Pix2PixRecipe.Settings
  public let generator: LazyModule<UnetGenerator>

  public init(_ settings: Pix2PixRecipe.Settings, on device: Device) throws(RecipeError) {
    try Pix2PixRecipe.check(settings)
    self.settings = settings
    generator = try Transfer.lazy(Self.network(settings), precision: settings.precision, on: device)
  }

  /// Another network of the same architecture.
  func network() -> UnetGenerator { Self.network(settings) }

  private static func network(_ settings: Pix2PixRecipe.Settings) -> UnetGenerator {
    UnetGenerator(channels: settings.channels, width: settings.width, depth: settings.depth)
  }

  public var parts: [String: any Saved] { ["generator.average": generator] }
  public func transfer(back: Bool) -> (any PictureTransfer)? { back ? nil : generator.module }
}
