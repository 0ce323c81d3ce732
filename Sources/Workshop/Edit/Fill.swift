import Foundation
import Media
import Models
import Torch
import Training

/// A request to `fill`.
public struct FillRequest: Sendable {
  public var picture: String
  /// White where something else is to be; nil where `extending` says it.
  public var mask: String?
  /// Where the picture grows (outpainting), in place of a mask. By large models alone.
  public var extending: CanvasSides?
  /// Nil refuses a mask of another shape than the picture.
  public var maskFit: MaskFit?
  /// A run that draws what is to be there; nil takes what the pixels around let expect.
  public var run: String?
  /// The new file; for several seeds of a run a folder of PNGs.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  public var seeds = Seeds([0])
  public var samplingOptions = SamplingOptions()
  /// Replaces files that are there.
  public var force = false

  public init(picture: String, mask: String, out: String) {
    (self.picture, self.mask, self.out) = (picture, mask, out)
  }

  public init(picture: String, extending: CanvasSides, out: String) {
    (self.picture, self.extending, self.out) = (picture, extending, out)
  }

  /// As errors name it.
  var maskName: String { mask ?? "--extend" }
}

/// Why a picture can't be filled.
public enum FillError: Explained, Equatable {
  case nothingLeft(String)
  case needsRun
  case badSides(String)
  /// A hole is larger than the largest part of the picture that has the model's shape.
  case tooWide(String)

  public var sentence: String {
    switch self {
    case .nothingLeft(let path):
      "The mask \(path) leaves no pixels to predict from: leave more of the picture unmasked, or name a run by --with."
    case .needsRun: "--seeds, --sampling, --class and --guidance are for --with RUN: name a run, or leave them out."
    case .badSides(let words):
      "--extend can't be '\(words)': give sides and pixels, 1 to \(CanvasSides.most) each, such as left:256,top:64."
    case .tooWide(let path):
      "The hole in \(path) is wider or higher than the part of the picture that a run fills at once: fill it in parts."
    }
  }
  public var exit: Exit {
    switch self {
    case .needsRun, .badSides: .usage
    case .nothingLeft, .tooWide: .data
    }
  }
}

/// Fills what a mask covers. All other pixels stay, exactly; where the mask is grey both are mixed. Transparency stays, too.
///
/// - Throws: `FillError`, `MaskError`, `RedrawError`, `PictureError`, `FileError`, `OutputError`, and as `Generator`.
public func fill(
  _ request: FillRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  var (result, pace) = (FilesMade(), Pace(.pictures))
  let isPlain = request.seeds == Seeds([0]) && request.samplingOptions == SamplingOptions()
  guard request.run != nil || isPlain else { throw FillError.needsRun }
  let masked = try MaskedPicture(request, tell: tell)
  let (source, cover, seen, colours) = (masked.source, masked.cover, masked.seen, masked.colours)

  func write(
    _ filled: Tensor, _ path: String, _ words: [(key: String, value: String)], _ begun: Double, _ seed: UInt64?
  ) throws {
    let all =
      [(key: "Source", value: (request.picture as NSString).lastPathComponent)] + words + [Provenance.software]
    let file = try masked.write(filled, path, all, for: request, begun: begun, seed: seed)
    result.pictures += 1
    tell(.made(file))
  }

  guard let run = request.run else {
    try expectPicture(request.out, quality: request.quality, isForced: request.force)
    let begun = ProcessInfo.processInfo.systemUptime
    let isHole = cover.flattened().floats.map { $0 > 0 }
    var isKnown = isHole.map { !$0 }
    if source.channels == 4 {
      // What isn't seen has no colour to go by.
      for (i, alpha) in masked.whole[3].flattened().floats.enumerated() where alpha == 0 { isKnown[i] = false }
    }
    // Its matrices are small: threads would wait for one another longer than they work.
    let threads = Threads.count
    Threads.count = 1
    defer { Threads.count = threads }
    guard let process = PixelFill(seen, isHole: isHole, isKnown: isKnown) else {
      throw FillError.nothingLeft(request.maskName)
    }
    let filled = process.filled { done in
      tell(pace.at(0, of: 1, fraction: done))
      return !shouldStop()
    }
    guard let filled else {
      result.isStopped = true
      return result
    }
    try write(
      filled, request.out,
      [("Kernel", process.kernel.parameters.map { String(format: "%.3g", $0) }.joined(separator: ", "))], begun, nil)
    return result
  }

  var generator = try Generator(run, in: workspace, on: device) { tell(.note($0.sentence)) }
  let model = try generator.editing()
  try generator.draw(request.samplingOptions)
  let settings = generator.settings
  let files = try request.seeds.files(at: request.out, quality: request.quality, isForced: request.force)
  let size = settings.size
  let part = try Part(of: size, around: cover, named: request.maskName)
  let small = part.cut(seen.expanded([settings.channels == 1 ? colours : 3, source.height, source.width]))
  var given = clamp(interpolate(small, size: size.shape, mode: .bicubic, antialias: true), min: 0, max: 1) * 2 - 1
  if settings.channels == 1, given.size(1) == 3 { given = given.mean(dims: [1], keepDims: true) }
  if settings.channels == 4 { given = Tensor.concatenated([given, Tensor.ones([1, 1] + size.shape)], dim: 1) }
  let hole = interpolate(part.cut(cover), size: size.shape, mode: .bilinear, antialias: true)
    .greater(than: Tensor.full([1], 1e-3)).to(.float32)
  for (i, file) in files.enumerated() {
    guard !shouldStop() else {
      result.isStopped = true
      break
    }
    let begun = ProcessInfo.processInfo.systemUptime
    var asked = generator.request(seeds: [file.seed])
    (asked.given, asked.mask) = (given, hole)
    let made = model.pictures(asked) * 0.5 + 0.5
    let large = interpolate(made, size: part.size.shape, mode: .bicubic)
    let fitted = clamp(
      large[0][0..<min(3, large.size(1))].expanded([colours] + part.size.shape), min: 0, max: 1)
    try write(
      part.pasted(fitted, into: seen), file.path,
      Provenance.words(of: generator) + [("Seed", "\(file.seed)")] + generator.samplingWords, begun, file.seed)
    tell(pace.at(i + 1, of: files.count))
  }
  return result
}

/// The largest part of a picture that has a shape, around what is masked, as far in the middle as it can be.
private struct Part {
  let size: PictureSize, left: Int, top: Int

  /// - Parameters:
  ///   - shape: of the part, larger or smaller.
  ///   - cover: [1, H, W].
  /// - Throws: `FillError.tooWide`.
  init(of shape: PictureSize, around cover: Tensor, named path: String) throws(FillError) {
    let (height, width) = (cover.size(1), cover.size(2))
    let scale = min(Double(width) / Double(shape.width), Double(height) / Double(shape.height))
    size = PictureSize(
      min(width, max(1, Int((Double(shape.width) * scale).rounded()))),
      min(height, max(1, Int((Double(shape.height) * scale).rounded()))))
    func place(_ lines: [Float], _ length: Int, _ side: Int) throws(FillError) -> Int {
      let first = lines.firstIndex { $0 > 0 }!, last = lines.lastIndex { $0 > 0 }!
      guard last - first < side else { throw .tooWide(path) }
      return min(max((first + last + 1 - side) / 2, 0), length - side)
    }
    left = try place(cover[0].max(dims: [0]).floats, width, size.width)
    top = try place(cover[0].max(dims: [1]).floats, height, size.height)
  }

  /// [C, H, W] to [1, C, h, w].
  func cut(_ x: Tensor) -> Tensor {
    x.narrowed(dim: 1, from: top, count: size.height).narrowed(dim: 2, from: left, count: size.width).unsqueezed(0)
      .contiguous()
  }

  /// [C, h, w] in its place in [C, H, W].
  func pasted(_ part: Tensor, into whole: Tensor) -> Tensor {
    let copy = whole.cloned()
    withoutGradients {
      copy.narrowed(dim: 1, from: top, count: size.height).narrowed(dim: 2, from: left, count: size.width)
        .copy(from: part)
    }
    return copy
  }
}
