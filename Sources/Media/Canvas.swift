import CVips

/// An image that libvips computes when its pixels are asked for. Each step is nil where libvips fails.
///
/// libvips keeps its messages in one buffer for all threads, so they can't be trusted when several pictures are decoded
/// at once; what is wrong with a file is found by looking at the file.
final class Canvas {
  private let image: UnsafeMutablePointer<VipsImage>

  /// Started once, by the first picture.
  static let isStarted: Bool = cv_start() == 0

  private init(_ image: UnsafeMutablePointer<VipsImage>) { self.image = image }
  private convenience init?(_ image: UnsafeMutablePointer<VipsImage>?) {
    guard let image else { return nil }
    self.init(image)
  }
  deinit { cv_release(image) }

  /// - Parameter bytes: a picture's file. They must outlive the canvas and all that is made from it.
  convenience init?(opening bytes: UnsafeRawBufferPointer) { self.init(cv_open(bytes.baseAddress, bytes.count)) }

  /// Upright and resampled into `width` by `height`: filling it, or inside.
  convenience init?(
    resampling bytes: UnsafeRawBufferPointer, width: Int, height: Int, isFilled: Bool, isManaged: Bool
  ) {
    self.init(
      cv_thumbnail(bytes.baseAddress, bytes.count, Int32(width), Int32(height), isFilled ? 1 : 0, isManaged ? 1 : 0))
  }

  convenience init?(_ picture: Picture) {
    guard Self.isStarted else { return nil }
    self.init(
      picture.bytes.withUnsafeBytes {
        cv_image($0.baseAddress, $0.count, Int32(picture.width), Int32(picture.height), Int32(picture.channels))
      })
  }

  /// White on nothing: how much of each point the words cover.
  convenience init?(words: String, font: String, dpi: Int, width: Int) {
    guard Self.isStarted else { return nil }
    self.init(cv_text(words, font, Int32(dpi), Int32(width)))
  }

  static func loader(of bytes: UnsafeRawBufferPointer) -> String? {
    cv_loader(bytes.baseAddress, bytes.count).map { String(cString: $0) }
  }

  /// Whether this machine's libvips has an operation of this name.
  static func has(_ operation: String) -> Bool { cv_has_operation(operation) != 0 }

  var width: Int { Int(image.pointee.Xsize) }
  var height: Int { Int(image.pointee.Ysize) }
  var bands: Int { Int(image.pointee.Bands) }
  var pageCount: Int { Int(cv_page_count(image)) }
  /// EXIF's, 1...8.
  var orientation: Int { Int(cv_orientation(image)) }
  var bits: Int { Int(cv_bits(image)) }
  var hasAlpha: Bool { cv_has_alpha(image) != 0 }
  var hasProfile: Bool { cv_has_profile(image) != 0 }
  var isCMYK: Bool { cv_is_cmyk(image) != 0 }
  var isGrey: Bool { cv_is_grey(image) != 0 }
  /// Whether these are bytes in sRGB or of grey.
  var isPlain: Bool { cv_is_plain(image) != 0 }

  /// Whether pixels are in floating point.
  var isFloat: Bool { cv_is_float(image) != 0 }

  /// Whether some pixels are NaN, of a picture in floating point; reads all of it.
  var hasNaN: Bool { cv_has_nan(image) == 1 }

  var upright: Canvas? {
    guard orientation != 1 else { return self }
    return Canvas(cv_in_memory(image)).flatMap { Canvas(cv_upright($0.image)) }
  }
  /// Through its ICC profile to sRGB.
  var managed: Canvas? { Canvas(cv_managed(image)) }
  func coloured(grey: Bool) -> Canvas? { Canvas(cv_coloured(image, grey ? 1 : 0)) }
  var asBytes: Canvas? { Canvas(cv_bytes(image)) }
  func bands(_ first: Int, _ count: Int) -> Canvas? { Canvas(cv_bands(image, Int32(first), Int32(count))) }

  /// Decodes and computes all of it.
  var pixels: [UInt8]? {
    var count = 0
    guard let memory = cv_pixels(image, &count) else { return nil }
    defer { g_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// - Parameter compression: zlib's, 0...9.
  func png(compression: Int) -> [UInt8]? {
    var count = 0
    guard let memory = cv_png(image, Int32(compression), &count) else { return nil }
    defer { g_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
  }
}
