import Foundation
import Testing

/// What an artist may get wrong, and what the world may: each has its sentence and exit code.
@Suite struct BadInputTests {
  /// A small and fast training of these arguments.
  static let small = [
    "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4", "--latent", "8", "--pictures-seen", "8",
  ]

  @Test func wrongPath() throws {
    try inFolder { atelier in
      let sentence = "There is nothing at \(atelier.folder)/nowhere: check the name of the folder."
      expect(try atelier.run("inspect", "nowhere"), says: sentence, exit: 66)
      expect(try atelier.run("train", "nowhere"), says: sentence, exit: 66)
      expect(try atelier.run(["train", "nowhere"] + Self.small), says: sentence, exit: 66)
      expect(
        try atelier.run("generate", "nowhere", "--out", "made"),
        says: "There is no run, checkpoint or model 'nowhere': check the path, or see `atelier models list`.", exit: 66)
      #expect(!atelier.has("made") && !atelier.has("workspace/runs"), "nothing is left behind")
    }
  }

  /// Foundation crashes on them.
  @Test func namesOfOneLetterAreFine() throws {
    try inFolder { atelier in
      let made = try atelier.run("generate", "emoji", "--seeds", "1", "--out", "m")
      #expect(made.status == 0 && atelier.has("m/seed-0001.png"), "\(made.err)")
      let found = try atelier.run("sliders", "emoji", "--count", "2", "--out", "s.png")
      #expect(found.status == 0 && found.out.contains("pca-2") && atelier.has("s.png"), "\(found.err)")
      let moved = try atelier.run("generate", "emoji", "--seeds", "1", "--slide", "pca-1=2", "--out", "n")
      #expect(moved.status == 0 && atelier.has("n/seed-0001.png"), "\(moved.err)")
    }
  }

  /// Swift would look for a file of another name, or write one.
  @Test func namesThatArentUTF8() throws {
    try inFolder { atelier in
      for words in ["inspect $'caf\\xe9.png'", "generate emoji --out $'caf\\xe9'"] {
        let sign = words.hasPrefix("inspect") ? ".png" : ""
        expect(
          try atelier.run([], through: "set -- \(words);"),
          says: "The name café\(sign) has bytes that aren't UTF-8: rename it, or name the folder that it is in.",
          exit: 64)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: atelier.folder).allSatisfy { !$0.hasPrefix("caf") })
    }
  }

  @Test func tooLargeASize() throws {
    try inFolder { atelier in
      for size in ["100000x100000", "99999999999999999999", "65537x64", "5000x10"] {
        let made = try atelier.run("texture", "a.png", "--size", size, "--out", "o.png")
        #expect(made.err.hasPrefix("Error: --size must be 1 to 4096 pixels.\n") && made.status == 64, "\(made.err)")
      }
    }
  }

  @Test func emptyFolder() throws {
    try inFolder { atelier in
      try atelier.make("empty")
      let sentence =
        "No picture is in \(atelier.folder)/empty: name a folder with JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF files."
      expect(try atelier.run("inspect", "empty"), says: sentence, exit: 65)
      expect(try atelier.run(["train", "empty"] + Self.small), says: sentence, exit: 65)
    }
  }

  @Test func damagedFiles() throws {
    try inFolder { atelier in
      try atelier.make("mixed")
      let emoji = try Binary.someEmoji(12)
      for name in emoji { try atelier.copy("\(Binary.emoji)/\(name)", to: "mixed/\(name)") }
      let whole = try Data(contentsOf: URL(fileURLWithPath: "\(Binary.emoji)/\(emoji[0])"))
      try atelier.write(whole.prefix(whole.count / 2), to: "mixed/half.png")
      try atelier.write(Data("not a picture".utf8), to: "mixed/words.jpg")

      let inspected = try atelier.run("inspect", "mixed")
      #expect(inspected.status == 0)
      #expect(inspected.out.contains("half.png is cut short") && inspected.out.contains("words.jpg isn't a picture"))
      let trained = try atelier.run(["train", "mixed", "--run", "run"] + Self.small)
      #expect(trained.status == 0, "\(trained.err)")
      #expect(trained.out.contains("Left out: half.png is cut short."))
      #expect(trained.out.contains("Training on 12 pictures, in \(atelier.folder)/run"))
    }
  }

  @Test func onlyDamagedFiles() throws {
    try inFolder { atelier in
      try atelier.make("bad")
      try atelier.write(Data(), to: "bad/a.png")
      expect(
        try atelier.run(["train", "bad"] + Self.small),
        says: "The only picture in \(atelier.folder)/bad, a.png, is empty: copy it again from where it came from.",
        exit: 65)
    }
  }

  @Test func impossibleSize() throws {
    try inFolder { atelier in
      expect(
        try atelier.run("train", Binary.emoji, "--recipe", "dcgan", "--size", "37"),
        says: "The recipe dcgan can't make pictures of 37 px: use 32, 64, 128 or 256.", exit: 64)
      let zero = try atelier.run("train", Binary.emoji, "--size", "0")
      #expect(zero.err.hasPrefix("Error: --size must be 1 to 4096 pixels.\n") && zero.status == 64)
      let word = try atelier.run("train", Binary.emoji, "--size", "big")
      #expect(word.err.hasPrefix("Error: The value 'big' is invalid for '--size <px>'\n") && word.status == 64)
    }
  }

  @Test func unknownNames() throws {
    try inFolder { atelier in
      expect(
        try atelier.run("train", Binary.emoji, "--recipe", "magic"),
        says:
          "There is no recipe 'magic': use r3gan, stylegan2, projected, dcgan, dense, diffusion, words, vae, vqgan, gplvm, cut, "
          + "cyclegan, pix2pix, instant, brush, enlarge, inbetween, motion, videogan.",
        exit: 64)
      expect(
        try atelier.run("train", "--widht", "8", Binary.emoji, "--recipe", "dcgan"),
        says: "The recipe dcgan has no setting 'widht': use one of augment, average-half-life, batch, beta1, beta2, "
          + "channels, class-counts, classes, conditional, latent, mirror, pictures, precision, rate, seamless, size, smoothing, "
          + "traits, width, widths.",
        exit: 64)
      expect(
        try atelier.run("train", Binary.emoji, "--recipe", "dcgan", "--width", "wide"),
        says: "The setting 'width' can't be 'wide': it must be a number, and a whole one where it counts something.",
        exit: 64)
      let verb = try atelier.run("paint")
      #expect(verb.status == 64 && verb.err.hasPrefix("Error: Unexpected argument 'paint'\n"))
    }
  }

  @Test func absentDevice() throws {
    try inFolder { atelier in
      expect(
        try atelier.run(["train", Binary.emoji, "--device", "cuda:9"] + Self.small),
        says:
          "The device 'cuda:9' isn't available: this LibTorch is built for processors only. Use --device cpu, or set "
          + "TORCH_HOME to a LibTorch built for it.", exit: 69)
      expect(
        try atelier.run("generate", "run", "--out", "made", "--device", "abacus"),
        says: "There is no device called 'abacus': use auto, cpu, cuda, cuda:1 or mps.", exit: 64)
    }
  }

  /// Root may write anywhere, so the folder is where none can be: below a file.
  @Test func folderThatCannotBeWrittenTo() throws {
    try inFolder { atelier in
      try atelier.train("run")
      try atelier.write(Data(), to: "file")
      let made = try atelier.run("generate", "run", "--out", "file/made")
      #expect(made.status == 73 && made.err.hasPrefix("atelier: ") && made.err.contains("file/made"), "\(made.err)")
      let trained = try atelier.run(["train", Binary.pictures, "--run", "file/run"] + BadInputTests.small)
      #expect(trained.status == 73 && trained.err.contains("file/run"), "\(trained.err)")
      guard geteuid() != 0 else { return }
      try atelier.make("locked")
      #expect(chmod(atelier.folder + "/locked", 0o555) == 0)
      expect(
        try atelier.run("generate", "run", "--seeds", "0", "--out", "locked/made"),
        says: "locked/made can't be written, since its folder is read-only: name a folder that you may write to.",
        exit: 73)
    }
  }

  private static let mount = "mount -t tmpfs -o size=1m tmpfs disk || exit 99;"
  /// Whether a file system of 1 MB can be mounted here.
  private static let canMount: Bool = {
    var status: Int32?
    try? inFolder { atelier in
      try atelier.make("disk")
      status = try atelier.run(["--version"], through: mount, shell: ["unshare", "-rm", "bash"]).status
    }
    return status == 0
  }()

  /// A disk that is really full.
  @Test(.enabled(if: canMount, "no file system can be mounted here")) func fullDisk() throws {
    try inFolder { atelier in
      try atelier.train("run")
      try atelier.make("disk")
      let mount = Self.mount
      do {
        let fill = mount + " dd if=/dev/zero of=disk/fill bs=1k count=900 status=none;"
        let made = try atelier.run(
          ["generate", "run", "--seeds", "0-200", "--out", "disk/made"], through: fill,
          shell: ["unshare", "-rm", "bash"])
        #expect(made.status == 74 && made.err.contains("since the disk is full: free some space"), "\(made.err)")
        let trained = try atelier.run(
          ["train", Binary.pictures, "--run", "disk/run"] + BadInputTests.small, through: mount,
          shell: ["unshare", "-rm", "bash"])
        #expect(trained.status == 73 && trained.err.contains("are free: free some space"), "\(trained.err)")
      }
    }
  }

  /// A limit on the size of files.
  @Test func filesThatMayNotGrow() throws {
    try inFolder { atelier in
      let limited = try atelier.run(
        ["train", Binary.pictures, "--run", "limited"] + BadInputTests.small, through: "trap '' XFSZ; ulimit -f 16;")
      #expect([73, 74].contains(limited.status), "\(limited.status) \(limited.err)")
      #expect(limited.err.hasPrefix("atelier: ") && limited.err.contains("can't be written"), "\(limited.err)")
    }
  }

  @Test func aRunThatIsNone() throws {
    try inFolder { atelier in
      try atelier.make("pictures")
      expect(
        try atelier.run("generate", "pictures", "--out", "made"),
        says: "\(atelier.folder)/pictures isn't a run, since there is no checkpoint in it: name a folder that "
          + "`atelier train` made.", exit: 66)
      expect(
        try atelier.run("train", "--resume", "--run", "pictures"),
        says: "\(atelier.folder)/pictures is no run: name a folder that 'atelier train' made, or begin one without "
          + "--resume.", exit: 66)
      try atelier.write(Data("text".utf8), to: "words.safetensors")
      expect(
        try atelier.run("generate", "words.safetensors", "--out", "made"),
        says: "The checkpoint \(atelier.folder)/words.safetensors can't be read, since it is cut short or isn't a "
          + "safetensors file: use another one, or train again.", exit: 65)
    }
  }

  @Test func damagedCheckpoints() throws {
    try inFolder { atelier in
      try atelier.train("run")
      let files = try atelier.checkpoints("run")
      try #require(files.count == 2)
      try atelier.write(Data("half".utf8), to: "run/checkpoints/\(files[1])")
      let made = try atelier.run("generate", "run", "--seeds", "0", "--out", "made")
      #expect(made.status == 0 && made.out.contains("\(files[1]) can't be read"), "an older one is used: \(made.out)")
      try atelier.write(Data(), to: "run/checkpoints/\(files[0])")
      let none = try atelier.run("generate", "run", "--seeds", "0", "--out", "again")
      let sentence = "None of the checkpoints in \(atelier.folder)/run can be read: train again, with another --run."
      #expect(none.status == 65 && none.err == "atelier: \(sentence)\n", "\(none.err)")
    }
  }

  @Test func twoRunsOnOneFolder() throws {
    try inFolder { atelier in
      let first = try atelier.start(
        "train", Binary.pictures, "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4", "--run", "run",
        "--minutes", "10", "--json")
      try first.wait { first.output.contains("\"event\":\"started\"") }
      let resumed = try atelier.run("train", "--resume", "--run", "run")
      let begun = try atelier.run(["train", Binary.pictures, "--run", "run"] + BadInputTests.small)
      first.send(SIGTERM)
      _ = try first.finish()
      expect(
        resumed,
        says: "Process \(first.process.processIdentifier) is training in \(atelier.folder)/run: wait for it, stop it, "
          + "or name another --run.", exit: 69)
      #expect([69, 73].contains(begun.status) && begun.err.contains("\(atelier.folder)/run"), "\(begun.err)")
    }
  }

  @Test func nothingIsReplacedUnasked() throws {
    try inFolder { atelier in
      try atelier.train("run")
      #expect(try atelier.run("generate", "run", "--seeds", "0-1", "--out", "made").status == 0)
      expect(
        try atelier.run("generate", "run", "--seeds", "1-2", "--out", "made"),
        says: "made/seed-0001.png is there already: name another, or add --force to replace it.", exit: 73)
      #expect(try atelier.run("generate", "run", "--seeds", "1-2", "--out", "made", "--force").status == 0)
      expect(
        try atelier.run(["train", Binary.pictures, "--run", "run"] + BadInputTests.small),
        says: "\(atelier.folder)/run isn't empty: go on with its run by --resume, or name another --run.", exit: 73)
    }
  }
}
