import Torch

/// How a picture is read.
public struct Decoding: Hashable, Codable, Sendable {
  /// What becomes of a picture that isn't square.
  public enum Crop: String, Codable, Sendable, CaseIterable {
    case centre  // Its middle, filling the square.
    case fit  // All of it, with the ground around.
  }

  /// Side of the square to resample into, in pixels; nil keeps the picture's own size.
  public var size: Int?
  public var crop: Crop
  /// 1, 3 or 4; nil keeps what the picture has.
  public var channels: Int?
  /// Under what is transparent, unless there are 4 channels, and around what is fitted.
  public var ground: Ground
  public var limits: Limits

  /// What is refused before anything is decoded.
  public struct Limits: Hashable, Codable, Sendable {
    public var megapixels = 100
    public var megabytes = 512
    public init() {}
  }

  public init(
    size: Int? = nil, crop: Crop = .centre, channels: Int? = 3, ground: Ground = .white, limits: Limits = Limits()
  ) {
    precondition(channels == nil || [1, 3, 4].contains(channels), "a picture has 1, 3 or 4 channels")
    (self.size, self.crop, self.channels, self.ground, self.limits) = (size, crop, channels, ground, limits)
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
    let format = try recognised(bytes, named: name, limits: limits)
    return try facts(bytes, named: name, format, limits)
  }

  /// - Parameters:
  ///   - bytes: a picture file's.
  ///   - name: used in errors only.
  /// - Throws: `PictureError`; a file that ends too early is never taken for a whole one.
  public static func decode(_ bytes: [UInt8], named name: String, _ decoding: Decoding = Decoding())
    throws(PictureError) -> Picture
  {
    let format = try recognised(bytes, named: name, limits: decoding.limits)
    let facts = try facts(bytes, named: name, format, decoding.limits)
    if let picture = bytes.withUnsafeBytes({ decode($0, facts, decoding) }) { return picture }
    throw broken(bytes, named: name, format)
  }

  private static func recognised(_ bytes: [UInt8], named name: String, limits: Decoding.Limits)
    throws(PictureError) -> PictureFormat
  {
    guard !bytes.isEmpty else { throw .empty(name: name) }
    guard bytes.count <= limits.megabytes << 20 else {
      throw .tooHeavy(name: name, megabytes: bytes.count >> 20, cap: limits.megabytes)
    }
    guard let format = PictureFormat(start: bytes) else {
      throw .notAPicture(name: name, kind: PictureFormat.otherKind(start: bytes))
    }
    guard Canvas.isStarted else { throw .noEngine }
    guard Canvas.has(format.loader) else { throw .noLoader(name: name, format: format) }
    // libvips looks further than the signature, and has nobody to send what is broken there to.
    guard let loader = bytes.withUnsafeBytes({ Canvas.loader(of: $0) }), format.isRead(by: loader) else {
      throw broken(bytes, named: name, format)
    }
    return format
  }

  private static func facts(
    _ bytes: [UInt8], named name: String, _ format: PictureFormat, _ limits: Decoding.Limits
  ) throws(PictureError) -> PictureFacts {
    let header: PictureFacts? = bytes.withUnsafeBytes { buffer in
      guard let canvas = Canvas(opening: buffer) else { return nil }
      let isTurned = canvas.orientation >= 5
      return PictureFacts(
        format: format, width: isTurned ? canvas.height : canvas.width, height: isTurned ? canvas.width : canvas.height,
        hasAlpha: canvas.hasAlpha, isGrey: canvas.isGrey, isManaged: canvas.hasProfile || canvas.isCMYK,
        bits: canvas.bits, frames: canvas.pageCount)
    }
    guard let header else { throw broken(bytes, named: name, format) }
    let (pixels, isHuge) = header.width.multipliedReportingOverflow(by: header.height)
    guard !isHuge, pixels <= limits.megapixels * 1_000_000 else {
      throw .tooLarge(name: name, width: header.width, height: header.height, megapixels: limits.megapixels)
    }
    return header
  }

  private static func broken(_ bytes: [UInt8], named name: String, _ format: PictureFormat) -> PictureError {
    format.isCutShort(bytes) ? .cutShort(name: name) : .damaged(name: name)
  }

  /// Below so many pixels libvips takes longer to set up its way to a square than we take to walk it. Above, its
  /// loaders shrink while they decode.
  private static let smallPixels = 1 << 18

  private static func whole(_ bytes: UnsafeRawBufferPointer, _ decoding: Decoding) -> Picture? {
    Canvas(opening: bytes)?.upright?.managedIfNeeded.plain(decoding)?.picture
  }

  /// nil when the bytes are damaged.
  private static func decode(_ bytes: UnsafeRawBufferPointer, _ facts: PictureFacts, _ decoding: Decoding) -> Picture? {
    guard let size = decoding.size else { return whole(bytes, decoding) }
    let isFilled = decoding.crop == .centre
    if facts.width * facts.height <= smallPixels {
      let picture = whole(bytes, decoding)?.resampled(width: size, height: size, isFilled: isFilled)
      return picture?.centred(width: size, height: size, on: decoding.ground)
    }
    let resampled = { (isManaged: Bool) -> Picture? in
      let canvas = Canvas(resampling: bytes, width: size, height: size, isFilled: isFilled, isManaged: isManaged)
      return canvas?.plain(decoding)?.picture?.centred(width: size, height: size, on: decoding.ground)
    }
    // A profile that can't be used must not cost the picture.
    return (facts.isManaged ? resampled(true) : nil) ?? resampled(false)
  }
}

extension Canvas {
  /// Through its ICC profile where it has one, which is left aside when it is broken.
  fileprivate var managedIfNeeded: Canvas { hasProfile || isCMYK ? managed ?? self : self }

  /// In bytes, in sRGB or grey, with the channels asked for.
  fileprivate func plain(_ decoding: Decoding) -> Canvas? {
    var canvas = self
    if !canvas.isPlain {
      // What has no known kind of colours (a TIFF of five inks, say) keeps its first bands.
      canvas = canvas.coloured(grey: canvas.isGrey) ?? canvas
      guard let bytes = canvas.asBytes else { return nil }
      canvas = bytes
    }
    let colours = canvas.bands >= 3 ? 3 : 1
    if canvas.bands > colours + 1 || (canvas.bands == colours + 1 && !canvas.hasAlpha) {
      guard let first = canvas.bands(0, colours) else { return nil }
      canvas = first
    }
    guard let declared = canvas.declared else { return nil }
    canvas = declared
    if let wanted = decoding.channels, wanted < 4, canvas.hasAlpha {
      guard let flat = canvas.flattened(on: decoding.ground.pixel(channels: colours)) else { return nil }
      canvas = flat
    }
    return canvas.withChannels(decoding.channels ?? (canvas.hasAlpha ? 4 : colours))
  }

  private func withChannels(_ channels: Int) -> Canvas? {
    switch (channels, bands) {
    case (1, 1), (3, 3), (4, 4): self
    case (1, 3): coloured(grey: true)
    case (3, 1): joined(self)?.joined(self)
    case (4, 3): opaque
    case (4, 1): joined(self)?.joined(self)?.declared?.opaque
    case (4, 2): bands(0, 1).flatMap { grey in grey.joined(grey)?.joined(self) }
    default: nil
    }
  }

  fileprivate var picture: Picture? {
    pixels.map { Picture(width: width, height: height, channels: bands, bytes: $0) }
  }
}
