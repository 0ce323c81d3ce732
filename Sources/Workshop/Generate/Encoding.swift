import Foundation
import Media
import Evaluation
import Models
import Torch
import Training

/// A request to `reconstruct`.
public struct ReconstructRequest: Sendable {
  /// A run, checkpoint or model that can encode.
  public var run: String
  public var pictures: String
  /// The sheet, a PNG file.
  public var out: String
  /// Pictures on it; all are measured.
  public var count = 12
  public var force = false

  public init(run: String, pictures: String, out: String) {
    (self.run, self.pictures, self.out) = (run, pictures, out)
  }
}

/// How near pictures come to themselves.
public struct Reconstructed: Codable, Sendable, Equatable {
  public let sheet: String
  public let pictures: Int
  /// Mean peak signal-to-noise ratio in dB.
  public let psnr: Double
  /// Mean structural similarity, of pictures of 11 px or more.
  public let structure: Double?
  /// As `Measurement.sharpness`, of the pictures made again.
  public let sharpness: Double
}

/// A request to `attribute`.
public struct AttributeRequest: Sendable {
  public var run: String
  public var pictures: String
  /// Pictures that have something, and pictures that don't.
  public var with: String, without: String
  public var out: String
  /// How much of it is added, a column each.
  public var amounts = [-1.0, 0, 1, 2]
  /// Rows.
  public var count = 6
  public var force = false

  public init(run: String, pictures: String, with: String, without: String, out: String) {
    (self.run, self.pictures, self.with, self.without, self.out) = (run, pictures, with, without, out)
  }
}

/// Why pictures can't be encoded.
public enum EncodingError: Explained, Equatable {
  case cannotEncode(String, recipe: String)
  case badCount(Int)
  case badAmounts(String)

  public var sentence: String {
    switch self {
    case .cannotEncode(let name, let recipe):
      "\(name) (\(recipe)) has no encoder: use a run of the recipe \(namesOfRecipes { $0 is any ReconstructingModel.Type })."
    case .badCount(let count): "--count can't be \(count): use a number from 1 to 100."
    case .badAmounts(let words): "--amounts can't be '\(words)': give one to twenty numbers, such as -1,0,1,2."
    }
  }
  public var exit: Exit { .usage }
}

extension Generator {
  /// The model, when it can give pictures back.
  ///
  /// - Throws: `EncodingError.cannotEncode`.
  fileprivate func reconstructing() throws(EncodingError) -> any ReconstructingModel {
    guard let model = model as? any ReconstructingModel else { throw .cannotEncode(name, recipe: facts.recipe) }
    return model
  }

  /// The model, when it can say what pictures are made from.
  ///
  /// - Throws: `EncodingError.cannotEncode`.
  fileprivate func encoding() throws(EncodingError) -> any EncodingModel {
    guard let model = model as? any EncodingModel else { throw .cannotEncode(name, recipe: facts.recipe) }
    return model
  }

  /// Pictures of a folder, a zip file or one picture, as this generator's run saw its own.
  fileprivate func set(of path: String, in workspace: Workspace) throws -> PictureSet {
    let packing = try packing(of: self, size: settings.size, channels: settings.channels, crop: nil)
    return try PictureSet(path: pack(path, packing, in: workspace).path)
  }
}

/// Encodes pictures and makes them again; a sheet has some of them, what became of each below it.
///
/// - Throws: `EncodingError`, `FileError`, and as `Generator` and `pack`.
public func reconstruct(
  _ request: ReconstructRequest, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }
) throws -> Reconstructed {
  guard (1...100).contains(request.count) else { throw EncodingError.badCount(request.count) }
  try expectPicture(request.out, isForced: request.force)
  let generator = try Generator(request.run, in: workspace, on: device) { tell(.note($0.sentence)) }
  let model = try generator.reconstructing()
  let set = try generator.set(of: request.pictures, in: workspace)
  var (psnr, structure, energy) = (0.0, 0.0, 0.0)
  var (shown, again): ([Picture], [Picture]) = ([], [])
  var pace = Pace(.pictures)
  for start in stride(from: 0, to: set.count, by: 64) {
    let numbers = Array(start..<min(start + 64, set.count))
    let pictures = set.batch(numbers).contiguous()
    let made = model.reconstruct(pictures)
    let bytes = pictureBytes(made)
    let errors = square((bytes.to(.float32) - set.pictures[start..<start + numbers.count].to(.float32)) / 255)
    psnr += errors.flattened(from: 1).mean(dims: [1]).doubles.reduce(0) { $0 - 10 * log10(max($1, 1e-10)) }
    if set.size.shorter >= 11 {
      structure += structuralSimilarity(grey(pictures), grey(made)).doubles.reduce(0, +)
    }
    energy += gradientEnergy(of: bytes) * Double(numbers.count)
    if start < request.count {
      let some = min(numbers.count, request.count - start)
      shown += pictures[0..<some].unbound().map { Picture($0) }
      again += made[0..<some].unbound().map { Picture($0) }
    }
    tell(pace.at(start + numbers.count, of: set.count))
  }
  let columns = min(12, shown.count)
  // Row by row: pictures, and below them what became of them.
  let rows = stride(from: 0, to: shown.count, by: columns).flatMap { start -> [Picture] in
    let end = min(start + columns, shown.count)
    let blank = [Picture](repeating: Picture(width: 1, height: 1, of: .white), count: columns - (end - start))
    return shown[start..<end] + blank + again[start..<end] + blank
  }
  try write(rows, columns: columns, cell: set.size, generator, to: request.out, isForced: request.force)
  let count = Double(set.count)
  return Reconstructed(
    sheet: request.out, pictures: set.count, psnr: psnr / count,
    structure: set.size.shorter >= 11 ? structure / count : nil,
    sharpness: energy / count / max(gradientEnergy(of: set.pictures), 1e-12))
}

/// Adds to pictures' latents the difference between the mean latents of those that have something and those that don't
/// (latent arithmetic, Radford et al. 2015, section 6.3.2): a row a picture, a column an amount.
///
/// - Throws: `EncodingError`, `FileError`, and as `Generator` and `pack`.
public func attribute(
  _ request: AttributeRequest, in workspace: Workspace, on device: Device = .cpu, tell: (Event) -> Void = { _ in }
) throws {
  guard (1...100).contains(request.count) else { throw EncodingError.badCount(request.count) }
  guard (1...20).contains(request.amounts.count), request.amounts.allSatisfy(\.isFinite) else {
    throw EncodingError.badAmounts(request.amounts.map { "\($0)" }.joined(separator: ","))
  }
  try expectPicture(request.out, isForced: request.force)
  let generator = try Generator(request.run, in: workspace, on: device) { tell(.note($0.sentence)) }
  let model = try generator.encoding()
  func mean(_ path: String) throws -> Tensor {
    let set = try generator.set(of: path, in: workspace)
    let parts = stride(from: 0, to: set.count, by: 64).map { start in
      model.encode(set.batch(Array(start..<min(start + 64, set.count))).contiguous()).sum(dims: [0])
    }
    return parts.dropFirst().reduce(parts[0]) { $0 + $1 } / Double(set.count)
  }
  let direction = try mean(request.with) - mean(request.without)
  let set = try generator.set(of: request.pictures, in: workspace)
  let latents = model.encode(set.batch(Array(0..<min(request.count, set.count))).contiguous())
  let changed = latents.unbound().flatMap { latent in request.amounts.map { latent + direction * $0 } }
  let made = model.sample(latents: Tensor.stacked(changed)).unbound().map { Picture($0) }
  try write(
    made, columns: request.amounts.count, cell: set.size, generator, to: request.out, isForced: request.force)
}

/// [N, C, H, W] in -1...1 as [N, 1, H, W] in 0...1.
private func grey(_ pictures: Tensor) -> Tensor {
  pictures.narrowed(dim: 1, from: 0, count: min(3, pictures.size(1))).mean(dims: [1], keepDims: true) * 0.5 + 0.5
}

private func write(
  _ pictures: [Picture], columns: Int, cell: PictureSize, _ generator: Generator, to path: String, isForced: Bool
) throws {
  let words = Provenance.words(of: generator) + [Provenance.software]
  try Sheet(columns: columns, for: pictures.count, cell: cell).drawn(pictures)
    .write(path, text: words, source: .trainedAlgorithmicMedia, isForced: isForced)
}
