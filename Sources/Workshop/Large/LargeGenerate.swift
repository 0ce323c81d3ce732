import Foundation
import LargeModels
import Media
import Torch

/// A request to `generate` with a large model.
public struct LargeGenerateRequest: Sendable {
  /// A path, or a name that `models add` gave.
  public var model: String
  /// Each is drawn with each seed.
  public var prompts: [String]
  public var seeds = Seeds([0])
  /// Where the files go; made when it isn't there.
  public var out: String
  /// In pixels, multiples of 8; nil is what the model was trained on.
  public var size: PictureSize?
  public var settings = LargeSettings()
  /// Writes all pictures on `sheet.png`, too.
  public var grid = false
  /// Under and around what is on the sheet.
  public var ground = Ground.white
  /// Replaces files that are there.
  public var force = false

  public init(model: String, prompts: [String], out: String) {
    (self.model, self.prompts, self.out) = (model, prompts, out)
  }
}

/// Writes a picture for each prompt and seed.
///
/// A seed's picture depends on nothing else that is drawn. Each file says how it was made, in Atelier's words and as A1111's text.
///
/// - Parameters:
///   - workspace: where models are registered, and hashes kept.
///   - shouldStop: asked after each step; what is written by then stays.
///   - tell: told of each step and file.
/// - Throws: `GeneratorError.missing`, `LargeError`, `LargeModelError`, `FileError`, and as `LargeModel`.
@discardableResult
public func generate(
  _ request: LargeGenerateRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> Generated {
  guard let place = LargePlace.find(request.model, in: workspace) else { throw GeneratorError.missing(request.model) }
  guard !request.prompts.isEmpty else { throw LargeError.noPrompt(request.model.shownName) }
  if let size = request.size {
    guard size.longer <= 4096 else { throw LargeError.tooLarge(size, most: 4096) }
  }
  let jobs = request.jobs
  let sheet = request.grid ? "\(request.out)/sheet.png" : nil
  if !request.force {
    for path in jobs.map(\.path) + [sheet].compactMap({ $0 }) where access(path, F_OK) == 0 {
      throw FileError.exists(path: path)
    }
  }
  if request.settings.controls.contains(where: { $0.map == .edges }) { throw LargeError.edgesOfNothing }
  let drawer = try LargeDrawer(place, request.settings, in: workspace, on: device, tell: tell)
  let size = drawer.pipeline.size(of: drawer.request(jobs[0].prompt, size: request.size))
  let controls = try request.settings.controls.pictures(PictureSize(size.width, size.height), photo: nil, tell: tell)
  func asked(_ prompt: String) -> DrawingRequest {
    var asked = drawer.request(prompt, size: request.size)
    asked.controls = controls
    return asked
  }
  // Settings that can't be are told before the folder is made.
  try drawer.pipeline.check(asked(jobs[0].prompt))
  try AtomicFile.makeFolder(request.out)
  let each = drawer.pipeline.stepCount(of: asked(jobs[0].prompt))
  var (written, grid, pace) = (0, SeedSheet?.none, Pace(.steps))
  var isStopped = false
  for (i, job) in jobs.enumerated() {
    let begun = ProcessInfo.processInfo.systemUptime
    let asked = asked(job.prompt)
    let drawn = try drawer.draw(asked, seed: job.seed) { done in
      tell(pace.at(i * each + done, of: jobs.count * each, item: job.name))
      return !shouldStop()
    }
    guard let drawn else {
      isStopped = true
      break
    }
    let picture = Picture(drawn[0])
    try picture.write(
      job.path, text: drawer.words(asked, seed: job.seed), source: .trainedAlgorithmicMedia, isForced: request.force)
    written += 1
    var file = MadeFile(.picture, job.path, seed: job.seed, width: picture.width, height: picture.height)
    file.seconds = ProcessInfo.processInfo.systemUptime - begun
    tell(.made(file))
    if sheet != nil {
      if grid == nil { grid = SeedSheet(of: jobs.count, like: picture, on: request.ground) }
      grid!.add(picture)
    }
  }
  var sheets: [String] = []
  if let sheet, let grid, !isStopped {
    if let shows = grid.shows {
      tell(.note("\(sheet) shows \(shows): more pictures would exceed the largest sheet."))
    }
    let drawn = grid.painter.drawn
    try drawn.write(
      sheet, text: [("Model", place.shownName), Provenance.software], source: .trainedAlgorithmicMedia,
      isForced: request.force)
    tell(.made(MadeFile(.sheet, sheet, width: drawn.width, height: drawn.height)))
    sheets = [sheet]
  }
  return Generated(
    pictures: written, copies: 0, out: request.out, sheets: sheets, checkpoint: place.path, sha256: drawer.hash,
    isStopped: isStopped)
}

extension LargeGenerateRequest {
  /// What is drawn, one after the other: all seeds of a prompt, then those of the next.
  fileprivate var jobs: [(prompt: String, seed: UInt64, path: String, name: String)] {
    let digits = max(3, "\(prompts.count)".count)
    return prompts.enumerated().flatMap { i, prompt in
      let number = String(format: "%0\(digits)d-", i + 1)
      return seeds.values.map { seed in
        let name = (prompts.count > 1 ? "prompt-\(number)" : "") + fileName(seed: seed)
        return (prompt, seed, "\(out)/\(name)", (name as NSString).deletingPathExtension)
      }
    }
  }
}
