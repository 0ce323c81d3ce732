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
    var damage = Damage(seed: 7)
    let end = Date().addingTimeInterval(Self.seconds)
    while Date() < end {
      let bytes = damage.hurt(whole, head: 400)
      _ = try? Picture.decode(
        bytes, named: name, Decoding(size: damage.draw(2) == 0 ? nil : 16, channels: nil, limits: limits))
      _ = try? Picture.report(bytes, named: name, limits: limits)
      _ = Provenance.words(in: bytes)
    }
  }
}
