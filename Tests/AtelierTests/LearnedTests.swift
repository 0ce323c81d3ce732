import Foundation
import Media
import Testing

/// `train --towards` and `restyle --with` as an artist runs them, with the smallest networks.
@Suite struct LearnedTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let tiny = [
    "--size", "36", "--window", "32", "--width", "4", "--blocks", "1", "--discriminator-width", "4", "--pictures-seen",
    "3",
  ]

  private func train(_ atelier: Binary, _ recipe: String, _ more: [String] = []) throws -> Binary.Outcome {
    try atelier.run(
      ["train", Binary.pictures, "--towards", Binary.pictures, "--recipe", recipe, "--run", "run"] + Self.tiny + more)
  }

  @Test func thereAndBack() throws {
    try inFolder { atelier in
      let trained = try train(atelier, "cyclegan")
      try #require(trained.status == 0, "\(trained.err)")
      #expect(trained.out.contains("Next: ./atelier restyle picture.jpg --with"))
      for name in ["scene.jpg", "cmyk.jpg", "grey16.png", "moving.gif", "one.png", "veil.png"] {
        let content = try Picture.load("\(Self.fixtures)/\(name)", Decoding(channels: nil))
        let made = try atelier.run(
          "restyle", "\(Self.fixtures)/\(name)", "--with", "run", "--out", "out.png", "--force")
        #expect(made.status == 0, "\(name): \(made.err)")
        let picture = try Picture.load("\(atelier.folder)/out.png", Decoding(channels: nil))
        #expect(picture.width == content.width && picture.height == content.height, "\(name)")
        guard content.channels == 4 else { continue }
        let alpha = { (p: Picture) in stride(from: 3, to: p.bytes.count, by: 4).map { p.bytes[$0] } }
        #expect(alpha(picture) == alpha(content), "\(name)")
      }
      let back = try atelier.run(
        "restyle", "\(Self.fixtures)/scene.jpg", "--with", "run", "--back", "--out", "back.png")
      #expect(back.status == 0, "\(back.err)")
      // Nothing is overwritten, and 0 leaves the content to the bit.
      #expect(
        try atelier.run("restyle", "\(Self.fixtures)/scene.jpg", "--with", "run", "--out", "back.png").status == 73)
      let none = try atelier.run(
        "restyle", "\(Self.fixtures)/scene.jpg", "--with", "run", "--strength", "0", "--out", "none.png")
      #expect(none.status == 0, "\(none.err)")
      let content = try Picture.load("\(Self.fixtures)/scene.jpg")
      #expect(try Picture.load("\(atelier.folder)/none.png").bytes == content.bytes)
      let made = try atelier.run("generate", "run", "--seeds", "0", "--out", "made")
      #expect(made.status == 64 && made.err.contains("use `atelier restyle PICTURE --with run`"), "\(made.err)")
    }
  }

  @Test func anyStyleAtOnce() throws {
    try inFolder { atelier in
      let trained = try atelier.run(
        "train", Binary.pictures, "--towards", Binary.pictures, "--recipe", "instant", "--run", "run", "--size", "64",
        "--crop-side", "32", "--pictures-seen", "4")
      try #require(trained.status == 0, "\(trained.err)")
      let style = "\(Self.fixtures)/violin.png", scene = "\(Self.fixtures)/scene.jpg"
      let made = try atelier.run(
        "restyle", scene, "--with", "run", "--style", style, "--size", "100", "--colours", "content", "--steps", "2",
        "--out", "a.png")
      #expect(made.status == 0, "\(made.err)")
      #expect(try Picture.load("\(atelier.folder)/a.png").width == 100)
      let none = try atelier.run("restyle", scene, "--with", "run", "--out", "b.png")
      #expect(
        none.err
          == "atelier: run paints in several styles: name a painting by --style, or the number of one that it has.\n"
          && none.status == 64)
      let tooStrong = try atelier.run(
        "restyle", scene, "--with", "run", "--style", style, "--strength", "3", "--steps", "0", "--out",
        "b.png")
      #expect(tooStrong.status == 64 && tooStrong.err.contains("up to 1"), "\(tooStrong.err)")
    }
  }

  @Test func whatCannotBeLearned() throws {
    try inFolder { atelier in
      let alone = try atelier.run(["train", Binary.pictures, "--recipe", "cut", "--run", "run"] + Self.tiny)
      #expect(
        alone.err
          == "atelier: The recipe cut learns from two sets: name the second one with --towards.\n")
      #expect(alone.status == 64)
      let needless = try atelier.run(
        "train", Binary.pictures, "--towards", Binary.pictures, "--recipe", "dcgan", "--run", "run")
      #expect(needless.status == 64 && needless.err.contains("leave --towards out"), "\(needless.err)")
      try FileManager.default.createDirectory(atPath: "\(atelier.folder)/empty", withIntermediateDirectories: true)
      let empty = try atelier.run(["train", Binary.pictures, "--towards", "empty", "--recipe", "cut"] + Self.tiny)
      #expect(empty.status == 65, "\(empty.err)")
      // Names that don't belong together.
      try FileManager.default.createDirectory(atPath: "\(atelier.folder)/other", withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: "\(Self.fixtures)/scene.jpg", toPath: "\(atelier.folder)/other/nobody.jpg")
      let pairs = try atelier.run(
        "train", Binary.pictures, "--towards", "other", "--recipe", "pix2pix", "--size", "36", "--window", "32",
        "--width", "4", "--pictures-seen", "2")
      #expect(pairs.status == 65 && pairs.err.contains("belong together"), "\(pairs.err)")
      let missing = try atelier.run("restyle", "\(Self.fixtures)/scene.jpg", "--with", "nothing", "--out", "a.png")
      #expect(missing.status == 66, "\(missing.err)")
    }
  }
}
