import Networks
import Torch
import Training

/// Films out of nothing, of any length and at any frame rate: a picture is made from what is seen, which stays, and from
/// where a motion is at a time (after Skorokhodov et al. 2022, "StyleGAN-V").
///
/// Pictures are R3GAN's; motion is a code of Gaussian processes (`MotionCode`) in place of learned anchors, so it has no
/// end and can close to a loop. A clip of three frames, far apart or near, is all that the discriminator sees at once.
public final class VideoGANRecipe: MovingRecipe, SequenceRecipe {
  public static let name = "videogan"
  public static let summary = "Video generation from a folder of clips: films of any length, for `film`."

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VideoGANSettings {
    try VideoGANSettings(for: situation, preset: preset)
  }
  public static func length(for situation: Situation) -> Length { .minutes(60) }

  public let settings: VideoGANSettings
  public let generator: R3GANGenerator, discriminator: ClipDiscriminator
  public let average: MovingAverage<R3GANGenerator>
  private let optimizerG: Adam, optimizerD: Adam
  private let device: Device
  private let usesBFloat16: Bool
  /// Steps between two moves of the average, which reads and writes all weights.
  private static let averageSteps = 4
  private let augment = DiffAugment(colour: false, translation: 0.125, cutout: 0, mirrorsEdges: true)

  public init(_ settings: VideoGANSettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    let make = {
      R3GANGenerator(
        latent: settings.latent + settings.motion, mapped: settings.mapped, widths: settings.widths,
        blocks: settings.blocks, channels: settings.channels)
    }
    generator = make()
    discriminator = ClipDiscriminator(
      widths: settings.criticWidths, blocks: settings.criticBlocks, stem: settings.criticStem,
      frames: settings.frames, channels: settings.channels)
    generator.initialize(&noise, as: .fanIn(gain: 1))
    discriminator.initialize(&noise, as: .fanIn(gain: 1))
    for network in [generator, discriminator] as [any Module] {
      network.move(to: device)
      network.useChannelsLast()
    }
    average = MovingAverage(make(), of: generator)
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
  public var published: [String: any Saved] { ["generator.average": average] }
  public var mirrors: Bool { settings.mirror }
  public var draw: FrameDraw { FrameDraw(count: settings.frames, span: settings.span, isOrdered: true) }

  private var lengths: (Double, Double) { (settings.quickest, settings.slowest) }

  /// Updates both networks once, with as many made clips as real ones, at the same times.
  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    let schedule = settings.picture.schedule(at: progress)
    let (size, frames, channels) = (schedule.size, settings.frames, settings.channels)
    if generator.trainedSize != size { generator.trainedSize = size }
    (optimizerG.rate, optimizerD.rate) = (schedule.rate * settings.pace, schedule.rate)
    let pictures =
      size == settings.size ? batch.pictures : interpolate(batch.pictures, size: [size, size], mode: .area)
    let n = pictures.size(0) / frames
    func clips(_ x: Tensor) -> Tensor { x.contiguous().reshaped([n, frames * channels, size, size]) }

    // Only distances count: motion is the same at all times.
    let times = batch.times! - batch.times!.narrowed(dim: 1, from: 0, count: 1)
    let codes = MotionCode(count: n, size: settings.motion, lengths: lengths, noise: &noise)(at: times)
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
    var readings = [Reading("loss", loss), Reading("margin", margin), Reading("size", Double(size))]
    if let slope { readings.append(Reading("slope", slope)) }
    return readings
  }

  private func mixed<R>(_ body: () -> R) -> R { withAutocast(usesBFloat16, on: device, body) }

  public func latents(seeds: [UInt64]) -> Tensor { gaussianLatents(seeds: seeds, size: settings.latent) }

  /// Each as it begins, with a motion of its own.
  public func sample(seeds: [UInt64]) -> Tensor {
    let codes = MotionCode(seeds: seeds, size: settings.motion, lengths: lengths)(at: Tensor.zeros([1, 1]))
    return pictures(latents(seeds: seeds), codes.selected(dim: 1, index: 0), truncation: 1)
  }

  public func decode(_ latents: Tensor) -> Tensor { decode(latents, truncation: 1) }

  /// All at the beginning of the motion of seed 0.
  public func decode(_ latents: Tensor, truncation: Double) -> Tensor {
    decode(latents, at: [Double](repeating: 0, count: latents.size(0)), motion: 0, truncation: truncation)
  }

  public func decode(
    _ latents: Tensor, at times: [Double], motion seed: UInt64, period: Double?, truncation: Double
  ) -> Tensor {
    let motion = MotionCode(seeds: [seed], size: settings.motion, lengths: lengths, period: period)
    let codes = motion(at: Tensor(times).unsqueezed(0)).selected(dim: 0, index: 0)
    return pictures(latents, codes, truncation: truncation)
  }

  /// Styles are drawn towards their mean over contents and motions. In float32, whatever the precision of training.
  private func pictures(_ latents: Tensor, _ codes: Tensor, truncation: Double) -> Tensor {
    withoutGradients {
      let network = average.module
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
        let whole = size == settings.size ? made : interpolate(made, size: [settings.size, settings.size])
        return clamp(whole, min: -1, max: 1).contiguous()
      }
    }
  }

  /// Clips of six seeds, each a row, in steps of a quarter of a second.
  public func examples(_ frames: Tensor) -> [Tensor] {
    let times = (0..<8).map { Double($0) / 4 }
    return (0..<6 as Range<UInt64>).map { seed -> Tensor in
      let latent = latents(seeds: [seed]).expanded([times.count, settings.latent])
      return decode(latent, at: times, motion: seed, truncation: 1)
    }
  }
}
