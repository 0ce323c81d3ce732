// Static inline wrappers over libvips: Swift imports neither variadic functions nor macros.
// Functions that make an image return NULL on failure; the caller owns what they return.
#pragma once
#include <vips/vips.h>

/// Takes libvips's warnings and drops them: what is wrong with a picture is told by its error.
static void cv_drop_log(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
  (void)domain, (void)level, (void)message, (void)data;
}

/// Starts libvips: one thread a picture (callers decode many at once), no cache of results, and none of the loaders
/// that libvips itself marks as unsafe for files from strangers. Returns 0, or 1 when libvips doesn't start.
static inline int cv_start(void) {
  g_log_set_handler(
      "VIPS", (GLogLevelFlags)(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG),
      cv_drop_log, NULL);
  if (vips_init("atelier")) return 1;
  vips_block_untrusted_set(TRUE);
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  return 0;
}

/// The class of loader that would read these bytes, such as "VipsForeignLoadJpegBuffer", or NULL.
static inline const char *cv_loader(const void *bytes, size_t count) {
  const char *name = vips_foreign_find_load_buffer(bytes, count);
  if (!name) vips_error_clear();
  return name;
}

/// Whether this libvips has an operation of this name, such as "heifload_buffer".
static inline gboolean cv_has_operation(const char *name) { return vips_type_find("VipsOperation", name) != 0; }

static inline VipsImage *cv_result(int failed, VipsImage *out) {
  if (!failed) return out;
  vips_error_clear();
  return NULL;
}

/// Opens a picture for one pass from top to bottom; a serious error or an early end fails. The bytes must outlive it.
static inline VipsImage *cv_open(const void *bytes, size_t count) {
  VipsImage *out = vips_image_new_from_buffer(
      bytes, count, "", "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
  return cv_result(out == NULL, out);
}

/// A picture upright and resampled into width x height: cropped about its centre to fill it, or fitted inside.
/// With `managed`, its colours go through its ICC profile (for CMYK without one, a common press's) to sRGB.
static inline VipsImage *cv_thumbnail(
    const void *bytes, size_t count, int width, int height, gboolean crop, gboolean managed) {
  VipsImage *out = NULL;
  VipsInteresting interesting = crop ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE;
  // libvips 8.14 gives `fail_on` to the loader of a file, but to that of a buffer only by its options.
  int failed = managed
      ? vips_thumbnail_buffer(
            (void *)bytes, count, &out, width, "height", height, "size", VIPS_SIZE_BOTH, "crop", interesting,
            "option_string", "[fail_on=error]", "export_profile", "srgb", NULL)
      : vips_thumbnail_buffer(
            (void *)bytes, count, &out, width, "height", height, "size", VIPS_SIZE_BOTH, "crop", interesting,
            "option_string", "[fail_on=error]", NULL);
  return cv_result(failed, out);
}

static inline void cv_release(VipsImage *image) { g_object_unref(image); }
static inline int cv_orientation(VipsImage *in) { return vips_image_get_orientation(in); }
static inline int cv_page_count(VipsImage *in) { return vips_image_get_n_pages(in); }
static inline gboolean cv_has_alpha(VipsImage *in) { return vips_image_hasalpha(in); }
static inline gboolean cv_has_profile(VipsImage *in) { return vips_image_get_typeof(in, VIPS_META_ICC_NAME) != 0; }
static inline gboolean cv_is_cmyk(VipsImage *in) { return in->Type == VIPS_INTERPRETATION_CMYK; }
static inline int cv_bits(VipsImage *in) { return (int)(8 * vips_format_sizeof(in->BandFmt)); }
/// Whether the picture is bytes in sRGB, or bytes of grey.
// Whether there are pixels that aren't numbers: those alone differ from themselves. -1 where that can't be told.
static inline gboolean cv_is_float(VipsImage *in) {
  return in->BandFmt == VIPS_FORMAT_FLOAT || in->BandFmt == VIPS_FORMAT_DOUBLE;
}
static inline int cv_has_nan(VipsImage *in) {
  VipsImage *same = NULL;
  if (vips_equal(in, in, &same, NULL)) return -1;
  double least = 255;
  int failed = vips_min(same, &least, NULL);
  g_object_unref(same);
  return failed ? -1 : least < 255;
}

static inline gboolean cv_is_plain(VipsImage *in) {
  return in->BandFmt == VIPS_FORMAT_UCHAR && (in->Type == VIPS_INTERPRETATION_sRGB || in->Type == VIPS_INTERPRETATION_B_W);
}
static inline gboolean cv_is_grey(VipsImage *in) {
  return in->Type == VIPS_INTERPRETATION_B_W || in->Type == VIPS_INTERPRETATION_GREY16;
}

/// A copy of the pixels in memory: what was read in one pass can then be turned.
static inline VipsImage *cv_in_memory(VipsImage *in) {
  VipsImage *out = vips_image_copy_memory(in);
  return cv_result(out == NULL, out);
}
static inline VipsImage *cv_upright(VipsImage *in) {
  VipsImage *out = NULL;
  // Made before it is passed on: C evaluates arguments in any order.
  int failed = vips_autorot(in, &out, NULL);
  return cv_result(failed, out);
}
/// Through the picture's own ICC profile, or for CMYK without one a common press's, to sRGB.
static inline VipsImage *cv_managed(VipsImage *in) {
  VipsImage *out = NULL;
  int failed = cv_is_cmyk(in)
      ? vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "input_profile", "cmyk", "depth", 8, NULL)
      : vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "depth", 8, NULL);
  return cv_result(failed, out);
}
/// To sRGB or to grey, by the picture's kind of colours alone.
static inline VipsImage *cv_coloured(VipsImage *in, gboolean grey) {
  VipsImage *out = NULL;
  int failed = vips_colourspace(in, &out, grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
  return cv_result(failed, out);
}
static inline VipsImage *cv_bytes(VipsImage *in) {
  VipsImage *out = NULL;
  int failed = vips_cast_uchar(in, &out, NULL);
  return cv_result(failed, out);
}
static inline VipsImage *cv_bands(VipsImage *in, int first, int count) {
  VipsImage *out = NULL;
  int failed = vips_extract_band(in, &out, first, "n", count, NULL);
  return cv_result(failed, out);
}
/// All pixels, a row after another: `count` bytes to be given to g_free, or NULL.
static inline void *cv_pixels(VipsImage *in, size_t *count) {
  void *pixels = vips_image_write_to_memory(in, count);
  if (!pixels) vips_error_clear();
  return pixels;
}
static inline VipsImage *cv_image(const void *bytes, size_t count, int width, int height, int bands) {
  VipsImage *raw = vips_image_new_from_memory_copy(bytes, count, width, height, bands, VIPS_FORMAT_UCHAR);
  if (!raw) return cv_result(1, NULL);
  VipsImage *out = NULL;
  int failed = vips_copy(
      raw, &out, "interpretation", bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
  g_object_unref(raw);
  return cv_result(failed, out);
}
/// A PNG of the image with no metadata: `count` bytes to be given to g_free, or NULL.
static inline void *cv_png(VipsImage *in, int compression, size_t *count) {
  void *bytes = NULL;
  if (vips_pngsave_buffer(in, &bytes, count, "compression", compression, "strip", TRUE, NULL)) {
    vips_error_clear();
    return NULL;
  }
  return bytes;
}
/// Words as coverage, 0...255 in one band, at this resolution; NULL where libvips has no text.
static inline VipsImage *cv_text(const char *words, const char *font, int dpi, int width) {
  VipsImage *out = NULL;
  int failed = vips_text(&out, words, "font", font, "dpi", dpi, "width", width, NULL);
  return cv_result(failed, out);
}
