import Foundation
import Testing

/// Sets as large as people have them, through the whole of it.
@Suite struct SetsTests {
  /// The survey's own pictures: 5,000 digits, which ended in a backtrace once.
  @Test func fiveThousandDigits() throws {
    let digits = Binary.root + "/.cache/digits"
    try #require(
      FileManager.default.fileExists(atPath: digits), "Scripts/setup --tests makes the digits; ./test calls it")
    try inFolder { atelier in
      let trained = try atelier.run(
        "train", digits, "--recipe", "dense", "--pictures-seen", "16k", "--run", "run", "--json")
      try #require(trained.status == 0, "\(trained.err)")
      let events = try trained.lines()
      #expect(events.contains { $0["event"] as? String == "packed" && $0["count"] as? Int == 5000 })
      #expect(!events.contains { $0["event"] as? String == "trouble" }, "\(trained.out)")
      // 500 steps are measured before them.
      let estimate = try #require(events.first { $0["event"] as? String == "estimate" })
      #expect((estimate["seconds"] as? Double ?? 0) > 0)
      let made = try atelier.run("generate", "run", "--seeds", "0-15", "--grid", "--out", "made")
      #expect(made.status == 0 && atelier.has("made/sheet.png"), "\(made.err)")
      let measured = try atelier.run(
        "measure", "run", "--against", digits, "--samples", "32", "--real", "64", "--json")
      let found = try #require(try measured.lines().last, "\(measured.err)")
      #expect(found["real"] as? Int == 64 && found["realInAll"] as? Int == 5000 && found["samples"] as? Int == 32)
      #expect((found["kid"] as? Double ?? 0) > 0)
    }
  }

  /// A zip file of more entries than the format's first form could hold, with a companion of each picture as macOS adds them.
  @Test func seventyThousandEntries() throws {
    func python(_ arguments: String...) throws {
      let process = Process()
      process.executableURL = URL(filePath: Binary.root + "/.venv/bin/python")
      process.arguments = arguments
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
    }
    try inFolder { atelier in
      let file = atelier.folder + "/set.zip"
      try python(Binary.root + "/Scripts/sets.py", file, "35000", "16")
      try python("-c", Self.companions, file)
      let trained = try atelier.run(
        "train", "set.zip", "--recipe", "dense", "--size", "16", "--channels", "3", "--pictures-seen", "640", "--run",
        "run", "--json")
      try #require(trained.status == 0, "\(trained.err)")
      #expect(try trained.lines().contains { $0["event"] as? String == "packed" && $0["count"] as? Int == 35_000 })
      let made = try atelier.run("generate", "run", "--seeds", "0-3", "--out", "made")
      #expect(made.status == 0 && made.out.contains("4 pictures"), "\(made.err)")
      let measured = try atelier.run(
        "measure", "run", "--against", "set.zip", "--samples", "16", "--real", "32", "--nearest", "nearest.png")
      #expect(
        measured.status == 0 && measured.out.contains("16 pictures against 32 of 35,000 real ones"), "\(measured.err)")
      #expect(measured.out.contains("copies are looked for among all of them") && atelier.has("nearest.png"))
    }
  }

  private static let companions = """
    import sys, zipfile
    with zipfile.ZipFile(sys.argv[1], "a") as archive:
        for name in archive.namelist():
            folder, _, file = name.partition("/")
            archive.writestr(f"__MACOSX/{folder}/._{file}", bytes((0, 5, 22, 7)))
    """

  /// Settings that no machine has room for, or that no optimizer takes, ended in a backtrace.
  @Test(arguments: [
    ("--batch", "1e18", 64, "it must be 1 to 65536"), ("--rate", "1e40", 64, "it must be 0 to 10"),
    ("--beta1", "-1", 64, "below 1"), ("--smoothing", "-1", 64, "it must be in 0...1"),
    ("--latent", "1e18", 64, "it is too large"), ("--latent", "999999999", 69, "There isn't enough memory for that"),
  ])
  func settingsBeyondAllBounds(option: String, value: String, status: Int32, words: String) throws {
    try inFolder { atelier in
      let refused = try atelier.run([
        "train", Binary.pictures, "--recipe", "dense", "--size", "32", "--pictures-seen", "64", "--run", "run",
        "\(option)=\(value)",
      ])
      #expect(refused.status == status && refused.err.contains(words), "\(refused.status) \(refused.err)")
    }
  }

  /// A folder beside the artist doesn't hide a model that comes with Atelier.
  @Test func aFolderOfPicturesHidesNoModel() throws {
    try inFolder { atelier in
      try atelier.make("emoji")
      try atelier.copy(Binary.emoji + "/1f308-rainbow.png", to: "emoji/rainbow.png")
      let made = try atelier.run("generate", "emoji", "--seeds", "0", "--out", "made")
      #expect(made.status == 0 && atelier.has("made/seed-0000.png"), "\(made.err)")
      let model = "\(Binary.root)/Examples/models/emoji.safetensors"
      let words = "\(atelier.folder)/emoji isn't a run, so \(model), of the same name, is used"
      #expect((made.out + made.err).contains(words), "\(made.out) \(made.err)")
      // A folder of that name alone is told for what it is.
      try atelier.make("mine")
      let refused = try atelier.run("generate", "mine", "--seeds", "0", "--out", "other")
      #expect(refused.status == 66 && refused.err.contains("mine isn't a run"), "\(refused.err)")
    }
  }
}
