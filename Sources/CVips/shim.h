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
/// Options are the loader's, such as "[page=2]".
static inline VipsImage *cv_open(const void *bytes, size_t count, const char *options) {
  VipsImage *out = vips_image_new_from_buffer(
      bytes, count, options, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
  return cv_result(out == NULL, out);
}

/// A picture upright and resampled into width x height: cropped about its centre to fill it, or fitted inside.
/// With `managed`, its colours go through its ICC profile (for CMYK without one, a common press's) to sRGB.
/// Options must say fail_on: libvips 8.14 gives it to the loader of a file, but to that of a buffer only by its options.
static inline VipsImage *cv_thumbnail(
    const void *bytes, size_t count, const char *options, int width, int height, gboolean crop, gboolean managed) {
  VipsImage *out = NULL;
  VipsInteresting interesting = crop ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE;
  int failed = managed
      ? vips_thumbnail_buffer(
            (void *)bytes, count, &out, width, "height", height, "size", VIPS_SIZE_BOTH, "crop", interesting,
            "option_string", options, "export_profile", "srgb", NULL)
      : vips_thumbnail_buffer(
            (void *)bytes, count, &out, width, "height", height, "size", VIPS_SIZE_BOTH, "crop", interesting,
            "option_string", options, NULL);
  return cv_result(failed, out);
}

static inline void cv_release(VipsImage *image) { g_object_unref(image); }
static inline int cv_orientation(VipsImage *in) { return vips_image_get_orientation(in); }
static inline int cv_page_count(VipsImage *in) { return vips_image_get_n_pages(in); }
static inline gboolean cv_has_alpha(VipsImage *in) { return vips_image_hasalpha(in); }
static inline gboolean cv_is_cmyk(VipsImage *in) { return in->Type == VIPS_INTERPRETATION_CMYK; }
static inline int cv_bits(VipsImage *in) { return (int)(8 * vips_format_sizeof(in->BandFmt)); }
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

/// A VipsInterpretation and a VipsBandFormat.
static inline int cv_type(VipsImage *in) { return in->Type; }
static inline int cv_format(VipsImage *in) { return in->BandFmt; }

/// A metadata field's bytes, owned by the image; NULL where there are none.
static inline const void *cv_blob(VipsImage *in, const char *name, size_t *count) {
  const void *data = NULL;
  if (!vips_image_get_typeof(in, name) || vips_image_get_blob(in, name, &data, count)) {
    vips_error_clear();
    return NULL;
  }
  return data;
}
static inline const void *cv_profile(VipsImage *in, size_t *count) { return cv_blob(in, VIPS_META_ICC_NAME, count); }
/// An XMP packet; of an AVIF, libvips 8.14 has it under a number.
static inline const void *cv_xmp(VipsImage *in, size_t *count) {
  const void *packet = cv_blob(in, VIPS_META_XMP_NAME, count);
  const char *names[] = {"heif-mime-0", "heif-mime-1", "heif-mime-2", "heif-mime-3"};
  for (int i = 0; !packet && i < 4; i++) packet = cv_blob(in, names[i], count);
  return packet;
}

/// The least and the largest value; 0, or -1 on failure. Reads all of it.
static inline int cv_extent(VipsImage *in, double *least, double *most) {
  int failed = vips_min(in, least, NULL) || vips_max(in, most, NULL);
  if (failed) vips_error_clear();
  return failed ? -1 : 0;
}

/// Values times `scale`, rounded and cut off, as bytes or 16 bits of an interpretation.
static inline VipsImage *cv_levels(VipsImage *in, double scale, gboolean is16, int interpretation) {
  VipsImage *scaled = NULL, *cast = NULL, *out = NULL;
  int failed = vips_linear1(in, &scaled, scale, 0.5, NULL);
  if (!failed) failed = is16 ? vips_cast_ushort(scaled, &cast, NULL) : vips_cast_uchar(scaled, &cast, NULL);
  if (!failed) failed = vips_copy(cast, &out, "interpretation", interpretation, NULL);
  if (scaled) g_object_unref(scaled);
  if (cast) g_object_unref(cast);
  return cv_result(failed, out);
}

static inline VipsImage *cv_join(VipsImage *colours, VipsImage *alpha) {
  VipsImage *out = NULL;
  int failed = vips_bandjoin2(colours, alpha, &out, NULL);
  return cv_result(failed, out);
}

/// As bands of plain numbers, where libvips packs them.
static inline VipsImage *cv_unpacked(VipsImage *in) {
  if (in->Coding == VIPS_CODING_NONE) return (VipsImage *)g_object_ref(in);
  VipsImage *out = NULL;
  int failed = in->Coding == VIPS_CODING_LABQ ? vips_LabQ2Lab(in, &out, NULL)
      : in->Coding == VIPS_CODING_RAD         ? vips_rad2float(in, &out, NULL)
                                              : 1;
  return cv_result(failed, out);
}

/// Linear light times `scale`, 0...1 then, as bytes of sRGB (IEC 61966-2-1).
static inline VipsImage *cv_from_linear(VipsImage *in, double scale) {
  VipsImage *scaled = NULL, *light = NULL, *out = NULL;
  int failed = vips_linear1(in, &scaled, scale, 0, NULL);
  if (!failed) failed = vips_copy(scaled, &light, "interpretation", VIPS_INTERPRETATION_scRGB, NULL);
  if (!failed) failed = vips_colourspace(light, &out, VIPS_INTERPRETATION_sRGB, NULL);
  if (scaled) g_object_unref(scaled);
  if (light) g_object_unref(light);
  return cv_result(failed, out);
}

/// Bytes of YCbCr in full range as RGB (TIFF 6.0, section 21, by its usual coefficients).
static inline VipsImage *cv_from_ycbcr(VipsImage *in) {
  double ones[] = {1, 1, 1}, middle[] = {0, -128, -128};
  VipsImage *matrix =
      vips_image_new_matrixv(3, 3, 1.0, 0.0, 1.402, 1.0, -0.344136, -0.714136, 1.0, 1.772, 0.0);
  VipsImage *centred = NULL, *rgb = NULL, *out = NULL;
  int failed = vips_linear(in, &centred, ones, middle, 3, NULL);
  if (!failed) failed = vips_recomb(centred, &rgb, matrix, NULL);
  if (!failed) out = cv_levels(rgb, 1, FALSE, VIPS_INTERPRETATION_sRGB);
  if (centred) g_object_unref(centred);
  if (rgb) g_object_unref(rgb);
  g_object_unref(matrix);
  return cv_result(failed, out);
}

/// CIELAB as floating-point numbers.
static inline VipsImage *cv_lab(VipsImage *in) {
  VipsImage *out = NULL;
  int failed = in->Type == VIPS_INTERPRETATION_LABS ? vips_LabS2Lab(in, &out, NULL) : vips_cast_float(in, &out, NULL);
  return cv_result(failed, out);
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
/// Through the picture's own ICC profile, or for CMYK with no profile of its kind a common press's, to sRGB.
static inline VipsImage *cv_managed(VipsImage *in, gboolean embedded) {
  VipsImage *out = NULL;
  int failed = cv_is_cmyk(in)
      ? vips_icc_transform(in, &out, "srgb", "embedded", embedded, "input_profile", "cmyk", "depth", 8, NULL)
      : vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "depth", 8, NULL);
  return cv_result(failed, out);
}
static inline VipsImage *cv_bands(VipsImage *in, int first, int count) {
  VipsImage *out = NULL;
  int failed = vips_extract_band(in, &out, first, "n", count, NULL);
  return cv_result(failed, out);
}
/// Some of the rows, to be asked for from top to bottom.
static inline VipsImage *cv_rows(VipsImage *in, int top, int count) {
  VipsImage *out = NULL;
  int failed = vips_crop(in, &out, 0, top, in->Xsize, count, NULL);
  return cv_result(failed, out);
}
/// A small image computed on this thread: waiting for libvips's own takes as long as the work.
static inline void *cv_small_pixels(VipsImage *in, size_t *count) {
  VipsRegion *region = vips_image_pio_input(in) ? NULL : vips_region_new(in);
  if (!region) return NULL;
  const VipsRect all = {0, 0, in->Xsize, in->Ysize};
  const size_t row = VIPS_IMAGE_SIZEOF_LINE(in);
  char *pixels = vips_region_prepare(region, &all) ? NULL : (char *)g_try_malloc(row * in->Ysize);
  for (int y = 0; pixels && y < in->Ysize; y++) memcpy(pixels + y * row, VIPS_REGION_ADDR(region, 0, y), row);
  *count = row * in->Ysize;
  g_object_unref(region);
  return pixels;
}
/// All pixels, a row after another: `count` bytes to be given to g_free, or NULL.
static inline void *cv_pixels(VipsImage *in, size_t *count) {
  const gboolean is_small = (gint64)in->Xsize * in->Ysize <= 1 << 18;
  void *pixels = is_small ? cv_small_pixels(in, count) : vips_image_write_to_memory(in, count);
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
/// A file as an ending with options says, such as ".jpg[Q=90]", with an XMP packet or NULL: `count` bytes to be given to
/// g_free, or NULL.
static inline void *cv_file(VipsImage *in, const char *saver, const void *xmp, size_t length, size_t *count) {
  VipsImage *copy = NULL;
  if (vips_copy(in, &copy, NULL)) {
    vips_error_clear();
    return NULL;
  }
  if (xmp) vips_image_set_blob_copy(copy, VIPS_META_XMP_NAME, xmp, length);
  void *bytes = NULL;
  int failed = vips_image_write_to_buffer(copy, saver, &bytes, count, NULL);
  g_object_unref(copy);
  if (!failed) return bytes;
  vips_error_clear();
  return NULL;
}
/// Words as coverage, 0...255 in one band, at this resolution; NULL where libvips has no text.
static inline VipsImage *cv_text(const char *words, const char *font, int dpi, int width) {
  VipsImage *out = NULL;
  int failed = vips_text(&out, words, "font", font, "dpi", dpi, "width", width, NULL);
  return cv_result(failed, out);
}
