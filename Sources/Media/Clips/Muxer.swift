import CFFmpeg
import Foundation

/// A file that packets are put into.
final class Muxer {
  private let path: String
  private let context: UnsafeMutablePointer<AVFormatContext>
  private var isOpen = false

  /// - Throws: `ClipError.failed`.
  init(_ path: String, container: String) throws(ClipError) {
    self.path = path
    var made: UnsafeMutablePointer<AVFormatContext>?
    let code = avformat_alloc_output_context2(&made, nil, container, "file:\(path)")
    guard code >= 0, let made else { throw .failed(path: path, why: said(code)) }
    context = made
  }

  deinit {
    if isOpen { avio_closep(&context.pointee.pb) }
    avformat_free_context(context)
  }

  var needsGlobalHeader: Bool { context.pointee.oformat.pointee.flags & AVFMT_GLOBALHEADER != 0 }

  func addStream() -> UnsafeMutablePointer<AVStream> { avformat_new_stream(context, nil)! }

  /// - Parameters:
  ///   - start, end: seconds.
  ///   - words: as another file has them.
  func addChapter(from start: Double, to end: Double, words: OpaquePointer?) {
    // In FFmpeg's chapters of MP4, milliseconds are the finest.
    let base = AVRational(num: 1, den: 1000)
    // A chapter less, where there is no memory, is no reason to lose a film.
    _ = cf_add_chapter(context, base, Int64((start * 1000).rounded()), Int64((end * 1000).rounded()), words)
  }

  /// - Parameter lastLength: of the last frame, in the ticks of GIF (hundredths of a second) or in seconds for APNG; nil for those
  ///   that say it otherwise.
  func start(_ metadata: [(key: String, value: String)], lastLength: String? = nil) throws(ClipError) {
    let opened = avio_open(&context.pointee.pb, "file:\(path)", AVIO_FLAG_WRITE)
    guard opened >= 0 else { throw .failed(path: path, why: said(opened)) }
    isOpen = true
    for (key, value) in metadata { av_dict_set(&context.pointee.metadata, key, value, 0) }
    var options: OpaquePointer?
    defer { av_dict_free(&options) }
    let name = String(cString: context.pointee.oformat.pointee.name)
    // Played from the first second while the rest is still on its way; and no date, so that the same film is the same file.
    if name == "mp4" || name == "mov" { av_dict_set(&options, "movflags", "+faststart+use_metadata_tags", 0) }
    if name == "gif" || name == "webp" { av_dict_set(&options, "loop", "0", 0) }
    if name == "apng" { av_dict_set(&options, "plays", "0", 0) }
    if let lastLength { av_dict_set(&options, "final_delay", lastLength, 0) }
    context.pointee.flags |= AVFMT_FLAG_BITEXACT
    let code = avformat_write_header(context, &options)
    guard code >= 0 else { throw .failed(path: path, why: said(code)) }
  }

  /// - Parameter base: of the packet's times.
  func write(
    _ packet: UnsafeMutablePointer<AVPacket>, _ base: AVRational, to stream: UnsafeMutablePointer<AVStream>
  ) throws(ClipError) {
    av_packet_rescale_ts(packet, base, stream.pointee.time_base)
    packet.pointee.stream_index = stream.pointee.index
    let code = av_interleaved_write_frame(context, packet)
    guard code >= 0 else { throw .failed(path: path, why: said(code)) }
  }

  func finish() throws(ClipError) {
    var code = av_write_trailer(context)
    guard code >= 0 else { throw .failed(path: path, why: said(code)) }
    isOpen = false
    code = avio_closep(&context.pointee.pb)
    guard code >= 0 else { throw .failed(path: path, why: said(code)) }
  }
}
