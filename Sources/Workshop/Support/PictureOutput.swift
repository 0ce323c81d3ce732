import Media

/// Hours of work shouldn't end before a format that isn't written, a folder that isn't there, or a file that is.
///
/// - Parameters:
///   - out: a picture's file.
///   - quality: 1...100; nil takes the format's usual one.
/// - Throws: `OutputError`, `FileError`.
func expectPicture(_ out: String, quality: Int? = nil, isForced: Bool) throws {
  try OutputFormat.check(out, quality: quality)
  try expectWritable(out, isForced: isForced)
}

/// Says that a file can't hold a picture's transparency, where it has some.
func note(lossOfTransparencyIn picture: Picture, out: String, tell: (Event) -> Void) {
  guard (try? OutputFormat(of: out))?.hasAlpha == false, picture.isSeenThrough else { return }
  tell(.note("Transparency is lost: \(out) is a JPEG, which has none, so the background is white. A .png keeps it."))
}

extension Picture {
  /// Reads a picture file as `load` does, and says what isn't certain about how it is read.
  ///
  /// - Throws: `PictureError`.
  static func load(_ path: String, _ decoding: Decoding, tell: (Event) -> Void) throws(PictureError) -> Picture {
    let (picture, notes) = try decodeNoting(FileBytes.read(path), named: path, decoding)
    for note in notes { tell(.note("\(path) \(note).")) }
    return picture
  }
}
