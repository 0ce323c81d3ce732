import CVips
import Foundation

/// An animated WebP's frames, which FFmpeg can't read: libvips puts each together and has them beneath one another.
final class WebPFrames {
  let width: Int, height: Int
  /// 3, or 4 with transparency.
  let channels: Int
  /// Seconds that each frame is shown.
  let durations: [Double]
  /// Of the file, which libvips reads while frames are asked for.
  private let bytes: UnsafeMutableRawBufferPointer
  private var pages: Canvas?
  private let profile: MatrixProfile?
  private var count = 0, time = 0.0

  /// - Returns: nil for a file that is no animated WebP.
  /// - Throws: `ClipError`.
  init?(_ path: String) throws(ClipError) {
    guard let start = try? FileBytes.read(path, first: 32), Self.isAnimated(start) else { return nil }
    guard let file = try? FileBytes.read(path) else { throw .unreadable(name: path, why: "it can't be opened") }
    bytes = .allocate(byteCount: file.count, alignment: 1)
    bytes.copyBytes(from: file)
    durations = Self.delays(file).map { Double($0) / 1000 }
    (width, height) = (1 + Self.number(file, 24, 3), 1 + Self.number(file, 27, 3))
    guard width * height <= ClipReader.megapixels << 20 else {
      throw .tooLarge(name: path, width: width, height: height, megapixels: ClipReader.megapixels)
    }
    guard Canvas.isStarted, !durations.isEmpty,
      let pages = Canvas(opening: UnsafeRawBufferPointer(bytes), options: "n=\(durations.count)"),
      pages.width == width, pages.height == height * durations.count, [3, 4].contains(pages.bands)
    else {
      throw .unreadable(name: path, why: "it is damaged")
    }
    (self.pages, channels) = (pages, pages.bands)
    profile = pages.profile.flatMap(MatrixProfile.init(icc:))
  }
  deinit {
    pages = nil
    bytes.deallocate()
  }

  /// Frames that the file says it has.
  var total: Int { durations.count }

  /// The next one, with its time from the first and how long it is shown, in seconds; nil at the end, or where the file is damaged.
  func next() -> (picture: Picture, time: Double, duration: Double)? {
    guard count < total, let pixels = pages?.rows(count * height, height) else {
      pages = nil
      return nil
    }
    defer { (count, time) = (count + 1, time + durations[count]) }
    let picture = Picture(width: width, height: height, channels: channels, bytes: pixels)
    return (profile.map { inSRGB(picture, $0) } ?? picture, time, durations[count])
  }

  private func inSRGB(_ picture: Picture, _ profile: MatrixProfile) -> Picture {
    guard let canvas = Canvas(picture), let colours = canvas.bands(0, 3)?.turned(profile) else { return picture }
    let whole = channels == 4 ? canvas.bands(3, 1).flatMap(colours.joined) : colours
    return (whole?.pixels).map { Picture(width: width, height: height, channels: channels, bytes: $0) } ?? picture
  }

  /// Whether a file that begins so is an animated WebP: its first chunk says it ("VP8X", RFC 9649).
  static func isAnimated(_ start: [UInt8]) -> Bool {
    start.count >= 30 && start.starts(with: Array("RIFF".utf8)) && start[8...].starts(with: Array("WEBPVP8X".utf8))
      && start[20] & 2 != 0
  }

  /// Milliseconds of each frame; as browsers do, 100 where it would be none.
  private static func delays(_ file: [UInt8]) -> [Int] {
    var (at, found) = (12, [Int]())
    while at + 8 <= file.count {
      let size = number(file, at + 4, 4)
      if file[at...].starts(with: Array("ANMF".utf8)), at + 24 <= file.count {
        let delay = number(file, at + 20, 3)
        found.append(delay > 0 ? delay : 100)
      }
      at += 8 + size + size % 2
    }
    return found
  }

  private static func number(_ file: [UInt8], _ at: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(file[at + $1]) << (8 * $1) }
  }
}
