import Foundation
import Media
import Models
import Networks
import Torch
import Training

/// A request to `restyle`.
public struct RestyleRequest: Sendable {
  /// The colours of the result.
  public enum Colours: String, Codable, Sendable, CaseIterable {
    case style  // They become the style's.
    case content  // They stay, to the hue: only brightness is painted.
    case matched  // The style is painted in the content's palette.
  }

  public var content: String
  public var styles: [String]
  /// How much each style counts; empty for all alike.
  public var weights: [Double] = []
  /// A grey picture for each style, white where it is painted; empty for everywhere. What no mask covers stays.
  public var masks: [String] = []
  /// Nil refuses masks of another shape than the content.
  public var maskFit: MaskFit?
  /// The new file.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  /// Features by "vgg16", the name of an imported VGG19, or "random": untrained, nothing to download.
  public var network = "vgg16"
  public var colours = Colours.style
  /// A frame around a style's picture is painted, too.
  public var keepsFrame = false
  public var settings = StyleSettings()
  /// What to begin with, where the settings say a picture: a file, or "instant" for what that method paints.
  public var start: String?
  /// Gigabytes to keep to; nil for half of the machine's.
  public var memory: Double?
  /// Replaces a file that is there, and begins anew.
  public var force = false
  /// Goes on with what was stopped or killed.
  public var resume = false
  /// Seconds between savings of unfinished work.
  public var saveEvery = 60.0

  public init(content: String, styles: [String], out: String) {
    (self.content, self.styles, self.out) = (content, styles, out)
  }
}

/// The result of `restyle`.
public struct Restyled: Codable, Sendable, Equatable {
  public let path: String
  public let width: Int, height: Int
  public let steps: Int
  public let seconds: Double
  /// Whether it was stopped before the last step; the picture is what was there.
  public let isStopped: Bool
}

/// Paints a picture in the style of others, and writes it as a file that says how it was made.
///
/// Work that takes longer than a minute is saved beside the new file now and then, and gone on with by `resume`, to the
/// bit on a CPU with the same number of threads.
///
/// - Parameters:
///   - shouldStop: asked at each step; the picture so far is written then.
///   - tell: told at each step that reads the loss, and what takes time before.
/// - Throws: `RestyleError`, `PictureError`, `MaskError`, `FileError`, `OutputError`, and as `installModel`.
public func restyle(
  _ request: RestyleRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> Restyled {
  try OutputFormat.check(request.out, quality: request.quality)
  try request.check()
  let content = try Picture.load(request.content, Decoding(channels: nil), tell: tell)
  guard min(content.width, content.height) >= RestyleError.smallest else {
    throw RestyleError.tooSmall(request.content, width: content.width, height: content.height)
  }
  let styles = try request.styles.map(request.stylePicture)
  try request.noteFrames(tell: tell)
  let masks = try request.masks.map {
    try mask($0, of: content, named: request.content, fit: request.maskFit, on: device)
  }
  let unfinished = try Unfinished(request)
  let network = try styleNetwork(request.network, in: workspace, on: device) { tell(.note($0)) }
  let started = ProcessInfo.processInfo.systemUptime
  let colours = content.visibleColours(on: device)
  let painted = styles.map { style in
    let picture = style.colours(on: device)
    return request.colours == .matched ? matchingColours(of: colours, in: picture) : picture
  }
  var settings = request.settings
  settings.tile = try tile(for: content, request, on: device)
  let start = try beginning(request, colours, masks, in: workspace, on: device)
  let work = try StyleOptimization(
    content: colours, regions: regions(painted, request.weights, masks), network: network, settings: settings,
    start: start, resuming: unfinished.read())
  if work.done > 0 { tell(.note("Going on after \(counted(work.done, "step"))")) }
  var pace = Pace(.steps, from: work.done, fraction: work.fraction)
  var (done, isStopped, lastTold, lastSaved) = (work.done, false, 0.0, started)
  for step in work {
    done = step.number
    let now = ProcessInfo.processInfo.systemUptime
    // Reading the loss waits for the device, so it is read as often as anybody looks.
    if now - lastTold > 0.5 || done == work.total {
      lastTold = now
      let loss = step.loss()
      guard loss.isFinite else { throw RestyleError.diverged(step: done) }
      // Larger sizes take longer a step.
      tell(
        pace.at(
          done, of: work.total, fraction: work.fraction, item: "\(step.width) × \(step.height) px",
          figures: [Figure("loss", loss)]))
    }
    if now - lastSaved > request.saveEvery && done < work.total {
      try unfinished.write(work.saved)
      lastSaved = ProcessInfo.processInfo.systemUptime
    }
    if shouldStop() && done < work.total {
      isStopped = true
      try unfinished.write(work.saved)
      break
    }
  }
  let picture = finished(work.picture, content, colours, request.colours, masks)
  try picture.write(
    request.out, text: provenance(request, done, of: work.total),
    source: .compositeWithTrainedAlgorithmicMedia, quality: request.quality, isForced: request.force || request.resume)
  note(lossOfTransparencyIn: picture, out: request.out, tell: tell)
  if !isStopped { unfinished.remove() }
  return Restyled(
    path: request.out, width: picture.width, height: picture.height, steps: done,
    seconds: ProcessInfo.processInfo.systemUptime - started, isStopped: isStopped)
}

/// What to begin with, [1, 3, H, W] in 0...1, when that isn't the content or noise.
private func beginning(
  _ request: RestyleRequest, _ colours: Tensor, _ masks: [Tensor], in workspace: Workspace, on device: Device
) throws -> Tensor? {
  guard request.settings.start == .picture else { return nil }
  guard let start = request.start, start != "instant" else {
    let model = try PaintingModel("instant", in: workspace, on: device, say: { _ in })
    let size = fitted(colours.size(2), colours.size(3), longer: request.settings.size)
    let sized = resized(colours, size)
    let regions = masks.map { clamp(interpolate($0, size: size, mode: .bilinear, antialias: true), min: 0, max: 1) }
    let painters = try model.painters(request, colours: sized, masks: regions)
    return clamp(try painted(sized, by: painters, request, shouldStop: { false })!, min: 0, max: 1)
  }
  return try Picture.load(start, Decoding()).colours(on: device)
}

/// All styles mixed everywhere, or each in its own region.
func regions(_ styles: [Tensor], _ weights: [Double], _ masks: [Tensor]) -> [StyleOptimization.Region] {
  let weighed = styles.indices.map { (picture: styles[$0], weight: weights.isEmpty ? 1 : weights[$0]) }
  if masks.isEmpty { return [StyleOptimization.Region(styles: weighed)] }
  return zip(weighed, masks).map { StyleOptimization.Region(styles: [$0], mask: $1) }
}

/// The side of a tile that keeps to the memory; nil when the whole picture does.
func tile(for content: Picture, _ request: RestyleRequest, on device: Device) throws -> Int? {
  let settings = request.settings
  let isHalf = settings.precision == "bfloat16" || settings.precision == "auto" && device.prefersBFloat16
  // Estimated for VGG16: what one pixel keeps for the way back, and what the picture itself does.
  let (perPixel, perPicturePixel, fixed) = (isHalf ? 3600.0 : 5600.0, 170.0, 0.7e9)
  let bytes = (request.memory ?? Double(ProcessInfo.processInfo.physicalMemory) / 2e9) * 1e9
  let scale = Double(settings.size) / Double(max(content.width, content.height))
  let pixels = Double(content.width * content.height) * scale * scale
  // The smallest tile worth its margins.
  let least = 448
  let room = bytes - fixed - perPicturePixel * pixels
  guard room >= perPixel * Double(least * least) || room >= perPixel * pixels else {
    let needed = (fixed + perPicturePixel * pixels + perPixel * Double(least * least)) / 1e9
    throw RestyleError.tooLittleMemory(gigabytes: bytes / 1e9, needed: needed)
  }
  return room >= perPixel * pixels ? nil : Int((room / perPixel).squareRoot()) / 16 * 16
}

/// With the content's colours, where they are to stay, with the content where no mask is, and with its alpha.
func finished(
  _ painted: Tensor, _ content: Picture, _ colours: Tensor, _ kept: RestyleRequest.Colours, _ masks: [Tensor]
) -> Picture {
  let size = [painted.size(2), painted.size(3)]
  var rgb = painted
  if kept == .content || !masks.isEmpty {
    let isSame = [colours.size(2), colours.size(3)] == size
    let small =
      isSame ? colours : clamp(interpolate(colours, size: size, mode: .bicubic, antialias: true), min: 0, max: 1)
    if kept == .content { rgb = withColours(of: small, brightness: painted) }
    if let first = masks.first {
      let sum = masks.dropFirst().reduce(first) { $0 + $1 }
      let cover = clamp(interpolate(sum, size: size, mode: .bilinear, antialias: true), min: 0, max: 1)
      rgb = whereTrue(cover.equal(to: 0), small, small + (rgb - small) * cover)
    }
  }
  var out = Picture(rgb[0] * 2 - 1)
  if content.channels == 4 {
    let sized = content.resampled(width: out.width, height: out.height)
    out = Picture(Tensor.concatenated([out.tensor, sized.tensor[3..<4]])).cleared
  }
  return out
}

/// What the file says about its making.
func provenance(_ request: RestyleRequest, _ steps: Int, of total: Int) -> [(key: String, value: String)] {
  let name = { (path: String) in (path as NSString).lastPathComponent }
  return [
    ("Content", name(request.content)),
    ("Style", request.styles.map(name).joined(separator: ", ")),
    ("Settings", request.settings.json),
    ("Colours", request.colours.rawValue),
    ("Network", request.network),
    ("Steps", "\(steps) of \(total)"),
    Provenance.software,
  ]
}

extension StyleSettings {
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}

/// The network whose features say what style is; its weights are installed when they aren't there.
///
/// - Throws: as `installModel`.
func styleNetwork(
  _ name: String, in workspace: Workspace, on device: Device, say: (String) -> Void
) throws -> VGG {
  let network: VGG
  switch name {
  case "random":
    network = VGG()
    var noise = Noise(seed: 0)
    network.initialize(&noise, as: .fanIn(gain: 2.0.squareRoot()))
  default:
    let path =
      name == "vgg16" ? try installModel(name, in: workspace, say: say) : "\(workspace.models)/\(name).safetensors"
    guard FileManager.default.fileExists(atPath: path) else { throw RestyleError.noNetwork(name) }
    let weights = try Safetensors.read(path).tensors
    network = VGG(weights["features.34.weight"] != nil ? VGG.vgg19 : VGG.vgg16)
    try network.load(weights, strict: false)
  }
  network.setRequiresGradient(false)
  network.placed(on: device)
  return network
}

/// Why a picture can't be restyled.
public enum RestyleError: Explained, Equatable {
  /// Sides shorter than this have no features in the deep layers.
  static let smallest = 16

  case noStyle
  case weights(count: Int, styles: Int)
  case badNumber(option: String, value: Double, range: String)
  case tooSmall(String, width: Int, height: Int)
  case noNetwork(String)
  case masks(count: Int, styles: Int)
  case tooLittleMemory(gigabytes: Double, needed: Double)
  case nothingToResume(String)
  case unfinished(String)
  case diverged(step: Int)

  public var sentence: String {
    switch self {
    case .noStyle: "There is no style: name a painting by --style."
    case .weights(let count, let styles):
      "There are \(count) weights for \(counted(styles, "style")): give --weights one number a --style, such as 2,1."
    case .badNumber(let option, let value, let range): "--\(option) can't be \(value): use a number \(range)."
    case .tooSmall(let path, let width, let height):
      "\(path) is \(width) by \(height) pixels, too small to have a style: use one of \(Self.smallest) or more a side."
    case .noNetwork(let name):
      "There is no network '\(name)': use vgg16, random, or the name of a VGG19 that you imported (atelier models list)."
    case .masks(let count, let styles):
      "There are \(counted(count, "mask")) for \(counted(styles, "style")): give each --style a --mask, or none."
    case .tooLittleMemory(let gigabytes, let needed):
      String(
        format: "%.1f GB of memory are too few for this size: give --memory %.1f or more, or a smaller --size.",
        gigabytes, needed)
    case .nothingToResume(let out):
      "There is no unfinished work for \(out) with these pictures and settings: leave out --resume."
    case .unfinished(let out):
      "There is unfinished work for \(out): go on with it by --resume, or begin anew by --force."
    case .diverged(let step):
      "The picture became invalid at step \(step): lower --strength or --rate, or use --precision float32."
    }
  }
  public var exit: Exit {
    switch self {
    case .noStyle, .weights, .masks, .badNumber: .usage
    case .tooSmall, .diverged: .data
    case .noNetwork, .tooLittleMemory: .unavailable
    case .nothingToResume: .missingInput
    case .unfinished: .cannotCreate
    }
  }
}

extension RestyleRequest {
  /// - Throws: `RestyleError`, `FileError.exists`; all before any work.
  func check() throws {
    guard !styles.isEmpty else { throw RestyleError.noStyle }
    guard weights.isEmpty || weights.count == styles.count else {
      throw RestyleError.weights(count: weights.count, styles: styles.count)
    }
    guard masks.isEmpty || masks.count == styles.count else {
      throw RestyleError.masks(count: masks.count, styles: styles.count)
    }
    func expect(_ option: String, _ value: Double, _ isRight: Bool, _ range: String) throws(RestyleError) {
      guard isRight, value.isFinite else { throw .badNumber(option: option, value: value, range: range) }
    }
    for weight in weights { try expect("weights", weight, weight >= 0, "from 0 on") }
    try expect(
      "weights", weights.reduce(0, +), weights.isEmpty || weights.contains { $0 > 0 }, "above 0 for one at least")
    try expect("size", Double(settings.size), (64...8192).contains(settings.size), "from 64 to 8192")
    try expect("strength", settings.strength, (0.01...100).contains(settings.strength), "from 0.01 to 100")
    try expect("strokes", settings.strokes, (0...100).contains(settings.strokes), "from 0 to 100")
    try expect("style-scale", settings.styleScale, (0.1...4).contains(settings.styleScale), "from 0.1 to 4")
    try expect("steps", Double(settings.steps), (1...100_000).contains(settings.steps), "from 1 on")
    if let memory { try expect("memory", memory, memory > 0, "of gigabytes above 0") }
    try expectWritable(out, isForced: force || resume)
  }
}

/// Hours of work shouldn't end before a folder that isn't there, or a file that is.
///
/// - Throws: `FileError`.
func expectWritable(_ out: String, isForced: Bool) throws(FileError) {
  let folder = out.parentPath
  guard access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
    throw errno == ENOENT || errno == ENOTDIR ? .noFolder(path: out) : .readOnly(path: out)
  }
  if !isForced && access(out, F_OK) == 0 { throw .exists(path: out) }
}
