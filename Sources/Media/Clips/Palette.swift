import CFFmpeg

/// Maps each frame to 256 colours of its own, with an even grain (FFmpeg's palettegen and paletteuse).
final class Palette {
  private var graph = avfilter_graph_alloc()
  private var source: UnsafeMutablePointer<AVFilterContext>?
  private var sink: UnsafeMutablePointer<AVFilterContext>?
  private let mapped = av_frame_alloc()!
  private let path: String

  /// - Throws: `ClipError.failed`.
  init(width: Int, height: Int, rate: FrameRate, alpha: Bool, _ path: String) throws(ClipError) {
    self.path = path
    let format = AV_PIX_FMT_RGBA.rawValue
    let given = "video_size=\(width)x\(height):pix_fmt=\(format):time_base=\(rate.denominator)/\(rate.numerator)"
    let made = [
      avfilter_graph_create_filter(&source, avfilter_get_by_name("buffer"), "in", given, nil, graph),
      avfilter_graph_create_filter(&sink, avfilter_get_by_name("buffersink"), "out", nil, nil, graph),
    ]
    var (outputs, inputs) = (avfilter_inout_alloc(), avfilter_inout_alloc())
    defer {
      avfilter_inout_free(&outputs)
      avfilter_inout_free(&inputs)
    }
    outputs!.pointee.name = av_strdup("in")
    (outputs!.pointee.filter_ctx, outputs!.pointee.pad_idx, outputs!.pointee.next) = (source, 0, nil)
    inputs!.pointee.name = av_strdup("out")
    (inputs!.pointee.filter_ctx, inputs!.pointee.pad_idx, inputs!.pointee.next) = (sink, 0, nil)
    let words =
      "[in]split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=\(alpha ? 1 : 0)[p];"
      + "[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4[out]"
    guard made.allSatisfy({ $0 >= 0 }), avfilter_graph_parse_ptr(graph, words, &inputs, &outputs, nil) >= 0,
      avfilter_graph_config(graph, nil) >= 0
    else {
      throw .failed(path: path, why: "FFmpeg has no palettes here")
    }
  }

  deinit {
    var frame = Optional(mapped)
    av_frame_free(&frame)
    avfilter_graph_free(&graph)
  }

  func mapped(
    _ frame: UnsafeMutablePointer<AVFrame>, _ use: (UnsafeMutablePointer<AVFrame>) throws(ClipError) -> Void
  ) throws(ClipError) {
    let code = av_buffersrc_add_frame_flags(source, frame, Int32(AV_BUFFERSRC_FLAG_KEEP_REF))
    guard code >= 0 else { throw .failed(path: path, why: said(code)) }
    while av_buffersink_get_frame(sink, mapped) >= 0 {
      defer { av_frame_unref(mapped) }
      try use(mapped)
    }
  }
}
