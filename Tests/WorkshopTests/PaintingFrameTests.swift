import Foundation
import Media
import TestSupport
import Testing
import Torch

@testable import Workshop

/// Frames are found where they are, and nowhere else.
@Suite struct PaintingFrameTests {
  private static let painting = try! Picture.load(Checkout.root + "/Examples/pictures/starry-night.jpg")

  /// With a band around it whose colour depends on how far in it lies, 0...1, and on a noise.
  private static func framed(
    _ picture: Picture, _ widths: (top: Int, bottom: Int, left: Int, right: Int),
    _ colour: (_ depth: Double, _ noise: Double) -> [Double]
  ) -> Picture {
    let (width, height) = (picture.width + widths.left + widths.right, picture.height + widths.top + widths.bottom)
    var noise = Noise(seed: 3)
    let grain = noise.normal([width * height], on: .cpu).floats
    var bytes: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        let (px, py) = (x - widths.left, y - widths.top)
        if (0..<picture.width).contains(px), (0..<picture.height).contains(py) {
          bytes += picture[px, py]
          continue
        }
        let depth = min(
          min(Double(y) / Double(widths.top), Double(height - 1 - y) / Double(widths.bottom)),
          min(Double(x) / Double(widths.left), Double(width - 1 - x) / Double(widths.right)))
        bytes += colour(depth, Double(grain[y * width + x])).map { UInt8(max(0, min(255, $0))) }
      }
    }
    return Picture(width: width, height: height, channels: 3, bytes: bytes)
  }

  private static func plain(_ value: Double) -> (Double, Double) -> [Double] { { _, _ in [value, value, value] } }
  /// A moulding, light and dark, with a grain.
  private static func wood(_ depth: Double, _ noise: Double) -> [Double] {
    let light = 0.45 + 0.65 * pow(sin(depth * 4.7), 2)
    return [150, 96, 48].map { $0 * light + 6 * noise }
  }

  /// A pixel of the size that is looked at, and one of the edge's own, is how exactly a frame is found.
  private func expect(
    _ picture: Picture, _ widths: (top: Int, bottom: Int, left: Int, right: Int), _ name: String
  ) throws {
    let frame = PaintingFrame(around: picture)
    let found = try #require(frame, "\(name)")
    let step = Int((2.5 * Double(max(picture.width, picture.height)) / 256).rounded(.up)) + 2
    for (a, b) in [
      (found.top, widths.top), (found.bottom, widths.bottom), (found.left, widths.left), (found.right, widths.right),
    ] {
      #expect(abs(a - b) <= step, "\(name): \(found), not \(widths)")
    }
    let cut = found.cutOff(picture)
    #expect(cut.width == picture.width - found.left - found.right && cut.height <= picture.height)
    let rest = PaintingFrame(around: cut)
    #expect(rest == nil, "\(name): more is found in what was left")
  }

  @Test func framesAreFound() throws {
    for painting in [Self.painting, try Picture.load(Checkout.root + "/Examples/pictures/street.jpg")] {
      let broad = (60, 60, 60, 60)
      try expect(Self.framed(painting, broad, Self.wood), broad, "wood")
    }
    let broad = (60, 60, 60, 60)
    let mounted = Self.framed(Self.painting, (45, 45, 45, 45), Self.plain(238))
    try expect(Self.framed(mounted, broad, Self.wood), (105, 105, 105, 105), "passe-partout in wood")
    // The street's sky is nearly as white as a border would be.
    let (even, uneven) = ((30, 30, 30, 30), (30, 50, 22, 40))
    try expect(Self.framed(Self.painting, even, Self.plain(252)), even, "white")
    try expect(Self.framed(Self.painting, uneven, Self.plain(246)), uneven, "uneven white")
    try expect(Self.framed(Self.painting, (24, 24, 24, 24), Self.plain(5)), (24, 24, 24, 24), "black")
  }

  /// Photographs, a painting, and drawings on a plain ground, whose outlines aren't frames.
  @Test func nothingElseIsCut() throws {
    // Rectangles on white, which is a border indeed.
    let filled = ["1f1e8-1f1ed-flag-ch.png", "1f320-shooting-star.png"]
    let examples = ["starry-night.jpg", "street.jpg"].map { Checkout.root + "/Examples/pictures/\($0)" }
    let fixtures = ["scene.jpg", "parrot.png", "violin.png", "large.jpg", "grey.png", "veil.png"]
      .map { Checkout.root + "/Tests/Fixtures/\($0)" }
    let emoji = try FileManager.default.contentsOfDirectory(atPath: Checkout.emoji).filter { $0.hasSuffix(".png") }
      .sorted().prefix(24).filter { !filled.contains($0) }.map { "\(Checkout.emoji)/\($0)" }
    for path in examples + fixtures + emoji {
      let picture = try Picture.load(path, Decoding())
      let found = PaintingFrame(around: picture)
      #expect(found == nil, "\(path)")
    }
    for picture in [
      Self.painting.cut(x: 0, y: 0, width: 300, height: 90), Self.painting.resampled(width: 70, height: 64),
    ] {
      let found = PaintingFrame(around: picture)
      #expect(found == nil)
    }
  }
}
