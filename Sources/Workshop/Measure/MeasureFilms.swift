import Foundation
import Media
import Evaluation
import Models
import Torch
import Training

/// How much the films of a generator look and move like real clips.
public struct FilmsMeasurement: Codable, Hashable, Sendable {
  public let subject: String, against: String
  /// Clips on each side, and the frames of one.
  public let clips: Int, real: Int, frames: Int
  /// Kernel distance × 1000 on `ClipFeatures`, and one standard error of it; 0 looks and moves like the real ones.
  public let distance: Double, distanceError: Double?
  /// The same with the made clips' frames in any order: more, if their order is worth anything.
  public let shuffled: Double
  /// With the real clips' own frames in any order: what the measure makes of motion that is wrong.
  public let realShuffled: Double
  /// Mean absolute difference of the colours, 0...1, from frame to frame.
  public let step: Double, realStep: Double
  /// The network that saw the frames.
  public let features: String
  public let picturesSeen: Int
}

/// Whether a name is that of a run or a model that makes films by itself.
public func makesFilms(_ name: String, in workspace: Workspace) -> Bool {
  verb(of: name, in: workspace) == .film
}

/// Which verb uses the run or model of a name; nil when there is none.
func verb(of name: String, in workspace: Workspace) -> Use.Verb? {
  guard let facts = (try? Generator.checkpoint(name, in: workspace, note: { _ in }))?.facts else { return nil }
  return (try? recipe(named: facts.recipe))?.use.verb
}

/// Compares what a generator of films makes with real clips.
///
/// - Parameters:
///   - against: clips, as `packSequences` takes them.
///   - samples: clips made, by the seeds from 0 on, each with a motion of its own.
/// - Throws: `MeasureError`, and as `Generator`, `packSequences` and `installModel`.
public func measureFilms(
  _ subject: String, against: String, samples: Int = 256, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }
) throws -> FilmsMeasurement {
  let net = try featureNet(in: workspace, on: device) { tell(.note($0)) }
  let generator = try Generator(subject, in: workspace, on: device) { tell(.note($0.sentence)) }
  guard let model = generator.model as? any PictureModel, model.offers.moves else {
    throw GeneratorError.noLatents(recipe: generator.facts.recipe, option: "films")
  }
  let settings = generator.settings
  let packing =
    try RunRecord(of: generator)?.packing ?? Packing(size: settings.size, channels: settings.channels)
  let set = try PictureSet(path: packSequences(against, packing, in: workspace).path)
  let clips = realClips(of: set)
  guard clips.count >= MeasureError.least else { throw MeasureError.tooFewClips(path: against, count: clips.count) }

  let frames = clipFrames, all = clips.count + samples
  var pace = Pace(.films)
  func looked(_ count: Int, _ done: Int, _ pictures: (Int) -> Tensor) -> (features: Tensor, step: Double) {
    var (found, steps): ([Tensor], Double) = ([], 0)
    for i in 0..<count {
      let bytes = pictures(i)
      found.append(net.features(of: bytes))
      let x = bytes.to(.float32) / 255
      steps += abs(x[1..<frames] - x[0..<frames - 1]).mean().item() / Double(count)
      tell(pace.at(done + i + 1, of: all))
    }
    return (Tensor.stacked(found), steps)
  }
  let real = looked(clips.count, 0) { set.pictures.indexSelected(dim: 0, indices: Tensor(clips[$0].frames)) }
  let made = looked(samples, clips.count) { i in
    let seed = UInt64(i), step = clips[i % clips.count].step
    var request = PictureRequest(latents: model.latents(seeds: [seed]).expanded([frames, model.offers.latent!]))
    let times = (0..<frames).map { Double($0) * step }
    request.motion = Motion(times: times, seed: seed)
    return pictureBytes(model.pictures(request))
  }

  var noise = Noise(seed: 0)
  func shuffled(_ features: Tensor) -> Tensor {
    Tensor.stacked(features.unbound().map { $0.indexSelected(dim: 0, indices: Tensor(noise.permutation(frames))) })
  }
  func distance(_ some: Tensor, _ noise: inout Noise) -> KernelDistance {
    KernelDistance(between: ClipFeatures(some).values, and: ClipFeatures(real.features).values, noise: &noise)
  }
  let (mixed, realMixed) = (shuffled(made.features), shuffled(real.features))
  let kernel = distance(made.features, &noise)
  return FilmsMeasurement(
    subject: subject, against: against, clips: samples, real: clips.count, frames: frames,
    distance: 1000 * kernel.value, distanceError: kernel.error.isNaN ? nil : 1000 * kernel.error,
    shuffled: 1000 * distance(mixed, &noise).value, realShuffled: 1000 * distance(realMixed, &noise).value,
    step: made.step, realStep: real.step, features: FeatureNet.name, picturesSeen: generator.facts.picturesSeen)
}

/// Frames of a clip that is compared.
private let clipFrames = 8

/// Parts of sequences, all over the set: frames some eighth of a second apart, and these seconds.
private func realClips(of set: PictureSet, most: Int = 256) -> [(frames: [Int], step: Double)] {
  let each = set.sequences.flatMap { sequence -> [(frames: [Int], step: Double)] in
    let wanted = max(1, Int((sequence.rate / 8).rounded()))
    let every = min(wanted, (sequence.frames.count - 1) / (clipFrames - 1))
    guard every > 0 else { return [] }
    let span = every * (clipFrames - 1)
    return (sequence.frames.lowerBound..<sequence.frames.upperBound - span).map { first in
      ((0..<clipFrames).map { first + $0 * every }, Double(every) / sequence.rate)
    }
  }
  guard each.count > most else { return each }
  return (0..<most).map { each[$0 * each.count / most] }
}
