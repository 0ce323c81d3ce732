import CFFmpeg
import Foundation

/// A film, frame by frame, as it is to be looked at: upright, in square pixels, in sRGB bytes, each at its time. Two frames are
/// in memory at a time.
public final class ClipReader {
  public struct Facts: Sendable, Equatable {
    /// As it is to be looked at: after turning, in square pixels.
    public let width: Int, height: Int
    /// 3, or 4 with transparency.
    public let channels: Int
    /// Frames a second on average.
    public let rate: FrameRate
    /// Frames, by the file's own word: an estimate.
    public let count: Int
    public let hasSound: Bool
  }
  public struct Frame {
    public let picture: Picture
    /// Seconds from the first frame, and until when it is shown.
    public let time: Double, end: Double
  }

  public let facts: Facts
  /// What is changed of what the file has, a sentence each; what shows only later is added.
  public var notes: [String] {
    if case .film(let frames, _) = source { return frames.notes + changes }
    return changes
  }
  /// Seconds of the file's clock at which the first frame is shown.
  public var start: Double { clock.start ?? 0 }
  /// Whether FFmpeg reads it, which knows of chapters.
  var isFFmpegs: Bool { if case .film = source { true } else { false } }
  /// Frames that are shown more than once at an even rate, and those that aren't.
  public private(set) var repeated = 0, leftOut = 0
  /// The most pixels that a frame may have.
  public static let megapixels = 64

  private typealias Waiting = (picture: Picture, time: Double, duration: Double)
  private enum Source {
    case film(DecodedFrames, FrameConverter)
    case webp(WebPFrames)
  }
  private let source: Source
  private var changes: [String] = []
  private var clock: FrameClock
  /// Seconds of the file's clock at which it ends; nil where nobody says.
  private let end: Double?
  private let promised: Int
  private var count = 0
  /// Seconds that a frame was shown at most until now.
  private var longest = 0.0
  private var ahead: Waiting?
  private var now: (frame: Frame, timesShown: Int)?
  private var slot = 0

  /// - Throws: `ClipError`.
  public convenience init(_ path: String) throws(ClipError) {
    if let frames = try WebPFrames(path) { try self.init(frames, path) } else { try self.init(film: path) }
  }

  private init(_ frames: WebPFrames, _ path: String) throws(ClipError) {
    let length = frames.durations.reduce(0, +)
    let rate = av_d2q(Double(frames.total) / length, 1 << 20)
    facts = Facts(
      width: frames.width, height: frames.height, channels: frames.channels,
      rate: FrameRate(Int(rate.num), Int(rate.den)), count: frames.total, hasSound: false)
    source = .webp(frames)
    clock = FrameClock(rate: facts.rate, tick: 0.001)
    (end, promised) = (length, frames.total)
    ahead = read()
    if ahead == nil { throw .unreadable(name: path, why: "it is damaged") }
  }

  private init(film path: String) throws(ClipError) {
    let demuxer = try Demuxer(path)
    guard let stream = demuxer.best(AVMEDIA_TYPE_VIDEO), stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0
    else {
      throw demuxer.best(AVMEDIA_TYPE_AUDIO) == nil ? .notAClip(name: path) : .noPictures(name: path)
    }
    let parameters = stream.pointee.codecpar.pointee
    let (width, height) = (Int(parameters.width), Int(parameters.height))
    guard width > 0 && height > 0 else { throw .unreadable(name: path, why: "its pictures have no size") }
    func expectRoom(_ width: Int, _ height: Int) throws(ClipError) {
      guard width * height <= Self.megapixels << 20 else {
        throw .tooLarge(name: path, width: width, height: height, megapixels: Self.megapixels)
      }
    }
    try expectRoom(width, height)
    let frames = DecodedFrames(try Decoder(stream, of: demuxer, maxPixels: Self.megapixels << 20), name: path)
    guard let first = frames.next() else { throw .unreadable(name: path, why: "it has no frames") }
    let seconds = demuxer.seconds(of: stream)
    let rate = demuxer.rate(of: stream, seconds: seconds.length)
    let hasAlpha = cf_has_alpha(parameters.format) != 0 || cf_has_alpha(first.frame.pointee.format) != 0
    let channels = hasAlpha || frames.decoder.hasAlphaMode ? 4 : 3
    if frames.decoder.lacksAlpha {
      changes.append("\(path) has transparency, which this FFmpeg can't read: it is opaque.")
    }
    var part = [Int32](repeating: 0, count: 4)
    let orientation =
      cf_display(stream, first.frame, &part) != 0 ? FrameOrientation(part) : FrameOrientation()
    let square = squared(width, height, av_guess_sample_aspect_ratio(demuxer.context, stream, first.frame))
    try expectRoom(square.width, square.height)
    let isTurned = orientation.isTransposed
    facts = Facts(
      width: isTurned ? square.height : square.width, height: isTurned ? square.width : square.height,
      channels: channels, rate: rate,
      // A damaged file may claim any length, or none.
      count: stream.pointee.nb_frames > 0
        ? Int(min(1_000_000_000, stream.pointee.nb_frames))
        : Int(min(1e9, max(1, (seconds.length * rate.value).rounded()))),
      hasSound: demuxer.best(AVMEDIA_TYPE_AUDIO) != nil)
    let converter = FrameConverter(width: square.width, height: square.height, channels: channels, orientation)
    source = .film(frames, converter)
    clock = FrameClock(rate: rate, tick: av_q2d(stream.pointee.time_base))
    (end, promised) = (seconds.end, Int(stream.pointee.nb_frames))
    if square != (width, height) {
      changes.append(
        "The pixels of \(path) aren't square: it is shown, and written, as \(facts.width) by \(facts.height) pixels.")
    }
    ahead = waiting(first, converter)
    if ahead == nil { ahead = read() }
  }

  /// The next frame as it is in the file, at a time of its own; nil at the end.
  public func next() -> Frame? {
    guard let current = ahead else { return nil }
    ahead = read()
    if let ahead { longest = max(longest, ahead.time - current.time) }
    return Frame(picture: current.picture, time: current.time, end: ahead?.time ?? lastEnd(current))
  }

  /// The frame that is shown at a time, in seconds from the first; times are asked for in order.
  ///
  /// - Returns: nil after the end.
  public func shown(at seconds: Double) -> Picture? {
    if now == nil { now = next().map { ($0, 0) } }
    while let current = now, seconds >= current.frame.end {
      let following = next()
      if current.timesShown == 0 { leftOut += 1 }
      // What was shown last isn't counted again.
      now = following.map { ($0, 0) } ?? (current.frame, 1)
      guard following != nil else { return nil }
    }
    if now != nil { now!.timesShown += 1 }
    if let now, now.timesShown > 1 { repeated += 1 }
    return now?.frame.picture
  }

  /// The frame to be shown next at an even rate: a film whose frames last differently long becomes one whose frames don't, by
  /// leaving out and repeating.
  public func next(at rate: FrameRate) -> Frame? {
    // In the middle of its time, where rounding decides nothing.
    guard let picture = shown(at: rate.time(of: slot) + 0.5 / rate.value) else { return nil }
    defer { slot += 1 }
    return Frame(picture: picture, time: rate.time(of: slot), end: rate.time(of: slot + 1))
  }

  private func read() -> Waiting? {
    switch source {
    case .film(let frames, let converter):
      while let decoded = frames.next() {
        if let found = waiting(decoded, converter) { return found }
      }
      return nil
    case .webp(let frames):
      guard let next = frames.next() else { return nil }
      count += 1
      return (next.picture, clock.time(next.time), next.duration)
    }
  }

  /// nil for a frame that can't be converted.
  private func waiting(_ decoded: DecodedFrames.Frame, _ converter: FrameConverter) -> Waiting? {
    guard let picture = converter.picture(decoded.frame) else { return nil }
    count += 1
    return (picture, clock.time(decoded.stamp), decoded.duration)
  }

  /// Until when the last frame is shown: as long as its stream is, else as the frame says, else for a frame's mean time.
  private func lastEnd(_ last: Waiting) -> Double {
    if let end {
      let rest = end - start - last.time
      // Where frames are missing, the file was cut short; or it is an AVI, which counts those that it leaves out.
      let isWhole = count >= promised || rest <= 2 * longest
      // Less is what is left of times that were rounded.
      if isWhole, rest > 0.2 / facts.rate.value, rest <= FrameClock.longestFrame {
        return clock.snapped(last.time + rest)
      }
    }
    let isKnown = last.duration > 0 && last.duration <= FrameClock.longestFrame
    return clock.snapped(last.time + (isKnown ? last.duration : 1 / facts.rate.value))
  }
}

/// The size in square pixels, of which none is lost: the side that is too short grows.
private func squared(_ width: Int, _ height: Int, _ pixel: AVRational) -> (width: Int, height: Int) {
  let ratio = pixel.num > 0 && pixel.den > 0 ? av_q2d(pixel) : 1
  // A damaged file may claim any shape. Within 2 % nobody sees it, and scaling that rounded a side leaves as much.
  guard ratio > 1.0 / 16, ratio < 16, abs(ratio - 1) > 0.02 else { return (width, height) }
  return ratio > 1
    ? (Int((Double(width) * ratio).rounded()), height) : (width, Int((Double(height) / ratio).rounded()))
}

extension Demuxer {
  /// A stream's length and its end on the file's clock, in seconds; 0 and nil where nobody says.
  fileprivate func seconds(of stream: UnsafeMutablePointer<AVStream>) -> (length: Double, end: Double?) {
    let base = av_q2d(stream.pointee.time_base)
    func seconds(_ ticks: Int64, _ base: Double) -> Double { ticks == cf_no_time ? 0 : Double(ticks) * base }
    let start = seconds(stream.pointee.start_time, base)
    if stream.pointee.duration != cf_no_time, stream.pointee.duration > 0 {
      let length = seconds(stream.pointee.duration, base)
      return (length, start + length)
    }
    // Matroska's files say it in a tag of the track.
    if let tag = av_dict_get(stream.pointee.metadata, "DURATION", nil, 0) {
      let parts = String(cString: tag.pointee.value).split(separator: ":").compactMap { Double($0) }
      if parts.count == 3 {
        let end = parts[0] * 3600 + parts[1] * 60 + parts[2]
        if end.isFinite, end > start { return (end - start, end) }
      }
    }
    let whole = seconds(context.pointee.duration, 1 / Double(AV_TIME_BASE))
    guard whole > 0 else { return (0, nil) }
    // FLV's length is counted from 0, not from the first frame.
    if String(cString: context.pointee.iformat.pointee.name) == "flv" { return (whole - start, whole) }
    let isAlone = context.pointee.nb_streams == 1
    return (whole, isAlone ? seconds(context.pointee.start_time, 1 / Double(AV_TIME_BASE)) + whole : nil)
  }

  /// Frames a second on average; 25 where nobody says.
  fileprivate func rate(of stream: UnsafeMutablePointer<AVStream>, seconds: Double) -> FrameRate {
    let average = stream.pointee.avg_frame_rate
    let guess = av_guess_frame_rate(context, stream, nil)
    let mean =
      seconds > 0 && stream.pointee.nb_frames > 1 ? av_d2q(Double(stream.pointee.nb_frames) / seconds, 1 << 20) : guess
    for found in [average, mean, guess] where found.num > 0 && found.den > 0 && av_q2d(found) <= FrameRate.most {
      return FrameRate(Int(found.num), Int(found.den))
    }
    return FrameRate(25)
  }
}
