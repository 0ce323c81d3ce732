import CFFmpeg

/// A sound file, or a film's sound, piece by piece, at a rate of one's own.
public final class SoundReader {
  public let rate: Int
  public let channels: Int
  private let decoder: Decoder
  private var converter: OpaquePointer?
  private var isDone = false

  /// - Parameters:
  ///   - rate: samples a second.
  ///   - channels: 1 or 2; others are mixed down.
  /// - Throws: `ClipError`.
  public init(_ path: String, rate: Int = 48_000, channels: Int = 2) throws(ClipError) {
    precondition((1...2).contains(channels), "a sound has one or two channels here")
    (self.rate, self.channels) = (rate, channels)
    let demuxer = try Demuxer(path)
    guard let stream = demuxer.best(AVMEDIA_TYPE_AUDIO) else { throw .noSound(name: path) }
    decoder = try Decoder(stream, of: demuxer)
    var (from, to) = (decoder.context.pointee.ch_layout, AVChannelLayout())
    av_channel_layout_default(&to, Int32(channels))
    if from.order == AV_CHANNEL_ORDER_UNSPEC { av_channel_layout_default(&from, from.nb_channels) }
    let code = swr_alloc_set_opts2(
      &converter, &to, AV_SAMPLE_FMT_FLT, Int32(rate), &from, decoder.context.pointee.sample_fmt,
      decoder.context.pointee.sample_rate, 0, nil)
    guard code == 0, swr_init(converter) == 0 else {
      swr_free(&converter)
      throw .unreadable(name: path, why: "its sound can't be converted")
    }
  }

  deinit { swr_free(&converter) }

  /// The next samples in about -1...1, [count · channels], channels side by side; nil at the end.
  public func next() -> [Float]? {
    while !isDone {
      let isThere = decoder.next()
      defer { if isThere { av_frame_unref(decoder.frame) } }
      let count = isThere ? decoder.frame.pointee.nb_samples : 0
      // What waits in the resampler comes at the end.
      let room = Int(swr_get_out_samples(converter, count))
      isDone = !isThere
      guard room > 0 else { continue }
      let samples = [Float](unsafeUninitializedCapacity: room * channels) { out, filled in
        var plane: UnsafeMutablePointer<UInt8>? = UnsafeMutableRawPointer(out.baseAddress!).assumingMemoryBound(
          to: UInt8.self)
        let made: Int32
        if isThere {
          let data = UnsafeMutableRawPointer(decoder.frame.pointee.extended_data!).assumingMemoryBound(
            to: UnsafePointer<UInt8>?.self)
          made = swr_convert(converter, &plane, Int32(room), data, count)
        } else {
          made = swr_convert(converter, &plane, Int32(room), nil, 0)
        }
        filled = max(0, Int(made)) * channels
      }
      if !samples.isEmpty { return samples }
    }
    return nil
  }

  /// All of a sound, one channel.
  ///
  /// - Parameters:
  ///   - longest: seconds that are read at most.
  /// - Throws: `ClipError`.
  public static func samples(_ path: String, rate: Int, longest: Double = 3600) throws(ClipError) -> [Float] {
    let reader = try SoundReader(path, rate: rate, channels: 1)
    var samples: [Float] = []
    while let piece = reader.next(), samples.count < Int(longest * Double(rate)) { samples += piece }
    return samples
  }
}
