/// Whether a file is a clip, told by its first bytes and never by its name.
public enum ClipSignature {
  /// How many of a file's first bytes are looked at: MPEG's packets come every 188 or 192 of them, and what says that a PNG moves
  /// comes after what is said of it.
  private static let looked = 4096

  /// Also of a GIF with one frame; false for what can't be read.
  public static func isClip(_ path: String) -> Bool {
    guard let start = try? FileBytes.read(path, first: looked) else { return false }
    return isClip(start: start)
  }

  static func isClip(start: [UInt8]) -> Bool {
    func has(_ text: String, at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: Array(text.utf8)) }
    // QuickTime's family: boxes with names, the first of which is its kind, or in old files any of these.
    // An AVIF of several frames is one; a camera's raw picture (CR3) isn't.
    if has("ftypavis", at: 4) { return true }
    if has("ftypcrx ", at: 4) { return false }
    if has("ftyp", at: 4) { return PictureFormat(start: start) == nil }
    if ["moov", "mdat", "wide", "skip", "pnot"].contains(where: { has($0, at: 4) }) { return true }
    if has("GIF87a") || has("GIF89a") || has("FLV") || has("nut/multimedia container") { return true }
    if has("RIFF") { return has("AVI ", at: 8) || WebPFrames.isAnimated(start) }
    // An APNG is a PNG with a control chunk before its first picture.
    if PictureFormat(start: start) == .png { return hasChunk("acTL", before: "IDAT", in: start) }
    let marks: [[UInt8]] = [
      [0x1A, 0x45, 0xDF, 0xA3],  // Matroska and WebM.
      [0x00, 0x00, 0x01, 0xBA], [0x00, 0x00, 0x01, 0xB3],  // MPEG's program and video streams.
      [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11],  // ASF, as of WMV.
    ]
    if marks.contains(where: { start.starts(with: $0) }) || isUnread(start) { return true }
    // Ogg has pictures when one of the first pages begins a stream of Theora or VP8.
    if has("OggS") {
      return ["\u{80}theora", "OVP80"].contains {
        contains(Array($0.unicodeScalars.map { UInt8($0.value) }), in: start)
      }
    }
    return isTransport(start)
  }

  /// A sound, by the first bytes: WAV, FLAC, Ogg, MP3 with a tag, AIFF. An MP3 without one has no signature.
  static func isSound(start: [UInt8]) -> Bool {
    func has(_ text: String, at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: Array(text.utf8)) }
    if has("RIFF") || has("riff") || has("RF64") { return has("WAVE", at: 8) || has("riff") }
    if has("FORM") { return has("AIFF", at: 8) || has("AIFC", at: 8) }
    return has("fLaC") || has("OggS") || has("ID3")
  }

  /// Whether a file claims to be a film or a sound, so that what can't be opened of it is damaged.
  static func isClipOrSound(_ path: String) -> Bool {
    guard let start = try? FileBytes.read(path, first: looked) else { return false }
    return !isUnread(start) && isClip(start: start) || isSound(start: start)
  }

  /// A film of a kind that isn't read here: MXF, IVF, and H.264 and HEVC without a container, which have no times.
  private static func isUnread(_ start: [UInt8]) -> Bool {
    let mxf: [UInt8] = [0x06, 0x0E, 0x2B, 0x34]
    if start.starts(with: mxf) || start.starts(with: Array("DKIF".utf8)) { return true }
    // Annex B's start codes, then the header of a delimiter, a parameter set or supplemental information.
    let headers: [[UInt8]] = [[0x09], [0x27], [0x47], [0x67], [0x06], [0x40, 0x01], [0x46, 0x01], [0x4E, 0x01]]
    for code in [[0, 0, 0, 1], [0, 0, 1]] as [[UInt8]] where start.starts(with: code) {
      return headers.contains { start.dropFirst(code.count).starts(with: $0) }
    }
    return false
  }

  /// MPEG's transport stream: packets of 188 bytes, or of 192 with a time before each.
  private static func isTransport(_ start: [UInt8]) -> Bool {
    [(0, 188), (4, 192)].contains { offset, length in
      let places = stride(from: offset, to: start.count, by: length)
      return start.count >= 3 * length && places.allSatisfy { start[$0] == 0x47 }
    }
  }

  private static func hasChunk(_ name: String, before end: String, in bytes: [UInt8]) -> Bool {
    var at = 8
    while at + 8 <= bytes.count {
      let found = Array(bytes[at + 4..<at + 8])
      if found == Array(name.utf8) { return true }
      if found == Array(end.utf8) { return false }
      at += 12 + bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    return false
  }

  private static func contains(_ part: [UInt8], in bytes: [UInt8]) -> Bool {
    bytes.indices.contains { bytes[$0...].starts(with: part) }
  }
}
