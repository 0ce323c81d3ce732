import Foundation
import Media
import Models
import Torch

/// A request to `enlarge` for a film.
public struct ClipEnlargeRequest: Sendable {
  public var clip: String
  /// The new film; a folder of PNGs when it ends in a slash.
  public var out: String
  public var settings = EnlargeSettings()
  public var codec: ClipCodec?
  /// Frames a second, evenly; nil for the film's own times.
  public var rate: FrameRate?
  /// Replaces a file that is there, and begins anew.
  public var force = false
  /// Goes on with what was stopped or killed.
  public var resume = false

  public init(clip: String, out: String) { (self.clip, self.out) = (clip, out) }
}

/// Makes a film's frames larger by a trained network, one by one; the first one decides which. Times, sound, chapters and
/// transparency are kept where there is room for them; two seconds are lost at most when it is killed.
///
/// - Parameters:
///   - shouldStop: asked after each tile.
///   - tell: told what takes time, what is left out, and how many frames are done.
/// - Throws: `EnlargeError`, `ClipError`, `UnfinishedError`, `FileError`, and as `installModel`.
public func enlarge(
  _ request: ClipEnlargeRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  guard Enlargement.scales.contains(request.settings.scale) else { throw EnlargeError.badScale(request.settings.scale) }
  _ = try ClipFormat(request.out, codec: request.codec)
  let plain = request.out.hasSuffix("/") ? String(request.out.dropLast()) : request.out
  // A folder may hold unfinished work, which `ClipRendering` tells from other things.
  try expectWritable(plain, isForced: request.force || request.resume || request.out.hasSuffix("/"))
  let begun = ProcessInfo.processInfo.systemUptime
  let film = try FilmSource(request.clip, out: request.out, codec: request.codec, rate: request.rate, tell: tell)
  guard let first = film.next() else { throw ClipError.unreadable(name: request.clip, why: "it has no frames") }
  var settings = request.settings
  if settings.model == nil {
    let kind = PictureSurface(first.picture)?.kind ?? .photograph
    settings.model = settings.model(for: kind)
    tell(.note("It looks \(kind.words), and is enlarged by \(settings.model!): --model takes another."))
  }
  let enlarger = try Enlarger(settings, in: workspace, on: device) { tell(.note($0)) }
  note(lossOfTransparencyIn: first.picture, out: request.out, hasAlpha: film.hasAlpha, tell: tell)
  let beside = film.accompaniment(tell: tell)
  let (width, height) = (film.reader.facts.width * settings.scale, film.reader.facts.height * settings.scale)
  let rendering = try ClipRendering(
    request.out, format: film.format, width: width, height: height, rate: film.rate, alpha: film.hasAlpha,
    key: try request.key(enlarger), isForced: request.force, isResumed: request.resume)
  var frame = Optional(first)
  if rendering.count > 0 {
    tell(.note("Going on after \(counted(rendering.count, "frame"))"))
    for _ in 0..<rendering.count { frame = film.next() }
  }
  var (result, pace) = (FilesMade(), Pace(.frames, from: rendering.count))
  while let found = frame {
    let made = try enlarger.enlarged(found.picture, named: request.clip) { fraction, _ in
      let total = max(film.count, rendering.count + 1)
      tell(pace.at(rendering.count, of: total, fraction: (Double(rendering.count) + fraction) / Double(total)))
      return !shouldStop()
    }
    guard let made else {
      result.isStopped = true
      tell(
        .note("\(counted(rendering.count, "frame")) \(rendering.count == 1 ? "is" : "are") done: go on with --resume."))
      return result
    }
    try rendering.write(film.hasAlpha || made.channels < 4 ? made : made.flattened(on: .black), until: found.end)
    frame = film.next()
  }
  film.tellTimes(of: rendering, tell: tell)
  try rendering.finish(
    beside: beside,
    metadata: filmMetadata(of: request.clip, comment: "\(enlarger.words.key): \(enlarger.words.value)"))
  for note in rendering.notes { tell(.note(note)) }
  var file = MadeFile(.film, request.out, width: rendering.size.width, height: rendering.size.height)
  (file.source, file.frames) = (request.clip, rendering.count)
  file.seconds = ProcessInfo.processInfo.systemUptime - begun
  result.pictures = 1
  tell(.made(file))
  return result
}

extension ClipEnlargeRequest {
  /// Tells this work from another for the same file.
  fileprivate func key(_ enlarger: Enlarger) throws -> String {
    let words = [
      try Digest.sha256(file: clip), enlarger.words.value, settings.precision, codec?.rawValue ?? "",
      rate.map { "\($0)" } ?? "",
    ]
    return String(Digest.sha256(words.joined(separator: "\n")).prefix(8))
  }
}
