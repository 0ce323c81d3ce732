import Networks
import Torch
import Training

/// The first stage of latent diffusion (Rombach et al. 2022): pictures as small grids of latents, so that noise is taken off
/// an eighth or less of what a picture has.
final class PictureCoder {
  private let coder: Coder<GridEncoder, GridDecoder>
  private let spread: LazyModule<Spread>
  private let latentChannels: Int, grid: PictureSize

  /// Means and deviations of each channel over all places, so that diffusion sees numbers like pixels'.
  private final class Spread: Module {
    /// Each [1, latentChannels, 1, 1].
    let mean: Tensor, deviation: Tensor

    init(_ latentChannels: Int) {
      mean = Tensor.zeros([1, latentChannels, 1, 1])
      deviation = Tensor.full([1, latentChannels, 1, 1], 1)
    }

    /// Moves towards those of a batch [N, latentChannels, h, w].
    func follow(_ codes: Tensor) {
      let now = codes.mean(dims: [0, 2, 3], keepDims: true)
      let spread = sqrt(square(codes - now).mean(dims: [0, 2, 3], keepDims: true) + 1e-8)
      mean.copy(from: mean * 0.95 + now * 0.05)
      deviation.copy(from: deviation * 0.95 + spread * 0.05)
    }
  }

  init(_ settings: DiffusionSettings, on device: Device) {
    (latentChannels, grid) = (settings.latentChannels, settings.drawn.size)
    let (channels, widths, stem) = (settings.channels, settings.coderWidths, settings.stem)
    let (latentChannels, grid) = (latentChannels, grid)
    coder = Coder(on: device) {
      GridEncoder(widths: widths, stem: stem, latentChannels: latentChannels, channels: channels)
    } decoder: {
      GridDecoder(widths: widths, latentChannels: latentChannels, grid: grid, channels: channels)
    }
    spread = LazyModule(Spread(latentChannels), on: device)
  }

  /// By names that begin with "coder.".
  var parts: [String: any Saved] { Self.named(coder.parts, spread) }

  fileprivate static func named(_ parts: [String: any Saved], _ spread: any Saved) -> [String: any Saved] {
    var all: [String: any Saved] = ["coder.spread": spread]
    for (name, part) in parts { all["coder." + name] = part }
    return all
  }

  /// What trains it.
  final class Trainer {
    private let coder: PictureCoder
    private let trainer: any AutoencoderTraining

    init(_ coder: PictureCoder, _ settings: DiffusionSettings, mixed: Precision, noise: inout Noise, on device: Device)
    {
      self.coder = coder
      var learning = AutoencoderSettings()
      learning.rate = settings.rate
      (learning.adversarial, learning.adversarialFrom, learning.judgesFree) = (0.5, 0.3, false)
      let discriminator = PictureDiscriminator(
        widths: settings.discriminatorWidths, channels: settings.channels, least: settings.least,
        rate: learning.rate * 0.5, noise: &noise, on: device)
      trainer = coder.coder.trainer(learning, discriminator: discriminator, mixed: mixed, noise: &noise, on: device)
      coder.spread.module.move(to: device)
    }

    var saved: [String: any Saved] { PictureCoder.named(trainer.saved, coder.spread.module) }

    /// One update. `progress.fraction` is that of the coder's own learning.
    func learn(_ pictures: Tensor, noise: inout Noise, at progress: Progress) -> [Reading] {
      let readings = trainer.learn(pictures, noise: &noise, at: progress)
      withoutGradients { coder.spread.module.follow(coder.raw(pictures)) }
      return readings
    }
  }

  private func raw(_ pictures: Tensor) -> Tensor {
    coder.means(of: pictures).reshaped([-1, latentChannels] + grid.shape)
  }

  /// Pictures [N, C, H, W] in -1...1 to [N, latentChannels, h, w], each channel with the mean 0 and the deviation that noise
  /// levels are meant for.
  func codes(of pictures: Tensor) -> Tensor {
    withoutGradients {
      let spread = spread.module
      let scale = Preconditioning.dataDeviation / spread.deviation
      return ((raw(pictures) - spread.mean) * scale).channelsLast()
    }
  }

  /// The pictures of such codes, about in -1...1.
  func pictures(of codes: Tensor) -> Tensor {
    let spread = spread.module
    let raw = codes * (spread.deviation / Preconditioning.dataDeviation) + spread.mean
    return coder.pictures(of: raw.contiguous().flattened(from: 1))
  }

  /// A mask of pixels [N, 1, H, W] as one of places [N, 1, h, w]: all that have anything to do with a masked pixel.
  func places(of mask: Tensor) -> Tensor {
    // A place's neighbours know of it, too.
    maxPool2d(maxPool2d(mask, kernel: mask.size(2) / grid.height), kernel: 3, stride: 1, padding: 1)
  }
}
