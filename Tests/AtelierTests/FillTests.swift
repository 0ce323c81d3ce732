import Foundation
import Media
import Testing

/// `fill` as an artist runs it.
@Suite struct FillTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"

  /// A mask of this size with a white rectangle.
  private func mask(_ atelier: Binary, _ name: String, _ width: Int, _ height: Int, _ hole: (Range<Int>, Range<Int>))
    throws
  {
    let bytes = (0..<width * height).map { place -> UInt8 in
      hole.0.contains(place % width) && hole.1.contains(place / width) ? 255 : 0
    }
    try Picture(width: width, height: height, channels: 1, bytes: bytes).write("\(atelier.folder)/\(name)", text: [])
  }

  /// Pixels outside of the mask stay exactly, transparency everywhere.
  @Test(arguments: ["grey.png", "cmyk.jpg", "veil.png", "scene.webp"]) func onlyTheMaskChanges(_ name: String) throws {
    try inFolder { atelier in
      let own = try Picture.load("\(Self.fixtures)/\(name)", Decoding(channels: nil))
      let (w, h) = (own.width, own.height)
      let hole = (w / 3..<max(w / 3 + 1, w / 2), h / 3..<max(h / 3 + 1, h / 2))
      try mask(atelier, "mask.png", w, h, hole)
      let made = try atelier.run("fill", "\(Self.fixtures)/\(name)", "--mask", "mask.png", "--out", "a.png", "--json")
      #expect(made.status == 0, "\(made.err)")
      #expect(
        try made.lines().first { $0["event"] as? String == "picture" }?["pixels"] as? Int == hole.0.count * hole.1.count
      )
      let filled = try Picture.load("\(atelier.folder)/a.png", Decoding(channels: nil))
      #expect(filled.width == w && filled.height == h && filled.channels == own.channels)
      for place in 0..<w * h where !(hole.0.contains(place % w) && hole.1.contains(place / w)) {
        for c in 0..<own.channels {
          let at = place * own.channels + c
          guard filled.bytes[at] != own.bytes[at] else { continue }
          Issue.record("\(place) changed")
          return
        }
      }
      if own.channels == 4 {
        #expect(
          stride(from: 3, to: own.bytes.count, by: 4).allSatisfy { filled.bytes[$0] == own.bytes[$0] })
      }
    }
  }

  @Test func aRunDrawsWhatIsMissing() throws {
    try inFolder { atelier in
      let trained = try atelier.run(
        "train", Binary.pictures, "--recipe", "diffusion", "--size", "16", "--widths", "8,16", "--steps", "2",
        "--batch",
        "4", "--pictures-seen", "8", "--run", "run")
      try #require(trained.status == 0, "\(trained.err)")
      let scene = "\(Self.fixtures)/scene.jpg", own = try Picture.load("\(Self.fixtures)/scene.jpg")
      let hole = (own.width / 2..<own.width / 2 + 20, 4..<24)
      try mask(atelier, "mask.png", own.width, own.height, hole)
      let made = try atelier.run(
        "fill", scene, "--mask", "mask.png", "--with", "run", "--seeds", "0-1", "--out", "made")
      #expect(made.status == 0, "\(made.err)")
      let pictures = try (0..<2).map { try Picture.load("\(atelier.folder)/made/seed-000\($0).png") }
      #expect(pictures[0].bytes != pictures[1].bytes)
      for picture in pictures {
        let changed = (0..<own.width * own.height).filter { place in
          let at: Int = 3 * place
          return picture.bytes[at..<at + 3] != own.bytes[at..<at + 3]
        }
        #expect(!changed.isEmpty)
        #expect(changed.allSatisfy { hole.0.contains($0 % own.width) && hole.1.contains($0 / own.width) })
      }
      try mask(atelier, "wide.png", own.width, own.height, (0..<own.width, 0..<2))
      try mask(atelier, "none.png", own.width, own.height, (0..<0, 0..<0))
      try mask(atelier, "all.png", own.width, own.height, (0..<own.width, 0..<own.height))
      try atelier.train("gan")
      for (arguments, status) in [
        (["--mask", "none.png"], 65), (["--mask", "nowhere.png"], 66), (["--mask", "all.png"], 65),
        (["--mask", "mask.png", "--seeds", "1"], 64), (["--mask", "mask.png", "--with", "gan"], 64),
        (["--mask", "wide.png", "--with", "run"], own.width > own.height ? 65 : 0),
      ] {
        let refused = try atelier.run(["fill", scene, "--out", "x.png"] + arguments)
        #expect(refused.status == Int32(status), "\(arguments): \(refused.err)")
      }
    }
  }
}
