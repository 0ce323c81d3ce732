import CFFmpeg

/// Sound on its way into a film: read, packed anew, as far as the pictures are.
final class SoundTrack {
  private let reader: SoundReader
  // Owned, so that all of it is freed where `init` throws half-way.
  private let parts: Encoder
  private var encoder: UnsafeMutablePointer<AVCodecContext> { parts.context }
  private var frame: UnsafeMutablePointer<AVFrame> { parts.frame }
  private var packet: UnsafeMutablePointer<AVPacket> { parts.packet }
  private let stream: UnsafeMutablePointer<AVStream>
  private let muxer: Muxer
  private let path: String
  private var waiting: [Float] = []
  private var isRead = false
  private var count = 0

  /// - Throws: `ClipError`.
  init(_ reader: SoundReader, encodedBy name: String, into muxer: Muxer, _ path: String) throws(ClipError) {
    self.reader = reader
    (self.muxer, self.path) = (muxer, path)
    guard let codec = avcodec_find_encoder_by_name(name), let parts = Encoder(codec) else {
      throw .noEncoder(codec: name)
    }
    self.parts = parts
    let encoder = parts.context
    encoder.pointee.sample_rate = 48_000
    var formats = codec.pointee.sample_fmts!
    // Both that are written here are of floats; -1 ends the list.
    while ![AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_NONE].contains(formats.pointee) { formats += 1 }
    guard formats.pointee != AV_SAMPLE_FMT_NONE else { throw .noEncoder(codec: name) }
    encoder.pointee.sample_fmt = formats.pointee
    av_channel_layout_default(&encoder.pointee.ch_layout, 2)
    encoder.pointee.bit_rate = 192_000
    encoder.pointee.time_base = AVRational(num: 1, den: 48_000)
    if muxer.needsGlobalHeader { encoder.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER }
    let code = avcodec_open2(encoder, codec, nil)
    guard code == 0 else { throw .failed(path: path, why: said(code)) }
    stream = muxer.addStream()
    stream.pointee.time_base = encoder.pointee.time_base
    avcodec_parameters_from_context(stream.pointee.codecpar, encoder)
  }

  /// Samples that are no numbers, for which there is silence.
  var damaged: Int { reader.damaged }

  /// Writes sound up to a time; where there is no more, silence doesn't follow.
  ///
  /// - Parameter isLast: whether the pictures end there.
  /// - Throws: `ClipError.failed`.
  func fill(until seconds: Double, isLast: Bool) throws(ClipError) {
    let end = Int((seconds * 48_000).rounded())
    let size = Int(encoder.pointee.frame_size)
    while count < end {
      while !isRead && waiting.count < 2 * size {
        guard let more = reader.next() else {
          isRead = true
          break
        }
        waiting += more
      }
      let samples = min(size, waiting.count / 2, isLast ? end - count : size)
      guard samples > 0 else { break }
      try write(samples)
    }
    if isLast { try send(nil) }
  }

  private func write(_ samples: Int) throws(ClipError) {
    av_frame_unref(frame)
    frame.pointee.nb_samples = Int32(samples)
    frame.pointee.format = encoder.pointee.sample_fmt.rawValue
    frame.pointee.sample_rate = 48_000
    av_channel_layout_default(&frame.pointee.ch_layout, 2)
    guard av_frame_get_buffer(frame, 0) == 0 else { throw .failed(path: path, why: "there is too little memory") }
    let isPlanar = av_sample_fmt_is_planar(encoder.pointee.sample_fmt) != 0
    for i in 0..<samples {
      for c in 0..<2 {
        let plane = UnsafeMutableRawPointer(frame.pointee.extended_data[isPlanar ? c : 0]!)
          .assumingMemoryBound(to: Float.self)
        plane[isPlanar ? i : 2 * i + c] = waiting[2 * i + c]
      }
    }
    waiting.removeFirst(2 * samples)
    frame.pointee.pts = Int64(count)
    count += samples
    try send(frame)
  }

  private func send(_ frame: UnsafeMutablePointer<AVFrame>?) throws(ClipError) {
    let code = avcodec_send_frame(encoder, frame)
    guard code == 0 else { throw .failed(path: path, why: said(code)) }
    while true {
      let code = avcodec_receive_packet(encoder, packet)
      if code == cf_again || code == cf_end { return }
      guard code == 0 else { throw .failed(path: path, why: said(code)) }
      try muxer.write(packet, encoder.pointee.time_base, to: stream)
    }
  }
}
