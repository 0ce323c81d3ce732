import Foundation
import Media
import Testing

/// The recipe `vae`, `reconstruct` and `attribute`, as an artist runs them.
@Suite struct EncodingTests {
  private static let small = [
    "--recipe", "vae", "--size", "16", "--widths", "8,8", "--latent", "4", "--pictures-seen", "16", "--batch", "8",
  ]

  @Test func picturesAreEncodedAndChanged() throws {
    try inFolder { atelier in
      let trained = try atelier.run(["train", Binary.pictures, "--run", "run"] + Self.small)
      try #require(trained.status == 0, "\(trained.err)")
      let made = try atelier.run("reconstruct", "run", Binary.pictures, "--count", "5", "--out", "again.png", "--json")
      #expect(made.status == 0, "\(made.err)")
      let found = try #require(made.lines().last { $0["event"] as? String == "finished" })
      #expect(found["pictures"] as? Int == 40 && found["psnr"] as? Double ?? 0 > 0)
      #expect(found["structure"] is Double && found["sharpness"] is Double)
      // Two rows of five cells of 16 px.
      let sheet = try Picture.load("\(atelier.folder)/again.png")
      #expect(sheet.width == 2 + 5 * 18 && sheet.height == 2 + 2 * 18)

      for (i, folder) in ["with", "without"].enumerated() {
        try atelier.make(folder)
        for name in try Binary.someEmoji(8).suffix(4 * (2 - i)).prefix(4) {
          try atelier.copy("\(Binary.emoji)/\(name)", to: "\(folder)/\(name)")
        }
      }
      let changed = try atelier.run(
        "attribute", "run", Binary.pictures, "--with", "with", "--without", "without", "--amounts", "-1,0,2.5",
        "--count",
        "2", "--out", "more.png")
      #expect(changed.status == 0, "\(changed.err)")
      let more = try Picture.load("\(atelier.folder)/more.png")
      #expect(more.width == 2 + 3 * 18 && more.height == 2 + 2 * 18)

      try atelier.train("gan")
      for (arguments, status) in [
        (["reconstruct", "gan", Binary.pictures], 64), (["reconstruct", "run", "nowhere"], 66),
        (["reconstruct", "run", Binary.pictures, "--count", "0"], 64),
        (["attribute", "gan", Binary.pictures, "--with", "with", "--without", "without"], 64),
        (["attribute", "run", Binary.pictures, "--with", "with", "--without", "without", "--amounts", "x"], 64),
        (["attribute", "run", Binary.pictures, "--with", "nowhere", "--without", "without"], 66),
      ] {
        let refused = try atelier.run(arguments + ["--out", "x.png"])
        #expect(refused.status == Int32(status) && !atelier.has("x.png"), "\(arguments): \(refused.err)")
      }
      let taken = try atelier.run("reconstruct", "run", Binary.pictures, "--out", "again.png")
      #expect(taken.status == 73, "\(taken.err)")
    }
  }
}
