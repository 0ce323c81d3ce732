import CFFmpeg

/// What a frame's numbers mean: what has to be done to show its colours as sRGB.
enum FrameColours: Equatable {
  /// Red, green and blue like those of BT.709 or near them: only the matrix and the range are undone.
  case plain
  /// A gamut or a curve of its own, in the standard's name.
  case wide(String)
  /// High dynamic range, by its curve's name.
  case hdr(String)

  init(_ frame: AVFrame) {
    switch frame.color_trc {
    case AVCOL_TRC_SMPTE2084: self = .hdr("PQ")
    case AVCOL_TRC_ARIB_STD_B67: self = .hdr("HLG")
    case AVCOL_TRC_LINEAR: self = .wide("linear light")
    default:
      switch (frame.color_primaries, frame.colorspace) {
      case (AVCOL_PRI_BT2020, _), (_, AVCOL_SPC_BT2020_CL), (_, AVCOL_SPC_ICTCP): self = .wide("BT.2020")
      case (AVCOL_PRI_SMPTE431, _): self = .wide("DCI-P3")
      case (AVCOL_PRI_SMPTE432, _): self = .wide("Display P3")
      case (_, AVCOL_SPC_YCGCO): self = .wide("YCgCo")
      default: self = .plain
      }
    }
  }

  /// FFmpeg's filters that make them BT.709; nil where there is nothing to do.
  ///
  /// HDR as in FFmpeg's own guide: in linear light, of which 1 is 100 cd/m², to the smaller gamut, then Hable's curve.
  func filters(for frame: AVFrame) -> String? {
    // zimg takes no chroma of half a pixel.
    let isOdd = frame.width % 2 == 1 || frame.height % 2 == 1
    let whole = isOdd ? "format=yuv444p16le," : ""
    switch self {
    case .plain: return nil
    case .wide: return whole + "zscale=m=gbr:p=bt709:t=bt709:r=pc,format=gbrp"
    case .hdr:
      return whole + "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,"
        + "zscale=m=gbr:t=bt709:r=pc,format=gbrp"
    }
  }

  /// Fills in what a file doesn't say, without which zimg takes nothing.
  func complete(_ frame: UnsafeMutablePointer<AVFrame>) {
    guard self != .plain else { return }
    let isRGB = cf_describe(frame.pointee.format).pointee.flags & UInt64(AV_PIX_FMT_FLAG_RGB) != 0
    if frame.pointee.color_range == AVCOL_RANGE_UNSPECIFIED {
      frame.pointee.color_range = isRGB ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG
    }
    let isLarge = frame.pointee.color_primaries == AVCOL_PRI_UNSPECIFIED
    if case .hdr = self, isLarge { frame.pointee.color_primaries = AVCOL_PRI_BT2020 }
    if frame.pointee.color_primaries == AVCOL_PRI_UNSPECIFIED { frame.pointee.color_primaries = AVCOL_PRI_BT709 }
    if frame.pointee.colorspace == AVCOL_SPC_UNSPECIFIED {
      frame.pointee.colorspace =
        isRGB
        ? AVCOL_SPC_RGB
        : frame.pointee.color_primaries == AVCOL_PRI_BT2020 ? AVCOL_SPC_BT2020_NCL : AVCOL_SPC_BT709
    }
    if frame.pointee.color_trc == AVCOL_TRC_UNSPECIFIED { frame.pointee.color_trc = AVCOL_TRC_BT709 }
  }

  /// What is said of it, once; nil where nothing is to be said.
  ///
  /// - Parameter isDone: whether this FFmpeg could do it.
  func words(_ name: String, isDone: Bool) -> String? {
    switch (self, isDone) {
    case (.plain, _): nil
    case (.hdr(let curve), true): "\(name) is HDR (\(curve)): it is tone-mapped to SDR."
    case (.hdr(let curve), false):
      "\(name) is HDR (\(curve)), and this FFmpeg has no zscale filter to tone-map it: its colours are pale."
    case (.wide(let gamut), true): "\(name) is in \(gamut): its colours are converted to sRGB."
    case (.wide(let gamut), false):
      "\(name) is in \(gamut), and this FFmpeg has no zscale filter to convert it: its colours are a little off."
    }
  }
}
