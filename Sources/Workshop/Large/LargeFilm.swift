import Foundation
import LargeModels
import Media
import Models
import Torch

/// A request to `film` with a large model.
public struct LargeFilmRequest: Sendable {
  /// A path, or a name that `models add` gave.
  public var model: String
  /// What a film is otherwise; nothing of it is enlarged.
  public var film: FilmRequest
  public var settings = LargeSettings()
  /// At which frames are drawn, in multiples of 8 px; nil is what the model was trained on, in the shape of `begin`.
  public var canvas: PictureSize?
  /// A picture that is the first frame: each other one is drawn over the one before, moved by the camera.
  public var begin: String?
  /// How far the frame before is forgotten, above 0 to 1.
  public var strength: Double?

  public init(model: String, _ film: FilmRequest) { (self.model, self.film) = (model, film) }
}

/// A film that a large model draws by words.
///
/// Keys may have prompts and seeds: features of words are mixed from one to the next, and noise goes over the sphere. With a picture to begin
/// with each frame is drawn over the one before it, in place of noise.
///
/// - Parameters:
///   - shouldStop: asked after each step; two seconds of the film are lost at most.
/// - Throws: `FilmError`, `LargeError`, `LargeModelError`, `ClipError`, `UnfinishedError`, `FileError`, `PictureError`.
public func film(
  _ request: LargeFilmRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> Filmed {
  try request.film.check()
  let plan = try request.plan()
  let painter = try LargeFilmPainter(request, plan, in: workspace, on: device, tell: tell)
  let (size, camera) = (painter.size, painter.camera)
  func result(_ frames: Int, _ codec: String, isStopped: Bool) -> Filmed {
    Filmed(
      path: request.film.out, width: size.width, height: size.height, frames: frames, duration: plan.length,
      codec: codec, tempo: plan.sound?.tempo, onsets: plan.sound?.onsets.count, isStopped: isStopped)
  }
  /// Draws a frame; nil where it was stopped.
  func drawn(_ frame: Int, after last: Picture?, _ done: Int, of count: Int, _ pace: inout Pace) throws -> Picture? {
    // A closure can't hold an inout.
    var own = pace
    defer { pace = own }
    return try painter.drawn(frame, after: last) { part in
      tell(own.at(done, of: count, fraction: (Double(done) + part) / Double(count)))
      return !shouldStop()
    }
  }
  if request.film.previews {
    let chosen = (0..<24).map { $0 * plan.count / 24 }
    var sheet = SheetPainter(Sheet(columns: 6, for: chosen.count), cells: chosen.count, size: size)
    var pace = Pace(.frames)
    for (i, frame) in chosen.enumerated() {
      guard let picture = try drawn(frame, after: nil, i, of: chosen.count, &pace) else {
        return result(0, "PNG", isStopped: true)
      }
      sheet.add(painter.seen(picture, frame))
    }
    try sheet.drawn.write(request.film.out, source: .trainedAlgorithmicMedia, isForced: request.film.force)
    return result(chosen.count, "PNG", isStopped: false)
  }
  let format = try ClipFormat(request.film.out, codec: request.film.codec, alpha: false)
  let rendering = try ClipRendering(
    request.film.out, format: format, width: camera.width, height: camera.height, rate: plan.rate, alpha: false,
    key: try painter.key(), isForced: request.film.force, isResumed: request.film.resume)
  var last = rendering.state["last"].map { Picture($0) }
  if request.begin != nil, rendering.count > 1, last == nil {
    throw UnfinishedError.nothingToResume(request.film.out)
  }
  var pace = Pace(.frames, from: rendering.count)
  var isStopped = false
  while rendering.count < plan.count && !isStopped {
    let number = rendering.count
    guard let picture = try drawn(number, after: last, number, of: plan.count, &pace) else {
      isStopped = true
      break
    }
    last = picture
    try rendering.write(painter.seen(picture, number)) {
      request.begin == nil ? [:] : ["last": picture.tensor]
    }
    tell(pace.at(rendering.count, of: plan.count))
    isStopped = shouldStop() && rendering.count < plan.count
  }
  if !isStopped {
    try rendering.finish(
      beside: request.film.timeline.sound.map { Accompaniment(sound: $0) }, metadata: painter.metadata)
    for note in rendering.notes { tell(.note(note)) }
  }
  return result(rendering.count, format.codec.rawValue, isStopped: isStopped)
}

extension LargeFilmRequest {
  /// The timeline, settled.
  ///
  /// - Throws: `FilmError`, `LargeError`, `ClipError`.
  fileprivate func plan() throws -> FilmPlan {
    var timeline = film.timeline
    if begin != nil {
      guard timeline.loop ?? false == false, timeline.period == nil else { throw FilmError.loopAfterPicture }
      guard timeline.keys?.allSatisfy({ $0.seed == nil }) ?? true else { throw FilmError.seedsAfterPicture }
      timeline.loop = false
    }
    let plan = try FilmPlan(timeline)
    guard !plan.says(.truncation) else { throw FilmError.notByWords(model, what: "truncation") }
    guard plan.shape != .fade else { throw FilmError.notByWords(model, what: "path of the shape fade") }
    guard timeline.prompt != nil || !plan.keys.isEmpty && plan.keys.allSatisfy({ $0.prompt != nil }) else {
      throw LargeError.noPrompt(model.shownName)
    }
    if let strength, !(strength > 0 && strength <= 1) {
      throw LargeError.badNumber(option: "strength", value: strength, range: "above 0, at most 1")
    }
    if let canvas {
      guard canvas.longer <= 4096 else { throw LargeError.tooLarge(canvas, most: 4096) }
    }
    return plan
  }
}

/// Draws a film's frames.
private final class LargeFilmPainter {
  let request: LargeFilmRequest
  let plan: FilmPlan
  let camera: Camera
  var size: PictureSize { PictureSize(camera.width, camera.height) }
  private let drawer: LargeDrawer
  private let canvas: PictureSize
  /// The first frame, where there is one.
  private let begin: Picture?
  private let noiseShape: [Int]
  /// Through the noise of the keys' seeds.
  private let path: LatentPath
  /// Of each key, or of the whole film.
  private let prompts: [String]

  init(
    _ request: LargeFilmRequest, _ plan: FilmPlan, in workspace: Workspace, on device: Device, tell: (Event) -> Void
  ) throws {
    (self.request, self.plan) = (request, plan)
    guard let place = LargePlace.find(request.model, in: workspace) else {
      throw GeneratorError.missing(request.model)
    }
    let given = try request.begin.map { try Picture.load($0, Decoding(), tell: tell) }
    let drawer = try LargeDrawer(place, request.settings, in: workspace, on: device, tell: tell)
    self.drawer = drawer
    let side = drawer.pipeline.model.trainedSide
    canvas = request.canvas ?? given.map { drawer.size(for: $0.size, longer: nil) } ?? PictureSize(side, side)
    begin = given?.resampled(width: canvas.width, height: canvas.height)
    if let given, !given.size.hasShape(of: canvas, within: drawer.pipeline.factor) {
      tell(.note("\(request.begin!) has another shape than --canvas: its middle is the first frame."))
    }
    let fitted = fitted(canvas.height, canvas.width, longer: request.film.size)
    camera = Camera(width: fitted[1], height: fitted[0], keepsPixels: request.film.keepsPixels)
    prompts =
      plan.keys.isEmpty
      ? [request.film.timeline.prompt!] : plan.keys.map { $0.prompt ?? request.film.timeline.prompt! }
    let asked = drawer.request(prompts[0], size: canvas)
    var check = asked
    if let begin { check.picture = begin.signed(channels: 3, on: .cpu) }
    if begin != nil { check.strength = request.strength ?? Self.strength }
    try drawer.pipeline.check(check)
    noiseShape = drawer.pipeline.noise(of: asked, seed: 0).shape
    // After a picture only words travel.
    let isNoise = begin == nil
    let keys = plan.keys.map { key in
      let latent = isNoise ? drawer.pipeline.noise(of: asked, seed: key.seed).flattened() : Tensor.ones([1])
      return LatentPath.Key(time: key.time, latent: latent, ease: key.ease)
    }
    var noise = Noise(seed: plan.seed)
    let length = max(plan.length, plan.places.max() ?? 0) - min(0, plan.places.min() ?? 0)
    let shape = isNoise ? plan.shape : .sphere
    path =
      keys.isEmpty && !isNoise
      ? LatentPath(still: Tensor.ones([1]))
      : LatentPath(
        keys, shape: shape, period: plan.period, wave: plan.wave, length: length,
        dimensions: keys.first?.latent.count ?? noiseShape.reduce(1, *), noise: &noise)
  }

  /// Where frames follow from one another: enough to draw what the camera brings in, little enough to keep the rest.
  private static let strength = 0.45

  /// A frame as it is drawn; nil where it was stopped.
  ///
  /// - Parameters:
  ///   - last: the frame before, of a film that begins with a picture.
  ///   - goesOn: is told the fraction done after each step; false stops.
  func drawn(_ frame: Int, after last: Picture?, goesOn: (Double) -> Bool) throws -> Picture? {
    let place = plan.places[frame]
    let (from, to, part) = path.segment(at: place)
    var asked = drawer.request(prompts[from], size: canvas)
    if prompts[from] != prompts[to], part > 0 { asked.towards = (prompts[to], part) }
    if let begin {
      guard frame > 0 else { return begin }
      let ratio = Double(canvas.height) / Double(canvas.width)
      let move = plan.moment(frame).since(plan.moment(frame - 1), ratio: ratio)
      let lens = Camera(width: canvas.width, height: canvas.height, keepsPixels: false)
      let moved = lens.view(
        (last ?? begin).signed(channels: 3, on: .cpu)[0], zoom: move.zoom, x: move.x, y: move.y, turn: move.turn)
      (asked.picture, asked.strength) = (moved.unsqueezed(0), request.strength ?? Self.strength)
    } else {
      asked.noise = path.latents(at: [place])[0].reshaped(noiseShape)
    }
    let count = drawer.pipeline.stepCount(of: asked)
    // The same noise in every frame would be burnt in.
    let seed = begin == nil ? plan.seed : plan.seed &+ UInt64(frame)
    return try drawer.draw(asked, seed: seed) { goesOn(Double($0) / Double(count)) }.map { Picture($0[0]) }
  }

  /// By the camera; in a film that begins with a picture the frames themselves were moved.
  func seen(_ picture: Picture, _ frame: Int) -> Picture {
    let pixels = picture.signed(channels: 3, on: .cpu)[0]
    guard begin == nil else { return Picture(camera.view(pixels)) }
    let moment = plan.moment(frame)
    return Picture(camera.view(pixels, zoom: moment.zoom, x: moment.x, y: moment.y, turn: moment.turn))
  }

  /// Tells this work from another for the same file.
  func key() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let film = request.film
    var words = [
      String(decoding: try encoder.encode(film.timeline), as: UTF8.self), "\(film.size)", "\(film.keepsPixels)",
      film.codec?.rawValue ?? "", request.strength.map { "\($0)" } ?? "",
    ]
    words += drawer.words(drawer.request(prompts[0], size: canvas), seed: plan.seed).map { "\($0.key) \($0.value)" }
    for path in [film.timeline.sound, request.begin].compactMap({ $0 }) { words.append(try Digest.sha256(file: path)) }
    return String(Digest.sha256(words.joined(separator: "\n")).prefix(8))
  }

  var metadata: [(key: String, value: String)] {
    let type = begin == nil ? "trainedAlgorithmicMedia" : "compositeSynthetic"
    return [
      ("title", drawer.place.shownName), Provenance.encoder,
      ("comment", "Drawn by words with sha256:\(drawer.hash): \(prompts.joined(separator: " / "))"),
      ("digital_source_type", "http://cv.iptc.org/newscodes/digitalsourcetype/\(type)"),
    ]
  }
}
