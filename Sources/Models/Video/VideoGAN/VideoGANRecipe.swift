import Networks
import Torch
import Training

/// Films out of nothing, of any length and at any frame rate: a picture is made from what is seen, which stays, and from
/// where a motion is at a time (after Skorokhodov et al. 2022, "StyleGAN-V").
///
/// Pictures are R3GAN's; motion is a code of Gaussian processes (`MotionCode`) in place of learned anchors, so it has no
/// end and can close to a loop. A clip of three frames, far apart or near, is all that the discriminator sees at once.
public final class VideoGANRecipe: Recipe {
  public static let name = "videogan"
  public static let use = Use(.film, "makes films", command: "film NAME", out: "film.mp4")
  public static let material = Material.sequences
  public static let summary = "Video generation from a folder of clips: films of any length, for `film`."

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VideoGANSettings {
    try VideoGANSettings(for: situation, preset: preset)
  }
  public static func length(for situation: Situation) -> Length { .minutes(60) }

  public let model: VideoGANModel
  public let generator: R3GANGenerator, discriminator: ClipDiscriminator
  public let average: MovingAverage<R3GANGenerator>
  private let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let mixed: Precision
  /// Steps between two moves of the average, which reads and writes all weights.
  private static let averageSteps = 4
  private let augment = DiffAugment(colour: false, translation: 0.125, cutout: 0, mirrorsEdges: true)

  public init(_ settings: VideoGANSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try VideoGANModel(settings, on: device)
    self.device = device
    mixed = try Precision(settings.precision, on: device)
    generator = model.network()
    discriminator = ClipDiscriminator(
      widths: settings.discriminatorWidths, blocks: settings.discriminatorBlocks, stem: settings.discriminatorStem,
      frames: settings.frames, channels: settings.channels)
    generator.prepared(&noise, as: .fanIn(gain: 1), on: device)
    discriminator.prepared(&noise, as: .fanIn(gain: 1), on: device)
    average = MovingAverage(model.generator.module, of: generator)
    let betas = (0.0, settings.picture.beta2)
    optimizerG = Adam(generator.parameters, rate: settings.rate, betas: betas)
    optimizerD = Adam(discriminator.parameters, rate: settings.rate, betas: betas)
  }

  public var saved: [String: any Saved] {
    [
      "generator": generator, "generator.average": average, "discriminator": discriminator,
      "optimizer.generator": optimizerG, "optimizer.discriminator": optimizerD,
    ]
  }
  public var mirrors: Bool { settings.mirror }
  public var rateHold: Double? { settings.rateHold }
  public var draw: FrameDraw { FrameDraw(count: settings.frames, span: settings.span, isOrdered: true) }

  /// Updates both networks once, with as many made clips as real ones, at the same times.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let schedule = settings.picture.schedule(at: progress)
    let (size, frames, channels) = (schedule.size, settings.frames, settings.channels)
    if generator.trainedSize != size { generator.trainedSize = size }
    (optimizerG.rate, optimizerD.rate) = (schedule.rate * settings.pace, schedule.rate)
    let pictures =
      size == settings.size ? batch.pictures : interpolate(batch.pictures, size: size.shape, mode: .area)
    let n = pictures.size(0) / frames
    func clips(_ x: Tensor) -> Tensor { x.contiguous().reshaped([n, frames * channels] + size.shape) }

    // Only distances count: motion is the same at all times.
    let times = batch.times! - batch.times!.narrowed(dim: 1, from: 0, count: 1)
    let codes = MotionCode(count: n, size: settings.motion, lengths: model.lengths, noise: &noise)(at: times)
    let content = noise.normal([n, 1, settings.latent]).expanded([n, frames, settings.latent])
    let z = Tensor.concatenated([content, codes], dim: 2).reshaped([n * frames, settings.latent + settings.motion])
    let fake = clips(mixed { generator(z.to(device), size: size) })

    var update = RelativisticUpdate(optimizerG: optimizerG, optimizerD: optimizerD)
    if progress.picturesSeen / n % schedule.penaltyInterval == 0 { update.penalised = settings.penalised }
    update.penaltyWeight = schedule.gamma / 2 * Double(schedule.penaltyInterval)
    let all = Tensor.concatenated([times, times])
    let (loss, margin, slope, _) = update(
      real: clips(pictures), fake: fake, noise: &noise,
      augment: { settings.augment > 0 ? augment($0, probability: settings.augment, noise: &$1) : $0 },
      judge: { x, which in
        mixed { discriminator(x, at: all.indexSelected(dim: 0, indices: Tensor(which))) }
      })
    if progress.picturesSeen / n % Self.averageSteps == 0 {
      average.follow(generator, decay: schedule.averageDecay(batch: n * Self.averageSteps, of: progress))
    }
    var readings = [Reading("loss", loss), Reading("margin", margin), Reading("size", Double(size.width))]
    if let slope { readings.append(Reading("slope", slope)) }
    return readings
  }

  /// A sheet shows motion, not a picture a seed.
  public var sampler: (any PictureModel)? { nil }

  /// Clips of six seeds, each a row, in steps of a quarter of a second.
  public func rows(of shown: Shown) -> [Tensor] {
    let times = (0..<8).map { Double($0) / 4 }
    return (0..<6 as Range<UInt64>).map { seed -> Tensor in
      let latent = model.latents(seeds: [seed]).expanded([times.count, settings.latent])
      var request = PictureRequest(latents: latent)
      request.motion = Motion(times: times, seed: seed)
      return model.pictures(request)
    }
  }
}
