import Foundation
import LargeModels
import Media
import Models
import Torch

/// What a large model is told beside a picture.
public struct LargeEditing: Sendable {
  /// A path, or a name that `models add` gave.
  public var model: String
  public var prompt: String
  public var settings = LargeSettings()
  /// How far the picture is taken back towards noise: above 0, to 1, which forgets it. nil is 0.75, and 1 for filling.
  public var strength: Double?
  /// The longer side at which it is drawn, in pixels; nil takes as many pixels as the model was trained on.
  public var size: Int?

  public init(model: String, prompt: String) { (self.model, self.prompt) = (model, prompt) }
}

/// Draws a picture anew by words, from a part of the noise (SDEdit, Meng et al. 2022).
///
/// ControlNets see the picture's edges, or maps of its shape.
///
/// - Parameter request: its run, strength and sampling options don't count: `editing` has them.
/// - Throws: `RedrawError`, `LargeError`, `LargeModelError`, `PictureError`, `FileError`, `OutputError`.
public func redraw(
  _ request: RedrawRequest, with editing: LargeEditing, in workspace: Workspace, on device: Device,
  shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  let drawer = try editing.drawer(in: workspace, on: device, tell: tell)
  let whole = try Picture.load(request.picture, Decoding(), tell: tell)
  let size = try editing.size(of: whole.size, drawer)
  let source = whole.resampled(width: size.width, height: size.height)
  var asked = drawer.request(editing.prompt, size: size)
  (asked.picture, asked.strength) = (source.signed(channels: 3, on: .cpu), editing.strength)
  asked.controls = try editing.settings.controls.pictures(size, photo: whole, tell: tell)
  try drawer.pipeline.check(asked)
  let files = try request.seeds.files(at: request.out, quality: request.quality, isForced: request.force)
  var result = FilesMade()
  try draw(files, asked, drawer, shouldStop, tell, &result) { drawn, file, begun in
    let picture = Picture(drawn[0])
    try picture.write(
      file.path, text: drawer.words(asked, seed: file.seed, source: (request.picture as NSString).lastPathComponent),
      source: .compositeSynthetic, quality: request.quality, isForced: request.force)
    var made = MadeFile(.picture, file.path, seed: file.seed, width: picture.width, height: picture.height)
    made.seconds = ProcessInfo.processInfo.systemUptime - begun
    return made
  }
  return result
}

/// Draws a photo anew by words, for `restyle`: as `redraw` of one seed, whose result is another verb's.
///
/// - Throws: as `redraw`.
public func restyle(
  _ request: RedrawRequest, with editing: LargeEditing, in workspace: Workspace, on device: Device,
  shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> Restyled {
  precondition(request.seeds.values.count == 1, "restyle makes one picture")
  let begun = ProcessInfo.processInfo.systemUptime
  var file: MadeFile?
  let result = try redraw(request, with: editing, in: workspace, on: device, shouldStop: shouldStop) { event in
    // The verb's own result tells it.
    if case .made(let made) = event { file = made } else { tell(event) }
  }
  return Restyled(
    path: request.out, width: file?.width ?? 0, height: file?.height ?? 0,
    steps: result.isStopped ? 0 : editing.settings.steps, seconds: ProcessInfo.processInfo.systemUptime - begun,
    isStopped: result.isStopped)
}

/// Fills by words what a mask covers, or what is new of a larger canvas (outpainting). All other pixels stay, exactly; where the mask is
/// grey both are mixed.
///
/// - Parameter request: its run and sampling options don't count: `editing` has them.
/// - Throws: `MaskError`, `LargeError`, `LargeModelError`, `PictureError`, `FileError`, `OutputError`.
public func fill(
  _ request: FillRequest, with editing: LargeEditing, in workspace: Workspace, on device: Device,
  shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  let drawer = try editing.drawer(in: workspace, on: device, tell: tell)
  let masked = try MaskedPicture(request, tell: tell)
  let own = masked.source.size
  let size = try editing.size(of: own, drawer)
  var asked = drawer.request(editing.prompt, size: size)
  let colours = masked.seen.expanded([3] + own.shape).unsqueezed(0).contiguous()
  asked.picture = clamp(interpolate(colours, size: size.shape, mode: .bicubic, antialias: true), min: 0, max: 1) * 2 - 1
  asked.mask = hole(masked.cover, size, factor: drawer.pipeline.factor)
  asked.strength = editing.strength
  try drawer.pipeline.check(asked)
  let files = try request.seeds.files(at: request.out, quality: request.quality, isForced: request.force)
  var result = FilesMade()
  try draw(files, asked, drawer, shouldStop, tell, &result) { drawn, file, begun in
    let large = clamp(interpolate(drawn * 0.5 + 0.5, size: own.shape, mode: .bicubic, antialias: true), min: 0, max: 1)
    let fitted = masked.colours == 1 ? large.mean(dims: [1], keepDims: true)[0] : large[0]
    var words = drawer.words(asked, seed: file.seed, source: (request.picture as NSString).lastPathComponent)
    if let sides = request.extending { words.insert(("Extended", sides.words), at: 2) }
    return try masked.write(fitted, file.path, words, for: request, begun: begun, seed: file.seed)
  }
  return result
}

/// What is drawn anew, [1, 1, H, W] of 0 and 1: every latent of which the mask covers something, so that thin lines aren't lost.
private func hole(_ cover: Tensor, _ size: PictureSize, factor: Int) -> Tensor {
  let sized = interpolate(cover.unsqueezed(0), size: size.shape, mode: .bilinear, antialias: true)
  let cells = maxPool2d(sized.greater(than: Tensor.full([1], 1e-3)).to(.float32), kernel: factor)
  return interpolate(cells, size: size.shape, mode: .nearest)
}

/// Draws a file for each seed and tells each step.
///
/// - Parameter write: is given the picture [1, 3, H, W] in -1...1 and when it was begun.
private func draw(
  _ files: [(path: String, seed: UInt64)], _ asked: DrawingRequest, _ drawer: LargeDrawer, _ shouldStop: () -> Bool,
  _ tell: (Event) -> Void, _ result: inout FilesMade,
  write: (_ drawn: Tensor, _ file: (path: String, seed: UInt64), _ begun: Double) throws -> MadeFile
) throws {
  let each = drawer.pipeline.stepCount(of: asked)
  var pace = Pace(.steps)
  for (i, file) in files.enumerated() {
    let begun = ProcessInfo.processInfo.systemUptime
    let drawn = try drawer.draw(asked, seed: file.seed) { done in
      tell(pace.at(i * each + done, of: files.count * each, item: "seed \(file.seed)"))
      return !shouldStop()
    }
    guard let drawn else {
      result.isStopped = true
      return
    }
    let made = try write(drawn, file, begun)
    result.pictures += 1
    tell(.made(made))
  }
}

extension LargeEditing {
  /// - Throws: `GeneratorError.missing`, and as `LargeDrawer`.
  func drawer(in workspace: Workspace, on device: Device, tell: (Event) -> Void) throws -> LargeDrawer {
    guard let place = LargePlace.find(model, in: workspace) else { throw GeneratorError.missing(model) }
    if let strength, !(strength > 0 && strength <= 1) {
      throw LargeError.badNumber(option: "strength", value: strength, range: "above 0, at most 1")
    }
    return try LargeDrawer(place, settings, in: workspace, on: device, tell: tell)
  }

  /// - Throws: `LargeError`.
  fileprivate func size(of picture: PictureSize, _ drawer: LargeDrawer) throws(LargeError) -> PictureSize {
    if let size, !(8...4096).contains(size) {
      throw .badNumber(option: "size", value: Double(size), range: "from 8 to 4096")
    }
    let found = drawer.size(for: picture, longer: size)
    guard found.longer <= 4096 else { throw .tooLarge(found, most: 4096) }
    return found
  }
}
