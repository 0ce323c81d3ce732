import CFFmpeg

/// Maps each frame to 256 colours of its own, with an even grain (FFmpeg's palettegen and paletteuse).
final class Palette {
  private var filter: FrameFilter?
  private let alpha: Bool
  private let base: AVRational
  private let path: String

  /// - Parameter base: of the frames' times.
  init(base: AVRational, alpha: Bool, _ path: String) { (self.base, self.alpha, self.path) = (base, alpha, path) }

  /// - Throws: `ClipError.failed`.
  func mapped(
    _ frame: UnsafeMutablePointer<AVFrame>, _ use: (UnsafeMutablePointer<AVFrame>) throws(ClipError) -> Void
  ) throws(ClipError) {
    if filter == nil {
      let words =
        "[in]split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=\(alpha ? 1 : 0)[p];"
        + "[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4[out]"
      filter = FrameFilter(words, for: frame, base: base)
    }
    guard let filter else { throw .failed(path: path, why: "FFmpeg has no palettes here") }
    let code = filter.push(frame)
    guard code >= 0 else { throw .failed(path: path, why: said(code)) }
    while let mapped = filter.pull() { try use(mapped) }
  }
}
