import CFFmpeg

/// Frames on their way through FFmpeg's filters; each that goes in comes out, in order.
final class FrameFilter {
  private var graph = avfilter_graph_alloc()
  private var source: UnsafeMutablePointer<AVFilterContext>?
  private var sink: UnsafeMutablePointer<AVFilterContext>?
  private let made = av_frame_alloc()!
  private let like: (width: Int32, height: Int32, format: Int32)

  /// - Parameters:
  ///   - words: the filters, as on FFmpeg's command line.
  ///   - frame: all that go in are of its size and format.
  /// - Returns: nil where this FFmpeg lacks a filter, or it can't take such frames.
  init?(_ words: String, for frame: UnsafeMutablePointer<AVFrame>, base: AVRational = AVRational(num: 1, den: 1000)) {
    like = (frame.pointee.width, frame.pointee.height, frame.pointee.format)
    // Threads of its own would live as long as the reader, one set for each.
    graph?.pointee.nb_threads = 1
    source = cf_source(graph, frame, base)
    let isMade = avfilter_graph_create_filter(&sink, avfilter_get_by_name("buffersink"), "out", nil, nil, graph)
    var (outputs, inputs) = (avfilter_inout_alloc(), avfilter_inout_alloc())
    defer {
      avfilter_inout_free(&outputs)
      avfilter_inout_free(&inputs)
    }
    guard source != nil, isMade >= 0 else { return nil }
    outputs!.pointee.name = av_strdup("in")
    (outputs!.pointee.filter_ctx, outputs!.pointee.pad_idx, outputs!.pointee.next) = (source, 0, nil)
    inputs!.pointee.name = av_strdup("out")
    (inputs!.pointee.filter_ctx, inputs!.pointee.pad_idx, inputs!.pointee.next) = (sink, 0, nil)
    guard avfilter_graph_parse_ptr(graph, words, &inputs, &outputs, nil) >= 0,
      avfilter_graph_config(graph, nil) >= 0
    else { return nil }
  }

  deinit {
    var frame = Optional(made)
    av_frame_free(&frame)
    avfilter_graph_free(&graph)
  }

  func fits(_ frame: UnsafeMutablePointer<AVFrame>) -> Bool {
    (frame.pointee.width, frame.pointee.height, frame.pointee.format) == like
  }

  /// - Parameter frame: nil at the end.
  /// - Returns: FFmpeg's code, below 0 when it can't be taken.
  @discardableResult func push(_ frame: UnsafeMutablePointer<AVFrame>?) -> Int32 {
    av_buffersrc_add_frame_flags(source, frame, Int32(AV_BUFFERSRC_FLAG_KEEP_REF))
  }

  /// The next that is ready, until the next call; nil when it waits for more.
  func pull() -> UnsafeMutablePointer<AVFrame>? {
    av_frame_unref(made)
    return av_buffersink_get_frame(sink, made) >= 0 ? made : nil
  }
}
