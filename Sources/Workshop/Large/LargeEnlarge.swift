import Foundation
import LargeModels
import Media
import Torch

/// Makes pictures larger by drawing their detail anew by words, from a part of the noise.
///
/// A picture is resampled to its new size and redrawn as in image to image; where it is larger than what the model was trained on, the
/// denoiser sees it in squares that overlap, whose answers fade into each other at every step. The noise is one field of the whole picture.
/// So no seam is left. Alpha is kept, and grey stays grey.
///
/// - Parameters:
///   - request: its settings' scale counts, their model and precision don't: `editing` has them.
///   - editing: a `strength` of nil is 0.3; its `size` doesn't count.
///   - shouldStop: asked after each step.
/// - Throws: `EnlargeError`, `LargeError`, `LargeModelError`, `FileError`, `OutputError`, `GalleryError`; `PictureError` for a picture that
///   is the only one.
public func enlarge(
  _ request: EnlargeRequest, with editing: LargeEditing, seed: UInt64, in workspace: Workspace, on device: Device,
  shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  try request.check()
  guard isLargeModel(editing.model, in: workspace) else { throw EnlargeError.noLargeModel(editing.model) }
  var result = FilesMade()
  let jobs = try request.jobs {
    result.leftOut += 1
    tell(.leftOut($0))
  }
  let drawer = try editing.drawer(in: workspace, on: device, tell: tell)
  // Large pictures are encoded and decoded in parts as well.
  drawer.pipeline.tiling = Tiling()
  var pace = Pace(.steps)
  for (i, job) in jobs.enumerated() {
    let begun = ProcessInfo.processInfo.systemUptime
    do {
      let source = try EnlargeSource(job)
      if jobs.count == 1 { for note in source.notes { tell(.note(note)) } }
      let canvas = try LargerCanvas(
        source.picture, scale: request.settings.scale, factor: drawer.pipeline.factor, job.name)
      var asked = drawer.request(editing.prompt, size: canvas.size)
      (asked.picture, asked.strength) = (canvas.pixels, editing.strength ?? 0.3)
      asked.tile = drawer.pipeline.model.trainedSide
      try drawer.pipeline.check(asked)
      let each = drawer.pipeline.stepCount(of: asked)
      let drawn = try drawer.draw(asked, seed: seed) { done in
        tell(pace.at(i * each + done, of: jobs.count * each, item: job.name))
        return !shouldStop()
      }
      guard let drawn else {
        result.isStopped = true
        break
      }
      let made = canvas.picture(drawn)
      try AtomicFile.makeFolder(job.target.absolutePath.parentPath)
      note(lossOfTransparencyIn: made, out: job.target, tell: tell)
      let name = (job.name as NSString).lastPathComponent
      let words = drawer.words(asked, seed: seed, source: name) + [("Enlarged", "\(request.settings.scale) times")]
      try made.write(job.target, text: words, source: source.type, quality: request.quality, isForced: request.force)
      var file = MadeFile(.picture, job.target, seed: seed, width: made.width, height: made.height)
      (file.source, file.seconds) = (job.name, ProcessInfo.processInfo.systemUptime - begun)
      result.pictures += 1
      tell(.made(file))
    } catch let error as PictureError where jobs.count > 1 {
      result.leftOut += 1
      tell(.leftOut(SetAside(name: job.name, reason: error.reason)))
    }
  }
  guard result.pictures > 0 || result.isStopped else { throw EnlargeError.nothingRead(count: jobs.count) }
  return result
}

/// A picture at its new size, and at the next one that a model can draw.
private struct LargerCanvas {
  /// As it is without new detail.
  private let plain: Picture
  let size: PictureSize
  /// [1, 3, H, W] in -1...1 of `size`: what goes beyond the picture repeats its edges.
  let pixels: Tensor

  /// - Throws: `EnlargeError.tooLarge`.
  init(_ picture: Picture, scale: Int, factor: Int, _ name: String) throws(EnlargeError) {
    let (width, height) = (picture.width * scale, picture.height * scale)
    guard width * height <= EnlargeError.megapixels * 1_000_000 else {
      throw .tooLarge(name, width: width, height: height)
    }
    plain = picture.resampled(width: width, height: height)
    func whole(_ length: Int) -> Int { (length + factor - 1) / factor * factor }
    size = PictureSize(whole(width), whole(height))
    pixels = pad(
      plain.flattened(on: .white).signed(channels: 3, on: .cpu), [0, size.width - width, 0, size.height - height],
      mode: .replicate)
  }

  /// [3, H, W] without what goes beyond the picture.
  private func cut(_ x: Tensor) -> Tensor {
    x[0].narrowed(dim: 1, from: 0, count: plain.height).narrowed(dim: 2, from: 0, count: plain.width)
  }

  /// What was drawn, [1, 3, H, W] in -1...1 of `size`, with the picture's alpha and as many colours as it has.
  func picture(_ drawn: Tensor) -> Picture {
    let new = cut(drawn)
    guard plain.channels == 4 else { return Picture(plain.channels == 1 ? new.mean(dims: [0], keepDims: true) : new) }
    // What was drawn lies on white: of what is half transparent, the half that changed is its own. Fainter than a quarter nothing is told.
    let own = plain.unit()
    let alpha = own[3..<4]
    let change = (new - cut(pixels)) / 2 / clamp(alpha, min: 0.25)
    let colours = clamp(own[0..<3] + change, min: 0, max: 1) * 2 - 1
    return Picture(Tensor.concatenated([Picture(colours).tensor, plain.tensor[3..<4]])).cleared
  }
}
