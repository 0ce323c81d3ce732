/// What a file is by its first bytes, whatever its name says.
public enum FileKind: Equatable, Sendable {
  case picture(PictureFormat)
  /// Of the kinds that are read here: zip, and tar, also compressed.
  case archive
  /// Another known kind, with its article: "a PDF".
  case other(String)
  case unknown

  /// How many of a file's first bytes are looked at: a tar's mark comes after its first name.
  public static let signatureBytes = 512

  /// - Parameter start: a file's first 512 bytes, or all of a shorter one.
  public init(start: some Collection<UInt8>) {
    let bytes = Array(start.prefix(Self.signatureBytes))
    if let format = PictureFormat(start: bytes), Self.camera(bytes) == nil {
      self = .picture(format)
    } else if Self.isArchive(bytes) {
      self = .archive
    } else if let kind = Self.camera(bytes) ?? Self.known(bytes) {
      self = .other(kind)
    } else {
      self = .unknown
    }
  }

  private static func has(_ bytes: [UInt8], _ text: String, at offset: Int = 0) -> Bool {
    bytes.dropFirst(offset).starts(with: Array(text.utf8))
  }

  private static func isArchive(_ bytes: [UInt8]) -> Bool {
    let starts: [[UInt8]] = [
      [0x50, 0x4B, 3, 4], [0x50, 0x4B, 5, 6], [0x50, 0x4B, 7, 8], [0x1F, 0x8B], Array("BZh".utf8),
      [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], [0x28, 0xB5, 0x2F, 0xFD],
    ]
    return starts.contains { bytes.starts(with: $0) } || has(bytes, "ustar", at: 257)
  }

  /// A camera's raw picture that isn't told by a TIFF's tags.
  private static func camera(_ bytes: [UInt8]) -> String? {
    let marks: [(text: String, at: Int)] = [
      ("CR\u{2}", 8), ("FUJIFILMCCD-RAW", 0), ("IIU\0", 0), ("IIRO", 0), ("IIRS", 0), ("MMOR", 0), ("ftypcrx ", 4),
      ("FOVb", 0), ("\0MRM", 0),
    ]
    return marks.contains { has(bytes, $0.text, at: $0.at) } ? "a camera's raw picture" : nil
  }

  private static func known(_ bytes: [UInt8]) -> String? {
    let marks: [(text: String, at: Int, kind: String)] = [
      ("BM", 0, "a BMP"), ("8BPS", 0, "a Photoshop file"), ("%PDF", 0, "a PDF"), ("<svg", 0, "an SVG"),
      ("<?xml", 0, "an XML or SVG file"), ("\0\0\0\u{C}JXL", 0, "a JPEG XL"), ("\0\0\0\u{C}jP", 0, "a JPEG 2000"),
      ("v/1\u{1}", 0, "an OpenEXR"), ("\0\0\u{1}\0", 0, "an icon file"), ("Rar!", 0, "a RAR archive"),
      ("7z", 0, "a 7z archive"), ("gimp xcf", 0, "a GIMP file"), ("RIFF", 0, riff(bytes)), ("OggS", 0, "an Ogg file"),
      ("ID3", 0, "an MP3"), ("fLaC", 0, "a FLAC"), ("FLV\u{1}", 0, "an FLV film"), ("ftyp", 4, "an MP4 film"),
      ("DKIF", 0, "an IVF film"), ("\u{7F}ELF", 0, "a program"), ("MZ", 0, "a program"),
    ]
    if bytes.starts(with: [0xFF, 0x0A]) { return "a JPEG XL" }
    if bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return "a Matroska or WebM film" }
    if bytes.starts(with: [0, 0, 1, 0xBA]) || bytes.starts(with: [0, 0, 1, 0xB3]) { return "an MPEG film" }
    if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "an HDF5 file" }
    if bytes.starts(with: [0x06, 0x0E, 0x2B, 0x34]) { return "an MXF film" }
    if bytes.count > 188, bytes[0] == 0x47, bytes[188] == 0x47 { return "an MPEG film" }
    return marks.first { has(bytes, $0.text, at: $0.at) }?.kind
  }

  private static func riff(_ bytes: [UInt8]) -> String {
    has(bytes, "WAVE", at: 8) ? "a WAV" : has(bytes, "AVI ", at: 8) ? "an AVI film" : "a RIFF file"
  }

  /// What a file that isn't read as a picture is, with its article, where its first bytes tell.
  var spoken: String? {
    switch self {
    case .picture, .unknown: nil
    case .archive: "an archive"
    case .other(let kind): kind
    }
  }
}
