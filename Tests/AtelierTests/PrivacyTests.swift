import Foundation
import Testing

/// Nothing that is given away says where the artist's files lie.
@Suite struct PrivacyTests {
  @Test func noFileNamesTheFoldersItCameFrom() throws {
    try inFolder { atelier in
      let home = atelier.folder
      try atelier.train("run")
      let run = "\(home)/run"
      let checkpoint = "\(run)/checkpoints/\(try #require(atelier.checkpoints("run").last))"
      let commands = [
        ["generate", run, "--seeds", "0-1", "--grid", "--interpolate", "0-1", "--out", "\(home)/made"],
        ["generate", checkpoint, "--seeds", "2", "--out", "\(home)/checked"],
        ["film", run, "--seconds", "0.5", "--size", "32", "--out", "\(home)/film.mp4"],
        ["film", run, "--seconds", "0.5", "--size", "32", "--out", "\(home)/film.gif"],
        ["models", "export", run, "--out", "\(home)/model.safetensors"],
        [
          "vary", "\(Binary.root)/Tests/Fixtures/scene.jpg", "--with",
          "\(Binary.root)/Examples/models/emoji-diffusion.safetensors",
          "--sampling", "quick:1", "--out", "\(home)/varied.png",
        ],
        ["compare", run, checkpoint, "--against", Binary.pictures, "--samples", "16", "--out", "\(home)/compared.png"],
      ]
      for command in commands {
        let outcome = try atelier.run(command)
        #expect(outcome.status == 0, "\(command): \(outcome.err)")
      }
      let given = [
        "made/seed-0000.png", "made/sheet.png", "made/interpolation.png", "checked/seed-0002.png", "film.mp4",
        "film.gif",
        "model.safetensors", "varied.png", "compared.png", "run/card.md",
      ]
      let secrets = [home, Binary.root, Binary.pictures, (home as NSString).lastPathComponent]
      for file in given {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(home)/\(file)"))
        for secret in secrets { #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(file) says \(secret)") }
      }
      // It still says which run, and which of its checkpoints.
      for file in ["made/seed-0000.png", "checked/seed-0002.png"] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(home)/\(file)"))
        #expect(bytes.range(of: Data("Run\u{0}".utf8)) != nil && bytes.range(of: Data("sha256:".utf8)) != nil)
      }
    }
  }
}
