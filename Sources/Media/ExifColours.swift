/// What a camera wrote of its colours into a JPEG's Exif data: those set to Adobe RGB often write no profile, only a mark.
enum ExifColours {
  /// Adobe RGB (1998), section 4.3: its primaries, and light as the value to 563/256.
  static let adobeRGB: ColourProfile = {
    var profile = ColourProfile()
    (profile.green, profile.curve) = ((0.21, 0.71), .power(563.0 / 256))
    return profile
  }()

  /// By the interoperability index R03 of uncalibrated colours (DCF 2.0, section 5.3), or by the value 2 that some cameras give to
  /// ColorSpace.
  static func isAdobeRGB(jpeg file: [UInt8]) -> Bool {
    guard let data = exif(file), let tags = TIFFTags(data), let first = tags.first,
      let exif = tags.value(34665, at: first)
    else { return false }
    let space = tags.value(40961, at: exif)
    guard space == 0xFFFF, let other = tags.value(40965, at: exif) else { return space == 2 }
    return tags.text(1, at: other) == "R03"
  }

  /// The data of the first APP1 segment that has Exif.
  private static func exif(_ file: [UInt8]) -> [UInt8]? {
    let mark = Array("Exif\0\0".utf8)
    var at = 2
    while at + 4 <= file.count, file[at] == 0xFF {
      let kind = file[at + 1], length = Int(file[at + 2]) << 8 | Int(file[at + 3])
      // After the start of the scan there are pixels.
      guard kind != 0xDA, length >= 2, at + 2 + length <= file.count else { return nil }
      let segment = file[at + 4..<at + 2 + length]
      if kind == 0xE1, segment.starts(with: mark) { return Array(segment.dropFirst(mark.count)) }
      at += 2 + length
    }
    return nil
  }
}
