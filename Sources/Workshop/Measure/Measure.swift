import Networks
import Foundation
import Media
import Evaluation
import Models
import Torch
import Training

/// How much generated pictures are like real ones.
public struct Measurement: Codable, Hashable, Sendable {
  /// The run, model or folder that was measured, and the pictures that it was measured against.
  public let subject: String, against: String
  /// Pictures on each side, and their size.
  public let samples: Int, real: Int, size: PictureSize
  /// Real pictures that there are: more than `real` where KID and its like were measured against a sample of them.
  public let realInAll: Int
  /// KID × 1000 and one standard error of it; 0 is like the real ones.
  public let kid: Double, kidError: Double?
  /// Unreliable under some 2,000 pictures, and no paper's figure, since the features are others.
  public let fid: Double
  public let precision: Double, recall: Double, density: Double, coverage: Double
  /// The network that saw the pictures.
  public let features: String
  /// That the generator was trained on, when it is one.
  public let picturesSeen: Int?
  /// How many pictures are likely copies of real ones, as `CopyMeter` tells.
  public let copyCount: Int
  /// These, the most alike first, `mostCopies` at most: thousands would make one line of it too long to read.
  public let copies: [Copy]
  /// How sure that is, as measured on the real pictures: the share of them that would pass for copies of others, and the
  /// share of planted copies that is found.
  public let copyFalseRate: Double, copySensitivity: Double
  /// What a generator learned by heart, when the pictures it learned from are still packed in the workspace: its pictures that
  /// are likely copies of those. The real ones here may be others, which it can't have copied.
  public var learnedCopies: Int?
  /// KID × 1000 of its other pictures, and one standard error: copies come as near to real pictures as real ones do, so a
  /// generator that knows nothing else looks good by KID alone. nil where fewer than `MeasureError.least` are left.
  public var kidOfOthers: Double?, kidOfOthersError: Double?
  /// Milliseconds that a generator takes for a picture, sixteen or more at a time.
  public let millisecondsAPicture: Double?
  /// How strong the steps between neighbouring pixels are, as a part of the real pictures': below 1 is blurred, above 1
  /// has more grain or edges than they have.
  public let sharpness: Double
  /// Steps across the edges of pictures laid side by side, as a part of those inside; of generators that are to be seamless.
  public var seam: Double?
  /// Perceptual path length in w, of a generator with styles that was asked for it.
  public var pathLength: Double?
  /// The sheet of the pictures that are most like real ones, where one was asked for.
  public var nearest: String?
  /// The sheet of real pictures among made ones and the file that says which are which, where they were asked for.
  public var blind: String?, answers: String?
  /// What a network makes of them that a generator didn't learn by, where it, or one beside it, learned by `features`.
  public var second: SecondNetwork?

  static let mostCopies = 20

  /// A picture and the real one that it is too much like.
  public struct Copy: Codable, Hashable, Sendable {
    /// The seed of a generator's picture, or a picture's name.
    public let picture: String
    public let of: String
    /// Their residue: 0 for the same picture, about 1 for unrelated ones.
    public let residue: Double
  }
}

/// Why there is nothing to measure.
public enum MeasureError: Explained, Equatable {
  case tooFew(path: String, count: Int)
  case tooFewClips(path: String, count: Int)
  /// Pictures that are there were to be drawn.
  case needsGenerator(path: String)

  public var sentence: String {
    switch self {
    case .tooFew(let path, let count):
      "\(path) has only \(count) usable pictures, and a measure needs \(MeasureError.least): name a larger set."
    case .tooFewClips(let path, let count):
      "\(path) has only \(count) parts of eight frames, and a measure needs \(MeasureError.least): name more or longer clips."
    case .needsGenerator(let path):
      "\(path) are pictures, which nobody draws: leave --samples, --path-length, --sampling, --class and --guidance out, "
        + "or name a run."
    }
  }
  public var exit: Exit { if case .needsGenerator = self { .usage } else { .data } }
  /// So that every picture has its neighbours, and halves can be compared.
  static let least = 16
}

/// Compares a generator's pictures, or a folder's, with real ones.
///
/// - Parameters:
///   - subject: a run, checkpoint or model as `Generator` takes it; or a folder, a zip file or a picture.
///   - against: real pictures: a folder or a zip file.
///   - samples: how many pictures the generator makes, by the seeds from 0 on; nil for 2,000.
///   - real: how many of the real ones KID and its like are measured against at most. Copies are looked for among all.
///   - size: of the pictures on both sides; the generator's, or that of the subject's first picture when it is nil.
///   - crop: how real pictures come to that size; nil takes the run's way, or the middle where that is not known.
///   - features: what sees the pictures; nil for EfficientNet-Lite0, and for VGG16 as well where a generator learned by that.
///   - blind: a PNG file: eight real pictures and eight made ones, and beside it a text that says which are which.
///   - nearest: a PNG file: the pictures that are most like real ones above these.
///   - pathLength: also measures how smooth a generator with styles is.
///   - force: replaces such a file that is there.
///   - tell: told in a sentence what takes time, and how many pictures are done.
/// - Throws: `MeasureError`, and as `Generator`, `pack` and `installModel`.
public func measure(
  _ subject: String, against: String, samples: Int? = nil, real: Int = SetFeatures.most, size: PictureSize? = nil,
  crop: Decoding.Crop? = nil, samplingOptions: SamplingOptions = SamplingOptions(),
  features network: FeatureNetwork? = nil, nearest: String? = nil, blind: String? = nil, pathLength: Bool = false,
  force: Bool = false, in workspace: Workspace, on device: Device = .cpu, tell: (Event) -> Void = { _ in }
) throws -> Measurement {
  if let nearest { try expectPicture(nearest.absolutePath, isForced: force) }
  let blind = try blind.map { try BlindSheet($0, isForced: force) }
  var generator =
    isPictures(subject) ? nil : try Generator(subject, in: workspace, on: device) { tell(.note($0.sentence)) }
  if generator == nil, let other = Generator.place(subject, in: workspace), other != subject.absolutePath {
    tell(
      .note("The pictures in \(subject.absolutePath) are measured; name \(other) by its path to measure that."))
  }
  guard generator != nil || samples == nil && samplingOptions == SamplingOptions() && !pathLength else {
    throw MeasureError.needsGenerator(path: subject)
  }
  try generator?.draw(samplingOptions)
  let style = pathLength ? try generator.map { try styleModel(of: $0) } : nil
  var found = try measure(
    generator, named: subject, against: against, samples: samples ?? 2000, real: real, size: size, crop: crop,
    features: network, nearest: nearest, blind: blind, force: force, in: workspace, on: device, tell: tell)
  if let style {
    tell(.note("Measuring the perceptual path length."))
    let perceptualNetwork = try styleNetwork("vgg16", in: workspace, on: device) { tell(.note($0)) }
    found.pathLength = steps(of: style, seenBy: perceptualNetwork)
  }
  return found
}

/// The existential is opened here.
private func steps(of model: some StyleModel, seenBy perceptualNetwork: VGG) -> Double {
  var noise = Noise(seed: 0)
  return perceptualPathLength(of: model, seenBy: perceptualNetwork, noise: &noise)
}

/// The same of a generator that is open, or of the pictures at `subject` when it is nil.
func measure(
  _ generator: Generator?, named subject: String, against: String, samples: Int, real most: Int, size: PictureSize?,
  crop: Decoding.Crop? = nil, features network: FeatureNetwork? = nil, nearest sheet: String? = nil,
  blind: BlindSheet? = nil, isSecondToo: Bool = false, force: Bool = false, in workspace: Workspace, on device: Device,
  tell: (Event) -> Void
) throws -> Measurement {
  func say(_ words: String) { tell(.note(words)) }
  var (packing, looking) = (Pace(.packing), Pace(.pictures))
  func progress(_ done: Int, _ all: Int) { tell(looking.at(done, of: all)) }
  let net = try featureNet(network ?? .efficientnetLite0, in: workspace, on: device, say: say)
  let size = try size ?? generator?.settings.size ?? firstSize(of: subject)
  let channels = generator?.settings.channels ?? 3

  // Real pictures are cut as those were that the generator learnt from: else the cut is measured, too.
  let how = try Workshop.packing(of: generator, size: size, channels: channels, crop: crop)
  let packed = try pack(against, how, in: workspace) { tell(packing.at($0, of: $1)) }
  guard packed.count >= MeasureError.least else { throw MeasureError.tooFew(path: against, count: packed.count) }
  let set = try PictureSet(path: packed.path)
  let most = max(most, MeasureError.least)
  if set.count > most {
    say(
      "KID and its like are measured against \(grouped(most)) of the \(grouped(set.count)) real pictures, drawn by chance "
        + "(--real takes more); copies are looked for among all of them.")
  }
  let real = SetFeatures(of: set, at: packed.path, by: net, atMost: most, progress: progress)
  let meter = copyMeter(copySearch(among: set, at: packed.path, say: say), at: packed.path)
  let watch = generator.flatMap { CopyWatch($0, in: workspace, say: say) }

  let looked: Looked
  if let generator {
    looked = try Looked(
      at: generator, count: max(samples, MeasureError.least), by: net, meter, watch,
      isSame: watch?.place == packed.path, progress: progress)
  } else {
    let packed = try pack(subject, how, in: workspace) { tell(packing.at($0, of: $1)) }
    guard packed.count >= MeasureError.least else { throw MeasureError.tooFew(path: subject, count: packed.count) }
    let pictures = try PictureSet(path: packed.path)
    if pictures.count > most {
      say("\(grouped(most)) of \(subject)'s \(grouped(pictures.count)) pictures are measured.")
    }
    looked = Looked(at: pictures, packed.path, atMost: most, by: net, meter, progress: progress)
  }

  var noise = Noise(seed: 0)
  let kernel = KernelDistance(between: looked.features, and: real.values, noise: &noise)
  let neighbours = Neighbours(generated: looked.features, real: real.values)
  let matches = looked.matches
  let order = matches.indices.sorted { matches[$0].residue < matches[$1].residue }
  let alike = order.filter { meter.isCopy(matches[$0]) }
  let copies = alike.prefix(Measurement.mostCopies).map { i in
    Measurement.Copy(picture: looked.names[i], of: set.names[matches[i].index], residue: matches[i].residue)
  }
  if let sheet {
    let shown = Array(order.prefix(12))
    let rows = [looked.pictures(shown), set.bytes(of: shown.map { matches[$0].index })]
    try Sheet(columns: shown.count, for: 2 * shown.count)
      .drawn(rows.flatMap { $0.unbound() }.map { Picture(signed($0)) })
      .write(
        sheet.absolutePath, text: [Provenance.sheet], source: .trainedAlgorithmicMedia, isForced: force)
  }
  if let blind {
    let (made, some) = (Array(looked.names.indices.shuffled().prefix(8)), Array(real.numbers.shuffled().prefix(8)))
    try blind.write(
      made: zip(made, looked.pictures(made).unbound()).map { (looked.names[$0], Picture(signed($1))) },
      real: zip(some, set.bytes(of: some).unbound()).map { (set.names[$0], Picture(signed($1))) }, isForced: force)
  }
  let realEnergy = gradientEnergy(of: set.bytes(of: real.numbers.prefix(1000)))
  var found = Measurement(
    subject: subject, against: against, samples: looked.features.size(0), real: real.values.size(0), size: size,
    realInAll: set.count, kid: 1000 * kernel.value, kidError: kernel.error.isNaN ? nil : 1000 * kernel.error,
    fid: frechetDistance(looked.features, real.values), precision: neighbours.precision, recall: neighbours.recall,
    density: neighbours.density, coverage: neighbours.coverage, features: net.name,
    picturesSeen: generator?.facts.picturesSeen, copyCount: alike.count, copies: copies,
    copyFalseRate: meter.calibration.falseRate,
    copySensitivity: meter.calibration.sensitivity, millisecondsAPicture: looked.millisecondsAPicture,
    sharpness: looked.energy / max(realEnergy, 1e-12))
  (found.nearest, found.blind, found.answers) = (sheet, blind?.sheet, blind?.answers)
  if let generator, network == nil, isSecondToo || generator.isFlattered {
    found.second = try generator.seenBySecond(
      count: found.samples, against: set, at: packed.path, atMost: most, in: workspace, tell: tell)
  }
  if let generator, isSeamless(generator.facts.settings) { found.seam = looked.seam.ratio }
  if let share = looked.learnedAlike {
    tell(
      .note(
        "Whether they are copies of what it learned from can't be told: \(Int((100 * share).rounded())) % of that is as like to one another."
      ))
  }
  if let isCopy = looked.isLearned {
    found.learnedCopies = isCopy.count { $0 }
    let others = isCopy.indices.filter { !isCopy[$0] }
    if others.count >= MeasureError.least {
      let rest = KernelDistance(
        between: looked.features.indexSelected(dim: 0, indices: Tensor(others)), and: real.values, noise: &noise)
      found.kidOfOthers = 1000 * rest.value
      found.kidOfOthersError = rest.error.isNaN ? nil : 1000 * rest.error
    }
  }
  return found
}

/// Whether a recipe's settings ask for pictures that tile.
private func isSeamless(_ json: String) -> Bool {
  flag("seamless", in: json)
}

/// - Throws: `RunError.damaged`: pictures would be cut and put on a ground as those weren't that it learned from.
func packing(
  of generator: Generator?, size: PictureSize, channels: Int, crop: Decoding.Crop?
) throws(RunError) -> Packing {
  let record: RunRecord? = if let generator { try RunRecord(of: generator) } else { nil }
  return Packing(
    size: size, crop: crop ?? record?.packing.crop ?? .centre, channels: channels,
    ground: record?.packing.ground ?? .white)
}

/// Whether a name is that of pictures, not of a generator.
private func isPictures(_ name: String) -> Bool {
  let path = name.absolutePath
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return false }
  if isFolder.boolValue { return Generator.isOtherFolder(path) }
  return (try? Safetensors.metadata(path)) == nil && !path.hasSuffix(".safetensors")
}

/// A square of the shorter side of the first picture that can be read, at most what the network sees.
private func firstSize(of path: String) throws -> PictureSize {
  for candidate in try Gallery(path).candidates where !candidate.path.isEmpty {
    if let bytes = try? FileBytes.read(candidate.path), let facts = try? Picture.facts(bytes, named: candidate.name) {
      return PictureSize(min(facts.width, facts.height, FeatureNet.size))
    }
  }
  return PictureSize(FeatureNet.size)
}
