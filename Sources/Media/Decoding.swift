import Torch

/// How a picture is read.
public struct Decoding: Hashable, Codable, Sendable {
  /// How a picture comes to the size that is wanted.
  public enum Crop: String, Codable, Sendable, CaseIterable {
    case centre  // Its middle, filling the shape.
    case fit  // All of it, with the ground around.
    /// Parts of its own pixels, as many as there are: for textures. Whoever packs cuts them; one part is its middle.
    case pieces
  }

  /// To resample into, in pixels; nil keeps the picture's own size.
  public var size: PictureSize?
  public var crop: Crop
  /// 1, 3 or 4; nil keeps what the picture has.
  public var channels: Int?
  /// Under what is transparent, unless there are 4 channels, and around what is fitted.
  public var ground: Ground
  public var limits: Limits
  /// That is cut out first; nil takes all.
  public var part: PicturePart?

  /// Limits that are checked before decoding.
  public struct Limits: Hashable, Codable, Sendable {
    public var megapixels = 100
    public var megabytes = 512
    public init() {}
  }

  public init(
    size: PictureSize? = nil, crop: Crop = .centre, channels: Int? = 3, ground: Ground = .white,
    limits: Limits = Limits(), part: PicturePart? = nil
  ) {
    precondition(channels == nil || [1, 3, 4].contains(channels), "a picture has 1, 3 or 4 channels")
    (self.size, self.crop, self.channels, self.ground, self.limits) = (size, crop, channels, ground, limits)
    self.part = part
  }
}

/// What a file's header says, known without decoding it.
public struct PictureFacts: Hashable, Codable, Sendable {
  public let format: PictureFormat
  /// Upright, in pixels.
  public let width: Int
  public let height: Int
  /// Whether the file has room for transparency, used or not.
  public let hasAlpha: Bool
  /// Whether the file itself is grey. A file in colour may look grey too.
  public let isGrey: Bool
  /// Whether its colours go through an ICC profile.
  public let isManaged: Bool
  /// Bits a channel.
  public let bits: Int
  /// 1 except for animations, and for documents of several pages.
  public let frames: Int
  public var isAnimated: Bool { frames > 1 && format != .tiff && format != .heic }
}

extension Picture {
  /// Reads a picture file.
  ///
  /// - Throws: `PictureError`.
  public static func load(_ path: String, _ decoding: Decoding = Decoding()) throws(PictureError) -> Picture {
    try decode(FileBytes.read(path, limits: decoding.limits), named: path, decoding)
  }

  /// - Parameter bytes: a picture file's.
  /// - Throws: `PictureError`.
  public static func facts(_ bytes: [UInt8], named name: String, limits: Decoding.Limits = .init())
    throws(PictureError) -> PictureFacts
  {
    let result: Result<PictureFacts, PictureError> = bytes.withUnsafeBytes { buffer in
      Result { () throws(PictureError) in
        let (canvas, reading) = try opened(bytes, buffer, named: name, limits)
        return canvas.facts(reading)
      }
    }
    return try result.get()
  }

  /// - Parameters:
  ///   - bytes: a picture file's.
  ///   - name: used in errors only.
  /// - Throws: `PictureError`; a file that ends too early is never taken for a whole one.
  public static func decode(_ bytes: [UInt8], named name: String, _ decoding: Decoding = Decoding())
    throws(PictureError) -> Picture
  {
    try decodeNoting(bytes, named: name, decoding).picture
  }

  /// The same, with what isn't certain about how it was read, in sentences without their subject: "has floating-point numbers,
  /// read as 0 to 255".
  public static func decodeNoting(_ bytes: [UInt8], named name: String, _ decoding: Decoding = Decoding())
    throws(PictureError) -> (picture: Picture, notes: [String])
  {
    let result: Result<(Picture, [String]), PictureError> = bytes.withUnsafeBytes { buffer in
      Result { () throws(PictureError) in
        let (canvas, reading) = try opened(bytes, buffer, named: name, decoding.limits)
        let (picture, range) = try decode(canvas, buffer, reading, named: name, decoding)
        guard let picture else { throw broken(bytes, named: name, reading.format) }
        return (picture, reading.notes(range, canvas))
      }
    }
    return try result.get()
  }

  /// A file's page that is read, and how.
  static func opened(
    _ bytes: [UInt8], _ buffer: UnsafeRawBufferPointer, named name: String, _ limits: Decoding.Limits
  ) throws(PictureError) -> (Canvas, PictureReading) {
    let format = try recognised(bytes, named: name, limits: limits)
    let directory = format == .tiff ? TIFFDirectory(bytes) : nil
    if directory?.isRaw == true { throw .cameraRaw(name: name) }
    let page = directory?.largest
    if let page, let why = page.unread { throw .unread(name: name, why: why) }
    let named = NamedColours(bytes, format)
    if case .highRange(let curve)? = named { throw .highRange(name: name, curve: curve) }
    guard let canvas = Canvas(opening: buffer, options: page?.options ?? "")?.unpacked else {
      throw broken(bytes, named: name, format)
    }
    let pages = max(canvas.pageCount, directory?.pages.count { !$0.isReduced && $0.inner == nil } ?? 1)
    let reading = PictureReading(canvas, format, page: page, pages: pages, named: named)
    try check(canvas.facts(reading), named: name, limits)
    return (canvas, reading)
  }

  private static func recognised(_ bytes: [UInt8], named name: String, limits: Decoding.Limits)
    throws(PictureError) -> PictureFormat
  {
    guard !bytes.isEmpty else { throw .empty(name: name) }
    guard bytes.count <= limits.megabytes << 20 else {
      throw .tooHeavy(name: name, megabytes: bytes.count >> 20, cap: limits.megabytes)
    }
    let kind = FileKind(start: bytes)
    guard case .picture(let format) = kind else {
      // What a machine that stopped while it copied leaves.
      if kind == .unknown, bytes.prefix(FileKind.signatureBytes).allSatisfy({ $0 == 0 }) { throw .damaged(name: name) }
      throw kind == .other("a camera's raw picture")
        ? .cameraRaw(name: name) : .notAPicture(name: name, kind: kind.spoken)
    }
    guard Canvas.isStarted else { throw .noEngine }
    guard Canvas.has(format.loader) else { throw .noLoader(name: name, format: format) }
    // libvips looks further than the signature, and has nobody to send what is broken there to.
    guard let loader = bytes.withUnsafeBytes({ Canvas.loader(of: $0) }), format.isRead(by: loader) else {
      throw broken(bytes, named: name, format)
    }
    return format
  }

  private static func check(_ facts: PictureFacts, named name: String, _ limits: Decoding.Limits) throws(PictureError) {
    let (pixels, isHuge) = facts.width.multipliedReportingOverflow(by: facts.height)
    guard !isHuge, pixels <= limits.megapixels * 1_000_000 else {
      throw .tooLarge(name: name, width: facts.width, height: facts.height, megapixels: limits.megapixels)
    }
  }

  static func broken(_ bytes: [UInt8], named name: String, _ format: PictureFormat) -> PictureError {
    format.isCutShort(bytes) ? .cutShort(name: name) : .damaged(name: name)
  }

  /// Below so many pixels libvips takes longer to set up its way to another size than we take to walk it. Above, its
  /// loaders shrink while they decode.
  private static let smallPixels = 1 << 18

  /// - Parameter canvas: the bytes, opened.
  /// - Returns: nil when the bytes are damaged.
  private static func decode(
    _ canvas: Canvas, _ bytes: UnsafeRawBufferPointer, _ reading: PictureReading, named name: String,
    _ decoding: Decoding
  ) throws(PictureError) -> (Picture?, NumericRange?) {
    func whole() throws(PictureError) -> (Picture?, NumericRange?) {
      guard let (standard, range) = try canvas.standard(reading, named: name) else { return (nil, nil) }
      let picture = standard.picture(decoding)
      return (decoding.part.flatMap { picture?.cut(to: $0) } ?? picture, range)
    }
    guard let size = decoding.size else { return try whole() }
    let isFilled = decoding.crop != .fit
    guard canvas.width * canvas.height > smallPixels, reading.isOrdinary(canvas), decoding.part == nil else {
      let (picture, range) = try whole()
      let sized = picture?.resampled(width: size.width, height: size.height, isFilled: isFilled)
      return (sized?.centred(width: size.width, height: size.height, on: decoding.ground), range)
    }
    let resampled = { (isManaged: Bool) -> Picture? in
      let canvas = Canvas(
        resampling: bytes, options: reading.options, width: size.width, height: size.height, isFilled: isFilled,
        isManaged: isManaged)
      return canvas?.picture(decoding)?.centred(width: size.width, height: size.height, on: decoding.ground)
    }
    // A profile that can't be used must not cost the picture.
    return ((reading.colours == .sRGB ? nil : resampled(true)) ?? resampled(false), nil)
  }

  /// With the channels and on the ground asked for.
  ///
  /// - Parameter bands: 1 or 3 of colour, and one more of alpha.
  fileprivate init(width: Int, height: Int, bands: Int, bytes: [UInt8], _ decoding: Decoding) {
    let colours = bands >= 3 ? 3 : 1
    let hasAlpha = bands > colours
    let channels = decoding.channels ?? (hasAlpha ? 4 : colours)
    guard channels != bands else {
      self.init(width: width, height: height, channels: channels, bytes: bands == 4 ? Self.cleared(bytes) : bytes)
      return
    }
    let ground = decoding.ground.pixel(channels: 3), own = (ground[0], ground[1], ground[2])
    let out = [UInt8](unsafeUninitializedCapacity: width * height * channels) { out, count in
      bytes.withUnsafeBufferPointer { bytes in
        for i in stride(from: 0, to: bytes.count, by: bands) {
          var (r, g, b) = (bytes[i], bytes[i + colours / 2], bytes[i + colours - 1])
          let alpha = hasAlpha ? bytes[i + colours] : 255
          if channels < 4, alpha < 255 {
            r = mixed(r, over: own.0, Int(alpha))
            g = mixed(g, over: own.1, Int(alpha))
            b = mixed(b, over: own.2, Int(alpha))
          }
          if channels == 1 {
            out[count] = r == g && g == b ? r : Ground(r, g, b).grey
          } else {
            (out[count], out[count + 1], out[count + 2]) = (r, g, b)
            if channels == 4 { out[count + 3] = alpha }
          }
          count += channels
        }
      }
    }
    self.init(width: width, height: height, channels: channels, bytes: channels == 4 ? Self.cleared(out) : out)
  }
}

extension Canvas {
  func facts(_ reading: PictureReading) -> PictureFacts {
    let isTurned = orientation >= 5
    return PictureFacts(
      format: reading.format, width: isTurned ? height : width, height: isTurned ? width : height,
      hasAlpha: reading.alpha != .none, isGrey: reading.inks == 1, isManaged: reading.colours != .sRGB, bits: bits,
      frames: reading.pages)
  }

  fileprivate func picture(_ decoding: Decoding) -> Picture? {
    guard let pixels else { return nil }
    return Picture(width: width, height: height, bands: bands, bytes: pixels, decoding)
  }
}
