import Foundation
import Media
import Models
import Torch
import Training

/// A request to `film`.
public struct FilmRequest: Sendable {
  public var timeline: FilmTimeline
  /// The new file, whose ending says the format; a folder of PNGs when it ends in a slash.
  public var out: String
  public var codec: ClipCodec?
  /// Pixels of the longer side.
  public var size = 512
  /// Enlarge by whole squares.
  public var keepsPixels = false
  /// Enlarges each frame by a network, before the camera sees it at its size.
  public var enlarging: EnlargeSettings?
  /// Writes a sheet of 24 frames, a PNG, in place of the film.
  public var previews = false
  /// Replaces a file that is there, and begins anew.
  public var force = false
  /// Goes on with what was stopped or killed.
  public var resume = false
  /// Makes a part of the frames, which stay beside the film until they are joined.
  public var shard: Shard?
  /// Joins what shards have made.
  public var joins = false

  public init(_ timeline: FilmTimeline, out: String) { (self.timeline, self.out) = (timeline, out) }
}

extension FilmRequest {
  /// Before any work: a format that isn't written, a folder that isn't there.
  ///
  /// - Throws: `FilmError`, `ClipError`, `OutputError`, `FileError`.
  func check() throws {
    guard (16...8192).contains(size) else {
      throw FilmError.badNumber(option: "--size", value: Double(size), range: "from 16 to 8192")
    }
    _ = try ClipFormat(previews ? "sheet.apng" : out, codec: previews ? nil : codec)
    if previews { try OutputFormat.check(out) }
    let plain = out.hasSuffix("/") ? String(out.dropLast()) : out
    // A folder may hold unfinished work, which `ClipRendering` tells from other things.
    let isThere = force || resume || shard != nil || joins
    try expectWritable(plain, isForced: isThere || out.hasSuffix("/"))
  }
}

/// How a film that is made of another is written: with its transparency, where the file has room for that.
///
/// - Parameter channels: of the other's frames.
/// - Throws: `ClipError`.
func filmFormat(
  of out: String, codec: ClipCodec?, channels: Int
) throws(ClipError) -> (format: ClipFormat, hasAlpha: Bool) {
  let asks = channels == 4 && (codec?.hasAlpha ?? ((try? ClipFormat(out, alpha: true)) != nil))
  let format = try ClipFormat(out, codec: codec, alpha: asks)
  return (format, channels == 4 && format.codec.hasAlpha)
}

/// Says so when a film's transparency won't be in the one that is made of it.
///
/// - Parameter first: the film's first frame.
func note(lossOfTransparencyIn first: Picture, out: String, hasAlpha: Bool, tell: (Event) -> Void) {
  guard !hasAlpha && first.isSeenThrough else { return }
  tell(.note("Transparency is left out, because \(out) can't hold it: the background is black."))
}

/// A film that was made.
public struct Filmed: Codable, Sendable, Equatable {
  public let path: String
  public let width: Int, height: Int
  /// All that there are, those from before a stop too.
  public let frames: Int
  /// Of the film, in seconds.
  public let duration: Double
  public let codec: String
  /// Beats a minute of its sound, where there is a beat.
  public let tempo: Double?
  public let onsets: Int?
  /// Whether it was stopped; it goes on with `--resume`.
  public let isStopped: Bool
}

/// A walk through a generator's latent space, as a film.
///
/// Frames are made and written some at a time, so memory doesn't grow with length; two seconds are lost at most when it is
/// killed.
///
/// - Parameters:
///   - shouldStop: asked after each frame.
/// - Throws: `FilmError`, `ClipError`, `UnfinishedError`, `FileError`, `GeneratorError`.
public func film(
  _ request: FilmRequest, with generator: Generator, in workspace: Workspace = Workspace(),
  shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> Filmed {
  let model = try generator.pictureModel()
  guard model.offers.latent != nil else { throw FilmError.noLatents(generator.name, recipe: generator.facts.recipe) }
  let sliders = model is any StyleModel ? try Sliders(of: generator, in: workspace) : nil
  return try film(request, of: model, with: generator, sliders, in: workspace, shouldStop, tell)
}

private func film(
  _ request: FilmRequest, of model: any PictureModel, with generator: Generator, _ sliders: Sliders?,
  in workspace: Workspace, _ shouldStop: () -> Bool, _ tell: (Event) -> Void
) throws -> Filmed {
  try request.check()
  let (timeline, keys) = (request.timeline, request.timeline.keys ?? [])
  guard timeline.prompt == nil, keys.allSatisfy({ $0.prompt == nil && $0.seed != nil }) else {
    throw FilmError.wordless(generator.name)
  }
  let plan = try FilmPlan(request.timeline, sliders: sliders?.sliders.map(\.name) ?? [])
  let path = latentPath(plan, model, of: generator)
  let first = model.pictures(generator.request(latents: path.latents(at: [0])))[0]
  let (channels, height, width) = (first.size(0), first.size(1), first.size(2))
  let size = fitted(height, width, longer: request.size)
  let camera = Camera(width: size[1], height: size[0], keepsPixels: request.keepsPixels)
  let painter = FilmPainter(
    path: path, seeds: plan.keys.isEmpty ? [plan.seed] : plan.keys.map(\.seed), seed: plan.seed,
    period: plan.period, model: model, generator: generator, camera: camera)
  let moves = try moves(plan, sliders, model)
  let enlarger = try request.enlarging.map {
    try Enlarger($0.settled(for: model, generator) { tell(.note($0)) }, in: workspace, on: generator.device) {
      tell(.note($0))
    }
  }
  let isByChance = plan.loops && plan.keys.count < (model.offers.moves ? 2 : 1)
  let phase = isByChance ? calmest(plan, painter) : 0
  func moment(_ frame: Int) -> FilmMoment { plan.moment(frame, phase: phase, moves: moves) }
  if request.previews {
    let chosen = (0..<24).map { $0 * plan.count / 24 }
    var sheet = SheetPainter(
      Sheet(columns: 6, for: chosen.count), cells: chosen.count, size: PictureSize(size[1], size[0]))
    var pace = Pace(.frames)
    for (i, frame) in chosen.enumerated() {
      let large = try enlarged(painter.made([moment(frame)])[0], by: enlarger) { fraction in
        tell(pace.at(i, of: chosen.count, fraction: (Double(i) + fraction) / Double(chosen.count)))
        return !shouldStop()
      }
      guard let large else {
        return Filmed(
          path: request.out, width: size[1], height: size[0], frames: 0, duration: plan.length, codec: "PNG",
          tempo: plan.sound?.tempo, onsets: plan.sound?.onsets.count, isStopped: true)
      }
      sheet.add(painter.seen(large, moment(frame)))
    }
    try sheet.drawn.write(request.out, source: .trainedAlgorithmicMedia, isForced: request.force)
    return Filmed(
      path: request.out, width: size[1], height: size[0], frames: chosen.count, duration: plan.length, codec: "PNG",
      tempo: plan.sound?.tempo, onsets: plan.sound?.onsets.count, isStopped: false)
  }
  let format = try ClipFormat(
    request.out, codec: request.codec, alpha: channels == 4 && request.codec?.hasAlpha ?? true)
  let hasAlpha = channels == 4 && format.codec.hasAlpha
  let rendering = try ClipRendering(
    request.out, format: format, width: size[1], height: size[0], rate: plan.rate, alpha: hasAlpha,
    key: try key(request, generator, plan.sliders.isEmpty ? nil : sliders, enlarger), isForced: request.force,
    isResumed: request.resume, work: request.work(plan.count))
  let range = rendering.range(of: plan.count)
  var pace = Pace(.frames, from: rendering.count - range.lowerBound)
  var isStopped = false
  while rendering.count < range.upperBound && !isStopped {
    // As many at once as make a generator busy.
    let start = rendering.count
    let moments = (start..<min(start + 16, range.upperBound)).map(moment)
    for (made, moment) in zip(painter.made(moments), moments) {
      let large = try enlarged(made, by: enlarger) { fraction in
        let done = rendering.count - range.lowerBound
        tell(pace.at(done, of: range.count, fraction: (Double(done) + fraction) / Double(range.count)))
        return !shouldStop()
      }
      guard let large else {
        isStopped = true
        break
      }
      try rendering.write(painter.seen(large, moment))
      tell(pace.at(rendering.count - range.lowerBound, of: range.count))
      if shouldStop() && rendering.count < range.upperBound {
        isStopped = true
        break
      }
    }
  }
  if !isStopped {
    try rendering.finish(
      beside: request.timeline.sound.map { Accompaniment(sound: $0) },
      metadata: [
        ("title", generator.shownName), ("encoder", "Atelier \(Product.version)"),
        (
          "comment",
          "Made by a trained model: \(generator.facts.recipe), sha256:\(generator.hash)"
            + (enlarger.map { "; enlarged by \($0.words.value)" } ?? "")
        ),
        ("digital_source_type", "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"),
      ])
    for note in rendering.notes { tell(.note(note)) }
    if let shard = request.shard { tell(.note(words(of: shard, range, rendering, plan.count))) }
  }
  return Filmed(
    path: request.out, width: rendering.size.width, height: rendering.size.height,
    frames: rendering.count - range.lowerBound,
    duration: plan.length,
    codec: format.codec.rawValue, tempo: plan.sound?.tempo, onsets: plan.sound?.onsets.count, isStopped: isStopped)
}

extension FilmRequest {
  fileprivate func work(_ frames: Int) -> ClipWork {
    shard.map { .shard($0, of: frames) } ?? (joins ? .joining(frames) : .whole)
  }
}

/// What a shard has done, and what is next.
private func words(of shard: Shard, _ range: Range<Int>, _ rendering: ClipRendering, _ total: Int) -> String {
  let own =
    range.isEmpty
    ? "has no frames"
    : "is done: frames \(grouped(range.lowerBound)) to \(grouped(range.upperBound - 1)) of \(grouped(total))"
  let next =
    rendering.missing(of: total).isEmpty
    ? "All shards are there: join them by the same command with --join in place of --shard."
    : "Others aren't there yet; --join puts all together then."
  return "Shard \(shard) \(own). \(next)"
}

/// The path through the latents of the plan's keys, or by chance.
func latentPath(_ plan: FilmPlan, _ model: any PictureModel, of generator: Generator) -> LatentPath {
  if model.offers.moves, plan.keys.count < 2, !plan.isShaped {
    // What is seen stays, since it moves by itself.
    return LatentPath(still: model.latents(of: generator.request(seeds: [plan.keys.first?.seed ?? plan.seed]))[0])
  }
  let latents = plan.keys.isEmpty ? nil : model.latents(of: generator.request(seeds: plan.keys.map(\.seed)))
  let keys = plan.keys.enumerated().map { i, key in
    LatentPath.Key(time: key.time, latent: latents![i], ease: key.ease)
  }
  var noise = Noise(seed: plan.seed)
  let dimensions = latents?.size(1) ?? model.latents(seeds: [0]).size(1)
  // A path that is pushed on may go further than the film is long.
  let length = max(plan.length, plan.places.max() ?? 0) - min(0, plan.places.min() ?? 0)
  return LatentPath(
    keys, shape: plan.shape, period: plan.period, wave: plan.wave, length: length,
    dimensions: dimensions, noise: &noise)
}

/// Where a loop by chance begins, in seconds of its path: where pictures change least, so that nobody sees its seam.
private func calmest(_ plan: FilmPlan, _ painter: FilmPainter) -> Double {
  let places = (0..<64).map { Double($0) * plan.length / 64 }
  let step = plan.places.count > 1 ? plan.length + plan.places[0] - plan.places[plan.count - 1] : 0
  let changes = places.map { place in
    let ends = painter.made([FilmMoment(place: place - step), FilmMoment(place: place)])
    return abs(ends[1] - ends[0]).mean().item()
  }
  return places[changes.indices.min { changes[$0] < changes[$1] }!]
}

/// What is added to the styles of each frame, [layers, D]; none where no slider is moved.
private func moves(_ plan: FilmPlan, _ sliders: Sliders?, _ model: any PictureModel) throws -> [Tensor] {
  guard !plan.sliders.isEmpty, let sliders, let style = model as? any StyleModel else { return [] }
  let shape = style.styles(PictureRequest(seeds: [0])).shape
  return try (0..<plan.count).map { frame in
    try sliders.moves(plan.sliders.mapValues { $0[frame] }, layers: shape[1], width: shape[2])
  }
}

/// A frame [C, H, W] in -1...1, larger; as it is without a network, nil when it was stopped.
///
/// - Parameter go: is told the fraction done after each tile; false stops.
private func enlarged(_ frame: Tensor, by enlarger: Enlarger?, go: (Double) -> Bool) throws -> Tensor? {
  guard let enlarger else { return frame }
  let made = try enlarger.enlarged(Picture(frame), named: "A frame") { fraction, _ in go(fraction) }
  return made.map { $0.tensor.to(.float32) / 127.5 - 1 }
}

/// Tells this work from another for the same file.
private func key(
  _ request: FilmRequest, _ generator: Generator, _ sliders: Sliders?, _ enlarger: Enlarger?
) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  var words = [
    String(decoding: try encoder.encode(request.timeline), as: UTF8.self), generator.hash, "\(request.size)",
    "\(request.keepsPixels)", request.codec?.rawValue ?? "",
  ]
  if let sound = request.timeline.sound { words.append(try Digest.sha256(file: sound)) }
  if let sliders { words.append(String(decoding: try encoder.encode(sliders), as: UTF8.self)) }
  if let enlarger { words.append(enlarger.words.value) }
  return String(Digest.sha256(Array(words.joined(separator: "\n").utf8)).prefix(8))
}
