import Foundation
import Media
import TestSupport
import Testing

/// Files are what their names say.
@Suite struct OutputFormatTests {
  private static let words = [(key: "Seed", value: "7"), (key: "Settings", value: #"{"a<b":"c & d"}"#)]

  private static func soft(channels: Int) -> Picture {
    let bytes = (0..<48 * 40).flatMap { place -> [UInt8] in
      let (x, y) = (place % 48, place / 48)
      return Array([UInt8(40 + 4 * x), UInt8(60 + 3 * y), UInt8(200 - 2 * x), UInt8(80 + 4 * y)].prefix(channels))
    }
    return Picture(width: 48, height: 40, channels: channels, bytes: bytes)
  }

  @Test(arguments: ["a.png", "a.PNG", "a.jpg", "a.jpeg", "a.webp", "a.tif", "a.tiff", "a.avif"], [1, 3, 4])
  func theFormatIsTheNames(_ name: String, channels: Int) throws {
    let folder = TemporaryFolder(), path = folder.path(name)
    let format = try OutputFormat(of: path)
    try #require(format != .avif || (try? OutputFormat.check(path)) != nil)
    let picture = Self.soft(channels: channels)
    try picture.write(path, text: Self.words, source: .compositeSynthetic)
    let file = try FileBytes.read(path)
    let facts = try Picture.facts(file, named: name)
    #expect(facts.format.rawValue == format.rawValue)
    #expect(facts.hasAlpha == (channels == 4 && format.hasAlpha))
    // What is lossless is exact; JPEG, WebP and AVIF at their usual qualities keep soft colours within 8 levels.
    let again = try Picture.decode(file, named: name, Decoding(channels: format.hasAlpha ? channels : min(channels, 3)))
    let flat = format.hasAlpha ? picture : picture.flattened(on: .white)
    let off = zip(again.bytes, flat.bytes).map { abs(Int($0) - Int($1)) }.max()!
    #expect(off <= (format.usualQuality == nil ? 0 : 8), "\(off)")
    #expect(Provenance.source(of: file) == .compositeSynthetic)
    #expect(Provenance.words(in: file).map(\.key) == ["Seed", "Settings"])
    #expect(Provenance.words(in: file).map(\.value) == Self.words.map(\.value))
  }

  @Test func qualityIsHeard() throws {
    for format in [OutputFormat.jpeg, .webp] {
      let sizes = try [20, 60, 95].map { try Self.soft(channels: 3).encoded(as: format, quality: $0).count }
      #expect(sizes == sizes.sorted() && Set(sizes).count == 3, "\(sizes)")
    }
    let whole = try Self.soft(channels: 4).encoded(as: .webp, quality: 100)
    #expect(try Picture.decode(whole, named: "w", Decoding(channels: 4)) == Self.soft(channels: 4))
  }

  @Test func otherNamesAreRefusedBeforeAnyWork() throws {
    func sentence(_ name: String, _ quality: Int? = nil) -> String? {
      let error = #expect(throws: OutputError.self) { try OutputFormat.check(name, quality: quality) }
      #expect(error?.exit == .usage)
      return error?.sentence
    }
    #expect(sentence("a.bmp") == "a.bmp can't be written as .bmp: end it in .png, .jpg, .webp, .tif or .avif.")
    #expect(sentence("b.c/a") == "b.c/a has no ending that names a format: end it in .png, .jpg, .webp, .tif or .avif.")
    #expect(sentence("a.jpg", 101) == "--quality can't be 101: use 1 to 100.")
    #expect(
      sentence("a.tif", 90)
        == "--quality would change nothing in a.tif, since TIFF loses nothing: leave it out, or end it in .jpg, .webp or "
        + ".avif.")
    let long = Picture(width: 16_400, height: 1, of: .black)
    let error = #expect(throws: OutputError.self) { try long.encoded(as: .webp, named: "long.webp") }
    #expect(
      error?.sentence
        == "long.webp would have 16400 by 1 pixels, and WebP holds 16383 a side: end it in .png or .tif.")
  }
}
