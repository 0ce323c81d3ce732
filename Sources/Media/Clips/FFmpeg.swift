import CFFmpeg
import Foundation

/// What FFmpeg says of a code below 0.
func said(_ code: Int32) -> String {
  var words = [CChar](repeating: 0, count: 128)
  av_strerror(code, &words, words.count)
  return String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A file that is taken apart into packets; closed with the object.
final class Demuxer {
  let name: String
  let context: UnsafeMutablePointer<AVFormatContext>

  /// Formats that hold one film or sound and name no other file, which playlists do (CVE-2016-1898, CVE-2017-9993).
  private static let formats =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,flv,mpegts,mpeg,mpegvideo,asf,ogg,wav,w64,flac,mp3,aac,aiff,nut"

  /// - Throws: `ClipError`.
  init(_ path: String) throws(ClipError) {
    cf_be_quiet()
    name = path
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      throw errno == ENOENT || errno == ENOTDIR
        ? .missing(name: path) : .unreadable(name: path, why: String(cString: strerror(errno)))
    }
    guard facts.st_mode & S_IFMT == S_IFREG else { throw .notAClip(name: path) }
    var options: OpaquePointer?
    defer { av_dict_free(&options) }
    av_dict_set(&options, "protocol_whitelist", "file", 0)
    av_dict_set(&options, "format_whitelist", Self.formats, 0)
    av_dict_set(&options, "max_streams", "64", 0)
    var opened: UnsafeMutablePointer<AVFormatContext>?
    let code = avformat_open_input(&opened, "file:\(path)", nil, &options)
    guard code == 0, let opened else {
      // AVERROR_INVALIDDATA ("INDA"); EIO and AVERROR_EOF ("EOF ") where a header ends early. A format that isn't on the list gives EINVAL.
      let isOther = code == -0x4144_4E49 || code == -EINVAL
      if isOther || code == -EIO || code == -0x2046_4F45, ClipSignature.isClipOrSound(path) {
        throw .unreadable(name: path, why: "it is damaged or was cut short")
      }
      throw isOther ? .notAClip(name: path) : .unreadable(name: path, why: said(code))
    }
    context = opened
    let found = avformat_find_stream_info(context, nil)
    // Whole by now, so that `deinit` closes it.
    guard found >= 0 else { throw .unreadable(name: path, why: said(found)) }
  }

  deinit {
    var open: UnsafeMutablePointer<AVFormatContext>? = context
    avformat_close_input(&open)
  }

  /// The stream that players would choose; nil without one.
  func best(_ kind: AVMediaType) -> UnsafeMutablePointer<AVStream>? {
    let index = av_find_best_stream(context, kind, -1, -1, nil, 0)
    return index >= 0 ? context.pointee.streams[Int(index)] : nil
  }
}

/// One stream's decoder; closed with the object.
final class Decoder {
  let context: UnsafeMutablePointer<AVCodecContext>
  let frame: UnsafeMutablePointer<AVFrame>
  /// WebM's transparency, beside the pictures; read, or lost where there is no decoder for it.
  let hasAlphaMode: Bool, lacksAlpha: Bool
  /// In the stream's time base.
  let start: Int64
  /// Which lines are of the first moment, "tff" or "bff", where the container says that a film is interlaced whose codec can't say it
  /// of a frame.
  let fields: String?
  private let packet: UnsafeMutablePointer<AVPacket>
  private let demuxer: Demuxer
  private let index: Int32
  private var isDraining = false
  private var mistakes = 0

  /// - Throws: `ClipError.unreadable`.
  init(_ stream: UnsafeMutablePointer<AVStream>, of demuxer: Demuxer, maxPixels: Int = 0) throws(ClipError) {
    (self.demuxer, index) = (demuxer, stream.pointee.index)
    start = stream.pointee.start_time
    let id = stream.pointee.codecpar.pointee.codec_id
    let says = [
      AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4,
      AV_CODEC_ID_VC1, AV_CODEC_ID_DVVIDEO, AV_CODEC_ID_PRORES, AV_CODEC_ID_DNXHD, AV_CODEC_ID_FFV1,
    ].contains(id)
    fields =
      switch stream.pointee.codecpar.pointee.field_order {
      case AV_FIELD_TT, AV_FIELD_TB: says ? nil : "tff"
      case AV_FIELD_BB, AV_FIELD_BT: says ? nil : "bff"
      default: nil
      }
    var codec = avcodec_find_decoder(id)
    // FFmpeg's own decoders of VP8 and VP9 have no transparency.
    let isVPX = id == AV_CODEC_ID_VP8 || id == AV_CODEC_ID_VP9
    let isSeenThrough = isVPX && av_dict_get(stream.pointee.metadata, "alpha_mode", nil, 0) != nil
    let other = isSeenThrough ? avcodec_find_decoder_by_name(id == AV_CODEC_ID_VP8 ? "libvpx" : "libvpx-vp9") : nil
    if let other { codec = other }
    (hasAlphaMode, lacksAlpha) = (isSeenThrough && other != nil, isSeenThrough && other == nil)
    guard let codec, let context = avcodec_alloc_context3(codec) else {
      throw .unreadable(name: demuxer.name, why: "there is no decoder for what is in it")
    }
    // After the last throw from which nothing would be freed: `deinit` needs all of it.
    (self.context, frame, packet) = (context, av_frame_alloc()!, av_packet_alloc()!)
    avcodec_parameters_to_context(context, stream.pointee.codecpar)
    context.pointee.pkt_timebase = stream.pointee.time_base
    // Decoding is the least of the work; with threads of its own, glibc's arenas grow by some 5 kB a frame.
    context.pointee.thread_count = 1
    if maxPixels > 0 { context.pointee.max_pixels = Int64(maxPixels) }
    let code = avcodec_open2(context, codec, nil)
    guard code == 0 else { throw .unreadable(name: demuxer.name, why: said(code)) }
  }

  deinit {
    var (frame, packet, context): (UnsafeMutablePointer<AVFrame>?, UnsafeMutablePointer<AVPacket>?, _) = (
      self.frame, self.packet, Optional(self.context)
    )
    av_frame_free(&frame)
    av_packet_free(&packet)
    avcodec_free_context(&context)
  }

  /// Fills `frame` with the next; false at the end. What is damaged is passed over, as players do.
  func next() -> Bool {
    while true {
      let code = avcodec_receive_frame(context, frame)
      if code == 0 { return true }
      if code == cf_end { return false }
      if code != cf_again {
        mistakes += 1
        if mistakes > 1000 || isDraining { return false }
      }
      guard !isDraining else { return false }
      while true {
        guard av_read_frame(demuxer.context, packet) >= 0 else {
          isDraining = true
          avcodec_send_packet(context, nil)
          break
        }
        defer { av_packet_unref(packet) }
        if packet.pointee.stream_index == index {
          avcodec_send_packet(context, packet)
          break
        }
      }
    }
  }
}

/// An encoder with what it is fed by and feeds; freed with the object.
final class Encoder {
  let context: UnsafeMutablePointer<AVCodecContext>
  let frame: UnsafeMutablePointer<AVFrame>
  let packet: UnsafeMutablePointer<AVPacket>

  /// nil without memory.
  init?(_ codec: UnsafePointer<AVCodec>) {
    guard let made = avcodec_alloc_context3(codec) else { return nil }
    (context, frame, packet) = (made, av_frame_alloc()!, av_packet_alloc()!)
  }

  deinit {
    var (frame, packet, context) = (Optional(self.frame), Optional(self.packet), Optional(self.context))
    av_frame_free(&frame)
    av_packet_free(&packet)
    avcodec_free_context(&context)
  }
}
