import Foundation
import Media

extension TerminalGraphics {
  /// The characters that show a PNG file where the cursor is; nil when it can't be read.
  public func drawn(file path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path), let picture = try? Picture.load(path) else {
      return nil
    }
    let rgb =
      picture.channels == 3
      ? picture.bytes
      : stride(from: 0, to: picture.bytes.count, by: picture.channels).flatMap { start in
        (0..<3).map { picture.bytes[start + (picture.channels == 1 ? 0 : $0)] }
      }
    return drawn(png: Array(data), pixels: rgb, width: picture.width, height: picture.height)
  }
}
