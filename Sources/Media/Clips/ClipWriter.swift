import CFFmpeg
import Foundation

/// A film that is written frame by frame: one frame is in memory at a time, and those that an encoder keeps.
///
/// The file lies under its name only once it is whole.
public final class ClipWriter {
  public let width: Int, height: Int
  public private(set) var count = 0
  private let path: String
  private let codec: ClipCodec
  private let hasAlpha: Bool
  private let muxer: Muxer
  // Owned, so that all of it is freed where `init` throws half-way.
  private let parts: Encoder
  private var encoder: UnsafeMutablePointer<AVCodecContext> { parts.context }
  private var frame: UnsafeMutablePointer<AVFrame> { parts.frame }
  private var packet: UnsafeMutablePointer<AVPacket> { parts.packet }
  private let stream: UnsafeMutablePointer<AVStream>
  private var converter: OpaquePointer?
  private var palette: Palette?
  /// The picture with room after each row.
  private var rows: [UInt8] = []

  /// - Parameters:
  ///   - container: FFmpeg's name of it.
  ///   - width, height: of the frames; made even where the codec needs that, by repeating the last row and column.
  ///   - base: of the frames' times; nil where they follow at the rate.
  ///   - alpha: whether frames have four channels.
  ///   - lastLength: of the last frame, as `Muxer` takes it.
  /// - Throws: `ClipError`.
  init(
    _ path: String, container: String, codec: ClipCodec, width: Int, height: Int, rate: FrameRate,
    base: AVRational? = nil, alpha: Bool, metadata: [(key: String, value: String)] = [], lastLength: String? = nil
  ) throws(ClipError) {
    cf_be_quiet()
    (self.path, self.codec, hasAlpha) = (path, codec, alpha)
    (self.width, self.height) = codec.size(width, height)
    guard
      let found = codec.encoders.lazy.compactMap({ avcodec_find_encoder_by_name($0) }).first,
      let parts = Encoder(found)
    else { throw .noEncoder(codec: codec.spoken) }
    self.parts = parts
    let (encoder, frame) = (parts.context, parts.frame)
    encoder.pointee.width = Int32(self.width)
    encoder.pointee.height = Int32(self.height)
    encoder.pointee.pix_fmt = codec.pixels(alpha: alpha)
    encoder.pointee.time_base = base ?? rate.inverse
    // Frames take longer to make than to write.
    encoder.pointee.thread_count = 1
    encoder.pointee.framerate = rate.rational
    encoder.pointee.gop_size = Int32(ClipRendering.partLength(rate))
    if [.h264, .hevc, .vp9, .av1, .prores].contains(codec) {
      encoder.pointee.color_range = AVCOL_RANGE_MPEG
      (encoder.pointee.colorspace, encoder.pointee.color_primaries) = (AVCOL_SPC_BT709, AVCOL_PRI_BT709)
      encoder.pointee.color_trc = AVCOL_TRC_BT709
    }
    muxer = try Muxer(path, container: container)
    if muxer.needsGlobalHeader { encoder.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER }
    if codec == .gif { palette = Palette(base: encoder.pointee.time_base, alpha: alpha, path) }
    var options: OpaquePointer?
    defer { av_dict_free(&options) }
    for (key, value) in codec.options(alpha: alpha) { av_dict_set(&options, key, value, 0) }
    let code = avcodec_open2(encoder, found, &options)
    guard code == 0 else { throw .failed(path: path, why: said(code)) }
    stream = muxer.addStream()
    avcodec_parameters_from_context(stream.pointee.codecpar, encoder)
    // Apple's players ask for this name.
    if codec == .hevc && container != "matroska" { stream.pointee.codecpar.pointee.codec_tag = 0x3163_7668 }
    stream.pointee.time_base = encoder.pointee.time_base
    if base == nil { stream.pointee.avg_frame_rate = rate.rational }
    if codec == .vp9 && alpha { av_dict_set(&stream.pointee.metadata, "alpha_mode", "1", 0) }
    try muxer.start(metadata, lastLength: lastLength)
    frame.pointee.format = (palette == nil ? encoder.pointee.pix_fmt : AV_PIX_FMT_RGBA).rawValue
    (frame.pointee.width, frame.pointee.height) = (Int32(self.width), Int32(self.height))
    converter = sws_getContext(
      Int32(self.width), Int32(self.height), alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24, Int32(self.width),
      Int32(self.height), AVPixelFormat(frame.pointee.format),
      cf_scale_from_rgb, nil, nil, nil)
    guard converter != nil else { throw .failed(path: path, why: "FFmpeg can't convert pictures for \(codec.spoken)") }
    sws_setColorspaceDetails(
      converter, sws_getCoefficients(SWS_CS_DEFAULT), 1, sws_getCoefficients(SWS_CS_ITU709), 0, 0, 1 << 16, 1 << 16)
  }

  deinit { sws_freeContext(converter) }

  /// - Parameters:
  ///   - picture: of the size and the channels that were said.
  ///   - start: in ticks of the time base; nil for the next one.
  /// - Throws: `ClipError.failed`.
  public func write(_ picture: Picture, at start: Int64? = nil) throws(ClipError) {
    let given = picture.ready(width: width, height: height, channels: hasAlpha ? 4 : 3)
    // An encoder may still hold the last one.
    av_frame_unref(frame)
    frame.pointee.format = (palette == nil ? encoder.pointee.pix_fmt : AV_PIX_FMT_RGBA).rawValue
    (frame.pointee.width, frame.pointee.height) = (Int32(width), Int32(height))
    guard av_frame_get_buffer(frame, 0) == 0 else { throw .failed(path: path, why: "there is too little memory") }
    // Vector code reads beyond a row and encoders beyond a frame: what is there must always be the same.
    for buffer in [frame.pointee.buf.0, frame.pointee.buf.1, frame.pointee.buf.2, frame.pointee.buf.3] {
      if let buffer { memset(buffer.pointee.data, 0, buffer.pointee.size) }
    }
    let row = width * given.channels
    let stride = (row + 63) & ~63
    if rows.count != stride * height + 64 { rows = [UInt8](repeating: 0, count: stride * height + 64) }
    given.bytes.withUnsafeBufferPointer { bytes in
      rows.withUnsafeMutableBufferPointer { rows in
        for y in 0..<height { memcpy(rows.baseAddress! + y * stride, bytes.baseAddress! + y * row, row) }
        var planes: [UnsafePointer<UInt8>?] = [UnsafePointer(rows.baseAddress), nil, nil, nil]
        let strides = [Int32(stride), 0, 0, 0]
        withUnsafePointer(to: &frame.pointee.data) { data in
          data.withMemoryRebound(to: UnsafeMutablePointer<UInt8>?.self, capacity: 8) { data in
            withUnsafePointer(to: &frame.pointee.linesize) { sizes in
              sizes.withMemoryRebound(to: Int32.self, capacity: 8) { sizes in
                _ = sws_scale(converter, &planes, strides, 0, Int32(height), data, sizes)
              }
            }
          }
        }
      }
    }
    frame.pointee.pts = start ?? Int64(count)
    (frame.pointee.colorspace, frame.pointee.color_range) = (encoder.pointee.colorspace, encoder.pointee.color_range)
    count += 1
    if let palette {
      try palette.mapped(frame) { (mapped: UnsafeMutablePointer<AVFrame>) throws(ClipError) in try send(mapped) }
    } else {
      try send(frame)
    }
  }

  /// - Throws: `ClipError.failed`.
  public func finish() throws(ClipError) {
    try send(nil)
    try muxer.finish()
  }

  private func send(_ frame: UnsafeMutablePointer<AVFrame>?) throws(ClipError) {
    let code = avcodec_send_frame(encoder, frame)
    guard code == 0 else { throw .failed(path: path, why: said(code)) }
    while true {
      let code = avcodec_receive_packet(encoder, packet)
      if code == cf_again || code == cf_end { return }
      guard code == 0 else { throw .failed(path: path, why: said(code)) }
      if packet.pointee.duration == 0 { packet.pointee.duration = 1 }
      try muxer.write(packet, encoder.pointee.time_base, to: stream)
    }
  }
}

extension Picture {
  /// In the shape that an encoder wants: alpha over black when there is no room for it, opaque when there is none, the
  /// last row and column repeated.
  fileprivate func ready(width: Int, height: Int, channels: Int) -> Picture {
    var picture = self
    if channels == 3 && picture.channels == 4 { picture = picture.flattened(on: .black) }
    guard picture.channels != channels || picture.width != width || picture.height != height else { return picture }
    let (from, given) = (picture.channels, picture)
    let bytes = [UInt8](unsafeUninitializedCapacity: width * height * channels) { out, filled in
      filled = width * height * channels
      for y in 0..<height {
        for x in 0..<width {
          let i = (min(y, given.height - 1) * given.width + min(x, given.width - 1)) * from
          let o = (y * width + x) * channels
          for c in 0..<min(channels, 3) { out[o + c] = given.bytes[i + (from >= 3 ? c : 0)] }
          if channels == 4 { out[o + 3] = from == 4 ? given.bytes[i + 3] : 255 }
        }
      }
    }
    return Picture(width: width, height: height, channels: channels, bytes: bytes)
  }
}
