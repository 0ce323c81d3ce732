import Networks
import Torch
import Training

/// What latents are multiplied by, so that their deviation is 1 (Rombach et al. 2022, appendix G).
public final class LatentScale: Module {
  /// [1].
  let scale = Tensor.full([1], 1)

  /// Moves towards that of a batch of latents.
  func follow(_ latents: Tensor) {
    withoutGradients {
      let deviation = latents.flattened().std(dims: [0]).reshaped([1])
      // Of the deviation, whose mean is the steadier one.
      scale.copy(from: (scale.reciprocal * 0.95 + deviation * 0.05).reciprocal)
    }
  }

  /// In the fewest digits that say the same float32, so that files of numbers keep it.
  var value: Double { Double("\(Float(scale.item()))")! }
}

extension Tensor {
  fileprivate var reciprocal: Tensor { 1 / (self + 1e-8) }
}

/// Learns the autoencoder between pictures and latents, in a run's first part: absolute error, the error of a Laplacian pyramid's bands
/// (Bojanowski et al. 2018, section 2.2), and a little KL divergence (Rombach et al. 2022, section 3.1).
final class CoderTraining {
  let network: AutoencoderKL
  let average: MovingAverage<AutoencoderKL>
  let optimizer: Adam
  private let latents: LatentScale
  private let settings: WordsSettings
  private let mixed: Precision
  private let device: Device

  init(
    _ own: AutoencoderKL, _ latents: LatentScale, _ settings: WordsSettings, mixed: Precision, noise: inout Noise,
    on device: Device
  ) {
    network = AutoencoderKL(settings.coder(scale: 1)).prepared(&noise, on: device)
    average = MovingAverage(own, of: network)
    optimizer = Adam(network.parameters, rate: settings.coderRate, betas: (0.9, 0.99))
    (self.latents, self.settings, self.mixed, self.device) = (latents, settings, mixed, device)
  }

  /// One update by pictures [N, 3, H, W] in -1...1. `progress.fraction` is that of the autoencoder's own learning.
  ///
  /// Large pictures are mostly seen in quarters, four steps in the time of one.
  func learn(_ pictures: Tensor, noise: inout Noise, at progress: Progress) -> [Reading] {
    let x = progress.fraction < Self.whole ? quarters(of: pictures, &noise) : pictures
    let batch = x.size(0) * (ProcessGroup.current?.count ?? 1)
    let rise = min(1, Double(progress.picturesSeen / batch + 1) / 100)
    optimizer.rate =
      settings.coderRate * rise * Schedule.cosine(from: 1, to: 0.02)(progress.fraction) * progress.rateScale
    let (mean, deviation) = mixed { network.distribution(of: x) }
    let drawn = mean + deviation * noise.normal(mean.shape, on: device)
    let made = mixed { network.pictures(of: drawn.channelsLast()) }
    let error = made - x
    let distance = abs(error).mean(), structure = detail(error)
    let divergence = ((square(mean) + square(deviation) - 1) * 0.5 - log(deviation)).mean()
    optimizer.step(
      minimizing: distance + structure * settings.structure + divergence * settings.divergence)
    average.follow(
      network,
      decay: decay(
        memory: settings.averageMemory, batch: batch, of: progress.totalPictures, after: progress.fraction))
    let own = drawn.detached().contiguous()
    latents.follow(ProcessGroup.current?.gathered(own) ?? own)
    return [Reading("distance", distance), Reading("structure", structure), Reading("divergence", divergence)]
  }

  /// The part of its learning after which it sees whole pictures, as it will be used on, and its latents' scale is measured.
  private static let whole = 0.8

  /// One place of half the side, the same in all pictures; the pictures where they are small.
  private func quarters(of pictures: Tensor, _ noise: inout Noise) -> Tensor {
    let side = settings.side / 2, step = 1 << (settings.coderWidths.count - 1)
    guard side >= 32, side % step == 0 else { return pictures }
    let from = noise.integers(below: side + 1, count: 2)
    return pictures.narrowed(dim: 2, from: from[0], count: side).narrowed(dim: 3, from: from[1], count: side)
      .channelsLast()
  }

  /// Moments of pictures' latents, [N, 2 · latents, h, w], unscaled: means, then deviations. Each is the same in whatever batch.
  func moments(of pictures: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 8, pictures) { rows in
        let (mean, deviation) = mixed { average.module.distribution(of: rows.channelsLast()) }
        return Tensor.concatenated([mean, deviation], dim: 1)
      }
    }
  }
}

/// The mean absolute difference of two pictures' details, by their difference [N, C, H, W]: of each band of a Laplacian pyramid, as many as
/// there are down to 8 px, added up.
func detail(_ difference: Tensor) -> Tensor {
  var (x, bands) = (difference, [Tensor]())
  while bands.isEmpty || (bands.count < 3 && x.size(2) >= 16) {
    let small = averagePool2d(x, kernel: 2)
    bands.append(abs(x - interpolate(small, size: [x.size(2), x.size(3)], mode: .bilinear)).mean())
    x = small
  }
  return bands.dropFirst().reduce(bands[0], +)
}
