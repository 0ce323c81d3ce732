import Foundation
import Media

extension RestyleRequest {
  /// A style's picture, without a frame around it unless that is kept.
  ///
  /// - Throws: `PictureError`, `RestyleError.tooSmall`.
  func stylePicture(_ path: String) throws -> Picture {
    let picture = try Picture.load(path, Decoding())
    guard min(picture.width, picture.height) >= RestyleError.smallest else {
      throw RestyleError.tooSmall(path, width: picture.width, height: picture.height)
    }
    guard !keepsFrame, let frame = PaintingFrame(around: picture) else { return picture }
    return frame.cutOff(picture)
  }

  /// Says which styles lose a frame; one that is a number has no picture.
  ///
  /// - Throws: `PictureError`.
  func noteFrames(tell: (Event) -> Void) throws {
    guard !keepsFrame else { return }
    let pictures = styles.filter { FileManager.default.fileExists(atPath: $0) }
    let framed = try pictures.filter { try PaintingFrame(around: Picture.load($0, Decoding())) != nil }
    guard !framed.isEmpty else { return }
    let names = framed.map { ($0 as NSString).lastPathComponent }.joined(separator: " and ")
    tell(.note("The frame around \(names) is left out: --keep-frame paints it, too."))
  }
}
