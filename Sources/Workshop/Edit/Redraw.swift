import Foundation
import Media
import Models
import Torch
import Training

/// A request to `vary --with`.
public struct RedrawRequest: Sendable {
  public var picture: String
  /// A run, checkpoint or model that can redraw.
  public var run: String
  /// The new file; for several seeds a folder of PNGs.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  public var seeds = Seeds([0])
  /// 0 changes nothing, 1 leaves nothing of the picture.
  public var strength = 0.6
  public var samplingOptions = SamplingOptions()
  /// Replaces files that are there.
  public var force = false

  public init(picture: String, run: String, out: String) { (self.picture, self.run, self.out) = (picture, run, out) }
}

/// Why a picture can't be redrawn.
public enum RedrawError: Explained, Equatable {
  case cannotEdit(String, recipe: String)
  case badStrength(Double)
  /// What only a run can do.
  case needsRun

  public var sentence: String {
    switch self {
    case .cannotEdit(let name, let recipe):
      "\(name) (\(recipe)) can't start from a picture: use a run of a diffusion model."
    case .badStrength(let value): "--strength can't be \(value): use a number from 0 to 1, such as 0.6."
    case .needsRun:
      "--strength, --sampling, --class and --guidance are for --with RUN: name a run, or leave them out."
    }
  }
  public var exit: Exit { .usage }
}

extension Generator {
  /// The model, when it can go on from pictures that are there.
  ///
  /// - Throws: `RedrawError.cannotEdit`.
  func editing() throws(RedrawError) -> any PictureModel {
    guard let editing = model as? any PictureModel, editing.offers.redraws else {
      throw .cannotEdit(name, recipe: facts.recipe)
    }
    return editing
  }
}

/// Makes pictures like one with a generator, at its size: from a part of the noise that it begins with.
///
/// - Throws: `RedrawError`, `PictureError`, `FileError`, `OutputError`, and as `Generator`.
public func redraw(
  _ request: RedrawRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  guard (0...1).contains(request.strength) else { throw RedrawError.badStrength(request.strength) }
  var generator = try Generator(request.run, in: workspace, on: device) { tell(.note($0.sentence)) }
  let model = try generator.editing()
  try generator.draw(request.samplingOptions)
  let settings = generator.settings
  let source = try Picture.load(request.picture, Decoding(size: settings.size, channels: settings.channels), tell: tell)
  let files = try request.seeds.files(at: request.out, quality: request.quality, isForced: request.force)
  let pixels = signed(source.tensor.unsqueezed(0))
  var (result, pace) = (FilesMade(), Pace(.pictures))
  for (i, file) in files.enumerated() {
    guard !shouldStop() else {
      result.isStopped = true
      break
    }
    let begun = ProcessInfo.processInfo.systemUptime
    var asked = generator.request(seeds: [file.seed])
    (asked.given, asked.strength) = (pixels, request.strength)
    let drawn = model.pictures(asked)
    let picture = Picture(drawn[0])
    if i == 0 { note(lossOfTransparencyIn: picture, out: file.path, tell: tell) }
    let words =
      [(key: "Source", value: (request.picture as NSString).lastPathComponent)] + Provenance.words(of: generator)
      + [("Strength", "\(request.strength)"), ("Seed", "\(file.seed)"), Provenance.software] + generator.samplingWords
    try picture.write(
      file.path, text: words, source: .compositeSynthetic, quality: request.quality, isForced: request.force)
    var made = MadeFile(.picture, file.path, seed: file.seed, width: picture.width, height: picture.height)
    made.seconds = ProcessInfo.processInfo.systemUptime - begun
    result.pictures += 1
    tell(.made(made))
    tell(pace.at(i + 1, of: files.count))
  }
  return result
}
