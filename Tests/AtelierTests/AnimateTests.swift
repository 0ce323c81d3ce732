import Foundation
import Media
import Testing

/// `train --recipe motion`, `animate` and `measure` as an artist runs them, with the smallest networks.
@Suite struct AnimateTests {
  private static let tiny = [
    "--recipe", "motion", "--size", "32", "--width", "4", "--motion-width", "4", "--keypoints", "2", "--blocks", "0",
    "--pictures-seen", "8", "--batch", "4", "--run", "run",
  ]

  /// A square with a dark side, on nothing: 32 × 24 px.
  private static func sprite(x: Int, y: Int, hue: UInt8, width: Int = 32, height: Int = 24) -> Picture {
    var bytes = [UInt8](repeating: 0, count: 4 * width * height)
    for row in 0..<height where row >= y && row < y + 8 {
      for column in 0..<width where column >= x && column < x + 6 {
        let pixel: [UInt8] = column < x + 2 ? [30, 20, hue / 2, 255] : [200, hue, 60, 255]
        bytes.replaceSubrange((row * width + column) * 4..<(row * width + column) * 4 + 4, with: pixel)
      }
    }
    return Picture(width: width, height: height, channels: 4, bytes: bytes)
  }

  /// Walks of three figures, numbered as games number them.
  private func makeSequences(_ atelier: Binary, _ folder: String = "walks") throws {
    let path = "\(atelier.folder)/\(folder)/figures"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, hue) in [("orc-walk", 90 as UInt8), ("elf-walk-", 160), ("elf-hop", 160)] {
      for i in 1...4 {
        try Self.sprite(x: 3 + 4 * i, y: name == "elf-hop" ? 2 + 3 * (i % 2) : 8, hue: hue)
          .write("\(path)/\(name)\(i).png")
      }
    }
    try Self.sprite(x: 9, y: 9, hue: 20).write("\(path)/alone.png")
  }

  @Test func learnedMovedAndMeasured() throws {
    try inFolder { atelier in
      try makeSequences(atelier)
      let trained = try atelier.run(["train", "walks"] + Self.tiny)
      try #require(trained.status == 0, "\(trained.err)")
      #expect(trained.out.contains("Training on 12 pictures"), "\(trained.out)")
      #expect(trained.out.contains("Next: ./atelier animate picture.jpg --with clip.mp4 --run"), "\(trained.out)")
      try Self.sprite(x: 5, y: 7, hue: 220).write("\(atelier.folder)/knight.png")

      // A sheet by one picture's sequence, in the picture's own colours.
      let sheet = try atelier.run(
        "animate", "knight.png", "--with", "walks/figures/orc-walk1.png", "--run", "run", "--palette", "--out",
        "sheet.png", "--json")
      #expect(sheet.status == 0, "\(sheet.err)")
      let finished = try #require(sheet.lines().last { $0["event"] as? String == "finished" })
      #expect(finished["frames"] as? Int == 4 && finished["format"] as? String == "sheet")
      let made = try Picture.load("\(atelier.folder)/sheet.png", Decoding(channels: nil))
      #expect(made.width == 4 * 32 && made.height == 24 && made.channels == 4)
      var colours: Set<[UInt8]> = []
      for i in stride(from: 0, to: made.bytes.count, by: 4) { colours.insert(Array(made.bytes[i..<i + 4])) }
      #expect(colours.isSubset(of: [[0, 0, 0, 0], [30, 20, 110, 255], [200, 220, 60, 255]]), "\(colours)")

      // That sheet moves others: its rows are sequences.
      let again = try atelier.run(
        "animate", "knight.png", "--with", "sheet.png", "--frame", "32x24", "--run", "run", "--columns", "2", "--out",
        "two.png")
      #expect(again.status == 0, "\(again.err)")
      let two = try Picture.load("\(atelier.folder)/two.png", Decoding(channels: nil))
      #expect(two.width == 64 && two.height == 48)

      // Clips and folders.
      for out in ["moved.gif", "moved.apng", "moved.webp", "moved.mp4", "frames/"] {
        let clip = try atelier.run(
          "animate", "knight.png", "--with", "walks", "--sequence", "figures/elf-hop", "--run", "run", "--out", out)
        #expect(clip.status == 0, "\(out): \(clip.err)")
        #expect(clip.out.contains("can't hold transparency") == (out == "moved.mp4"), "\(clip.out)")
        guard out != "frames/" else { continue }
        let reader = try ClipReader("\(atelier.folder)/\(out)")
        var count = 0
        while reader.next() != nil { count += 1 }
        #expect(count == 4 && reader.facts.width == 32 && reader.facts.height == 24, "\(out) \(count)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/frames").sorted().count == 4)
      let byClip = try atelier.run(
        "animate", "knight.png", "--with", "moved.gif", "--run", "run", "--out", "clip.gif", "--fps", "12")
      #expect(byClip.status == 0, "\(byClip.err)")

      let measured = try atelier.run("measure", "run", "--against", "walks", "--json")
      #expect(measured.status == 0, "\(measured.err)")
      let found = try #require(measured.lines().last { $0["event"] as? String == "finished" })
      let all = try #require(found["all"] as? [String: Any])
      #expect(all["sequences"] as? Int == 3 && all["frames"] as? Int == 9 && all["held"] as? Double ?? 0 > 0)

      let resumed = try atelier.run("train", "--resume", "--run", "run", "--pictures-seen", "12")
      #expect(resumed.status == 0, "\(resumed.err)")
      for (verb, hint) in [("generate", "use `atelier animate PICTURE"), ("restyle", "use `atelier animate PICTURE")] {
        let words =
          verb == "generate" ? ["generate", "run", "--seeds", "0"] : ["restyle", "knight.png", "--with", "run"]
        let wrong = try atelier.run(words + ["--out", "wrong.png"])
        #expect(wrong.status == 64 && wrong.err.contains(hint), "\(wrong.err)")
      }
    }
  }

  /// The model that comes with Atelier: a figure goes where another went, and begins as it is.
  @Test func withoutTraining() throws {
    try inFolder { atelier in
      try makeSequences(atelier)
      try Self.sprite(x: 5, y: 7, hue: 220).write("\(atelier.folder)/knight.png")
      let made = try atelier.run(
        "animate", "knight.png", "--with", "walks/figures/orc-walk1.png", "--palette", "--out", "walk.png")
      #expect(made.status == 0, "\(made.err)")
      let sheet = try Picture.load("\(atelier.folder)/walk.png", Decoding(channels: nil))
      let middles = (0..<4).map { frame -> Double in
        var sum = 0.0, count = 0.0
        for y in 0..<24 {
          for x in 0..<32 where sheet[32 * frame + x, y].last! > 127 { (sum, count) = (sum + Double(x), count + 1) }
        }
        return sum / max(1, count)
      }
      // It was at 5...10; the orc goes four pixels a frame.
      #expect(abs(middles[0] - 7.5) < 1 && middles[3] - middles[0] > 6, "\(middles)")
      // A still picture asks for nothing that isn't shown.
      let still = try atelier.run(
        "animate", "knight.png", "--with", "walks/figures/orc-walk1.png", "--strength", "0", "--out", "still.png")
      #expect(still.status == 0 && !still.out.contains("painted anew"), "\(still.out)")
    }
  }

  @Test func sheetsAreLearnedFrom() throws {
    try inFolder { atelier in
      var bytes: [UInt8] = []
      // Two rows of three frames, the second with an empty end.
      for row in 0..<2 {
        let cells = (0..<3).map { Self.sprite(x: row == 1 && $0 == 2 ? 99 : 5 * $0, y: 8, hue: 100, width: 24) }
        for y in 0..<24 { for cell in cells { bytes += cell.bytes[y * 96..<(y + 1) * 96] } }
      }
      try FileManager.default.createDirectory(atPath: "\(atelier.folder)/sheets", withIntermediateDirectories: true)
      try Picture(width: 72, height: 48, channels: 4, bytes: bytes).write("\(atelier.folder)/sheets/orc.png")
      let trained = try atelier.run(["train", "sheets", "--frame", "24x24"] + Self.tiny)
      #expect(trained.status == 0 && trained.out.contains("Training on 5 pictures"), "\(trained.out)\(trained.err)")
      let several = try atelier.run(
        "animate", "sheets/orc.png", "--with", "sheets/orc.png", "--frame", "24x24", "--run", "run", "--out", "a.gif")
      #expect(several.status == 64 && several.err.contains("name one of them by --sequence, such as orc-1, orc-2"))
      let row = try atelier.run(
        "animate", "sheets/orc.png", "--with", "sheets/orc.png", "--frame", "24x24", "--sequence", "orc-2", "--run",
        "run", "--out", "a.gif")
      #expect(row.status == 0 && row.out.contains("2 frames"), "\(row.out)\(row.err)")
      let other = try atelier.run(["train", "sheets", "--frame", "25x24"] + Self.tiny.dropLast() + ["other"])
      #expect(other.status == 65 && other.err.contains("has no sheet that frames of 25x24 pixels fill"), "\(other.err)")
      let needless = try atelier.run("train", Binary.pictures, "--recipe", "dcgan", "--frame", "24x24")
      #expect(needless.status == 64 && needless.err.contains("leave --frame out"), "\(needless.err)")
    }
  }

  @Test func whatCannotMoveIsToldInASentence() throws {
    try inFolder { atelier in
      try makeSequences(atelier)
      let trained = try atelier.run(["train", "walks"] + Self.tiny)
      try #require(trained.status == 0, "\(trained.err)")
      try Self.sprite(x: 5, y: 7, hue: 220).write("\(atelier.folder)/knight.png")
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: "\(atelier.folder)/words.png"))
      try Data("no clip".utf8).write(to: URL(fileURLWithPath: "\(atelier.folder)/words.mp4"))
      let walk = "walks/figures/orc-walk1.png"
      let cases: [(arguments: [String], status: Int32, words: String)] = [
        (["knight.png", "--with", "nothing.mp4", "--out", "a.gif"], 66, "nothing.mp4 isn't there"),
        (["nobody.png", "--with", walk, "--out", "a.gif"], 66, "nobody.png"),
        (["words.png", "--with", walk, "--out", "a.gif"], 65, "words.png"),
        (["knight.png", "--with", "words.mp4", "--out", "a.gif"], 65, "words.mp4 isn't a film"),
        (["knight.png", "--with", "nowhere", "--out", "a.gif"], 66, "There is nothing at"),
        (["knight.png", "--with", "walks", "--out", "a.gif"], 64, "has 3 sequences: name one of them by --sequence"),
        (["knight.png", "--with", "walks", "--sequence", "run", "--out", "a.gif"], 64, "has no sequence 'run'"),
        (
          ["knight.png", "--with", "walks/figures/alone.png", "--out", "a.gif"], 64,
          "has no other pictures with numbers"
        ),
        (["knight.png", "--with", walk, "--out", "a.txt"], 64, "doesn't say what to write"),
        (["knight.png", "--with", walk, "--out", "a.gif", "--columns", "2"], 64, "leave --columns out"),
        (
          ["knight.png", "--with", walk, "--out", "a.gif", "--begin", "5"], 64,
          "There is no frame 5: give --begin 1 to 4"
        ),
        (["knight.png", "--with", walk, "--out", "a.gif", "--strength", "9"], 64, "--strength can't be 9"),
        (["knight.png", "--with", walk, "--out", "a.gif", "--strength", "inf"], 64, "--strength can't be inf"),
        (["knight.png", "--with", walk, "--out", "knight.png"], 73, "is there already"),
        (["knight.png", "--with", walk, "--out", "none/a.png"], 73, "folder"),
      ]
      for (arguments, status, words) in cases {
        let made = try atelier.run(["animate"] + arguments + ["--run", "run"])
        #expect(made.status == status && made.err.contains(words), "\(arguments): \(made.status) \(made.err)")
        #expect(made.err.split(separator: "\n").count == 1 && made.out.isEmpty, "\(arguments): \(made.out)\(made.err)")
      }
      let noRun = try atelier.run("animate", "knight.png", "--with", walk, "--run", "none", "--out", "a.gif")
      #expect(noRun.status == 66, "\(noRun.err)")
      let other = try atelier.run("animate", "knight.png", "--with", walk, "--run", "emoji", "--out", "a.gif")
      #expect(other.status == 64 && other.err.contains("can't animate pictures"), "\(other.err)")
      let none = try atelier.run(["train", Binary.pictures] + Self.tiny.dropLast() + ["other"])
      #expect(none.status == 65 && none.err.contains("has no sequences of two frames or more"), "\(none.err)")
      let photo = try atelier.run(
        "animate", Binary.root + "/Tests/Fixtures/large.jpg", "--with", walk, "--run", "run", "--palette", "--out",
        "a.gif")
      #expect(photo.status == 65 && photo.err.contains("leave --palette out"), "\(photo.err)")
    }
  }
}
