import Foundation
import Media
import Models
import Torch

/// A request to `texture`.
public struct TextureRequest: Sendable {
  public var picture: String
  /// The new file; for several seeds a folder of PNGs.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  public var seeds = Seeds([0])
  /// Width and height of what is made.
  public var size = PictureSize(1024, 1024)
  /// Pixels of the example's longer side; nil for its own.
  public var grain: Int?
  /// Replaces files that are there.
  public var force = false

  public init(picture: String, out: String) { (self.picture, self.out) = (picture, out) }
}

/// Makes textures with a picture's mean colour and autocovariance, and writes them as files that say how they were made.
/// They close at their edges, so they can be laid side by side. Transparency is one channel more.
///
/// - Parameters:
///   - shouldStop: asked before each.
///   - tell: told what the artist should know, and about each file.
/// - Throws: `TextureError`, `PictureError`, `FileError`, `OutputError`.
public func texture(
  _ request: TextureRequest, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  if let grain = request.grain, !(16...4096).contains(grain) { throw TextureError.badGrain(grain) }
  var example = try Picture.load(request.picture, Decoding(channels: nil), tell: tell)
  guard min(example.width, example.height) >= TextureError.least else {
    throw TextureError.tooSmall(request.picture, width: example.width, height: example.height)
  }
  let longer = max(example.width, example.height)
  if let grain = request.grain, grain != longer {
    let size = fitted(example.height, example.width, longer: grain)
    example = example.resampled(width: max(2, size[1]), height: max(2, size[0]))
  }
  let (width, height) = (request.size.width, request.size.height)
  if example.width > width || example.height > height {
    // A part of it says the same about its grain.
    let (w, h) = (min(width, example.width), min(height, example.height))
    tell(
      .note(
        "\(request.picture) is larger than the texture, so only its middle is used. --grain \(max(w, h)) uses all of it."
      ))
    example = example.cut(x: (example.width - w) / 2, y: (example.height - h) / 2, width: w, height: h)
  }
  let files = try request.seeds.files(at: request.out, quality: request.quality, isForced: request.force)
  let made = withoutGradients {
    GaussianTexture(of: example.premultiplied()[0].to(device), height: height, width: width)
  }
  var (result, pace) = (FilesMade(), Pace(.pictures))
  for (path, seed) in files {
    guard !shouldStop() else {
      result.isStopped = true
      break
    }
    let started = ProcessInfo.processInfo.systemUptime
    var noise = Noise(seed: seed)
    let drawn = withoutGradients { clamp(made.sample(&noise), min: 0, max: 1).unsqueezed(0).to(.cpu) }
    let picture = Picture(premultiplied: drawn)
    if result.pictures == 0 { note(lossOfTransparencyIn: picture, out: path, tell: tell) }
    try picture.write(
      path,
      text: [
        ("Source", (request.picture as NSString).lastPathComponent), ("Seed", "\(seed)"),
        Provenance.software,
      ], source: .compositeSynthetic, quality: request.quality, isForced: request.force)
    var file = MadeFile(.picture, path, seed: seed, width: picture.width, height: picture.height)
    file.seconds = ProcessInfo.processInfo.systemUptime - started
    result.pictures += 1
    tell(.made(file))
    tell(pace.at(result.pictures, of: files.count))
  }
  return result
}

/// Why no texture can be made of a picture.
public enum TextureError: Explained, Equatable {
  case badGrain(Int)
  case tooSmall(String, width: Int, height: Int)

  static let least = 8

  public var sentence: String {
    switch self {
    case .badGrain(let grain): "--grain can't be \(grain): use 16 to 4096 pixels."
    case .tooSmall(let path, let width, let height):
      "\(path) is \(width) by \(height) pixels, too small for a texture: use one of \(Self.least) or more a side."
    }
  }
  public var exit: Exit {
    switch self {
    case .badGrain: .usage
    case .tooSmall: .data
    }
  }
}
