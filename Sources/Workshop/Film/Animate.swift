import Foundation
import Media
import Models
import Torch
import Training

/// A request to `animate`.
public struct AnimateRequest: Sendable {
  public var picture: String
  /// What moves it: a clip, a folder of pictures, one of a numbered sequence, or a sheet.
  public var driving: String
  /// The sequence's name, where `driving` has several.
  public var sequence: String?
  /// Of a sheet's frames.
  public var frame: PictureSize?
  /// A run or a model of the recipe motion.
  public var run = "motion"
  /// A clip, a folder that ends in a slash, or a PNG that becomes a sheet.
  public var out: String
  /// Frames a second; nil takes the driving clip's, or 10.
  public var rate: FrameRate?
  public var codec: ClipCodec?
  /// Frames in a row of a sheet; nil for all in one.
  public var columns: Int?
  /// How far it moves: 1 as much as the other, measured by their sizes.
  public var strength = 1.0
  /// The driving frame, from 1, in whose pose the picture is.
  public var begin = 1
  /// Keeps the picture's own colours, and as much transparency as it has.
  public var keepsPalette = false
  /// Under what is transparent, where the film has no transparency.
  public var ground = Ground.white
  public var force = false
  public var resume = false

  public init(picture: String, driving: String, out: String) {
    (self.picture, self.driving, self.out) = (picture, driving, out)
  }
}

/// A picture that moves now.
public struct Animated: Codable, Sendable, Equatable {
  public let path: String
  /// Of a frame.
  public let width: Int, height: Int
  /// All that there are, those from before a stop too.
  public let frames: Int
  /// That it took.
  public let seconds: Double
  /// As which it was written; "sheet" for a sheet of sprites.
  public let format: String
  public let isStopped: Bool
}

/// Moves a picture as another moves, and keeps its shape: only changes of the other's pose are carried over.
///
/// - Parameters:
///   - shouldStop: asked before each frame.
///   - tell: told what takes time, what is left out, and how many frames are done.
/// - Throws: `AnimateError`, `SequenceError`, `GeneratorError`, `ClipError`, `PictureError`, `FileError`, `GalleryError` ….
public func animate(
  _ request: AnimateRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> Animated {
  try request.check()
  let generator = try Generator(request.run, in: workspace, on: device) { tell(.note($0.sentence)) }
  guard let model = generator.model as? MotionModel else {
    throw AnimateError.noMotion(request.run, recipe: generator.facts.recipe)
  }
  let mover = model.mover, channels = model.settings.channels
  let own = try Picture.load(request.picture, Decoding(channels: nil))
  let palette = try request.keepsPalette ? SpritePalette(own.withChannels(max(3, own.channels)), request.picture) : nil
  let source = own.withChannels(channels)
  let side = max(source.width, source.height, channels == 4 ? mover.size : 0)
  guard side <= AnimateError.largest else {
    throw AnimateError.tooLarge(request.picture, width: own.width, height: own.height)
  }
  let square = source.centred(width: side, height: side, on: .white).premultiplied()
  let driving = try DrivingMotion(
    request.driving, sequence: request.sequence, frame: request.frame, by: mover, channels: channels,
    even: { request.evenRate(mean: $0, tell: tell) }, shouldStop: shouldStop)
  for note in driving.clip?.notes ?? [] { tell(.note(note)) }
  guard request.begin <= driving.poses.count else {
    throw AnimateError.noSuchFrame(request.begin, of: driving.poses.count)
  }
  if request.isSheet { try request.checkSheet(of: driving.poses.count, width: own.width, height: own.height) }
  let start = driving.poses[request.begin - 1]
  let rest = mover.pose(of: square)
  let scale = relativeExtent(of: square, to: driving.first)

  let hasAlpha = channels == 4 && own.channels == 4
  let stage = try Stage(
    request, width: own.width, height: own.height, rate: driving.rate ?? request.rate ?? FrameRate(10),
    hasAlpha: hasAlpha, key: try request.key(generator.hash), tell: tell)
  let (begun, before) = (ProcessInfo.processInfo.systemUptime, stage.count)
  var pace = Pace(.frames, from: before)
  var strain = Strain(from: before)
  var isStopped = false
  for (i, pose) in driving.poses.enumerated().dropFirst(before) {
    guard !shouldStop() else {
      isStopped = true
      break
    }
    let goal = mover.pose(rest, following: pose, since: start, scale: scale, strength: request.strength)
    let (made, invented) = mover.moved(square.to(device), from: rest, to: goal, isCrisp: request.keepsPalette)
    strain.add(invented)
    var frame = Picture(premultiplied: made.to(.cpu)).cut(
      x: (side - own.width) / 2, y: (side - own.height) / 2, width: own.width, height: own.height)
    if let palette { frame = palette.nearest(frame) }
    try stage.write(frame.withChannels(hasAlpha ? 4 : 3), until: i < driving.ends.count ? driving.ends[i] : nil)
    tell(pace.at(stage.count, of: driving.poses.count))
  }
  if !isStopped { try stage.finish(request.provenance(generator), beside: driving.sound(for: stage.format)) }
  for note in stage.notes { tell(.note(note)) }
  if let words = strain.words { tell(.note(words)) }
  return Animated(
    path: request.out, width: stage.size?.width ?? own.width, height: stage.size?.height ?? own.height,
    frames: stage.count,
    seconds: ProcessInfo.processInfo.systemUptime - begun, format: stage.name, isStopped: isStopped)
}

/// Which frames are in poses too far from what the picture shows.
///
/// Measured on figures that training never saw: up to 0.21 is painted anew in idle and bobbing figures, which stay sharp,
/// 0.48 and more in swings of weapons that smear (docs/experiments/films.md).
struct Strain {
  static let most = 0.4
  private var frame: Int, far: [Int] = [], worst = (frame: 0, share: 0.0)

  /// - Parameter before: frames that were made earlier.
  init(from before: Int = 0) { frame = before }

  /// - Parameter invented: of the next frame, as `Mover` says.
  mutating func add(_ invented: Double) {
    frame += 1
    if invented > Self.most { far.append(frame) }
    if invented > worst.share { worst = (frame, invented) }
  }

  /// Nil where all are near enough.
  var words: String? {
    guard !far.isEmpty else { return nil }
    let percent = Int((100 * worst.share).rounded())
    return "The pose of \(counted(far.count, "frame")) of \(frame) is too far from what the picture shows "
      + "(in frame \(worst.frame) \(percent) % is painted anew), and smears: lower --strength, or --begin with a nearer pose."
  }
}

/// Where frames go: a film, a folder, or a sheet of sprites.
private final class Stage {
  private let request: AnimateRequest
  private let rendering: ClipRendering?
  private let hasAlpha: Bool
  private var cells: [Picture] = []
  let name: String
  /// nil for a sheet.
  let format: ClipFormat?

  init(
    _ request: AnimateRequest, width: Int, height: Int, rate: FrameRate, hasAlpha: Bool, key: String,
    tell: (Event) -> Void
  ) throws {
    self.request = request
    guard !request.isSheet else {
      try expectWritable(request.out, isForced: request.force)
      (rendering, self.hasAlpha, name, format) = (nil, hasAlpha, "sheet", nil)
      return
    }
    let isSeenThrough = hasAlpha && (request.codec != nil || (try? ClipFormat(request.out, alpha: true)) != nil)
    let format = try ClipFormat(request.out, codec: request.codec, alpha: isSeenThrough)
    if hasAlpha && !isSeenThrough {
      tell(.note("\(request.out) can't hold transparency: the background is filled with --ground."))
    }
    (self.hasAlpha, self.format) = (isSeenThrough, format)
    name = format.codec.rawValue
    rendering = try ClipRendering(
      request.out, format: format, width: width, height: height, rate: rate, alpha: isSeenThrough, key: key,
      isForced: request.force, isResumed: request.resume)
  }

  var count: Int { rendering?.count ?? cells.count }
  /// Of a film's frames in pixels; nil for a sheet.
  var size: (width: Int, height: Int)? { rendering?.size }
  var notes: [String] { rendering?.notes ?? [] }

  /// - Parameter end: seconds until which it is shown; nil for as long as the rate says.
  func write(_ frame: Picture, until end: Double?) throws {
    let frame = hasAlpha ? frame : frame.flattened(on: request.ground)
    if let rendering { try rendering.write(frame, until: end) } else { cells.append(frame) }
  }

  func finish(_ words: [(key: String, value: String)], beside: Accompaniment?) throws {
    if let rendering {
      return try rendering.finish(
        beside: beside,
        metadata: filmMetadata(
          of: request.picture, comment: words.map { "\($0.key): \($0.value)" }.joined(separator: "; ")))
    }
    try spriteSheet(cells, columns: request.columns ?? cells.count).write(
      request.out, text: words, source: .compositeWithTrainedAlgorithmicMedia, isForced: request.force)
  }
}

/// Frames of one size side by side, without gaps, row by row.
func spriteSheet(_ frames: [Picture], columns: Int) -> Picture {
  let (width, height, channels) = (frames[0].width, frames[0].height, frames[0].channels)
  let across = min(columns, frames.count), down = (frames.count + across - 1) / across
  var bytes = [UInt8](repeating: channels == 4 ? 0 : 255, count: across * width * down * height * channels)
  for (i, frame) in frames.enumerated() {
    for y in 0..<height {
      let to = ((i / across * height + y) * across * width + i % across * width) * channels
      let from = y * width * channels
      bytes.replaceSubrange(to..<to + width * channels, with: frame.bytes[from..<from + width * channels])
    }
  }
  return Picture(width: across * width, height: down * height, channels: channels, bytes: bytes)
}

extension AnimateRequest {
  var isSheet: Bool { (out as NSString).pathExtension.lowercased() == "png" }

  /// - Throws: `AnimateError`, `ClipError`; before any work.
  fileprivate func check() throws {
    guard (0...4).contains(strength) else {
      throw AnimateError.badNumber(option: "strength", value: strength, range: "from 0 to 4")
    }
    guard begin >= 1 else { throw AnimateError.badNumber(option: "begin", value: Double(begin), range: "from 1 on") }
    if let columns, !(1...1000).contains(columns) {
      throw AnimateError.badNumber(option: "columns", value: Double(columns), range: "from 1 to 1000")
    }
    if columns != nil && !isSheet { throw AnimateError.columnsWithoutSheet(out) }
    if !isSheet { _ = try ClipFormat(out, codec: codec) }
  }

  /// At which a clip's frames are taken; nil for each as it is.
  fileprivate func evenRate(mean: FrameRate, tell: (Event) -> Void) -> FrameRate? {
    guard !isSheet, let codec = try? ClipFormat(out, codec: codec).codec else { return nil }
    return Workshop.evenRate(rate, mean: mean, codec: codec, out: out, tell: tell)
  }

  /// All frames are in memory until the sheet is written.
  ///
  /// - Throws: `AnimateError.sheetTooLarge`.
  func checkSheet(of frames: Int, width: Int, height: Int) throws(AnimateError) {
    let across = min(columns ?? frames, frames), down = (frames + across - 1) / across
    let (width, height) = (across * width, down * height)
    guard max(width, height) <= Sheet.longest, width * height <= Sheet.mostPixels else {
      throw .sheetTooLarge(width: width, height: height, frames: frames)
    }
  }

  /// Tells this work from another for the same file.
  fileprivate func key(_ model: String) throws -> String {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: driving, isDirectory: &isFolder)
    let words = [
      try Digest.sha256(file: picture), isFolder.boolValue ? driving.absolutePath : try Digest.sha256(file: driving),
      sequence ?? "", frame.map { "\($0)" } ?? "", rate.map { "\($0)" } ?? "", codec?.rawValue ?? "",
      "\(strength) \(begin) \(keepsPalette) \(ground)", model,
    ]
    return String(Digest.sha256(words.joined(separator: "\n")).prefix(8))
  }

  fileprivate func provenance(_ generator: Generator) -> [(key: String, value: String)] {
    let name = { (path: String) in (path as NSString).lastPathComponent }
    let source: Provenance.Words = [
      ("Source", name(picture)), ("Moved by", sequence.map { "\(name(driving)), \($0)" } ?? name(driving)),
    ]
    return source + Provenance.words(of: generator) + [("Strength", "\(strength)"), Provenance.software]
  }
}

/// Why a picture can't be moved.
public enum AnimateError: Explained, Equatable {
  case badNumber(option: String, value: Double, range: String)
  /// A run of another recipe.
  case noMotion(String, recipe: String)
  case tooLarge(String, width: Int, height: Int)
  case several(String, names: [String])
  case noSuchSequence(String, in: String, names: [String])
  /// A picture without others of its name.
  case aloneOrSheet(String)
  case damaged(SetAside)
  case noSuchFrame(Int, of: Int)
  case columnsWithoutSheet(String)
  case manyColours(String, count: Int)
  case sheetTooLarge(width: Int, height: Int, frames: Int)

  public var sentence: String {
    switch self {
    case .badNumber(let option, let value, let range):
      "--\(option) can't be \(value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"): use a number \(range)."
    case .noMotion(let name, let recipe):
      "\(name) (\(recipe)) can't animate pictures: name a run of the recipe \(namesOfRecipes { $0 is MotionModel.Type })."
    case .tooLarge(let path, let width, let height):
      "\(path) is \(width) by \(height) pixels, more than \(Self.largest) a side: make it smaller first."
    case .several(let path, let names):
      "\(path) has \(names.count) sequences: name one of them by --sequence, such as \(firstFew(names))."
    case .noSuchSequence(let name, let path, let names):
      "\(path) has no sequence '\(name)': use one such as \(firstFew(names))."
    case .aloneOrSheet(let path):
      "\(path) has no other pictures with numbers beside it: name a clip or a folder, or give --frame 72x72 if it is a "
        + "sheet."
    case .damaged(let file): "\(file.name) \(file.reason): copy it again from where it came from."
    case .noSuchFrame(let frame, let count): "There is no frame \(frame): give --begin 1 to \(count)."
    case .columnsWithoutSheet(let out): "\(out) is no sheet: leave --columns out, or let --out end in .png."
    case .manyColours(let path, let count):
      "\(path) has \(grouped(count)) colours, more than a palette's \(grouped(SpritePalette.most)): leave --palette out."
    case .sheetTooLarge(let width, let height, let frames):
      "A sheet of \(grouped(frames)) frames would have \(grouped(width)) by \(grouped(height)) pixels, more than a sheet may: "
        + "write a film or a folder, such as --out frames/, or choose other --columns."
    }
  }
  public var exit: Exit {
    switch self {
    case .badNumber, .noMotion, .several, .noSuchSequence, .aloneOrSheet, .noSuchFrame, .columnsWithoutSheet,
      .sheetTooLarge:
      .usage
    case .tooLarge, .damaged, .manyColours: .data
    }
  }
  static let largest = 4096

  private func firstFew(_ names: [String]) -> String { names.prefix(3).joined(separator: ", ") }
}
