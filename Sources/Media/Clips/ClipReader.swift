import CFFmpeg

/// A film, frame by frame, upright, in sRGB bytes: one frame is in memory at a time.
public final class ClipReader {
  public struct Facts: Sendable, Equatable {
    /// As it is to be looked at, after turning.
    public let width: Int, height: Int
    /// 3, or 4 with transparency.
    public let channels: Int
    /// Frames a second on average.
    public let rate: FrameRate
    /// Frames at that rate, by the file's own word: an estimate.
    public let count: Int
    public let hasSound: Bool
  }
  public struct Frame {
    public let picture: Picture
    /// Seconds from the start.
    public let time: Double
  }

  public let facts: Facts
  /// The most pixels that a frame may have.
  public static let megapixels = 64
  /// Seconds that a frame is shown at most.
  static let longestFrame = 3600.0
  private let decoder: Decoder
  private let quarterTurns: Int
  private let timeBase: AVRational
  private var converter: OpaquePointer?
  private var source: (width: Int32, height: Int32, format: Int32) = (0, 0, -1)
  private var firstTime: Double?
  private var lastTime = -1.0
  private var waiting: (shown: Frame?, next: Frame?) = (nil, nil)
  private var index = 0

  /// - Throws: `ClipError`.
  public init(_ path: String) throws(ClipError) {
    let demuxer = try Demuxer(path)
    guard let stream = demuxer.best(AVMEDIA_TYPE_VIDEO), stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0
    else {
      throw demuxer.best(AVMEDIA_TYPE_AUDIO) == nil ? .notAClip(name: path) : .noPictures(name: path)
    }
    let parameters = stream.pointee.codecpar.pointee
    let (width, height) = (Int(parameters.width), Int(parameters.height))
    guard width > 0 && height > 0 else { throw .unreadable(name: path, why: "its pictures have no size") }
    guard width * height <= Self.megapixels << 20 else {
      throw .tooLarge(name: path, width: width, height: height, megapixels: Self.megapixels)
    }
    decoder = try Decoder(stream, of: demuxer, maxPixels: Self.megapixels << 20)
    quarterTurns = Int(cf_rotation(stream)) / 90
    timeBase = stream.pointee.time_base
    let guess = av_guess_frame_rate(demuxer.context, stream, nil)
    let average = stream.pointee.avg_frame_rate
    let found = average.num > 0 && average.den > 0 ? average : guess
    let rate =
      found.num > 0 && found.den > 0 && av_q2d(found) <= 240 ? FrameRate(Int(found.num), Int(found.den)) : FrameRate(25)
    let hasOwn = stream.pointee.duration != cf_no_time
    let seconds =
      hasOwn
      ? Double(stream.pointee.duration) * av_q2d(timeBase)
      : demuxer.context.pointee.duration != cf_no_time
        ? Double(demuxer.context.pointee.duration) / Double(AV_TIME_BASE) : 0
    let hasAlpha = cf_has_alpha(parameters.format) != 0 || cf_has_alpha(decoder.context.pointee.pix_fmt.rawValue) != 0
    let isTurned = quarterTurns % 2 == 1
    facts = Facts(
      width: isTurned ? height : width, height: isTurned ? width : height,
      channels: hasAlpha || av_dict_get(stream.pointee.metadata, "alpha_mode", nil, 0) != nil ? 4 : 3, rate: rate,
      // A damaged file may claim any length, or none.
      count: Int(min(1e9, max(1, (seconds.isFinite ? seconds * rate.value : 0).rounded()))),
      hasSound: demuxer.best(AVMEDIA_TYPE_AUDIO) != nil)
  }

  deinit { sws_freeContext(converter) }

  /// The next frame as it is in the file, at a time of its own; nil at the end.
  public func next() -> Frame? {
    var found: Picture?
    while found == nil {
      guard decoder.next() else { return nil }
      found = picture(decoder.frame)
      if found == nil { av_frame_unref(decoder.frame) }
    }
    guard let found else { return nil }
    defer { av_frame_unref(decoder.frame) }
    let frame = decoder.frame.pointee
    let stamp = frame.best_effort_timestamp
    var time = stamp == cf_no_time ? lastTime + 1 / facts.rate.value : Double(stamp) * av_q2d(timeBase)
    if firstTime == nil { firstTime = time }
    time -= firstTime!
    // Times of a damaged file may go back.
    if time <= lastTime { time = lastTime + 1e-6 }
    // And may claim that the next is shown in a thousand years: at an even rate the last one would be repeated till then.
    if lastTime >= 0, time - lastTime > Self.longestFrame {
      let likely = lastTime + min(Self.longestFrame, 1 / facts.rate.value)
      firstTime! += time - likely
      time = likely
    }
    lastTime = time
    return Frame(picture: found, time: time)
  }

  /// The frame to be shown at the next moment of an even rate: a film whose frames last differently long becomes one
  /// whose frames don't, by leaving out and repeating.
  public func next(at rate: FrameRate) -> Picture? {
    if index == 0 { waiting = (next(), next()) }
    // Half a frame's tolerance: times are rounded to milliseconds in some files.
    let time = rate.time(of: index) + 0.5 / rate.value
    while let following = waiting.next, following.time < time { waiting = (following, next()) }
    guard let shown = waiting.shown else { return nil }
    if waiting.next == nil && shown.time + 1 / facts.rate.value < time { return nil }
    index += 1
    return shown.picture
  }

  /// nil for a frame that can't be converted, as of a damaged file: it is passed over, as those are that can't be decoded.
  private func picture(_ frame: UnsafeMutablePointer<AVFrame>) -> Picture? {
    let (width, height, format) = (frame.pointee.width, frame.pointee.height, frame.pointee.format)
    let channels = facts.channels
    if source != (width, height, format) {
      sws_freeContext(converter)
      // A film may change its size on the way; what is given out doesn't.
      let isTurned = quarterTurns % 2 == 1
      let (outWidth, outHeight) = isTurned ? (facts.height, facts.width) : (facts.width, facts.height)
      converter = sws_getContext(
        width, height, AVPixelFormat(format), Int32(outWidth), Int32(outHeight),
        channels == 4 ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
        cf_scale, nil, nil, nil)
      source = (width, height, format)
      if let converter { setColours(converter, of: frame.pointee) }
    }
    guard let converter else { return nil }
    let isTurned = quarterTurns % 2 == 1
    let (outWidth, outHeight) = isTurned ? (facts.height, facts.width) : (facts.width, facts.height)
    let bytes = [UInt8](unsafeUninitializedCapacity: outWidth * outHeight * channels + 64) { out, filled in
      // The room is more: vector code writes past the end.
      filled = outWidth * outHeight * channels
      var planes: [UnsafeMutablePointer<UInt8>?] = [out.baseAddress, nil, nil, nil]
      let strides = [Int32(outWidth * channels), 0, 0, 0]
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
    let upright = Picture(width: outWidth, height: outHeight, channels: channels, bytes: bytes)
    return upright.turned(quarterTurns)
  }
}

/// Which coefficients a frame's colours were made with; those of small films are older.
private func setColours(_ converter: OpaquePointer, of frame: AVFrame) {
  let space =
    frame.colorspace == AVCOL_SPC_UNSPECIFIED || frame.colorspace == AVCOL_SPC_RGB
    ? (frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601) : Int32(frame.colorspace.rawValue)
  let isFull: Int32 = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0
  sws_setColorspaceDetails(
    converter, sws_getCoefficients(space), isFull, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16)
}

extension Picture {
  /// Turned clockwise by quarters.
  func turned(_ quarters: Int) -> Picture {
    guard quarters % 4 != 0 else { return self }
    let (w, h, c) = (width, height, channels)
    let isTurned = quarters % 2 == 1
    let (newWidth, newHeight) = isTurned ? (h, w) : (w, h)
    let turned = [UInt8](unsafeUninitializedCapacity: bytes.count) { out, filled in
      filled = bytes.count
      for y in 0..<newHeight {
        for x in 0..<newWidth {
          let (fromX, fromY) =
            switch quarters % 4 {
            case 1: (y, h - 1 - x)
            case 2: (w - 1 - x, h - 1 - y)
            default: (w - 1 - y, x)
            }
          for k in 0..<c { out[(y * newWidth + x) * c + k] = bytes[(fromY * w + fromX) * c + k] }
        }
      }
    }
    return Picture(width: newWidth, height: newHeight, channels: c, bytes: turned)
  }
}
