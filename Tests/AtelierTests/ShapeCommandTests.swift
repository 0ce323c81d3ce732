import Foundation
import Media
import Testing

/// Pictures that aren't square, as an artist trains and uses them, with the smallest networks.
@Suite struct ShapeCommandTests {
  /// Striped pictures, all of one size.
  private func pictures(_ atelier: Binary, _ folder: String, _ width: Int, _ height: Int, count: Int = 8) throws {
    try atelier.make(folder)
    for i in 0..<count {
      var bytes: [UInt8] = []
      for place in 0..<width * height {
        let (x, y) = (place % width, place / width)
        bytes += [UInt8(x * 255 / width), UInt8(i * 10), UInt8(y * 255 / height)]
      }
      try Picture(width: width, height: height, channels: 3, bytes: bytes)
        .write("\(atelier.folder)/\(folder)/\(i).png", text: [])
    }
  }

  private static let small: [String: [String]] = [
    "r3gan": ["--widths", "8,8,8", "--discriminator-widths", "8,8,8", "--latent", "8", "--batch", "4"],
    "projected": ["--width", "4", "--discriminator-width", "8", "--seen", "64", "--latent", "8", "--batch", "4"],
    "stylegan2": ["--widths", "8,8,8,8", "--discriminator-widths", "8,8,8,8", "--latent", "8", "--batch", "4"],
    "diffusion": ["--widths", "8,16", "--steps", "2", "--batch", "4"],
  ]

  private func train(_ atelier: Binary, _ recipe: String, _ size: String, run: String = "run") throws {
    let outcome = try atelier.run(
      ["train", "pictures", "--recipe", recipe, "--size", size, "--run", run, "--pictures-seen", "8", "--no-best"]
        + Self.small[recipe]!)
    try #require(outcome.status == 0, "\(outcome.err)")
  }

  private func size(_ path: String, in atelier: Binary) throws -> String {
    "\(try Picture.load("\(atelier.folder)/\(path)").size)"
  }

  @Test(arguments: ["r3gan", "projected", "stylegan2", "diffusion"]) func aShapeIsTrainedAndMade(_ recipe: String)
    throws
  {
    try inFolder { atelier in
      try pictures(atelier, "pictures", 90, 60)
      for (run, wanted) in [("wide", "48x32"), ("tall", "32x48")] {
        try train(atelier, recipe, wanted, run: run)
        let settings = try String(contentsOfFile: "\(atelier.folder)/\(run)/settings.json", encoding: .utf8)
        #expect(settings.contains(#""size" : "\#(wanted)""#), "\(settings)")
        let made = try atelier.run("generate", run, "--seeds", "0-3", "--grid", "--out", "\(run)-made")
        #expect(made.status == 0, "\(made.err)")
        #expect(try size("\(run)-made/seed-0003.png", in: atelier) == wanted)
        // Two by two, with margins of 2.
        #expect(try size("\(run)-made/sheet.png", in: atelier) == (run == "wide" ? "102x70" : "70x102"))
        // Six by six, or four by four where pictures take long.
        let sheets = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/\(run)/samples")
        let sheet = try Picture.load("\(atelier.folder)/\(run)/samples/\(try #require(sheets.last))")
        let cell = run == "wide" ? (50, 34) : (34, 50)
        #expect((sheet.width - 2) * cell.1 == (sheet.height - 2) * cell.0)
      }
      let on = try atelier.run("train", "--resume", "--run", "wide", "--pictures-seen", "12", "--no-best")
      #expect(on.status == 0, "\(on.err)")
      let other = try atelier.run("train", "--resume", "--run", "wide", "--size", "48", "--pictures-seen", "16")
      expect(
        other, says: "A run's size can't be changed from 48x32 to 48: leave it out, or begin a new run.", exit: 64)
    }
  }

  @Test func filmsSheetsAndModelsHaveTheShape() throws {
    try inFolder { atelier in
      try pictures(atelier, "pictures", 90, 60)
      try train(atelier, "stylegan2", "48x32")
      for arguments in [
        ["film", "run", "--seeds", "1,2", "--seconds", "1", "--rate", "4", "--size", "96", "--out", "film/"],
        [
          "film", "run", "--seeds", "1,2", "--seconds", "1", "--rate", "4", "--size", "96", "--preview", "--out",
          "p.png",
        ],
        ["sliders", "run", "--count", "2", "--out", "sliders.png"],
        [
          "generate", "run", "--seeds", "0", "--mix", "0-1", "--with", "2-4", "--interpolate", "0-3", "--steps", "5",
          "--out", "made",
        ],
        ["models", "export", "run", "--out", "model.safetensors"],
        ["generate", "model.safetensors", "--seeds", "7", "--out", "exported"],
        ["measure", "run", "--against", "pictures", "--samples", "16", "--nearest", "nearest.png"],
      ] {
        let outcome = try atelier.run(arguments)
        // The pictures are few, and a measure needs 16.
        let isMeasure = arguments[0] == "measure"
        #expect(outcome.status == (isMeasure ? 65 : 0), "\(arguments): \(outcome.err)")
      }
      for (path, wanted) in [
        ("film/frame-000003.png", "96x64"), ("p.png", "590x266"), ("sliders.png", "352x98"),
        ("made/mixing.png", "202x104"), ("made/interpolation.png", "252x36"), ("exported/seed-0007.png", "48x32"),
      ] {
        #expect(try size(path, in: atelier) == wanted, "\(path)")
      }
    }
  }

  /// What is measured, compared and kept as the best is of the shape, too.
  @Test func wideRunsAreMeasuredAndCompared() throws {
    try inFolder { atelier in
      try pictures(atelier, "pictures", 90, 60, count: 20)
      try train(atelier, "r3gan", "48x32")
      try train(atelier, "r3gan", "64x32", run: "long")
      let measured = try atelier.run(
        "measure", "run", "--against", "pictures", "--samples", "16", "--nearest", "nearest.png", "--json")
      #expect(measured.status == 0, "\(measured.err)")
      #expect(try measured.lines().last?["size"] as? String == "48x32")
      #expect(try size("nearest.png", in: atelier) == "602x70")
      let compared = try atelier.run(
        "compare", "run", "long", "--against", "pictures", "--samples", "16", "--columns", "3", "--out", "both.png")
      #expect(compared.status == 0 && compared.out.contains("at 48x32 px"), "\(compared.err) \(compared.out)")
      // Three rows of three, each with a line for a name.
      #expect(try size("both.png", in: atelier) == "200x146")
    }
  }

  @Test func aWidePictureIsRedrawnAndFilled() throws {
    try inFolder { atelier in
      try pictures(atelier, "pictures", 90, 60)
      try train(atelier, "diffusion", "48x32")
      let varied = try atelier.run("vary", "pictures/1.png", "--with", "run", "--strength", "0.3", "--out", "v.png")
      #expect(try varied.status == 0 && size("v.png", in: atelier) == "48x32", "\(varied.err)")
      // A hole as wide as the picture is high fits into a part of the model's shape.
      var mask = [UInt8](repeating: 0, count: 90 * 60)
      for y in 0..<20 { for x in 5..<75 { mask[90 * y + x] = 255 } }
      try Picture(width: 90, height: 60, channels: 1, bytes: mask).write("\(atelier.folder)/mask.png", text: [])
      let filled = try atelier.run("fill", "pictures/1.png", "--mask", "mask.png", "--with", "run", "--out", "f.png")
      #expect(filled.status == 0, "\(filled.err)")
      let (own, made) = (
        try Picture.load("\(atelier.folder)/pictures/1.png"), try Picture.load("\(atelier.folder)/f.png")
      )
      #expect(made.size == own.size && made.bytes != own.bytes)
      let changed = (0..<made.bytes.count).filter { made.bytes[$0] != own.bytes[$0] }
      #expect(changed.allSatisfy { mask[$0 / 3] > 0 })
    }
  }

  @Test func impossibleShapesAreRefused() throws {
    try inFolder { atelier in
      for (recipe, size, sentence) in [
        (
          "vae", "64x32",
          "The recipe vae can't make pictures of 64x32 px: it makes squares only, so give one number, such as --size 32."
        ),
        (
          "dcgan", "128x64",
          "The recipe dcgan can't make pictures of 128x64 px: it makes squares only, so give one number, such as --size 64."
        ),
        ("r3gan", "190x128", "The recipe r3gan can't make pictures of 190x128 px: use 192x128 or 176x120."),
        ("stylegan2", "100x70", "The recipe stylegan2 can't make pictures of 100x70 px: use 96x64 or 112x80."),
        ("diffusion", "50x8", "The recipe diffusion can't make pictures of 50x8 px: use 64x16 or 60x16."),
        ("projected", "33", "The recipe projected can't make pictures of 33 px: use 32 or 40."),
      ] {
        expect(
          try atelier.run("train", Binary.emoji, "--recipe", recipe, "--size", size), says: sentence, exit: 64)
      }
      let zero = try atelier.run("train", Binary.emoji, "--size", "64x0")
      #expect(zero.err.hasPrefix("Error: --size must be 1 to 4096 pixels.\n") && zero.status == 64)
    }
  }

  @Test func mostPicturesSayTheShape() throws {
    try inFolder { atelier in
      try pictures(atelier, "pictures", 90, 60)
      try pictures(atelier, "pictures/tall", 60, 90, count: 2)
      let inspected = try atelier.run("inspect", "pictures")
      #expect(inspected.out.contains("Most pictures are about 3:2: --size 72x48 fits them.\n"), "\(inspected.out)")
      let command = ["train", "pictures", "--recipe", "r3gan", "--pictures-seen", "8", "--no-best", "--run"]
      let trained = try atelier.run(
        command + ["run", "--widths", "8,8,8", "--discriminator-widths", "8,8,8", "--json"])
      #expect(trained.status == 0, "\(trained.err)")
      let words = "Most of the pictures are about 3:2, so it makes pictures of 72x48 px; --size 64 makes squares."
      #expect(try trained.lines().contains { $0["text"] as? String == words }, "\(trained.out)")
      #expect(try atelier.run("generate", "run", "--seeds", "0", "--out", "made").status == 0)
      #expect(try size("made/seed-0000.png", in: atelier) == "72x48")
      // Squares where the recipe knows no other shape, where they are asked for, and where shapes differ.
      let square = try atelier.run(["train", "pictures"] + BadInputTests.small + ["--run", "square", "--json"])
      #expect(try square.status == 0 && !square.lines().contains { ($0["text"] as? String)?.contains("3:2") == true })
      try pictures(atelier, "pictures/more", 60, 90, count: 8)
      #expect(try !atelier.run("inspect", "pictures").out.contains("Most pictures"))
    }
  }
}
