import Foundation
import Media
import TestSupport
import Testing

/// Picture files with wrong bytes are read or refused; the same ones each time.
@Suite struct PictureFuzzTests {
  private static let seconds =
    ProcessInfo.processInfo.environment["ATELIER_FUZZ_SECONDS"].flatMap { Double($0) } ?? 0.2
  private static let names =
    ["scene.jpg", "parrot.png", "scene.webp", "moving.gif", "scene.tif", "scene.avif", "adobe.jpg"].map {
      "Tests/Fixtures/\($0)"
    }
    + [
      "alpha16-p3-big.tif", "float-alpha.tif", "lab.tif", "ycbcr.tif", "thumbnail-unnamed.tif", "alpha8-p3.png",
      "cicp-p3.png", "gamma18.png",
    ].map { "Tests/Fixtures/colours/\($0)" }

  @Test(arguments: names) func wrongBytesAreReadOrRefused(_ name: String) throws {
    let whole = try FileBytes.read(Checkout.path(name))
    var limits = Decoding.Limits()
    limits.megapixels = 4
    var state: UInt64 = 7
    func draw(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX.
      return Int(state >> 33) % limit
    }
    let end = Date().addingTimeInterval(Self.seconds)
    while Date() < end {
      var bytes = whole
      for _ in 0...draw(6) {
        // Heads decide most.
        let place = draw(draw(2) == 0 ? min(400, bytes.count) : bytes.count)
        if draw(3) == 0 { bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][draw(5)] } else { bytes[place] ^= 1 << draw(8) }
      }
      if draw(10) == 0 { bytes = Array(bytes.prefix(1 + draw(bytes.count))) }
      _ = try? Picture.decode(
        bytes, named: name, Decoding(size: draw(2) == 0 ? nil : 16, channels: nil, limits: limits))
      _ = try? Picture.report(bytes, named: name, limits: limits)
      _ = Provenance.words(in: bytes)
    }
  }
}
