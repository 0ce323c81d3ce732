import Foundation
import Media
import TestSupport
import Testing

@Suite struct DamagedPictureTests {
  @Test(arguments: ["short.jpg", "short.png", "short.webp", "short.gif"])
  func whatEndsTooEarlyIsCutShort(_ name: String) {
    for decoding in [Decoding(), Decoding(size: 16)] {
      #expect(throws: PictureError.cutShort(name: Fixtures.path(name))) {
        _ = try Picture.load(Fixtures.path(name), decoding)
      }
    }
  }

  @Test(arguments: ["short.tif", "flipped.png"])
  func whatIsBrokenIsDamaged(_ name: String) {
    for decoding in [Decoding(), Decoding(size: 16)] {
      #expect(throws: PictureError.damaged(name: Fixtures.path(name))) {
        _ = try Picture.load(Fixtures.path(name), decoding)
      }
    }
  }

  @Test func otherFilesAreToldByTheirBytes() throws {
    func error(_ path: String, _ decoding: Decoding = Decoding()) -> PictureError? {
      #expect(throws: PictureError.self) { _ = try Picture.load(path, decoding) }
    }
    #expect(error(Fixtures.path("words.png"))?.reason == "isn't a picture")
    #expect(error(Fixtures.path("drawing.png"))?.reason == "is an SVG, which isn't read here")
    #expect(error(Fixtures.path("nothing.png"))?.reason == "is empty")
    #expect(
      error(Fixtures.path("bomb.png"))?.reason == "claims 100000 by 100000 pixels, more than 100 megapixels")
    #expect(error(Fixtures.folder)?.reason == "isn't a file")
    #expect(error(Fixtures.path("absent.png")) == .missing(name: Fixtures.path("absent.png")))
    #expect(error(Fixtures.path("absent.png"))?.exit == .missingInput)
    var small = Decoding()
    small.limits.megabytes = 0
    #expect(
      error(Fixtures.path("scene.jpg"), small) == .tooHeavy(name: Fixtures.path("scene.jpg"), megabytes: 0, cap: 0))
    let short = error(Fixtures.path("short.jpg"))
    #expect(short?.sentence.hasSuffix("short.jpg is cut short: copy it again from where it came from.") == true)
    #expect(short?.exit == .data)
  }

  /// Files at many moments of a copy that broke off, and with one wrong byte at many places.
  @Test(arguments: ["scene.jpg", "parrot.png", "scene.webp", "moving.gif", "scene.tif", "scene.avif"])
  func noDamageIsFatal(_ name: String) throws {
    let whole = try FileBytes.read(Fixtures.path(name))
    for length in stride(from: 0, to: whole.count, by: max(1, whole.count / 60)) {
      _ = try? Picture.decode(Array(whole[..<length]), named: name, Decoding(size: 16))
      var wrong = whole
      wrong[length] ^= 0xFF
      _ = try? Picture.decode(wrong, named: name, Decoding(size: 16))
    }
  }

  /// File names are never taken for libvips's options.
  @Test func strangeNamesAreNames() throws {
    let folder = TemporaryFolder()
    for name in ["a[page=3].jpg", "$(id).jpg", "-i.jpg", "grün 🎨\n.jpg"] {
      try FileManager.default.copyItem(atPath: Fixtures.path("scene.jpg"), toPath: folder.path(name))
      #expect(try Picture.load(folder.path(name)).width == 96)
    }
  }
}
