import Foundation
import Media
import Testing

/// The recipe `diffusion`, its choices where pictures are drawn, `vary --with` and `compare`, as an artist runs them, with
/// the smallest networks.
@Suite struct DiffusionCommandTests {
  private static let small = [
    "--recipe", "diffusion", "--size", "16", "--widths", "8,16", "--steps", "2", "--batch", "4", "--warm-up", "0",
  ]

  /// Emoji in two folders, so that there are two classes.
  private func train(_ atelier: Binary, _ pictures: Int = 8) throws {
    for (i, name) in try Binary.someEmoji(12).enumerated() {
      let folder = i < 8 ? "kinds/flags" : "kinds/others"
      try atelier.make(folder)
      try? atelier.copy("\(Binary.emoji)/\(name)", to: "\(folder)/\(name)")
    }
    let outcome = try atelier.run(["train", "kinds", "--run", "run", "--pictures-seen", "\(pictures)"] + Self.small)
    try #require(outcome.status == 0, "\(outcome.err)")
  }

  @Test func picturesAreDrawnAsOneSays() throws {
    try inFolder { atelier in
      try train(atelier, 48)
      var made: Set<[UInt8]> = []
      for (i, choice) in [
        [], ["--sampling", "heun:2"], ["--sampling", "quick:4"], ["--sampling", "quick:1"], ["--class", "others"],
        ["--class", "others", "--guidance", "3"],
      ].enumerated() {
        let outcome = try atelier.run(["generate", "run", "--seeds", "3", "--out", "made-\(i)"] + choice)
        #expect(outcome.status == 0, "\(choice): \(outcome.err)")
        made.insert(try Picture.load("\(atelier.folder)/made-\(i)/seed-0003.png").bytes)
      }
      // The first and the one of its own class may be the same; the others are drawn in other ways.
      #expect(made.count >= 5)
      for (choice, words) in [
        (["--sampling", "euler:9"], "--sampling can't be 'euler:9'"), (["--class", "cats"], "use flags, others"),
        (["--guidance=-1"], "--guidance can't be"),
      ] {
        let outcome = try atelier.run(["generate", "run", "--seeds", "3", "--out", "x"] + choice)
        #expect(outcome.status == 64 && outcome.err.contains(words), "\(outcome.err)")
      }
      let early = try atelier.run(
        ["train", "kinds", "--run", "early", "--distil", "0", "--pictures-seen", "8"] + Self.small)
      #expect(early.status == 0, "\(early.err)")
      let quick = try atelier.run("generate", "early", "--seeds", "3", "--sampling", "quick:4", "--out", "x")
      #expect(quick.status == 64 && quick.err.contains("--distil 0"), "\(quick.err)")
      try atelier.train("gan")
      for choice in [["--sampling", "heun:9"], ["--class", "others"]] {
        let outcome = try atelier.run(["generate", "gan", "--seeds", "3", "--out", "x"] + choice)
        #expect(outcome.status == 64 && outcome.err.contains("leave --"), "\(outcome.err)")
      }
    }
  }

  @Test func aPictureIsRedrawn() throws {
    try inFolder { atelier in
      try train(atelier)
      let scene = "\(Binary.root)/Tests/Fixtures/scene.jpg"
      let outcome = try atelier.run(
        "vary", scene, "--with", "run", "--strength", "0.5", "--seeds", "0-1", "--out", "made", "--json")
      #expect(outcome.status == 0, "\(outcome.err)")
      #expect(try outcome.lines().last?["pictures"] as? Int == 2)
      let first = try Picture.load("\(atelier.folder)/made/seed-0000.png")
      #expect(first.width == 16 && first.height == 16)
      let one = try atelier.run("vary", scene, "--with", "run", "--strength", "0.5", "--seeds", "1", "--out", "one.png")
      #expect(one.status == 0, "\(one.err)")
      let alone = try Picture.load("\(atelier.folder)/one.png")
      #expect(
        try alone.bytes == Picture.load("\(atelier.folder)/made/seed-0001.png").bytes && alone.bytes != first.bytes)
      // Of nothing, nothing changes.
      #expect(try atelier.run("vary", scene, "--with", "run", "--strength", "0", "--out", "same.png").status == 0)
      #expect(
        try Picture.load("\(atelier.folder)/same.png").bytes
          == Picture.load(scene, Decoding(size: 16, channels: 3)).bytes)
      try atelier.train("gan")
      for (arguments, status) in [
        (["--with", "gan"], 64), (["--with", "nowhere"], 66), (["--with", "run", "--strength", "2"], 64),
        (["--strength", "0.5"], 64),
      ] {
        let refused = try atelier.run(["vary", scene, "--out", "x.png"] + arguments)
        #expect(refused.status == Int32(status) && !atelier.has("x.png"), "\(arguments): \(refused.err)")
      }
    }
  }

  @Test func generatorsAreCompared() throws {
    try inFolder { atelier in
      try train(atelier, 16)
      try atelier.train("gan")
      let outcome = try atelier.run(
        "compare", "gan", "run", "run@quick:1", "--against", Binary.pictures, "--samples", "16", "--columns", "3",
        "--out",
        "sheet.png", "--json")
      #expect(outcome.status == 0, "\(outcome.err)\(outcome.out)")
      let found = try #require(outcome.lines().last { $0["event"] as? String == "finished" })
      let rows = try #require(found["rows"] as? [[String: Any]])
      #expect(rows.compactMap { $0["name"] as? String } == ["gan", "run", "run@quick:1"])
      #expect(found["size"] as? Int == 16)
      for row in rows {
        let measured = try #require(row["measurement"] as? [String: Any])
        #expect(measured["kid"] is Double && measured["coverage"] is Double, "\(row)")
        #expect(measured["millisecondsAPicture"] as? Double ?? 0 > 0 && row["picturesPerSecond"] as? Double ?? 0 > 0)
      }
      // Four rows of three cells of 64 px, with a line of words each.
      let sheet = try Picture.load("\(atelier.folder)/sheet.png")
      #expect(sheet.width == 2 + 3 * 66 && sheet.height == 2 + 4 * 80)
      let told = try atelier.run(
        "compare", "gan", "run", "--against", Binary.pictures, "--samples", "16", "--out", "sheet.png", "--force")
      #expect(told.status == 0 && told.out.contains("KID × 1000"), "\(told.err)")
      for (arguments, status) in [
        (["gan", "--out", "x.png"], 64), (["gan", "nowhere", "--out", "x.png"], 66),
        (["gan", "run", "--columns", "0", "--out", "x.png"], 64), (["gan", "run", "--out", "sheet.png"], 73),
      ] {
        let refused = try atelier.run(["compare"] + arguments + ["--against", Binary.pictures])
        #expect(refused.status == Int32(status), "\(arguments): \(refused.err)")
      }
    }
  }
}
