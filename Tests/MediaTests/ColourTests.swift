import Foundation
import Media
import TestSupport
import Testing

/// What numbers in files mean as colours: Tests/Fixtures/colours.py made the files, and says what each is in sRGB.
@Suite struct ColourTests {
  private struct Expected: Decodable {
    let width: Int?, height: Int?, channels: Int?
    let bytes: [UInt8]?
    /// One level for rounding, two where another colour engine has its say, six where a level of Lab is several of blue.
    let tolerance: Int?
    let reason: String?
  }
  private static let folder = Checkout.path("Tests/Fixtures/colours")
  private static let all: [String: Expected] = {
    let data = try! Data(contentsOf: URL(filePath: "\(folder)/colours.json"))
    return try! JSONDecoder().decode([String: Expected].self, from: data)
  }()

  @Test(arguments: all.filter { $0.value.bytes != nil }.keys.sorted())
  func everyPixelIsRight(_ name: String) throws {
    let expected = try #require(Self.all[name])
    let picture = try Picture.load("\(Self.folder)/\(name)", Decoding(channels: nil))
    try #require(
      [picture.width, picture.height, picture.channels] == [expected.width, expected.height, expected.channels],
      "\(picture.width) \(picture.height) \(picture.channels)")
    let off = zip(picture.bytes, expected.bytes!).map { abs(Int($0) - Int($1)) }
    let most = off.max()!
    #expect(
      most <= expected.tolerance!,
      "\(name): \(most) levels off at \(off.firstIndex(of: most)!): \(picture.bytes.prefix(24)), not \(expected.bytes!.prefix(24))"
    )
  }

  @Test(arguments: all.filter { $0.value.reason != nil }.keys.sorted())
  func whatIsNotReadIsSaid(_ name: String) throws {
    let path = "\(Self.folder)/\(name)"
    let error = #expect(throws: PictureError.self) { try Picture.load(path) }
    #expect(error?.reason == Self.all[name]!.reason && error?.exit == .data)
    #expect(throws: PictureError.self) { try Picture.load(path, Decoding(size: 4)) }
  }

  /// By libvips's own way to another size, which large files take, colours are the same as by ours.
  @Test(arguments: ["alpha16-adobe.tif", "alpha8-p3.png", "rgb-greyprofile.png", "p3.webp", "gamma1.png", "spare.tif"])
  func largeFilesHaveTheSameColours(_ name: String) throws {
    let small = try Picture.load("\(Self.folder)/\(name)", Decoding(size: 6, channels: nil))
    #expect((small.width, small.height) == (6, 6))
    let flat = try Picture.load("\(Self.folder)/\(name)", Decoding(size: 6, channels: 3))
    #expect(zip(small.flattened(on: .white).bytes, flat.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 14 }, "\(name)")
  }

  @Test func whatIsLeftAsideIsSaid() throws {
    let bytes = try FileBytes.read("\(Self.folder)/spare.tif")
    #expect(
      try Picture.decodeNoting(bytes, named: "spare.tif").notes == [
        "has one more channel without a meaning, left aside"
      ])
  }

  @Test func whatIsGuessedIsSaid() throws {
    func notes(_ name: String) throws -> [String] {
      try Picture.decodeNoting(FileBytes.read("\(Self.folder)/\(name)"), named: name).notes
    }
    #expect(try notes("float-linear.tif") == ["has floating-point numbers, read as linear light from 0 to 1"])
    #expect(try notes("float-255.tif") == ["has floating-point numbers, read as 0 to 255 in sRGB"])
    #expect(try notes("float-adobe.tif") == ["has floating-point numbers, read as 0 to 1"])
    #expect(
      try notes("uint32.tif") == ["has integers of 32 bits or with a sign, read as 0 to 4,294,967,295 in sRGB"])
    #expect(
      try notes("rgb-greyprofile.webp") == ["has a profile for other colours (linear grey), which is left aside"])
    #expect(try notes("thumbnail-first.tif") == ["has a thumbnail first; its largest page is read"])
    #expect(try notes("pages.tif") == [] && notes("words.png") == [] && notes("alpha16-adobe.tif") == [])
  }

  /// SGI's LogLuv is CIE XYZ by its logarithm: libvips gives XYZ for colours.
  @Test func otherNumbersThanColoursAreRefused() throws {
    var bytes = try FileBytes.read("\(Self.folder)/float-linear.tif")
    // The tag of the colours' kind, 262, one short number: 2 is RGB.
    let tag = try #require(bytes.indices.dropLast(12).first { Array(bytes[$0..<$0 + 8]) == [6, 1, 3, 0, 1, 0, 0, 0] })
    (bytes[tag + 8], bytes[tag + 9]) = (UInt8(32845 & 255), UInt8(32845 >> 8))
    let error = #expect(throws: PictureError.self) { try Picture.decode(bytes, named: "a.tif") }
    #expect(error?.sentence == "a.tif has LogLuv colours, which aren't read here: save it as PNG or JPEG.")
  }

  /// What a machine that stopped while it copied leaves.
  @Test func zerosAreDamage() throws {
    let error = #expect(throws: PictureError.self) {
      try Picture.decode([UInt8](repeating: 0, count: 10_240), named: "a.png")
    }
    #expect(error?.sentence == "a.png is damaged: copy it again from where it came from.")
  }

  /// Three discs that look alike, over what can't be seen of three colours, are one picture.
  @Test func hiddenColoursAreNobodys() throws {
    let folder = TemporaryFolder()
    var pictures: [Picture] = []
    for (i, hidden) in [[0, 0, 0], [255, 255, 255], [0, 255, 0]].enumerated() {
      let bytes = (0..<64).flatMap { place -> [UInt8] in
        let isInside = abs(place % 8 - 4) + abs(place / 8 - 4) < 4
        return (isInside ? [200, 40, 90] : hidden.map(UInt8.init)) + [isInside ? 255 : 0]
      }
      let disc = Picture(width: 8, height: 8, channels: 4, bytes: bytes)
      for ending in ["png", "webp", "tif"] {
        try disc.write(folder.path("\(i).\(ending)"), quality: ending == "webp" ? 100 : nil)
        pictures.append(try Picture.load(folder.path("\(i).\(ending)"), Decoding(channels: nil)))
      }
    }
    #expect(pictures.allSatisfy { $0 == pictures[0] } && Array(pictures[0][0, 0]) == [0, 0, 0, 0])
  }
}
