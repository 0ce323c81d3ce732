import CFFmpeg

/// A sound file, or a film's sound, piece by piece, at a rate of one's own. Each sample is at its time: where the file has a hole,
/// silence is heard.
public final class SoundReader {
  public let rate: Int
  public let channels: Int
  /// Of the file; more than `channels` are mixed down.
  public let ownChannels: Int
  /// Seconds of the file's clock at which its sound begins.
  public let start: Double
  /// Samples that are no numbers, or beyond any loudness, as of a damaged file: silence is given for them.
  public private(set) var damaged = 0
  /// Seconds by which times may be off before a hole or an overlap is heard of.
  private static let tolerance = 0.02
  /// 24 dB above the loudest that is heard: floating-point files may go a little beyond 1.
  private static let loudest: Float = 16
  /// Seconds; a file's clock that jumps further was set anew.
  private static let longestHole = 3600.0

  private let decoder: Decoder
  private let base: Double
  private var converter: OpaquePointer?
  /// What the converter was made for.
  private var given: (format: Int32, rate: Int32, layout: AVChannelLayout)?
  /// Seconds of the file's clock at which the next sample is heard.
  private var clock: Double
  private var hasBegun = false
  /// Samples of silence that come next.
  private var silence = 0
  /// Decoded, and not yet given out.
  private var waits: Bool
  private var isDone = false

  /// - Parameters:
  ///   - rate: samples a second.
  ///   - channels: 1 or 2; others are mixed down.
  ///   - origin: seconds of the file's clock that are the beginning: what is before is left out, and silence fills what is missing;
  ///     nil for where its sound begins.
  /// - Throws: `ClipError`.
  public init(
    _ path: String, rate: Int = 48_000, channels: Int = 2, origin: Double? = nil
  ) throws(ClipError) {
    precondition((1...2).contains(channels), "a sound has one or two channels here")
    (self.rate, self.channels) = (rate, channels)
    let demuxer = try Demuxer(path)
    guard let stream = demuxer.best(AVMEDIA_TYPE_AUDIO) else { throw .noSound(name: path) }
    decoder = try Decoder(stream, of: demuxer)
    base = av_q2d(stream.pointee.time_base)
    waits = decoder.next()
    ownChannels = Int(waits ? decoder.frame.pointee.ch_layout.nb_channels : 0)
    let first = waits ? Self.ticks(decoder.frame) : cf_no_time
    start = first == cf_no_time ? origin ?? 0 : Double(first) * base
    clock = origin ?? start
    guard !waits || isReady(for: decoder.frame) else {
      throw .unreadable(name: path, why: "its sound can't be converted")
    }
  }

  deinit { swr_free(&converter) }

  /// The next samples in about -1...1, [count · channels], channels side by side; nil at the end.
  public func next() -> [Float]? {
    while true {
      if silence > 0 {
        let count = min(silence, rate)
        silence -= count
        return [Float](repeating: 0, count: count * channels)
      }
      guard !isDone else { return nil }
      guard waits || decoder.next() else {
        isDone = true
        let rest = converted(nil, skipping: 0)
        return rest.isEmpty ? nil : rest
      }
      waits = false
      let frame = decoder.frame
      let samples = place(frame)
      if samples.hole > 0 || !isLike(frame) {
        // What waits in the converter is heard before.
        let rest = converted(nil, skipping: 0)
        silence = Int((samples.hole * Double(rate)).rounded())
        clock += samples.hole
        given = nil
        guard isReady(for: frame) else { continue }
        waits = true
        if !rest.isEmpty { return rest }
        continue
      }
      hasBegun = hasBegun || samples.skipped < Int(frame.pointee.nb_samples)
      clock += Double(Int(frame.pointee.nb_samples) - samples.skipped) / Double(frame.pointee.sample_rate)
      let made = converted(frame, skipping: samples.skipped)
      if !made.isEmpty { return made }
    }
  }

  /// Of a frame's first sample. Samples that only prepared the decoder are cut off after the other time was guessed.
  private static func ticks(_ frame: UnsafeMutablePointer<AVFrame>) -> Int64 {
    frame.pointee.pts == cf_no_time ? frame.pointee.best_effort_timestamp : frame.pointee.pts
  }

  /// Where a frame belongs: the seconds of silence before it, or how many of its samples were heard or come too early.
  private func place(_ frame: UnsafeMutablePointer<AVFrame>) -> (hole: Double, skipped: Int) {
    let ticks = Self.ticks(frame)
    guard ticks != cf_no_time else { return (0, 0) }
    let time = Double(ticks) * base
    let hole = time - clock
    if hole > Self.longestHole || hasBegun && hole < -1 {
      clock = time
      return (0, 0)
    }
    let tolerance = hasBegun ? Self.tolerance : 0.5 / Double(rate)
    if hole > tolerance { return (hole, 0) }
    let early = Int((-hole * Double(frame.pointee.sample_rate)).rounded())
    return (0, hole < -tolerance ? min(early, Int(frame.pointee.nb_samples)) : 0)
  }

  private func isLike(_ frame: UnsafeMutablePointer<AVFrame>) -> Bool {
    guard var given, given.format == frame.pointee.format, given.rate == frame.pointee.sample_rate else { return false }
    return av_channel_layout_compare(&given.layout, &frame.pointee.ch_layout) == 0
  }

  /// Makes the converter for such frames; a file may change them on the way.
  private func isReady(for frame: UnsafeMutablePointer<AVFrame>) -> Bool {
    swr_free(&converter)
    var (from, to) = (frame.pointee.ch_layout, AVChannelLayout())
    av_channel_layout_default(&to, Int32(channels))
    given = (frame.pointee.format, frame.pointee.sample_rate, from)
    if from.order == AV_CHANNEL_ORDER_UNSPEC { av_channel_layout_default(&from, from.nb_channels) }
    let code = swr_alloc_set_opts2(
      &converter, &to, AV_SAMPLE_FMT_FLT, Int32(rate), &from, AVSampleFormat(frame.pointee.format),
      frame.pointee.sample_rate, 0, nil)
    return code == 0 && swr_init(converter) == 0
  }

  /// - Parameter frame: nil for what waits in the converter.
  private func converted(_ frame: UnsafeMutablePointer<AVFrame>?, skipping skipped: Int) -> [Float] {
    let count = Int32(Int(frame?.pointee.nb_samples ?? 0) - skipped)
    guard converter != nil, frame == nil || count > 0 else { return [] }
    let room = Int(swr_get_out_samples(converter, count))
    guard room > 0 else { return [] }
    var samples = [Float](unsafeUninitializedCapacity: room * channels) { out, filled in
      var plane: UnsafeMutablePointer<UInt8>? = UnsafeMutableRawPointer(out.baseAddress!).assumingMemoryBound(
        to: UInt8.self)
      let made: Int32
      if let frame {
        let format = AVSampleFormat(frame.pointee.format), isPlanar = av_sample_fmt_is_planar(format) != 0
        let each = Int(av_get_bytes_per_sample(format)), all = Int(frame.pointee.ch_layout.nb_channels)
        var planes = (0..<(isPlanar ? all : 1)).map { i in
          frame.pointee.extended_data[i].map { UnsafePointer($0 + skipped * each * (isPlanar ? 1 : all)) }
        }
        made = swr_convert(converter, &plane, Int32(room), &planes, count)
      } else {
        made = swr_convert(converter, &plane, Int32(room), nil, 0)
      }
      filled = max(0, Int(made)) * channels
    }
    for i in samples.indices where !(abs(samples[i]) <= Self.loudest) { (samples[i], damaged) = (0, damaged + 1) }
    return samples
  }

  /// All of a sound, one channel, from where it begins.
  ///
  /// - Parameters:
  ///   - longest: seconds that are read at most.
  /// - Throws: `ClipError`, also where nothing is heard, or what isn't a number.
  public static func samples(_ path: String, rate: Int, longest: Double = 3600) throws(ClipError) -> [Float] {
    let reader = try SoundReader(path, rate: rate, channels: 1)
    var samples: [Float] = []
    while let piece = reader.next(), samples.count < Int(longest * Double(rate)) { samples += piece }
    guard !samples.isEmpty else { throw .emptySound(name: path) }
    guard reader.damaged == 0 else { throw .notNumbers(name: path) }
    return samples
  }
}
