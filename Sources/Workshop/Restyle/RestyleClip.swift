import Foundation
import Media
import Models
import Torch

/// A request to `restyle` for a film.
public struct ClipRestyleRequest: Sendable {
  public enum Method: Sendable, Equatable {
    /// As pictures are by default: each frame begins with the one before.
    case optimise
    /// By a model in one pass: in the styles that are named, or as it has learned.
    case model(String, back: Bool)
  }

  /// Content and out are films; each mask is a picture or a film.
  public var look: RestyleRequest
  public var method: Method
  /// Pixels of the longer side; nil for the film's own.
  public var size: Int?
  public var codec: ClipCodec?
  /// How much of the frame before stays on what moves: 0...1; 0 paints each frame by itself.
  public var steadiness = 0.8
  /// Masks that are pictures fit the first frame, and go where its things go.
  public var masksFollow = false
  /// Frames a second, evenly; nil for the film's own times.
  public var rate: FrameRate?
  var usesModel: Bool { method != .optimise }

  public init(_ look: RestyleRequest, method: Method) { (self.look, self.method) = (look, method) }
}

/// A film that was painted.
public struct RestyledClip: Codable, Sendable, Equatable {
  public let path: String
  public let width: Int, height: Int
  /// All that there are, those from before a stop too.
  public let frames: Int
  /// Of the film, in seconds.
  public let duration: Double
  public let codec: String
  public let isStopped: Bool
}

/// Paints a film frame by frame. One frame is in memory at a time, and the one before; two seconds are lost at most when
/// it is killed. Its sound and chapters are kept where the format has room for them, its transparency where the codec has.
///
/// Frames keep their times, unless an even rate is asked for.
///
/// - Parameters:
///   - shouldStop: asked before each frame.
///   - tell: told what takes time, what is left out, and how many frames are done.
/// - Throws: `RestyleError`, `ClipError`, `UnfinishedError`, `TransferModelError`, `PictureError`, `FileError`, and as
///   `Generator`.
public func restyle(
  _ request: ClipRestyleRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> RestyledClip {
  try request.check()
  let look = request.look
  let film = try FilmSource(look.content, out: look.out, codec: request.codec, rate: request.rate, tell: tell)
  let (facts, hasAlpha) = (film.reader.facts, film.hasAlpha)
  var request = request
  let own = max(facts.width, facts.height)
  let longer = request.size ?? (request.method == .optimise ? min(own, look.settings.size) : own)
  let size = longer == own ? [facts.height, facts.width] : fitted(facts.height, facts.width, longer: longer)
  guard size.min()! >= RestyleError.smallest else {
    throw RestyleError.tooSmall(look.content, width: size[1], height: size[0])
  }
  request.look.settings.size = size.max()!
  func sized(_ picture: Picture) -> Picture { picture.resampled(width: size[1], height: size[0]) }
  guard let first = film.next() else { throw ClipError.unreadable(name: look.content, why: "it has no frames") }
  note(lossOfTransparencyIn: first.picture, out: look.out, hasAlpha: hasAlpha, tell: tell)
  let painter = try FramePainter(request, first: sized(first.picture), in: workspace, on: device) { tell(.note($0)) }
  try look.noteFrames(tell: tell)
  let beside = film.accompaniment(tell: tell)
  let rendering = try ClipRendering(
    look.out, format: film.format, width: size[1], height: size[0], rate: film.rate, alpha: hasAlpha,
    key: try request.key(painter.words), isForced: look.force, isResumed: look.resume)
  var frame = Optional(first)
  if rendering.count > 0 {
    tell(.note("Going on after \(counted(rendering.count, "frame"))"))
    for _ in 0..<rendering.count { frame = film.next() }
    try painter.restore(rendering.state)
  }
  var pace = Pace(.frames, from: rendering.count)
  var isStopped = false
  while let found = frame {
    guard !shouldStop(),
      let painted = try painter.painted(sized(found.picture), at: found.time, shouldStop: shouldStop)
    else {
      isStopped = true
      break
    }
    try rendering.write(hasAlpha ? painted : painted.flattened(on: .black), until: found.end) { painter.state }
    tell(pace.at(rendering.count, of: max(film.count, rendering.count)))
    frame = film.next()
  }
  if !isStopped {
    film.tellTimes(of: rendering, tell: tell)
    try rendering.finish(
      beside: beside,
      metadata: filmMetadata(
        of: look.content,
        comment: (look.styleWords + painter.words).map { "\($0.key): \($0.value)" }.joined(separator: "; ")))
    for note in rendering.notes { tell(.note(note)) }
  }
  return RestyledClip(
    path: look.out, width: rendering.size.width, height: rendering.size.height, frames: rendering.count,
    duration: rendering.length, codec: film.format.codec.rawValue, isStopped: isStopped)
}

extension RestyleRequest {
  fileprivate var styleWords: [(key: String, value: String)] {
    styles.isEmpty ? [] : [("Style", styles.map { ($0 as NSString).lastPathComponent }.joined(separator: ", "))]
  }
}

extension ClipRestyleRequest {
  /// - Throws: `RestyleError`, `FileError`; all before any work.
  fileprivate func check() throws {
    guard (0...1).contains(steadiness) else {
      throw RestyleError.badNumber(option: "steadiness", value: steadiness, range: "from 0 to 1")
    }
    var still = look
    // A folder may hold unfinished work, which `ClipRendering` tells from other things.
    if look.out.hasSuffix("/") { (still.out, still.force) = (String(look.out.dropLast()), true) }
    if let size { still.settings.size = size }
    // What was learned has its style.
    if usesModel && still.styles.isEmpty { still.styles = ["0"] }
    if still.styles.count != still.masks.count, look.styles.isEmpty { still.masks = [] }
    try still.check()
    guard !usesModel || look.settings.strength <= 1 else {
      throw RestyleError.badNumber(option: "strength", value: look.settings.strength, range: "up to 1 in one pass")
    }
  }

  /// Tells this work from another for the same file.
  ///
  /// - Parameter painter: which weights paint it: a run may have been trained on since.
  fileprivate func key(_ painter: [(key: String, value: String)]) throws -> String {
    var words = [look.settings.json, look.colours.rawValue, "\(method)", "\(steadiness)", "\(masksFollow)"]
    if look.keepsFrame { words.append("frame") }
    words += ["\(look.weights)", look.network, codec?.rawValue ?? "", rate.map { "\($0)" } ?? ""]
    words += painter.map { "\($0.key): \($0.value)" }
    for path in [look.content] + look.styles + look.masks {
      words.append(FileManager.default.fileExists(atPath: path) ? try Digest.sha256(file: path) : path)
    }
    return String(Digest.sha256(Array(words.joined(separator: "\n").utf8)).prefix(8))
  }
}
