import Foundation
import Media
import Testing

/// The recipe `gplvm` and `generate --map`, as an artist runs them.
@Suite struct MapTests {
  @Test func picturesAreLaidOutOnAMap() throws {
    try inFolder { atelier in
      let trained = try atelier.run(
        "train", Binary.pictures, "--recipe", "gplvm", "--size", "16", "--inducing", "10", "--hidden", "8",
        "--pictures-seen", "80", "--run", "run")
      try #require(trained.status == 0, "\(trained.err)")
      let made = try atelier.run("generate", "run", "--seeds", "0", "--map", "4", "--out", "made", "--json")
      #expect(made.status == 0, "\(made.err)")
      #expect(try made.lines().contains { $0["event"] as? String == "map" })
      let map = try Picture.load("\(atelier.folder)/made/map.png")
      #expect(map.width == 64 && map.height == 64)
      #expect(try atelier.run("reconstruct", "run", Binary.pictures, "--out", "again.png").status == 0)
      try atelier.train("gan")
      for (arguments, words) in [
        (["run", "--map", "1"], "--map can't be 1"), (["gan", "--map", "4"], "has a latent space of 8 dimensions"),
      ] {
        let refused = try atelier.run(["generate"] + arguments + ["--seeds", "0", "--out", "x"])
        #expect(refused.status == 64 && refused.err.contains(words), "\(refused.err)")
      }
    }
  }
}
