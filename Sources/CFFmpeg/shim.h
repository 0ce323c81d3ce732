// Static inline wrappers over FFmpeg's libraries: Swift imports neither function-like macros nor variadic functions.
#pragma once
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

static const int64_t cf_no_time = AV_NOPTS_VALUE;
static const int cf_again = AVERROR(EAGAIN);
static const int cf_end = AVERROR_EOF;
static const int cf_no_space = AVERROR(ENOSPC);
// As numbers, since FFmpeg 8 has these flags as an enumeration, which Swift imports as a type of its own.
static const int cf_scale = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;
static const int cf_scale_from_rgb = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;

/// What is wrong with a file is told by its error, not on the terminal.
static inline void cf_be_quiet(void) { av_log_set_level(AV_LOG_QUIET); }

static inline const AVPixFmtDescriptor *cf_describe(int format) { return av_pix_fmt_desc_get((enum AVPixelFormat)format); }
static inline int cf_has_alpha(int format) {
  const AVPixFmtDescriptor *facts = cf_describe(format);
  return facts && ((facts->flags & AV_PIX_FMT_FLAG_ALPHA) || format == AV_PIX_FMT_PAL8);
}

/// Of a display matrix: 1 and its part that turns and mirrors, {a, b, c, d}; 0 without one.
///
/// A stream's own comes before what the codec says of a frame.
static inline int cf_display(AVStream *stream, const AVFrame *frame, int32_t *part) {
  size_t size = 0;
#if LIBAVFORMAT_VERSION_MAJOR >= 61  // FFmpeg 7; FFmpeg 8 has no other.
  const AVPacketSideData *data = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  const int32_t *matrix = data ? (const int32_t *)data->data : NULL;
  if (data) size = data->size;
#else
  const int32_t *matrix = (const int32_t *)av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
  if (!matrix) {
    const AVFrameSideData *own = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    matrix = own ? (const int32_t *)own->data : NULL;
    size = own ? own->size : 0;
  }
  if (!matrix || size < 9 * sizeof(int32_t)) return 0;
  part[0] = matrix[0], part[1] = matrix[1], part[2] = matrix[3], part[3] = matrix[4];
  return 1;
}

/// In the stream's time base; 0 where it isn't known.
static inline int64_t cf_duration(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_MAJOR >= 58  // FFmpeg 6.
  return frame->duration;
#else
  return frame->pkt_duration;
#endif
}

static inline int cf_is_interlaced(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_MAJOR >= 59  // FFmpeg 7.
  return (frame->flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
  return frame->interlaced_frame;
#endif
}

/// A graph's source of frames like one; NULL when there is none.
static inline AVFilterContext *cf_source(AVFilterGraph *graph, const AVFrame *frame, AVRational base) {
  AVFilterContext *source = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffer"), "in");
  AVBufferSrcParameters *like = av_buffersrc_parameters_alloc();
  if (!source || !like) return NULL;
  like->format = frame->format;
  like->width = frame->width;
  like->height = frame->height;
  like->time_base = base;
#if LIBAVFILTER_VERSION_MAJOR >= 10  // FFmpeg 7.
  like->color_space = frame->colorspace;
  like->color_range = frame->color_range;
#endif
  int code = av_buffersrc_parameters_set(source, like);
  av_free(like);
  return code >= 0 && avfilter_init_str(source, NULL) >= 0 ? source : NULL;
}

/// Adds a chapter to a file that is to be written; 1 without memory.
static inline int cf_add_chapter(
    AVFormatContext *file, AVRational base, int64_t start, int64_t end, const AVDictionary *words) {
  AVChapter *chapter = (AVChapter *)av_mallocz(sizeof(AVChapter));
  if (!chapter) return 1;
  chapter->id = file->nb_chapters;
  chapter->time_base = base;
  chapter->start = start;
  chapter->end = end;
  av_dict_copy(&chapter->metadata, words, 0);
  int count = file->nb_chapters;
  if (av_dynarray_add_nofree(&file->chapters, &count, chapter) < 0) {
    av_dict_free(&chapter->metadata);
    av_free(chapter);
    return 1;
  }
  file->nb_chapters = count;
  return 0;
}
