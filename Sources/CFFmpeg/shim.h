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

/// Degrees clockwise by which a stream is to be turned to stand upright: 0, 90, 180 or 270.
static inline int cf_rotation(AVStream *stream) {
  size_t size = 0;
#if LIBAVFORMAT_VERSION_MAJOR >= 61  // FFmpeg 7; FFmpeg 8 has no other.
  const AVPacketSideData *data = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  const uint8_t *matrix = data ? data->data : NULL;
  if (data) size = data->size;
#else
  const uint8_t *matrix = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
  if (!matrix || size < 9 * sizeof(int32_t)) return 0;
  double angle = -av_display_rotation_get((const int32_t *)matrix);
  if (!(angle == angle)) return 0;
  int quarter = (int)(angle / 90 + (angle < 0 ? -0.5 : 0.5));
  return ((quarter % 4 + 4) % 4) * 90;
}

/// Marks a stream as turned, for tests.
static inline int cf_set_rotation(AVStream *stream, double degrees) {
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  AVPacketSideData *data = av_packet_side_data_new(
      &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX,
      9 * sizeof(int32_t), 0);
  int32_t *matrix = data ? (int32_t *)data->data : NULL;
#else
  int32_t *matrix = (int32_t *)av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
#endif
  if (!matrix) return 1;
  av_display_rotation_set(matrix, -degrees);
  return 0;
}
