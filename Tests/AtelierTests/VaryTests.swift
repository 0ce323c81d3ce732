import Foundation
import Media
import Testing

/// `vary` as an artist runs it.
@Suite struct VaryTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"

  @Test func seedsAreTheSameAloneAndTogether() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      let all = try atelier.run("vary", scene, "--size", "48", "--seeds", "0-1", "--out", "made")
      #expect(all.status == 0, "\(all.err)")
      let one = try atelier.run("vary", scene, "--size", "48", "--seeds", "1", "--out", "one.png")
      #expect(one.status == 0, "\(one.err)")
      let first = try Picture.load("\(atelier.folder)/one.png")
      #expect(first.bytes == (try Picture.load("\(atelier.folder)/made/seed-0001.png")).bytes)
      #expect(first.bytes != (try Picture.load("\(atelier.folder)/made/seed-0000.png")).bytes)
      #expect(try atelier.run("vary", scene, "--size", "48", "--seeds", "1", "--out", "one.png").status == 73)
    }
  }

  @Test(arguments: ["grey.png", "cmyk.jpg", "veil.png", "moving.gif", "rgb16.png"]) func anyPicture(_ name: String)
    throws
  {
    try inFolder { atelier in
      let content = try Picture.load("\(Self.fixtures)/\(name)", Decoding(channels: nil))
      let made = try atelier.run("vary", "\(Self.fixtures)/\(name)", "--size", "40", "--out", "a.png")
      guard min(content.width, content.height) >= 14 else {
        #expect(made.status == 65 && made.err.contains("too small to have patches"), "\(made.err)")
        return
      }
      #expect(made.status == 0, "\(made.err)")
      #expect(try Picture.load("\(atelier.folder)/a.png", Decoding(channels: nil)).channels == content.channels)
    }
  }

  @Test func anotherShapeAndWhatIsRefused() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      let wide = try atelier.run(
        "vary", scene, "--size", "48", "--shape", "3:1", "--diversity", "0", "--out", "wide.png")
      #expect(wide.status == 0, "\(wide.err)")
      let picture = try Picture.load("\(atelier.folder)/wide.png")
      #expect(abs(Double(picture.width) / Double(picture.height) - 3) < 0.1)
      let shape = try atelier.run("vary", scene, "--shape", "wide", "--out", "a.png")
      #expect(shape.status == 64 && shape.err.contains("give width and height"), "\(shape.err)")
      let small = try atelier.run("vary", "\(Self.fixtures)/one.png", "--out", "a.png")
      #expect(small.status == 65 && small.err.contains("too small to have patches"), "\(small.err)")
      let size = try atelier.run("vary", scene, "--size", "5000", "--out", "a.png")
      #expect(size.status == 64 && size.err.contains("from 32 to 1024"), "\(size.err)")
      #expect(try atelier.run("vary", "missing.jpg", "--out", "a.png").status == 66)
    }
  }
}
