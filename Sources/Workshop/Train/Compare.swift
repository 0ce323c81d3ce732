import Foundation
import Media
import Evaluation
import Models
import Torch
import Training

/// A request to `compare`.
public struct CompareRequest: Sendable {
  /// Runs, checkpoints or models; `RUN@quick:4` says how a diffusion model draws.
  public var subjects: [String]
  /// Real pictures: a folder or a zip file.
  public var against: String
  /// The sheet, a PNG file.
  public var out: String
  /// Pictures that each makes to be measured.
  public var samples = 1000
  /// Real pictures that KID and its like are measured against at most.
  public var real = SetFeatures.most
  /// Size at which all are compared; nil takes the smallest of theirs.
  public var size: PictureSize?
  /// Pictures of each on the sheet.
  public var columns = 12
  /// Enlarges the pictures on the sheet, which are measured as they are made.
  public var enlarging: EnlargeSettings?
  /// Replaces a sheet that is there.
  public var force = false

  public init(_ subjects: [String], against: String, out: String) {
    (self.subjects, self.against, self.out) = (subjects, against, out)
  }
}

/// Generators beside one another.
public struct Compared: Codable, Sendable, Equatable {
  public struct Row: Codable, Sendable, Equatable {
    public let name: String, recipe: String
    public let measurement: Measurement
    /// Minutes and pictures a second of its training.
    public let minutes: Double, picturesPerSecond: Double
    /// Numbers in the networks that make its pictures.
    public let parameters: Int
  }
  public let rows: [Row]
  public let sheet: String
  public let size: PictureSize
}

/// Why generators can't be compared.
public enum CompareError: Explained, Equatable {
  case tooFew(Int)
  case badColumns(Int)

  public var sentence: String {
    switch self {
    case .tooFew(let count): "There \(count == 1 ? "is one run" : "are no runs") to compare: name two or more."
    case .badColumns(let count): "--columns can't be \(count): use a number from 1 to 100."
    }
  }
  public var exit: Exit { .usage }
}

/// Measures generators against the same pictures at one size, and lays their pictures of the same seeds, none picked,
/// beneath real ones on a sheet.
///
/// - Throws: `CompareError`, `FileError`, and as `measure`.
public func compare(
  _ request: CompareRequest, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }
) throws -> Compared {
  guard request.subjects.count > 1 else { throw CompareError.tooFew(request.subjects.count) }
  guard (1...100).contains(request.columns) else { throw CompareError.badColumns(request.columns) }
  try expectPicture(request.out, isForced: request.force)
  // Before anything is fetched or measured.
  _ = try Gallery(request.against)
  let generators = try request.subjects.map { subject -> Generator in
    let (name, samplingOptions) = named(subject)
    var generator = try Generator(name, in: workspace, on: device) { tell(.note($0.sentence)) }
    try generator.draw(samplingOptions)
    _ = try generator.pictureModel()
    return generator
  }
  let size = request.size ?? generators.map(\.settings.size).min { $0.pixels < $1.pixels }!
  if Set(generators.map(\.settings.size)).count > 1 {
    tell(.note("Their sizes differ; all are compared at \(size) px."))
  }
  let scale = request.enlarging?.scale ?? 1
  var rows: [Compared.Row] = []
  // Before anything is measured: it may have to be fetched.
  let enlargers = try generators.map { generator in
    try request.enlarging.map { enlarging in
      try Enlarger(
        enlarging.settled(for: generator.pictureModel(), generator) { tell(.note($0)) }, in: workspace, on: device
      ) { tell(.note($0)) }
    }
  }
  var (pictures, labels) = ([Picture](), [String]())
  for (i, (subject, generator)) in zip(request.subjects, generators).enumerated() {
    tell(.note("Measuring \(subject)."))
    let found = try measure(
      generator, named: subject, against: request.against, samples: request.samples, real: request.real, size: size,
      isSecondToo: generators.contains { $0.isFlattered }, in: workspace, on: device, tell: tell)
    rows.append(
      Compared.Row(
        name: subject, recipe: generator.facts.recipe, measurement: found, minutes: generator.facts.seconds / 60,
        picturesPerSecond: Double(generator.facts.picturesSeen) / max(generator.facts.seconds, 1e-9),
        parameters: generator.parameterCount))
    let seeds = (0..<request.columns).map(UInt64.init)
    pictures += try generator.pictureModel().pictures(generator.request(seeds: seeds)).unbound().map { tensor in
      let made = Picture(tensor)
      return try enlargers[i]?.enlarged(made, named: "A picture of \(subject)") { _, _ in true } ?? made
    }
    labels += [(subject as NSString).lastPathComponent] + [String](repeating: "", count: request.columns - 1)
  }
  // Of the real ones there are pixels enough.
  let real = try realPictures(request, generators[0], size * scale, in: workspace)
  let cell = cell(for: generators.map { $0.settings.size * scale })
  var sheet = Sheet(columns: request.columns, for: 1, cell: cell)
  sheet.labelHeight = 14
  let enlarged = (real + pictures).map { picture in
    picture.width < cell.width && picture.height < cell.height
      ? picture.resampled(width: cell.width, height: cell.height, isFilled: false) : picture
  }
  let drawn = sheet.drawn(
    enlarged, labels: ["real"] + [String](repeating: "", count: request.columns - 1) + labels)
  try drawn.write(
    request.out,
    text: [
      Provenance.sheet,
      ("Compared", request.subjects.map(\.shownName).joined(separator: ", ")),
    ] + enlargers.compactMap { $0?.words },
    source: .trainedAlgorithmicMedia, isForced: request.force)
  return Compared(rows: rows, sheet: request.out, size: size)
}

/// That pictures of all sizes fit in: 64 px long at least, so that there is room for a name.
private func cell(for sizes: [PictureSize]) -> PictureSize {
  PictureSize(sizes.map(\.width).max()!, sizes.map(\.height).max()!).enlarged(toAtLeast: 64)
}

/// "RUN@quick:4" as a name and how to draw.
private func named(_ subject: String) -> (name: String, samplingOptions: SamplingOptions) {
  guard let at = subject.lastIndex(of: "@") else { return (subject, SamplingOptions()) }
  let words = String(subject[subject.index(after: at)...])
  guard Sampling(words) != nil else { return (subject, SamplingOptions()) }
  return (String(subject[..<at]), SamplingOptions(sampling: words))
}

/// As many real pictures as a row has, from all over the set; fewer real ones are repeated.
private func realPictures(
  _ request: CompareRequest, _ generator: Generator, _ size: PictureSize, in workspace: Workspace
) throws -> [Picture] {
  let packing = try packing(of: generator, size: size, channels: generator.settings.channels, crop: nil)
  let set = try PictureSet(path: pack(request.against, packing, in: workspace).path)
  var noise = Noise(seed: 0)
  let order = noise.permutation(set.count)
  let chosen = (0..<request.columns).map { order[$0 % order.count] }
  return set.batch(chosen).unbound().map { Picture($0) }
}

extension Generator {
  /// Numbers in what it publishes.
  var parameterCount: Int {
    model.parts.values.reduce(0) { sum, part in
      sum + part.savedTensors.values.reduce(0) { $0 + ($1.dtype.isFloatingPoint ? $1.count : 0) }
    }
  }
}
