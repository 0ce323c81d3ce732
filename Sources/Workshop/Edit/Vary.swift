import Foundation
import Media
import Models
import Torch

/// A request to `vary`.
public struct VaryRequest: Sendable {
  public var picture: String
  /// The new file; for several seeds a folder of PNGs.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  public var seeds = Seeds([0])
  /// Width over height of what is made; nil keeps the picture's.
  public var shape: Double?
  /// A picture whose layout is filled with the patches; nothing is left to chance then.
  public var structure: String?
  public var settings = PatchSettings()
  /// Replaces files that are there.
  public var force = false

  public init(picture: String, out: String) { (self.picture, self.out) = (picture, out) }
}

/// Makes pictures like one, of its own patches, and writes them as files that say how they were made.
///
/// Transparency is part of the patches. A seed makes the same picture whatever the others are.
/// - Throws: `VaryError`, `PictureError`, `FileError`, `OutputError`.
public func vary(
  _ request: VaryRequest, on device: Device, shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  try request.check()
  let source = try Picture.load(request.picture, Decoding(channels: nil), tell: tell)
  let structure = try request.structure.map { try Picture.load($0, Decoding(channels: nil)) }
  for (picture, path) in [(source, request.picture)] + (structure.map { [($0, request.structure!)] } ?? []) {
    guard min(picture.width, picture.height) >= 2 * request.settings.patch else {
      throw VaryError.tooSmall(path, width: picture.width, height: picture.height, least: 2 * request.settings.patch)
    }
  }
  let jobs = try request.jobs()
  let channels = structure.map { max($0.channels, source.channels) } ?? source.channels
  let pixels = source.signedPremultiplied(channels: channels, on: device)
  var shape = request.shape
  if let structure, shape == nil { shape = Double(structure.width) / Double(structure.height) }
  let variation = PatchVariation(
    pixels, stretched: stretch(Double(source.width) / Double(source.height), to: shape), settings: request.settings)
  var (result, pace) = (FilesMade(), Pace(.pictures))
  for (i, job) in jobs.enumerated() {
    let begun = ProcessInfo.processInfo.systemUptime
    let start: PatchVariation.Start =
      structure.map { .structure($0.signedPremultiplied(channels: channels, on: device)) } ?? .noise(seed: job.seed!)
    let made = variation.made(start) { fraction in
      tell(pace.at(i, of: jobs.count, fraction: (Double(i) + fraction) / Double(jobs.count)))
      return !shouldStop()
    }
    guard let made else {
      result.isStopped = true
      break
    }
    let picture = Picture(signedPremultiplied: made[0])
    if i == 0 { note(lossOfTransparencyIn: picture, out: job.path, tell: tell) }
    try picture.write(
      job.path, text: provenance(request, job.seed), source: .compositeSynthetic,
      quality: request.quality, isForced: request.force)
    var file = MadeFile(.picture, job.path, seed: job.seed, width: picture.width, height: picture.height)
    file.seconds = ProcessInfo.processInfo.systemUptime - begun
    result.pictures += 1
    tell(.made(file))
  }
  return result
}

/// How much higher and wider: one side stays, the other grows.
private func stretch(_ shape: Double, to wanted: Double?) -> (height: Double, width: Double) {
  guard let wanted else { return (1, 1) }
  return wanted > shape ? (1, wanted / shape) : (shape / wanted, 1)
}

private func provenance(_ request: VaryRequest, _ seed: UInt64?) -> [(key: String, value: String)] {
  let name = { (path: String) in (path as NSString).lastPathComponent }
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  let settings = (try? encoder.encode(request.settings)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  return [("Source", name(request.picture))]
    + (request.structure.map { [("Structure", name($0))] } ?? []) + (seed.map { [("Seed", "\($0)")] } ?? [])
    + [("Settings", settings), Provenance.software]
}

extension VaryRequest {
  /// - Throws: `VaryError`; before any work.
  fileprivate func check() throws(VaryError) {
    func expect(_ option: String, _ value: Double, _ isRight: Bool, _ range: String) throws(VaryError) {
      guard isRight, value.isFinite else { throw .badNumber(option: option, value: value, range: range) }
    }
    try expect("size", Double(settings.size), (32...1024).contains(settings.size), "from 32 to 1024")
    try expect("diversity", settings.diversity, (0...100).contains(settings.diversity), "from 0 to 100")
    try expect("completeness", settings.completeness, settings.completeness > 0, "above 0")
    if let shape { try expect("shape", shape, (0.1...10).contains(shape), "from 1:10 to 10:1") }
  }

  /// - Throws: `FileError`, `OutputError`.
  fileprivate func jobs() throws -> [(path: String, seed: UInt64?)] {
    guard structure == nil else {
      try expectPicture(out, quality: quality, isForced: force)
      return [(out, nil)]
    }
    return try seeds.files(at: out, quality: quality, isForced: force).map { ($0.path, Optional($0.seed)) }
  }
}

/// Why a picture can't be varied.
public enum VaryError: Explained, Equatable {
  case badNumber(option: String, value: Double, range: String)
  case tooSmall(String, width: Int, height: Int, least: Int)
  case tooShort(String, frames: Int)
  case tooLong(String, most: Int)
  /// It isn't for films, or only for these.
  case option(String, isForFilms: Bool)

  /// Frames, height and width multiplied: of more, patches and places would fill some gigabytes.
  static let mostPixels = 8_000_000

  public var sentence: String {
    switch self {
    case .badNumber(let option, let value, let range): "--\(option) can't be \(value): use a number \(range)."
    case .tooSmall(let path, let width, let height, let least):
      "\(path) is \(width) by \(height) pixels, too small to have patches: use one of \(least) or more a side."
    case .tooShort(let path, let frames):
      "\(path) has \(frames) \(frames == 1 ? "frame" : "frames"), and a patch of a film has three: use a longer one."
    case .tooLong(let path, let most):
      "\(path) would take more than \(most) frames of this size: cut it to fewer, or make it smaller by --size."
    case .option(let name, let isForFilms):
      isForFilms
        ? "--\(name) is for films: leave it out for a picture." : "--\(name) is for pictures: leave it out for a film."
    }
  }
  public var exit: Exit {
    switch self {
    case .badNumber, .option: .usage
    case .tooSmall, .tooShort, .tooLong: .data
    }
  }
}
