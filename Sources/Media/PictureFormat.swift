/// The formats that are read here, told by a file's first bytes and never by its name.
public enum PictureFormat: String, Codable, Sendable, CaseIterable {
  case jpeg = "JPEG"
  case png = "PNG"
  case webp = "WebP"
  case tiff = "TIFF"
  case gif = "GIF"
  case heic = "HEIC"
  case avif = "AVIF"

  /// With its article: "a JPEG", "an AVIF".
  var spoken: String { self == .avif ? "an AVIF" : "a \(rawValue)" }

  /// Names that end like this are expected to be pictures.
  public static let extensions: Set<String> = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "gif", "heic", "heif", "avif",
  ]

  /// How many of a file's first bytes are looked at.
  static let signatureBytes = 32

  private static let heicBrands = ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1"]

  /// - Parameter start: a file's first 32 bytes, or all of a shorter one.
  public init?(start: some Collection<UInt8>) {
    let bytes = Array(start.prefix(Self.signatureBytes))
    func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: Array(text.utf8)) }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if has("RIFF") && has("WEBP", at: 8) {
      self = .webp
    } else if bytes.starts(with: [0x49, 0x49, 0x2A, 0]) || bytes.starts(with: [0x4D, 0x4D, 0, 0x2A])
      || bytes.starts(with: [0x49, 0x49, 0x2B, 0]) || bytes.starts(with: [0x4D, 0x4D, 0, 0x2B])
    {
      self = .tiff
    } else if has("GIF87a") || has("GIF89a") {
      self = .gif
    } else if has("ftypavif", at: 4) || has("ftypavis", at: 4) {
      self = .avif
    } else if has("ftyp", at: 4), Self.heicBrands.contains(where: { has($0, at: 8) }) {
      self = .heic
    } else {
      return nil
    }
  }

  /// libvips's loader for the format, as its operations are named: "jpegload_buffer".
  var loader: String {
    switch self {
    case .jpeg: "jpegload_buffer"
    case .png: "pngload_buffer"
    case .webp: "webpload_buffer"
    case .tiff: "tiffload_buffer"
    case .gif: "gifload_buffer"
    case .heic, .avif: "heifload_buffer"
    }
  }

  /// Whether libvips's loader of this class, such as "VipsForeignLoadNsgifBuffer", reads this format.
  func isRead(by type: String) -> Bool {
    let part =
      switch self {
      case .jpeg: "Jpeg"
      case .png: "Png"
      case .webp: "Webp"
      case .tiff: "Tiff"
      case .gif: "Nsgif"
      case .heic, .avif: "Heif"
      }
    return type.hasPrefix("VipsForeignLoad\(part)")
  }

  /// Whether a file of this format ends before its picture does. Only asked once decoding has failed.
  func isCutShort(_ bytes: [UInt8]) -> Bool {
    let end = bytes.suffix(64)
    return switch self {
    case .jpeg: !zip(end, end.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
    case .png: !Array(end).containsRun(Array("IEND".utf8))
    case .webp: bytes.count >= 8 && bytes.count < 8 + (0..<4).reduce(0) { $0 | Int(bytes[4 + $1]) << (8 * $1) }
    case .gif: bytes.last != 0x3B
    case .tiff, .heic, .avif: false
    }
  }
}

extension Array where Element: Equatable {
  fileprivate func containsRun(_ run: [Element]) -> Bool {
    indices.contains { self[$0...].starts(with: run) }
  }
}
