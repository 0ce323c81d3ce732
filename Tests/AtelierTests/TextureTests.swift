import Foundation
import Media
import Testing

/// `texture` as an artist runs it.
@Suite struct TextureTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"

  @Test func seedsAreTheSameAloneAndTogether() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      let all = try atelier.run("texture", scene, "--size", "400x300", "--seeds", "0-1", "--out", "made")
      #expect(all.status == 0, "\(all.err)")
      let one = try atelier.run("texture", scene, "--size", "400x300", "--seeds", "1", "--out", "one.png", "--json")
      #expect(one.status == 0, "\(one.err)")
      #expect(try one.lines().last?["pictures"] as? Int == 1)
      let first = try Picture.load("\(atelier.folder)/one.png")
      #expect(first.width == 400 && first.height == 300)
      #expect(first.bytes == (try Picture.load("\(atelier.folder)/made/seed-0001.png")).bytes)
      #expect(first.bytes != (try Picture.load("\(atelier.folder)/made/seed-0000.png")).bytes)
    }
  }

  /// Grey stays grey, and transparency is kept; a texture smaller than the picture is of its middle.
  @Test(arguments: ["grey.png", "cmyk.jpg", "veil.png", "rgb16.png", "scene.webp"]) func anyPicture(_ name: String)
    throws
  {
    try inFolder { atelier in
      let own = try Picture.load("\(Self.fixtures)/\(name)", Decoding(channels: nil))
      let made = try atelier.run("texture", "\(Self.fixtures)/\(name)", "--size", "64x48", "--out", "a.png")
      guard min(own.width, own.height) >= 8 else { return #expect(made.status == 65) }
      #expect(made.status == 0, "\(made.err)")
      let picture = try Picture.load("\(atelier.folder)/a.png", Decoding(channels: nil))
      #expect(picture.channels == own.channels && picture.width == 64 && picture.height == 48)
      #expect(made.out.contains("only its middle is used") == (own.width > 64 || own.height > 48))
    }
  }

  @Test func whatIsRefused() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      for (arguments, status) in [
        (["missing.jpg"], 66), ([Self.fixtures + "/one.png"], 65), ([Self.fixtures + "/short.jpg"], 65),
        ([scene, "--size", "0x5"], 64), ([scene, "--grain", "3"], 64), ([scene, "--seeds", "x"], 64),
      ] {
        let outcome = try atelier.run(["texture"] + arguments + ["--out", "a.png"])
        #expect(outcome.status == Int32(status), "\(arguments): \(outcome.err)\(outcome.out)")
        #expect(!FileManager.default.fileExists(atPath: "\(atelier.folder)/a.png"), "\(arguments)")
      }
      #expect(try atelier.run("texture", scene, "--size", "64x64", "--out", "a.png").status == 0)
      #expect(try atelier.run("texture", scene, "--size", "64x64", "--out", "a.png").status == 73)
    }
  }
}
