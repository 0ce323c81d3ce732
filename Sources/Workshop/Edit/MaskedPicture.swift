import Foundation
import Media
import Torch

/// A picture and what a mask covers of it.
struct MaskedPicture {
  let source: Picture
  /// [1, H, W] in 0...1: what is to change.
  let cover: Tensor
  /// [C, H, W] in 0...1, with alpha where the picture has it.
  let whole: Tensor
  /// Its colours alone, [1 or 3, H, W].
  let seen: Tensor
  /// How many of its channels are colours: 1 or 3.
  let colours: Int
  /// How many pixels are covered, also in part.
  let count: Int

  /// - Throws: `MaskError`, `PictureError`.
  init(_ request: FillRequest, tell: (Event) -> Void) throws {
    let own = try Picture.load(request.picture, Decoding(channels: nil), tell: tell)
    if let sides = request.extending {
      (source, cover) = own.extended(by: sides)
    } else if let path = request.mask {
      source = own
      let given = try mask(path, of: source, named: request.picture, fit: request.maskFit, on: .cpu)[0]
      // A JPEG's black isn't quite black.
      cover = whereTrue(given.less(than: 0.03), given * 0, given)
      guard cover.max().item() > 0 else { throw MaskError.empty(path) }
    } else {
      preconditionFailure("nothing to fill")
    }
    note(lossOfTransparencyIn: source, out: request.out, tell: tell)
    colours = source.channels == 4 ? 3 : source.channels
    whole = source.unit()
    seen = whole[0..<colours]
    count = Int(cover.greater(than: Tensor.zeros([1])).to(.float32).sum().item())
  }

  /// Writes the picture with something else under the mask. All other pixels stay, exactly; where the mask is grey both are mixed.
  ///
  /// - Parameters:
  ///   - filled: [1 or 3, H, W] in 0...1.
  ///   - begun: the system's uptime when the work on it began.
  func write(
    _ filled: Tensor, _ path: String, _ words: [(key: String, value: String)], for request: FillRequest, begun: Double,
    seed: UInt64?
  ) throws -> MadeFile {
    let mixed = whereTrue(cover.equal(to: 0), seen, seen + (filled - seen) * cover)
    let parts = [Picture(mixed * 2 - 1).tensor] + (source.channels == 4 ? [source.tensor[3..<4]] : [])
    try Picture(Tensor.concatenated(parts)).write(
      path, text: words, source: .compositeSynthetic, quality: request.quality, isForced: request.force)
    var file = MadeFile(.picture, path, seed: seed, width: source.width, height: source.height)
    (file.pixels, file.seconds) = (count, ProcessInfo.processInfo.systemUptime - begun)
    return file
  }
}
