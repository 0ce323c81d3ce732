import Torch

/// The formats that pictures are written in, told by the endings of their names.
public enum OutputFormat: String, Sendable, CaseIterable {
  case png = "PNG"
  case jpeg = "JPEG"
  case webp = "WebP"
  case tiff = "TIFF"
  case avif = "AVIF"

  private static let endings: [String: OutputFormat] = [
    "png": .png, "jpg": .jpeg, "jpeg": .jpeg, "webp": .webp, "tif": .tiff, "tiff": .tiff, "avif": .avif,
  ]

  /// - Parameter path: of a file that is to be written.
  /// - Throws: `OutputError.unknownFormat`.
  public init(of path: String) throws(OutputError) {
    guard let format = Self.endings[path.pathEnding] else { throw .unknownFormat(path) }
    self = format
  }

  /// Whether it can be transparent.
  public var hasAlpha: Bool { self != .jpeg }

  /// The quality where nobody says, 1...100; nil for formats that lose nothing.
  public var usualQuality: Int? {
    switch self {
    case .png, .tiff: nil
    case .jpeg: 95
    case .webp: 90
    case .avif: 80
    }
  }

  /// Pixels a side at most.
  var longest: Int {
    switch self {
    case .png, .tiff: 1_000_000
    case .jpeg: 65_500
    case .webp, .avif: 16_383
    }
  }

  /// Whether this machine's libvips writes it: an AVIF needs an encoder that not every libheif has.
  var isWritten: Bool {
    switch self {
    case .avif: Self.writesAVIF
    default: Canvas.has("\(self == .jpeg ? "jpeg" : rawValue.lowercased())save_buffer")
    }
  }
  private static let writesAVIF =
    Canvas(Picture(width: 16, height: 16, of: .black))?.file(".avif[compression=av1]", xmp: nil) != nil

  /// As libvips takes it: an ending with options.
  fileprivate func saver(quality: Int) -> String {
    switch self {
    case .png: ".png"
    case .jpeg: ".jpg[Q=\(quality),optimize_coding=true]"
    case .webp: quality == 100 ? ".webp[lossless=true]" : ".webp[Q=\(quality)]"
    case .tiff: ".tif[compression=deflate,predictor=horizontal]"
    case .avif: ".avif[compression=av1,Q=\(quality),subsample_mode=\(quality >= 90 ? "off" : "on")]"
    }
  }

  /// Sees to it that a picture can be written, before any work is done.
  ///
  /// - Parameter quality: 1...100; nil takes the usual one.
  /// - Throws: `OutputError`.
  public static func check(_ path: String, quality: Int? = nil) throws(OutputError) {
    let format = try OutputFormat(of: path)
    if let quality {
      guard format.usualQuality != nil else { throw .needsNoQuality(path, format) }
      guard (1...100).contains(quality) else { throw .badQuality(quality) }
    }
    guard format.isWritten else { throw .noEncoder(path, format) }
  }
}

/// Why a picture can't be written as its name says.
public enum OutputError: Explained, Equatable {
  case unknownFormat(String)
  case noEncoder(String, OutputFormat)
  case badQuality(Int)
  case needsNoQuality(String, OutputFormat)
  case tooLarge(String, OutputFormat, width: Int, height: Int)
  /// libvips gives up, for lack of memory mostly.
  case failed(String, OutputFormat)

  public var sentence: String {
    switch self {
    case .unknownFormat(let path):
      path.pathEnding.isEmpty
        ? "\(path) has no ending that names a format: end it in .png, .jpg, .webp, .tif or .avif."
        : "\(path) can't be written as .\(path.pathEnding): end it in .png, .jpg, .webp, .tif or .avif."
    case .noEncoder(let path, let format):
      "\(path) can't be written, since libvips has no encoder for \(format.rawValue) on this machine: end it in .png."
    case .badQuality(let quality): "--quality can't be \(quality): use 1 to 100."
    case .needsNoQuality(let path, let format):
      "--quality would change nothing in \(path), since \(format.rawValue) loses nothing: leave it out, or end it in .jpg, "
        + ".webp or .avif."
    case .tooLarge(let path, let format, let width, let height):
      "\(path) would have \(width) by \(height) pixels, and \(format.rawValue) holds \(format.longest) a side: end it in "
        + ".png or .tif."
    case .failed(let path, let format):
      "\(path) can't be written as \(format.rawValue): see that memory is free, or end it in .png."
    }
  }

  public var exit: Exit {
    switch self {
    case .unknownFormat, .badQuality, .needsNoQuality: .usage
    case .noEncoder: .unavailable
    case .tooLarge: .data
    case .failed: .io
    }
  }
}

extension String {
  /// What follows a file name's last dot, in lower case; empty where none does.
  var pathEnding: String {
    let name = split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex, !hasSuffix("/") else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }
}

extension Picture {
  /// The picture as a file's bytes.
  ///
  /// - Parameters:
  ///   - text: keys of 1 to 79 Latin-1 characters, and what they say: a PNG's text, and the description of the XMP that
  ///     every format has.
  ///   - source: how the picture came to be; nil for no XMP.
  ///   - quality: 1...100; nil takes the usual one. A WebP of 100 loses nothing.
  ///   - ground: under what is transparent, in a JPEG.
  ///   - name: used in errors only.
  /// - Throws: `PictureError.noEngine`, `OutputError`.
  public func encoded(
    as format: OutputFormat, text: [(key: String, value: String)] = [], source: Provenance.SourceType? = nil,
    quality: Int? = nil, ground: Ground = .white, named name: String = "The picture"
  ) throws -> [UInt8] {
    guard max(width, height) <= format.longest else {
      throw OutputError.tooLarge(name, format, width: width, height: height)
    }
    let xmp = source.map { Provenance.xmp($0, words: format == .png ? [] : text) }
    if format == .png { return try png(text: text, xmp: xmp) }
    let picture = format.hasAlpha ? self : flattened(on: ground)
    guard let canvas = Canvas(picture) else { throw PictureError.noEngine }
    let saver = format.saver(quality: quality ?? format.usualQuality ?? 100)
    // A JPEG's XMP fits into one segment or is left out, so the words go before the source.
    let short = format == .jpeg && (xmp?.utf8.count ?? 0) > 60_000 ? source.map { Provenance.xmp($0) } : xmp
    guard let file = canvas.file(saver, xmp: short) else { throw OutputError.failed(name, format) }
    return file
  }
}
