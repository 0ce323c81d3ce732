import Foundation
import Media
import Models
import Torch

/// A request to `inbetween`.
public struct InbetweenRequest: Sendable {
  public var clip: String
  /// The new film; a folder of PNGs when it ends in a slash.
  public var out: String
  /// A run or model of the recipe `inbetween`.
  public var model = "inbetween"
  /// Frames for each that there is.
  public var times = 2
  /// How many times as slow it becomes.
  public var slowness = 1.0
  /// Frames a second of the new film; nil for `times` as many as there are.
  public var rate: FrameRate?
  /// Draws between drawings that are held, in place of holding them.
  public var fillsHolds = false
  /// By the network alone, which is faster and not as good.
  public var isQuick = false
  /// Pixels of the longer side; nil for the film's own.
  public var size: Int?
  public var codec: ClipCodec?
  /// Replaces a file that is there, and begins anew.
  public var force = false
  /// Goes on with what was stopped or killed.
  public var resume = false

  public init(clip: String, out: String) { (self.clip, self.out) = (clip, out) }
}

/// A film with more frames.
public struct Inbetweened: Codable, Sendable, Equatable {
  public let path: String
  public let width: Int, height: Int
  /// All that there are, those from before a stop too.
  public let frames: Int
  /// Of these, drawn between others.
  public let drawn: Int
  /// Places where the film shows something else altogether, over which nothing is drawn.
  public let cuts: Int
  /// Frames a second.
  public let rate: String
  /// Of the film, in seconds.
  public let duration: Double
  public let codec: String
  public let isStopped: Bool
}

/// Gives a film more frames, of what is between those that it has. Two of these are in memory at a time; two seconds are
/// lost at most when it is killed. Frames that it has stay as they are; over a cut, and where drawings are held, nothing
/// is drawn. Each gap between frames that last differently long has as many new ones. Sound, chapters and transparency are kept
/// where there is room for them.
///
/// - Parameters:
///   - shouldStop: asked before each frame.
///   - tell: told what is left out, and how many frames are done.
/// - Throws: `InbetweenError`, `ClipError`, `UnfinishedError`, `FileError`, and as `Generator`.
public func inbetween(
  _ request: InbetweenRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> Inbetweened {
  try request.check()
  let film = try FilmSource(
    request.clip, out: request.out, codec: request.codec, rate: request.rate, mean: { try request.newRate($0.rate) },
    tell: tell)
  let (facts, hasAlpha) = (film.reader.facts, film.hasAlpha)
  let own = max(facts.width, facts.height)
  let size = fitted(facts.height, facts.width, longer: request.size ?? own)
  guard size.min()! >= InbetweenError.smallest else {
    throw InbetweenError.tooSmall(request.clip, width: size[1], height: size[0])
  }
  let generator = try Generator(request.model, in: workspace, on: device) { tell(.note($0.sentence)) }
  guard let model = generator.model as? InbetweenModel else {
    throw InbetweenError.otherRecipe(request.model, recipe: generator.facts.recipe)
  }
  let beside = film.accompaniment(slowness: request.slowness, tell: tell)
  let rendering = try ClipRendering(
    request.out, format: film.format, width: size[1], height: size[0], rate: film.rate, alpha: hasAlpha,
    key: try request.key(generator.hash), isForced: request.force, isResumed: request.resume)
  if rendering.count > 0 { tell(.note("Going on after \(counted(rendering.count, "frame"))")) }
  var drawings = Drawings(film.reader, size, fillsHolds: request.fillsHolds, on: device)
  guard let first = drawings.next() else { throw ClipError.unreadable(name: request.clip, why: "it has no frames") }
  note(lossOfTransparencyIn: first.picture, out: request.out, hasAlpha: hasAlpha, tell: tell)
  var (current, following) = (first, drawings.next())
  var inbetweening = model.inbetweening
  inbetweening.isQuick = request.isQuick
  var motion: (of: Int, Inbetweening.Motion)?
  // Each gap has as many new frames; at an even rate, each as many as there is time for.
  let each = Double(request.times) * request.slowness
  let evenStep = 1 / film.rate.value / request.slowness
  let length = Double(facts.count) * request.slowness / facts.rate.value
  let total = film.isEven ? Int((length * film.rate.value).rounded()) : Int(Double(facts.count) * each)
  var pace = Pace(.frames, from: rendering.count)
  var (isStopped, drawn, cuts) = (false, 0, 0)
  while true {
    let number = Double(rendering.count)
    let place: Double, end: Double?
    if film.isEven {
      (place, end) = (number * evenStep, nil)
      while let next = following, place >= next.start - Drawings.rounding {
        (current, following) = (next, drawings.next())
      }
      if following == nil && place >= current.end - Drawings.rounding { break }
    } else {
      let index = Drawings.whole(number / each)
      while let next = following, index >= Double(next.index) { (current, following) = (next, drawings.next()) }
      if following == nil && index >= Double(current.index + current.times.count) { break }
      place = current.time(index)
      let after = Drawings.whole((number + 1) / each)
      let next = following.map { after >= Double($0.index) ? $0 : current } ?? current
      end = next.time(after) * request.slowness
    }
    guard !shouldStop() else {
      isStopped = true
      break
    }
    var picture = current.picture
    if let next = following, place > current.moves + Drawings.rounding, !next.isHeld {
      let time = (place - current.moves) / (next.start - current.moves)
      if motion?.of != next.index {
        motion = (next.index, inbetweening.motion(from: current.frame, to: next.frame))
        if motion!.1.isCut { cuts += 1 }
      }
      // Across a cut a frame is shown until the next one's time, which its sound may mark.
      if !motion!.1.isCut {
        picture = Picture(premultiplied: motion!.1.frame(at: time).to(.cpu))
        drawn += 1
      }
    }
    try rendering.write(hasAlpha || picture.channels < 4 ? picture : picture.flattened(on: .black), until: end)
    tell(pace.at(rendering.count, of: max(total, rendering.count)))
  }
  if !isStopped {
    film.tellTimes(of: rendering, tell: tell)
    try rendering.finish(
      beside: beside,
      metadata: filmMetadata(
        of: request.clip,
        comment: "Frames between those of the film drawn by \(generator.shownName), sha256:\(generator.hash)"))
    for note in rendering.notes { tell(.note(note)) }
  }
  return Inbetweened(
    path: request.out, width: rendering.size.width, height: rendering.size.height, frames: rendering.count,
    drawn: drawn, cuts: cuts,
    rate: "\(film.rate)", duration: rendering.length, codec: film.format.codec.rawValue, isStopped: isStopped)
}

/// A film's drawings one after another: its frames, or what is held of them together.
private struct Drawings {
  struct Drawing {
    let picture: Picture
    /// [1, C, H, W] in 0...1; colours multiplied by alpha.
    let frame: Tensor
    /// The number of its first frame.
    let index: Int
    /// Seconds at which its frames are shown, and until when.
    var times: [Double], end: Double
    /// It shows what the one before it shows.
    let isHeld: Bool
    /// Seconds from which on it becomes the next.
    var moves: Double

    var start: Double { times[0] }

    /// Seconds at a place among the film's frames, by their numbers; its end at most.
    func time(_ place: Double) -> Double {
      let i = Int(place) - index
      guard i < times.count else { return end }
      let next = i + 1 < times.count ? times[i + 1] : end
      return times[i] + (place - place.rounded(.down)) * (next - times[i])
    }
  }

  private let reader: ClipReader
  private let size: [Int]
  private let fillsHolds: Bool
  private let device: Device
  private var place = 0
  private var waiting: Drawing?
  /// What stays longer stands still.
  private static let longestHold = 4
  /// Seconds: a rounding's error mustn't make a frame that is there one that is nearly there.
  static let rounding = 1e-6

  /// Whole where it is so but for rounding.
  static func whole(_ place: Double) -> Double { abs(place - place.rounded()) < 1e-6 ? place.rounded() : place }

  init(_ reader: ClipReader, _ size: [Int], fillsHolds: Bool, on device: Device) {
    (self.reader, self.size, self.fillsHolds, self.device) = (reader, size, fillsHolds, device)
  }

  mutating func next() -> Drawing? {
    guard var drawing = waiting ?? read(after: nil) else { return nil }
    waiting = read(after: drawing)
    guard fillsHolds else { return drawing }
    while let more = waiting, more.isHeld {
      drawing.times += more.times
      drawing.end = more.end
      waiting = read(after: drawing)
    }
    // A rest isn't a slow motion: it begins to move with its last frame.
    if drawing.times.count > Self.longestHold { drawing.moves = drawing.times[drawing.times.count - 1] }
    return drawing
  }

  private mutating func read(after last: Drawing?) -> Drawing? {
    guard let found = reader.next() else { return nil }
    defer { place += 1 }
    let picture = found.picture.resampled(width: size[1], height: size[0])
    let frame = picture.withChannels(max(3, picture.channels)).premultiplied().to(device)
    let isHeld = last.map { Inbetweening.isHeld(frame, after: $0.frame) } ?? false
    return Drawing(
      picture: picture, frame: frame, index: place, times: [found.time], end: found.end, isHeld: isHeld,
      moves: found.time)
  }
}

extension InbetweenRequest {
  /// - Throws: `InbetweenError`, `ClipError`, `FileError`; before any work.
  fileprivate func check() throws {
    func expect(_ option: String, _ value: Double, _ isRight: Bool, _ range: String) throws(InbetweenError) {
      guard isRight, value.isFinite else { throw .badNumber(option: option, value: value, range: range) }
    }
    try expect("times", Double(times), (1...16).contains(times), "from 1 to 16")
    try expect("slow", slowness, slowness >= 1 && slowness <= 32, "from 1 to 32")
    if let size { try expect("size", Double(size), (16...8192).contains(size), "from 16 to 8192") }
    _ = try ClipFormat(out, codec: codec)
    let plain = out.hasSuffix("/") ? String(out.dropLast()) : out
    // A folder may hold unfinished work, which `ClipRendering` tells from other things.
    try expectWritable(plain, isForced: force || resume || out.hasSuffix("/"))
  }

  /// - Throws: `InbetweenError` when there would be nothing to draw, or too much.
  fileprivate func newRate(_ own: FrameRate) throws(InbetweenError) -> FrameRate {
    let rate = rate ?? FrameRate(own.numerator * times, own.denominator)
    guard rate.value <= FrameRate.most else { throw .tooFast(rate: rate, own: own) }
    guard rate.value * slowness > own.value * 1.0001 || fillsHolds else { throw .nothingBetween(rate: rate, own: own) }
    return rate
  }

  /// Tells this work from another for the same file.
  fileprivate func key(_ model: String) throws -> String {
    let words = [
      try Digest.sha256(file: clip), "\(times) \(slowness) \(rate.map { "\($0)" } ?? "") \(fillsHolds) \(isQuick)",
      "\(size ?? 0) \(codec?.rawValue ?? "")", model,
    ]
    return String(Digest.sha256(words.joined(separator: "\n")).prefix(8))
  }
}

/// Why a film can't be given more frames.
public enum InbetweenError: Explained, Equatable {
  case badNumber(option: String, value: Double, range: String)
  case tooSmall(String, width: Int, height: Int)
  case tooFast(rate: FrameRate, own: FrameRate)
  /// It has as many frames as asked for.
  case nothingBetween(rate: FrameRate, own: FrameRate)
  /// A run of another recipe.
  case otherRecipe(String, recipe: String)

  static let smallest = 16

  public var sentence: String {
    switch self {
    case .badNumber(let option, let value, let range):
      "--\(option) can't be \(value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"): use a number \(range)."
    case .tooSmall(let path, let width, let height):
      "\(path) is \(width) by \(height) pixels, too small to estimate motion: use a film of \(Self.smallest) pixels a side or more."
    case .tooFast(let rate, let own):
      "A film of \(own) frames a second would have \(rate): 1000 are the most, so make --times or --rate smaller."
    case .nothingBetween(let rate, let own):
      "The film has \(own) frames a second, and \(rate) are asked for, so there is no frame to add. Give --times 2, --slow 2, --twos, "
        + "or a higher --rate."
    case .otherRecipe(let name, let recipe):
      "\(name) (\(recipe)) can't interpolate frames: name a run of the recipe inbetween."
    }
  }
  public var exit: Exit {
    switch self {
    case .badNumber, .tooFast, .nothingBetween, .otherRecipe: .usage
    case .tooSmall: .data
    }
  }
}
