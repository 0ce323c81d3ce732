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

  /// - Parameters:
  ///   - bytes: a picture's file. They must outlive the canvas and all that is made from it.
  ///   - options: of the loader, such as "page=2".
  convenience init?(opening bytes: UnsafeRawBufferPointer, options: String = "") {
    self.init(cv_open(bytes.baseAddress, bytes.count, "[\(options)]"))
  }

  /// Upright and resampled into `width` by `height`: filling it, or inside.
  convenience init?(
    resampling bytes: UnsafeRawBufferPointer, options: String = "", width: Int, height: Int, isFilled: Bool,
    isManaged: Bool
  ) {
    let all = "[fail_on=error\(options.isEmpty ? "" : ",")\(options)]"
    self.init(
      cv_thumbnail(
        bytes.baseAddress, bytes.count, all, Int32(width), Int32(height), isFilled ? 1 : 0, isManaged ? 1 : 0))
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
  static func has(_ operation: String) -> Bool { isStarted && cv_has_operation(operation) != 0 }

  var width: Int { Int(image.pointee.Xsize) }
  var height: Int { Int(image.pointee.Ysize) }
  var bands: Int { Int(image.pointee.Bands) }
  var pageCount: Int { Int(cv_page_count(image)) }
  /// EXIF's, 1...8.
  var orientation: Int { Int(cv_orientation(image)) }
  var bits: Int { Int(cv_bits(image)) }
  var hasAlpha: Bool { cv_has_alpha(image) != 0 }
  var isCMYK: Bool { cv_is_cmyk(image) != 0 }
  var isLab: Bool {
    [VIPS_INTERPRETATION_LAB, VIPS_INTERPRETATION_LABS].map { Int32($0.rawValue) }.contains(cv_type(image))
  }
  /// Bytes, 16 bits, or other numbers.
  enum Depth { case bytes, words, numbers }
  var depth: Depth {
    switch UInt32(bitPattern: cv_format(image)) {
    case UInt32(bitPattern: VIPS_FORMAT_UCHAR.rawValue): .bytes
    case UInt32(bitPattern: VIPS_FORMAT_USHORT.rawValue): .words
    default: .numbers
    }
  }
  /// Whether pixels are in floating point.
  var isFloat: Bool { cv_is_float(image) != 0 }
  /// Whether some pixels are NaN, of a picture in floating point; reads all of it.
  var hasNaN: Bool { cv_has_nan(image) == 1 }

  /// The ICC profile's file.
  var profile: [UInt8]? { blob(cv_profile) }
  /// The XMP packet.
  var xmp: String? { blob(cv_xmp).map { String(decoding: $0, as: UTF8.self) } }

  /// Which kinds of metadata are there.
  var metadata: [String] {
    let found: [(String, [UInt8]?)] = [
      ("EXIF", blob { cv_blob($0, "exif-data", $1) }), ("XMP", blob(cv_xmp)),
      ("IPTC", blob { cv_blob($0, "iptc-data", $1) }),
      ("ICC", profile),
    ]
    return found.filter { $0.1 != nil }.map(\.0)
  }

  private func blob(
    _ read: (UnsafeMutablePointer<VipsImage>?, UnsafeMutablePointer<Int>?) -> UnsafeRawPointer?
  ) -> [UInt8]? {
    var count = 0
    guard let start = read(image, &count) else { return nil }
    return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }

  var inMemory: Canvas? { Canvas(cv_in_memory(image)) }
  var upright: Canvas? {
    guard orientation != 1 else { return self }
    return inMemory.flatMap { Canvas(cv_upright($0.image)) }
  }
  /// Through its ICC profile to sRGB; CMYK's may be none of its own.
  func managed(isEmbedded: Bool) -> Canvas? { Canvas(cv_managed(image, isEmbedded ? 1 : 0)) }
  /// As bands of plain numbers.
  var unpacked: Canvas? { Canvas(cv_unpacked(image)) }
  /// Linear light, 0...1 when it is scaled, in sRGB.
  func fromLinear(_ scale: Double) -> Canvas? { Canvas(cv_from_linear(image, scale)) }
  /// Bytes of YCbCr in sRGB.
  var fromYCbCr: Canvas? { Canvas(cv_from_ycbcr(image)) }
  /// CIELAB under D50, as TIFF has it, in sRGB.
  var fromLab: Canvas? {
    guard let lab = Canvas(cv_lab(image)), lab.bands == 3, let pixels = lab.pixels else { return nil }
    let bytes = pixels.withUnsafeBytes { MatrixProfile.bytes(lab: $0.bindMemory(to: Float.self)) }
    return Canvas(Picture(width: width, height: height, channels: 3, bytes: bytes))
  }
  func bands(_ first: Int, _ count: Int) -> Canvas? {
    first == 0 && count == bands ? self : Canvas(cv_bands(image, Int32(first), Int32(count)))
  }
  func joined(_ alpha: Canvas) -> Canvas? { Canvas(cv_join(image, alpha.image)) }

  /// The least and the largest value; reads all of it.
  var extent: ClosedRange<Double>? {
    var (least, most) = (0.0, 0.0)
    guard cv_extent(image, &least, &most) == 0, least <= most else { return nil }
    return least...most
  }

  /// Values times a scale, rounded, as bytes or as 16 bits.
  func levels(_ scale: Double, as depth: Depth) -> Canvas? {
    let is16 = depth == .words, isGrey = bands < 3
    let kind =
      isCMYK
      ? VIPS_INTERPRETATION_CMYK
      : is16
        ? (isGrey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16)
        : (isGrey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB)
    return Canvas(cv_levels(image, scale, is16 ? 1 : 0, Int32(kind.rawValue)))
  }

  /// Decodes and computes all of it.
  var pixels: [UInt8]? {
    var count = 0
    guard let memory = cv_pixels(image, &count) else { return nil }
    defer { g_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// Of `count` rows; from top to bottom, where the file is read as it is computed.
  func rows(_ top: Int, _ count: Int) -> [UInt8]? { Canvas(cv_rows(image, Int32(top), Int32(count)))?.pixels }

  /// - Parameter compression: zlib's, 0...9.
  func png(compression: Int) -> [UInt8]? {
    var count = 0
    guard let memory = cv_png(image, Int32(compression), &count) else { return nil }
    defer { g_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// - Parameter saver: an ending with options, such as ".jpg[Q=90]".
  func file(_ saver: String, xmp: String?) -> [UInt8]? {
    var count = 0
    let packet = xmp.map { Array($0.utf8) } ?? []
    let memory = packet.withUnsafeBytes { cv_file(image, saver, xmp == nil ? nil : $0.baseAddress, $0.count, &count) }
    guard let memory else { return nil }
    defer { g_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
  }
}
