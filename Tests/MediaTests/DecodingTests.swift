import Foundation
import Media
import Testing

@Suite struct DecodingTests {
  /// Against Pillow. One level for rounding; JPEG decoders may round a transform otherwise (one more); colour engines
  /// differ by up to 2 levels in dark, saturated colours; the AVIF was made lossy and is compared with its source.
  @Test(arguments: [
    ("parrot.png", 1.0), ("violin.png", 1), ("scene.jpg", 2), ("turned3.jpg", 2), ("turned6.jpg", 2),
    ("turned7.jpg", 2), ("rgb16.png", 1), ("greyalpha.png", 2), ("adobe.jpg", 3), ("badprofile.jpg", 2),
    ("scene.webp", 1), ("scene.tif", 1), ("moving.gif", 1), ("one.png", 1), ("scene.avif", 3),
    ("large.jpg", 2),
  ])
  func looksAsPillowSaysIt(_ name: String, tolerance: Double) throws {
    let facts = try #require(Fixtures.facts[name])
    let picture = try Picture.load(Fixtures.path(name))
    #expect((picture.width, picture.height) == (facts.width, facts.height))
    #expect(picture.channels == 3)
    for (ours, theirs) in zip(picture.quarters, facts.quarters) {
      for (a, b) in zip(ours, theirs) { #expect(abs(a - b) <= tolerance, "\(name): \(ours) is not \(theirs)") }
    }
  }

  /// The quarters' middles keep their colours; 4 levels for the filters' ringing near the borders.
  @Test(arguments: [
    "scene.jpg", "turned6.jpg", "turned7.jpg", "rgb16.png", "adobe.jpg", "badprofile.jpg", "scene.webp", "large.jpg",
  ])
  func theWayToASquareKeepsColoursAndTurns(_ name: String) throws {
    let whole = try Picture.load(Fixtures.path(name), Decoding(size: nil))
    let small = try Picture.load(Fixtures.path(name), Decoding(size: 32))
    #expect((small.width, small.height, small.channels) == (32, 32, 3))
    let scale = whole.height / 64
    for ((x, y), (u, v)) in zip([(3, 3), (28, 3), (28, 28), (3, 28)], [(25, 9), (70, 9), (70, 54), (25, 54)]) {
      let most = zip(small[x, y], whole[scale * u, scale * v]).map { abs(Int($0) - Int($1)) }.max()!
      #expect(most <= 4, "\(name) at \(x), \(y)")
    }
  }

  /// Against Pillow's resampling, which rounds between rows and columns: 2 levels. libvips shrinks a large JPEG while it
  /// decodes, and then less with its own filter: 6 levels at the borders of colours.
  @Test func resamplingIsLanczos() throws {
    func isNear(_ a: Picture, _ name: String, _ tolerance: Int) throws {
      let b = try Picture.load(Fixtures.path(name), Decoding(channels: nil))
      #expect((a.width, a.height, a.channels) == (b.width, b.height, b.channels))
      let most = zip(a.bytes, b.bytes).map { abs(Int($0) - Int($1)) }.max()!
      #expect(most <= tolerance, "\(name)")
    }
    try isNear(Picture.load(Fixtures.path("scene.webp"), Decoding(size: 21)), "scene21.png", 2)
    try isNear(Picture.load(Fixtures.path("large.jpg"), Decoding(size: 32)), "large32.png", 6)
    let corner = try Picture.load(Fixtures.path("corner.png"))
    try isNear(corner.resampled(width: 48, height: 48), "corner48.png", 2)
    let veil = try Picture.load(Fixtures.path("veil.png"), Decoding(channels: 4))
    // At the lightest alpha, 40, a level of alpha-weighted colour is 6 of the colour itself.
    try isNear(veil.resampled(width: 36, height: 24), "veil24.png", 6)
    #expect(corner.resampled(width: 20, height: 20) == corner)
  }

  @Test func cmykComesOutInItsColours() throws {
    // Without a profile the press is a guess, so only which channels lead is certain.
    let q = try Picture.load(Fixtures.path("cmyk.jpg")).quarters
    #expect(q[0][0] > q[0][1] + 60 && q[0][0] > q[0][2] + 60, "red: \(q[0])")
    #expect(q[1][1] > q[1][0] + 30 && q[1][1] > q[1][2] + 10, "green: \(q[1])")
    #expect(q[2][2] > q[2][0] + 30 && q[2][2] > q[2][1] + 30, "blue: \(q[2])")
    #expect(q[3][0] > q[3][2] + 60 && q[3][1] > q[3][2] + 60, "yellow: \(q[3])")
    let picture = try Picture.load(Fixtures.path("cmyk.jpg"))
    let small = try Picture.load(Fixtures.path("cmyk.jpg"), Decoding(size: 32))
    #expect(zip(small[3, 3], picture[25, 9]).allSatisfy { abs(Int($0) - Int($1)) <= 4 })
  }

  @Test func greyBytesComeThroughUnchanged() throws {
    let digit = try Picture.load(Fixtures.path("grey.png"), Decoding(channels: 1))
    #expect(Digest.sha256(digit.bytes) == Fixtures.facts["grey.png"]?.sha256)
    #expect(try Picture.load(Fixtures.path("grey.png"), Decoding(size: 28, channels: 1)) == digit)
    let colour = try Picture.load(Fixtures.path("grey.png"))
    #expect(colour.channels == 3 && colour.bytes == digit.bytes.flatMap { [$0, $0, $0] })
    #expect(try Picture.load(Fixtures.path("grey.png"), Decoding(channels: nil)).channels == 1)
  }

  @Test func sixteenBitsBecomeEight() throws {
    let ramp = try Picture.load(Fixtures.path("grey16.png"), Decoding(channels: 1))
    // 257 times a level is that level, whichever way one rounds.
    #expect(Array(ramp.bytes[..<256]) == (0..<256).map(UInt8.init))
  }

  @Test func alphaIsKeptOnRequestOnly() throws {
    let kept = try Picture.load(Fixtures.path("parrot.png"), Decoding(channels: 4))
    #expect(kept.channels == 4 && kept[0, 0].last == 0)
    let white = try Picture.load(Fixtures.path("parrot.png"))
    #expect(Array(white[0, 0]) == [255, 255, 255])
    let blue = try Picture.load(Fixtures.path("parrot.png"), Decoding(ground: Ground(0, 0, 255)))
    #expect(Array(blue[0, 0]) == [0, 0, 255])
    let grey = try Picture.load(Fixtures.path("greyalpha.png"), Decoding(channels: 4))
    #expect(grey.channels == 4 && grey[40, 2].last! < 20 && grey[40, 62].last! > 235)
    let opaque = try Picture.load(Fixtures.path("scene.jpg"), Decoding(channels: 4))
    #expect(opaque.channels == 4 && opaque[5, 5].last == 255)
  }

  @Test func fittedPicturesHaveTheGroundAround() throws {
    let fitted = try Picture.load(Fixtures.path("scene.jpg"), Decoding(size: 48, crop: .fit, ground: .black))
    #expect((fitted.width, fitted.height) == (48, 48))
    #expect(Array(fitted[24, 2]) == [0, 0, 0] && Array(fitted[24, 45]) == [0, 0, 0])
    #expect(fitted[5, 12].first! > 150)
    let clear = try Picture.load(Fixtures.path("scene.jpg"), Decoding(size: 48, crop: .fit, channels: 4))
    #expect(clear[24, 2].last == 0 && clear[24, 24].last == 255)
    let grey = try Picture.load(Fixtures.path("scene.jpg"), Decoding(size: 48, crop: .fit, channels: 1))
    #expect(grey.channels == 1 && grey[24, 2].first == 255)
    // One point becomes a square, whichever way.
    for crop in Decoding.Crop.allCases {
      let one = try Picture.load(Fixtures.path("one.png"), Decoding(size: 16, crop: crop))
      #expect(one.width == 16 && Array(one[8, 8]) == [10, 200, 30])
    }
  }

  @Test func headersTellFacts() throws {
    func facts(_ name: String) throws -> PictureFacts {
      try Picture.facts(FileBytes.read(Fixtures.path(name)), named: name)
    }
    let turned = try facts("turned6.jpg")
    #expect((turned.format, turned.width, turned.height, turned.hasAlpha) == (.jpeg, 96, 64, false))
    let moving = try facts("moving.gif")
    #expect(moving.isAnimated && moving.frames == 2 && moving.format == .gif)
    #expect(try facts("parrot.png").hasAlpha)
    #expect(try facts("grey16.png").isGrey && facts("grey16.png").bits == 16)
    #expect(try facts("scene.avif").format == .avif)
    #expect(try !facts("one.png").isAnimated)
  }
}
