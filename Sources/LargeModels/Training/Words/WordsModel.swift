import Networks
import Torch
import Training

/// A small text-to-image model of one's own, with the layout of Stable Diffusion 1.x (Rombach et al. 2022): CLIP's text encoder, the
/// denoiser of latents, the autoencoder.
///
/// By itself it draws captions that it learned; `LargeModel` opens the same file and draws what it is told.
public final class WordsModel: PictureModel {
  public let settings: WordsSettings
  let text: LazyModule<TextEncoder>, unet: LazyModule<UNet2DCondition>, vae: LazyModule<AutoencoderKL>
  let vocabulary: LazyModule<Vocabulary>, captions: LazyModule<KnownCaptions>, latents: LazyModule<LatentScale>
  private let device: Device

  public init(_ settings: WordsSettings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    text = LazyModule(TextEncoder(settings.text), on: device)
    unet = LazyModule(UNet2DCondition(settings.unet), on: device)
    vae = LazyModule(AutoencoderKL(settings.coder(scale: 1)), on: device)
    vocabulary = LazyModule(Vocabulary(settings.merges), on: .cpu)
    captions = LazyModule(KnownCaptions(), on: .cpu)
    latents = LazyModule(LatentScale(), on: device)
  }

  public var parts: [String: any Saved] {
    [
      "text.average": text, "unet.average": unet, "vae.average": vae, "vocabulary": vocabulary, "captions": captions,
      "latents": latents,
    ]
  }

  public var offers: Offers { Offers() }

  /// The pictures of captions that it learned, a caption and a noise by each seed, in float32.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let count = settings.latentChannels * settings.grid * settings.grid
      let drawn = gaussianLatents(seeds: request.seeds, size: count)
      // Whole numbers that float32 has.
      let rows = captions.module.rows(of: request.seeds).to(.float32)
      return inEqualBatches(of: 16, drawn, classes: rows) { noise, rows in
        let shape = [noise.size(0), settings.latentChannels, settings.grid, settings.grid]
        return decoded(denoised(noise.to(device).reshaped(shape), rows!.to(.int64).to(device)))
      }
    }
  }

  private func denoised(_ noise: Tensor, _ rows: Tensor) -> Tensor {
    let isGuided = settings.guidance > 1
    let told = features(rows, isGuided: isGuided)
    let schedule = WordsSettings.schedule
    // The steps were looked at in the settings.
    let levels = try! schedule.levels(.solver, schedule.spacing, steps: settings.steps)
    let steps = Steps(.solver, noise, levels: levels, schedule: schedule, noise: { noise }) { x, level in
      let input = isGuided ? x.repeated([2, 1, 1, 1]) : x
      let answer = self.unet.module(input.channelsLast(), timestep: level.timestep, told).to(.float32)
      guard isGuided else { return answer }
      let halves = answer.chunks(2)
      return halves[0] + (halves[1] - halves[0]) * self.settings.guidance
    }
    return steps.reduce(noise) { $1.x }
  }

  /// What the denoiser is told: [N, 77, width], with guidance that of no words before.
  private func features(_ rows: Tensor, isGuided: Bool) -> Conditions {
    guard isGuided else { return Conditions(text: text.module.features(rows)) }
    // A row begins with start; its last place is an end in any case.
    let start = rows.narrowed(dim: 1, from: 0, count: 1)
    let end = rows.narrowed(dim: 1, from: rows.size(1) - 1, count: 1).expanded([rows.size(0), rows.size(1) - 1])
    let silent = Tensor.concatenated([start, end], dim: 1)
    return Conditions(text: text.module.features(Tensor.concatenated([silent, rows])))
  }

  /// Pictures [N, 3, H, W] in -1...1 as the autoencoder gives them back, float32 on the CPU.
  func reconstructed(_ pictures: Tensor) -> Tensor {
    withoutGradients {
      let coder = vae.module
      let latents = coder.distribution(of: pictures.to(device).channelsLast()).mean
      return clamp(coder.pictures(of: latents.channelsLast()).to(.cpu), min: -1, max: 1).contiguous()
    }
  }

  private func decoded(_ latents: Tensor) -> Tensor {
    let unscaled = (latents / self.latents.module.scale).channelsLast()
    return clamp(vae.module.pictures(of: unscaled).to(.cpu), min: -1, max: 1).contiguous()
  }
}
