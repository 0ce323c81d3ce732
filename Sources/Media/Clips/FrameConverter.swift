import CFFmpeg

/// How a film is to be looked at: turned by quarters, or mirrored.
struct FrameOrientation: Equatable {
  /// Whether rows become columns; before mirroring.
  var isTransposed = false
  /// Whether what is shown first was last, along each of the sides that are stored.
  var mirrorsX = false, mirrorsY = false

  /// - Parameter matrix: a display matrix's {a, b, c, d}, by which a pixel of column p and row q is shown in column
  ///   a·p + c·q and row b·p + d·q.
  init(_ matrix: [Int32]) {
    let (a, b, c, d) = (Double(matrix[0]), Double(matrix[1]), Double(matrix[2]), Double(matrix[3]))
    isTransposed = abs(b) + abs(c) > abs(a) + abs(d)
    (mirrorsX, mirrorsY) = isTransposed ? (b < 0, c < 0) : (a < 0, d < 0)
  }
  init() {}
}

/// Turns FFmpeg's frames into pictures in sRGB bytes, all of one size, upright.
final class FrameConverter {
  /// Before turning.
  private let width: Int, height: Int
  private let channels: Int
  private let orientation: FrameOrientation
  private var converter: OpaquePointer?
  private var source: (width: Int32, height: Int32, format: Int32, space: AVColorSpace, range: AVColorRange)?

  init(width: Int, height: Int, channels: Int, _ orientation: FrameOrientation) {
    (self.width, self.height, self.channels, self.orientation) = (width, height, channels, orientation)
  }

  deinit { sws_freeContext(converter) }

  /// nil for a frame that can't be converted, as of a damaged file: it is passed over, as those are that can't be decoded.
  func picture(_ frame: UnsafeMutablePointer<AVFrame>) -> Picture? {
    let (height, format) = (frame.pointee.height, frame.pointee.format)
    let given = (frame.pointee.width, height, format, frame.pointee.colorspace, frame.pointee.color_range)
    if source == nil || source! != given {
      sws_freeContext(converter)
      // A film may change its size on the way; what is given out doesn't.
      converter = sws_getContext(
        frame.pointee.width, height, AVPixelFormat(format), Int32(width), Int32(self.height),
        channels == 4 ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24, cf_scale, nil, nil, nil)
      source = given
      if let converter { setColours(converter, of: frame.pointee) }
    }
    guard let converter else { return nil }
    let bytes = [UInt8](unsafeUninitializedCapacity: width * self.height * channels + 64) { out, filled in
      // The room is more: vector code writes past the end.
      filled = width * self.height * channels
      var planes: [UnsafeMutablePointer<UInt8>?] = [out.baseAddress, nil, nil, nil]
      let strides = [Int32(width * channels), 0, 0, 0]
      withUnsafePointer(to: &frame.pointee.data) { data in
        data.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 8) { data in
          withUnsafePointer(to: &frame.pointee.linesize) { sizes in
            sizes.withMemoryRebound(to: Int32.self, capacity: 8) { sizes in
              _ = sws_scale(converter, data, sizes, 0, height, &planes, strides)
            }
          }
        }
      }
    }
    return Picture(width: width, height: self.height, channels: channels, bytes: bytes).oriented(orientation)
  }
}

/// Which coefficients a frame's colours were made with; those of small films are older.
private func setColours(_ converter: OpaquePointer, of frame: AVFrame) {
  let space =
    frame.colorspace == AVCOL_SPC_UNSPECIFIED || frame.colorspace == AVCOL_SPC_RGB
    ? (frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601) : Int32(frame.colorspace.rawValue)
  // These formats of JPEG's are always of the full range.
  let isJPEG = [
    AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUVJ411P,
  ]
  .contains(AVPixelFormat(frame.format))
  let isFull: Int32 = frame.color_range == AVCOL_RANGE_JPEG || isJPEG ? 1 : 0
  sws_setColorspaceDetails(
    converter, sws_getCoefficients(space), isFull, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16)
}

extension Picture {
  func oriented(_ orientation: FrameOrientation) -> Picture {
    guard orientation != FrameOrientation() else { return self }
    let (w, h, c) = (width, height, channels)
    let (newWidth, newHeight) = orientation.isTransposed ? (h, w) : (w, h)
    let made = [UInt8](unsafeUninitializedCapacity: bytes.count) { out, filled in
      filled = bytes.count
      for y in 0..<newHeight {
        for x in 0..<newWidth {
          let (p, q) = orientation.isTransposed ? (y, x) : (x, y)
          let from = ((orientation.mirrorsY ? h - 1 - q : q) * w + (orientation.mirrorsX ? w - 1 - p : p)) * c
          for k in 0..<c { out[(y * newWidth + x) * c + k] = bytes[from + k] }
        }
      }
    }
    return Picture(width: newWidth, height: newHeight, channels: c, bytes: made)
  }
}
