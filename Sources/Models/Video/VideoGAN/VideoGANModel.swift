import Networks
import Torch
import Training

/// A generator whose pictures move: of each latent there is one at any time.
public final class VideoGANModel: PictureModel {
  public let settings: VideoGANSettings
  public let generator: LazyModule<R3GANGenerator>
  private let device: Device

  public init(_ settings: VideoGANSettings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    generator = LazyModule(Self.network(settings), on: device)
  }

  /// Another network of the same architecture.
  func network() -> R3GANGenerator { Self.network(settings) }

  private static func network(_ settings: VideoGANSettings) -> R3GANGenerator {
    R3GANGenerator(
      latent: settings.latent + settings.motion, wSize: settings.wSize, widths: settings.widths,
      blocks: settings.blocks, channels: settings.channels)
  }

  public var parts: [String: any Saved] { ["generator.average": generator] }
  public var offers: Offers { Offers(latent: settings.latent, moves: true) }
  var lengths: (Double, Double) { (settings.quickest, settings.slowest) }

  /// At the times of the request's motion. Without one: of seeds each as it begins, with a motion of its own; of latents
  /// all at the beginning of the motion of seed 0.
  public func pictures(_ request: PictureRequest) -> Tensor {
    let codes: Tensor
    if let motion = request.motion {
      codes = MotionCode(
        seeds: [motion.seed], size: settings.motion, lengths: lengths, period: motion.period)(
          at: Tensor(motion.times).unsqueezed(0)
        ).selected(dim: 0, index: 0)
    } else if request.latents == nil {
      codes = MotionCode(seeds: request.seeds, size: settings.motion, lengths: lengths)(at: Tensor.zeros([1, 1]))
        .selected(dim: 1, index: 0)
    } else {
      var still = request
      still.motion = Motion(times: [Double](repeating: 0, count: request.count), seed: 0)
      return pictures(still)
    }
    return pictures(latents(of: request), codes, truncation: request.truncation)
  }

  /// Styles are drawn towards their mean over contents and motions. In float32, whatever the precision of training.
  private func pictures(_ latents: Tensor, _ codes: Tensor, truncation: Double) -> Tensor {
    withoutGradients {
      let network = generator.module
      var mean: Tensor?
      if truncation != 1 {
        var noise = Noise(seed: 0)
        let some = noise.normal([1000, settings.latent + settings.motion], on: device)
        mean = network.styles(some).mean(dims: [0], keepDims: true)
      }
      return inEqualBatches(of: 16, Tensor.concatenated([latents, codes], dim: 1)) { rows in
        let size = network.trainedSize
        let w = network.styles(rows.to(device))
        let made = network.pictures(of: mean.map { $0 + (w - $0) * truncation } ?? w, size: size).to(.cpu)
        let whole = size == settings.size ? made : interpolate(made, size: settings.size.shape)
        return clamp(whole, min: -1, max: 1).contiguous()
      }
    }
  }
}
