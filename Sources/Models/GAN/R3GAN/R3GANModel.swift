import Networks
import Torch
import Training

/// R3GAN's generator.
public final class R3GANModel: StyleModel, TraitModel {
  public let settings: R3GANSettings
  let table: TraitTable?
  public let generator: LazyModule<R3GANGenerator>
  private let device: Device

  public init(_ settings: R3GANSettings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    table = settings.newTable
    generator = LazyModule(Self.network(settings), on: device)
  }

  /// Another network of the same architecture.
  func network() -> R3GANGenerator { Self.network(settings) }

  private static func network(_ settings: R3GANSettings) -> R3GANGenerator {
    R3GANGenerator(
      latent: settings.latent, wSize: settings.wSize, widths: settings.widths, blocks: settings.blocks,
      channels: settings.channels, classes: settings.kinds, least: settings.least, isSeamless: settings.seamless)
  }

  public var parts: [String: any Saved] { parts(["generator.average": generator]) }

  /// In float32, whatever the precision of training. While a run is still at a smaller size, pictures are enlarged.
  ///
  /// Styles are drawn towards their mean (Karras et al. 2019, appendix B), of a thousand latents that are always the
  /// same; the latents themselves can't be, since only their direction counts.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let network = generator.module, mean = meanStyle(request.truncation), size = network.trainedSize
      let (z, kinds) = asked(request)
      return inEqualBatches(of: 16, z, classes: kinds) { rows, kinds in
        let w = steered(network.styles(rows.to(device)), mean, kinds, request)
        let pictures = network.pictures(of: w, size: size).to(.cpu)
        let whole = size == settings.size ? pictures : network.enlarged(pictures, to: settings.size)
        return straightened(clamp(whole, min: -1, max: 1)).contiguous()
      }
    }
  }

  public var synthesizer: any Module { generator.module }
  public var styleWeights: [Tensor] {
    let network = generator.module
    return [network.base.weight] + network.stages.flatMap { $0.blocks.compactMap { $0.style?.weight } }
  }

  public func styles(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let network = generator.module
      let (z, kinds) = asked(request)
      let w = steered(network.styles(z.to(device)), meanStyle(request.truncation), kinds, request)
      return w.unsqueezed(1).expanded([w.size(0), network.layers, w.size(1)])
    }
  }

  public func synthesize(_ styles: Tensor) -> Tensor {
    let network = generator.module, size = network.trainedSize
    let made = network.pictures(of: styles, size: size)
    return size == settings.size ? made : network.enlarged(made, to: settings.size)
  }

  /// Styles drawn to the mean, of their classes.
  private func steered(_ w: Tensor, _ mean: Tensor?, _ kinds: Tensor?, _ request: PictureRequest) -> Tensor {
    let drawn = mean.map { $0 + (w - $0) * request.truncation } ?? w
    return generator.module.asked(drawn, kinds?.to(device), guidance: request.guidance)
  }

  /// The mean style of a thousand latents that are always the same; nil where nothing is drawn to it.
  private func meanStyle(_ truncation: Double) -> Tensor? {
    guard truncation != 1 else { return nil }
    var noise = Noise(seed: 0)
    return generator.module.styles(noise.normal([1000, settings.latent], on: device)).mean(dims: [0], keepDims: true)
  }
}
