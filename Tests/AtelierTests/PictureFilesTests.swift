import Foundation
import Media
import Testing

/// Pictures in and out as an artist has them: formats by name, masks, hidden colours, folders in folders.
@Suite struct PictureFilesTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let colours = fixtures + "/colours"

  @Test func outputsAreWhatTheirNamesSay() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      for (name, format) in [
        ("a.png", PictureFormat.png), ("a.jpg", .jpeg), ("a.webp", .webp), ("a.tif", .tiff), ("a.avif", .avif),
      ] {
        let made = try atelier.run("texture", scene, "--size", "64", "--seeds", "3", "--out", name)
        #expect(made.status == 0, "\(made.err)")
        let file = try FileBytes.read("\(atelier.folder)/\(name)")
        #expect(try Picture.facts(file, named: name).format == format)
        #expect(Provenance.words(in: file).map(\.key) == ["Source", "Seed", "Software"])
        #expect(Provenance.words(in: file)[1].value == "3" && Provenance.source(of: file) == .compositeSynthetic)
      }
      // Of a JPEG, what an earlier program said is kept.
      let model = ["--model", "waifu2x-photo"]
      let large = try atelier.run(["enlarge", "a.jpg", "--out", "large.jpg", "--quality", "50"] + model)
      if large.status == 0 {
        let words = Provenance.words(in: try FileBytes.read("\(atelier.folder)/large.jpg"))
        #expect(words.map(\.key) == ["Source", "Seed", "Enlarged from", "Enlarged by", "Software"])
      }
    }
  }

  @Test func otherOutputsAreRefusedBeforeAnyWork() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg"
      func refused(_ arguments: [String], _ sentence: String) throws {
        expect(try atelier.run(arguments), says: sentence, exit: 64)
        #expect(try FileManager.default.contentsOfDirectory(atPath: atelier.folder).allSatisfy { $0.contains("-") })
      }
      let end = ": end it in .png, .jpg, .webp, .tif or .avif."
      for verb in [["texture", scene], ["vary", scene], ["enlarge", scene], ["restyle", scene, "--style", scene]] {
        try refused(verb + ["--out", "x.bmp"], "x.bmp can't be written as .bmp\(end)")
        try refused(verb + ["--out", "x"], "x has no ending that names a format\(end)")
        try refused(verb + ["--out", "x.jpg", "--quality", "0"], "--quality can't be 0: use 1 to 100.")
      }
      try refused(
        ["fill", scene, "--mask", scene, "--out", "x.heic"], "x.heic can't be written as .heic\(end)")
      try refused(
        ["texture", scene, "--out", "x.png", "--quality", "90"],
        "--quality would change nothing in x.png, since PNG loses nothing: leave it out, or end it in .jpg, .webp or .avif."
      )
      try refused(["inspect", scene, "--sheet", "x.gif"], "x.gif can't be written as .gif\(end)")
    }
  }

  @Test func aJPEGHasNoTransparencyAndSaysSo() throws {
    try inFolder { atelier in
      let made = try atelier.run(
        "vary", "\(Self.fixtures)/veil.png", "--out", "a.jpg", "--diversity", "0", "--size", "48")
      #expect(
        made.status == 0
          && made.out.contains(
            "Transparency is lost: a.jpg is a JPEG, which has none, so the background is white. A .png keeps it."),
        "\(made.out)\(made.err)")
    }
  }

  /// Discs that look alike, over what can't be seen of other colours.
  @Test func hiddenColoursPaintNothing() throws {
    try inFolder { atelier in
      for (i, hidden) in [[255, 255, 255], [0, 255, 0]].enumerated() {
        let bytes = (0..<48 * 48).flatMap { place -> [UInt8] in
          let (x, y) = (place % 48 - 24, place / 48 - 24)
          let isInside = x * x + y * y < 300
          return (isInside ? [UInt8(160 + 3 * x), UInt8(120 + 2 * y), 90] : hidden.map(UInt8.init)) + [
            isInside ? 255 : 0
          ]
        }
        try Picture(width: 48, height: 48, channels: 4, bytes: bytes).write("\(atelier.folder)/disc-\(i).png")
      }
      let style = "\(Self.fixtures)/scene.jpg"
      for how in [
        ["--method", "optimise", "--network", "random", "--size", "64", "--steps", "2"], ["--steps", "0"],
      ] {
        let made = try (0..<2).map { i in
          let outcome = try atelier.run(
            ["restyle", "disc-\(i).png", "--style", style, "--out", "\(i).png", "--force"] + how)
          try #require(outcome.status == 0, "\(outcome.err)")
          return try Picture.load("\(atelier.folder)/\(i).png", Decoding(channels: nil))
        }
        #expect(made[0] == made[1], "\(how)")
      }
    }
  }

  @Test func masksAreOneRuleInAllVerbs() throws {
    try inFolder { atelier in
      let scene = "\(Self.fixtures)/scene.jpg", own = try Picture.load(scene)
      // White strokes on transparency, under which lies white.
      let bytes = (0..<96 * 64).flatMap { place -> [UInt8] in
        [255, 255, 255, (30..<50).contains(place % 96) && (20..<40).contains(place / 96) ? 255 : 0]
      }
      try Picture(width: 96, height: 64, channels: 4, bytes: bytes).write("\(atelier.folder)/strokes.png")
      let verbs = [
        ["fill", scene, "--mask", "strokes.png"],
        ["restyle", scene, "--style", "\(Self.fixtures)/violin.png", "--mask", "strokes.png", "--steps", "0"],
      ]
      for (i, verb) in verbs.enumerated() {
        let made = try atelier.run(verb + ["--out", "\(i).png"])
        try #require(made.status == 0, "\(made.err)")
        let picture = try Picture.load("\(atelier.folder)/\(i).png")
        let changed = (0..<96 * 64).filter { picture.bytes[3 * $0..<3 * $0 + 3] != own.bytes[3 * $0..<3 * $0 + 3] }
        #expect(changed.count > 50, "\(verb[0])")
        #expect(changed.allSatisfy { (30..<50).contains($0 % 96) && (20..<40).contains($0 / 96) }, "\(verb[0])")
      }
      try Picture(width: 64, height: 64, of: .white).write("\(atelier.folder)/square.png")
      let sentence =
        "The mask square.png has another shape (64 × 64 px) than \(scene) (96 × 64 px): give one of its shape, or fit it by "
        + "--mask-fit stretch, crop or fit."
      for verb in verbs {
        let arguments = verb.map { $0 == "strokes.png" ? "square.png" : $0 } + ["--out", "x.png"]
        expect(try atelier.run(arguments), says: sentence, exit: 65)
      }
      let fitted = try atelier.run(
        "fill", scene, "--mask", "square.png", "--mask-fit", "fit", "--out", "f.png", "--json")
      #expect(
        try fitted.lines().first { $0["event"] as? String == "picture" }?["pixels"] as? Int == 64 * 64, "\(fitted.err)")
    }
  }

  @Test func enlargeTakesFoldersInFolders() throws {
    try inFolder { atelier in
      try atelier.make("in/deep/er")
      try atelier.copy("\(Self.fixtures)/one.png", to: "in/a.png")
      try atelier.copy("\(Self.fixtures)/grey.png", to: "in/deep/er/a.png")
      try atelier.copy("\(Self.fixtures)/grey.png", to: "in/deep/noending")
      try atelier.write(Data("PK\u{3}\u{4}".utf8), to: "in/deep/inner.zip")
      let made = try atelier.run("enlarge", "in", "--out", "out", "--model", "waifu2x-photo")
      // Without its network there is nothing to try.
      guard made.status != 69 else { return }
      #expect(made.status == 0, "\(made.err)")
      for name in ["a.png", "deep/er/a.png", "deep/noending.png"] { #expect(atelier.has("out/\(name)"), "\(name)") }
      #expect(made.out.contains("inner.zip is an archive, which isn't looked into: unpack it"), "\(made.out)")
    }
  }

  @Test func inspectTellsWhatAFileIs() throws {
    try inFolder { atelier in
      func table(_ name: String) throws -> String { try atelier.run("inspect", "\(Self.colours)/\(name)").out }
      #expect(
        try table("float-alpha.tif") == """
                        in the file                                    read as                                  lost
          format        TIFF                                           TIFF                                     nothing
          size          12 × 8 px                                      12 × 8 px                                nothing
          colours       RGB without a profile                          sRGB                                     nothing
          depth         32 bits, floating point, linear light, 0 to 1  8 bits                                   finer steps than 256
          transparency  straight                                       kept                                     nothing
          metadata      none                                           nothing but its orientation and colours  nothing

          """)
      let report = try atelier.run("inspect", "\(Self.colours)/alpha16-adobe.tif", "--json").lines().last
      let facts = try #require(report?["file"] as? [[String: String]])
      #expect(
        facts.contains([
          "property": "colours", "file": "RGB, ICC profile Adobe-like", "read": "sRGB", "lost": "what is beyond sRGB",
        ]))
      #expect(
        facts.contains(["property": "depth", "file": "16 bits", "read": "8 bits", "lost": "finer steps than 256"]))
      expect(
        try atelier.run("inspect", "\(Self.colours)/raw.dng"),
        says:
          "\(Self.colours)/raw.dng is a camera's raw picture, which isn't read here: develop it to a TIFF or JPEG first.",
        exit: 65)
      let film = try atelier.run("inspect", "\(Self.fixtures)/bunny.mp4", "--json").lines().last
      let told = try #require(film?["file"] as? [[String: String]])
      #expect(told.contains(["property": "format", "file": "QuickTime / MOV", "read": "a film"]))
      let idle = try atelier.run("inspect", "\(Self.fixtures)/bunny.mp4", "--sheet", "a.png")
      #expect(
        idle.status == 64 && idle.err.contains("--sheet would change nothing for a film or a sound: leave it out."))
    }
  }

  @Test func whatIsGuessedOfAPictureIsSaid() throws {
    try inFolder { atelier in
      let made = try atelier.run("texture", "\(Self.colours)/float-255.tif", "--size", "16", "--out", "a.png")
      #expect(
        made.out.contains("float-255.tif has floating-point numbers, read as 0 to 255 in sRGB."),
        "\(made.out)\(made.err)")
    }
  }
}
