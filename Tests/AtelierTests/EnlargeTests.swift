import Foundation
import Media
import Models
import Networks
import Testing
import Torch

/// `enlarge` as an artist runs it, with a small network that was imported, which needs no download.
@Suite struct EnlargeTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"

  /// A network that repeats pixels and changes them a little, as `tiny` among the models.
  private func inStudio(_ body: (Binary) throws -> Void) throws {
    try inFolder { atelier in
      let network = SRVGGNetCompact(scale: 2, width: 4, depth: 1)
      var noise = Noise(seed: 1)
      network.initialize(&noise)
      withoutGradients { network.state.last { $0.tensor.rank == 4 }!.tensor.multiply(by: 0.1) }
      withoutGradients { network.state.last!.tensor.zero() }
      try Safetensors.write(network.savedTensors, to: "\(atelier.folder)/tiny.safetensors")
      let outcome = try atelier.run(
        "models", "import", "tiny.safetensors", "--as", "realesrgan", "--licence", "CC0-1.0")
      #expect(outcome.status == 0, "\(outcome.err)")
      try body(atelier)
    }
  }

  private func enlarge(_ atelier: Binary, _ pictures: [String], _ more: [String] = [], out: String = "out.png") throws
    -> Binary.Outcome
  {
    try atelier.run(["enlarge"] + pictures + ["--model", "tiny", "--out", out] + more)
  }

  /// JPEG, WebP, grey, 16-bit, CMYK, turned, animated, transparent, of one pixel: each comes out in its shape.
  @Test(arguments: [
    "scene.jpg", "scene.webp", "grey.png", "grey16.png", "greyalpha.png", "cmyk.jpg", "turned6.jpg", "moving.gif",
    "veil.png", "one.png",
  ])
  func anyPicture(_ name: String) throws {
    try inStudio { atelier in
      for scale in [2, 3] {
        let outcome = try enlarge(atelier, ["\(Self.fixtures)/\(name)"], ["--scale", "\(scale)", "--force"])
        #expect(outcome.status == 0, "\(outcome.err)")
        let before = try Picture.load("\(Self.fixtures)/\(name)", Decoding(channels: nil))
        let made = try Picture.load("\(atelier.folder)/out.png", Decoding(channels: nil))
        #expect(made.width == scale * before.width && made.height == scale * before.height)
        #expect(made.channels == before.channels)
        // The same picture: its mean, in each channel that can be seen.
        guard before.channels != 4 else { continue }
        let mean = { (p: Picture) in p.tensor.to(.float32).mean(dims: [1, 2]) }
        #expect(abs(mean(made) - mean(before)).max().item() < 12)
      }
    }
  }

  @Test func alphaIsKeptAndNothingBleeds() throws {
    try inStudio { atelier in
      // A white disc on nothing, under which there is black.
      let size = 48
      var bytes: [UInt8] = []
      for y in 0..<size {
        for x in 0..<size {
          let isIn = (x - 24) * (x - 24) + (y - 24) * (y - 24) < 300
          bytes += isIn ? [250, 250, 250, 255] : [0, 0, 0, 0]
        }
      }
      try Picture(width: size, height: size, channels: 4, bytes: bytes).write("\(atelier.folder)/disc.png")
      #expect(try enlarge(atelier, ["disc.png"], ["--scale", "4"]).status == 0)
      let made = try Picture.load("\(atelier.folder)/out.png", Decoding(channels: nil))
      let planes = made.tensor.to(.float32)
      let seen = planes[3].greater(than: 0)
      let darkest = whereTrue(seen, planes[0..<3].min(dims: [0]), Tensor.full([192, 192], 255)).min().item()
      #expect(darkest > 200, "\(darkest)")
      #expect(made[96, 96].last == 255 && made[2, 2].last == 0)
      // As much is covered as before: π · 300 of 48 · 48.
      #expect(Swift.abs(planes[3].mean().item() / 255 - 0.409) < 0.03)
    }
  }

  @Test func severalPicturesAndAFolder() throws {
    try inStudio { atelier in
      try atelier.make("given")
      for name in ["scene.jpg", "grey.png", "short.png"] {
        try atelier.copy("\(Self.fixtures)/\(name)", to: "given/\(name)")
      }
      let outcome = try enlarge(atelier, ["given"], ["--json"], out: "large")
      #expect(outcome.status == 0, "\(outcome.err)")
      let events = try outcome.lines()
      let names = events.compactMap { $0["event"] as? String }
      #expect(names.filter { $0 == "picture" }.count == 2 && names.contains("leftOut") && names.last == "finished")
      let tiles = events.filter { $0["event"] as? String == "progress" }
      let fractions = tiles.compactMap { $0["fraction"] as? Double }
      #expect(fractions == fractions.sorted() && !fractions.isEmpty)
      #expect(tiles.allSatisfy { $0["secondsLeft"] != nil && $0["total"] as? Int == 3 })
      #expect(atelier.has("large/scene.png") && atelier.has("large/grey.png") && !atelier.has("large/short.png"))
      let again = try enlarge(atelier, ["given"], out: "large")
      #expect(again.status == 73 && again.err.contains("is there already"))
      #expect(try enlarge(atelier, ["given"], ["--force"], out: "large").status == 0)
      try atelier.copy("\(Self.fixtures)/scene.webp", to: "given/scene.webp")
      let twice = try enlarge(atelier, ["given"], out: "other")
      #expect(twice.status == 64 && twice.err.contains("under one name"))
    }
  }

  /// Without a model, the pictures choose: the small network stands in for those that would be downloaded.
  @Test func thePictureChoosesTheNetwork() throws {
    try inStudio { atelier in
      let models = "workspace/models"
      for name in ["waifu2x-drawing", "waifu2x-photo", "realesrgan-drawing"] {
        try atelier.copy("\(atelier.folder)/\(models)/tiny.safetensors", to: "\(models)/\(name).safetensors")
      }
      let emoji = "\(Binary.emoji)/\(try Binary.someEmoji(1)[0])"
      for (picture, name, why) in [
        (emoji, "waifu2x-drawing", "drawn (flat parts, few colours)"),
        ("\(Self.fixtures)/scene.jpg", "waifu2x-photo", "photographed or painted"),
      ] {
        let outcome = try atelier.run("enlarge", picture, "--out", "\(name).png")
        #expect(outcome.status == 0 && outcome.out.contains("is enlarged by \(name)"), "\(outcome.out)\(outcome.err)")
        #expect(outcome.out.contains(why) && outcome.out.contains("--model takes another"))
        let words = try #require(PNG.text(FileBytes.read("\(atelier.folder)/\(name).png")))
        #expect(words.contains { $0.key == "Enlarged by" && $0.value.hasPrefix("2, \(name), sha256:") })
      }
      let told = try atelier.run("enlarge", emoji, "--model", "tiny", "--out", "told.png")
      #expect(told.status == 0 && !told.out.contains("enlarged by"), "\(told.out)")
      let made = try atelier.run("generate", "emoji", "--seeds", "5", "--enlarge", "2", "--out", "made")
      #expect(
        made.out.contains("They are enlarged by realesrgan-drawing, since they look drawn"), "\(made.out)\(made.err)")
    }
  }

  /// A network of one's own, learned in a moment, and the words for other ways of using it.
  @Test func aRunEnlarges() throws {
    try inFolder { atelier in
      let trained = try atelier.run(
        "train", Binary.pictures, "--recipe", "enlarge", "--run", "run", "--size", "64", "--window", "48", "--scale",
        "3",
        "--width", "8", "--depth", "2", "--pictures-seen", "32")
      try #require(trained.status == 0, "\(trained.err)")
      #expect(trained.out.contains("Next: ./atelier enlarge picture.jpg --model"))
      let scene = "\(Self.fixtures)/scene.jpg"
      let made = try atelier.run("enlarge", scene, "--model", "run", "--scale", "3", "--out", "a.png")
      #expect(made.status == 0, "\(made.err)")
      let before = try Picture.load(scene)
      #expect(try Picture.load("\(atelier.folder)/a.png").width == 3 * before.width)
      let none = try atelier.run("generate", "run", "--seeds", "1", "--out", "made")
      #expect(none.status != 0 && none.err.contains("use `atelier enlarge PICTURE --model run`"), "\(none.err)")
      let other = try atelier.run("restyle", scene, "--with", "run", "--out", "b.png")
      #expect(other.status == 64 && other.err.contains("use `atelier enlarge PICTURE --model run`"), "\(other.err)")
    }
  }

  @Test func aFileSaysHowItWasMade() throws {
    try inStudio { atelier in
      try atelier.train("run")
      #expect(try atelier.run("generate", "run", "--seeds", "3", "--out", "made").status == 0)
      #expect(try enlarge(atelier, ["made/seed-0003.png"]).status == 0)
      let words = try #require(PNG.text(FileBytes.read("\(atelier.folder)/out.png")))
      func value(_ key: String) -> String? { words.last { $0.key == key }?.value }
      #expect(value("Seed") == "3" && value("Enlarged from") == "seed-0003.png")
      #expect(value("Enlarged by")?.hasPrefix("2, tiny, sha256:") == true)
      #expect(words.filter { $0.key == "Software" }.count == 1)
      #expect(value("XML:com.adobe.xmp")?.contains("digitalsourcetype/trainedAlgorithmicMedia") == true)
      // A photograph becomes a composite.
      #expect(try enlarge(atelier, ["\(Self.fixtures)/scene.jpg"], out: "photo.png").status == 0)
      let photo = try #require(PNG.text(FileBytes.read("\(atelier.folder)/photo.png")))
      #expect(photo.contains { $0.value.contains("compositeWithTrainedAlgorithmicMedia") })
    }
  }

  @Test func mistakes() throws {
    try inStudio { atelier in
      func expect(_ picture: String, _ more: [String] = [], says: String, exit: Int32) throws {
        let outcome = try enlarge(atelier, [picture], more)
        #expect(outcome.status == exit && outcome.err.contains(says), "\(outcome.err)")
        #expect(!atelier.has("out.png"))
      }
      let scene = "\(Self.fixtures)/scene.jpg"
      try expect("nowhere.jpg", says: "nowhere.jpg isn't there: check the name.", exit: 66)
      try expect("\(Self.fixtures)/short.png", says: "is cut short: copy it again", exit: 65)
      try expect("\(Self.fixtures)/bomb.png", says: "more than 100 megapixels", exit: 65)
      try expect("\(Self.fixtures)/words.png", says: "isn't a picture", exit: 65)
      try expect(scene, ["--scale", "5"], says: "--scale can't be 5: use 2, 3 or 4.", exit: 64)
      try expect(scene, ["--precision", "int8"], says: "--precision can't be 'int8'", exit: 64)
      try expect(scene, ["--memory", "0.1"], says: "0.1 GB of memory are too few", exit: 69)
      try expect(scene, ["--model", "nothing"], says: "There is no model 'nothing': use realesrgan-photo,", exit: 69)
      try expect(scene, ["--out", "folder/out.png"], says: "The folder for folder/out.png isn't there", exit: 73)
      try atelier.make("empty")
      try expect("empty", says: "There is no picture in empty", exit: 66)
      let huge = Picture(width: 9000, height: 9000, of: .white, channels: 1)
      try huge.write("\(atelier.folder)/huge.png")
      try expect("huge.png", ["--scale", "4"], says: "36000 by 36000 pixels, more than 400 megapixels", exit: 65)
    }
  }

  /// After Ctrl-C: what was done is there, what wasn't is not.
  @Test func aStopLeavesWholePictures() throws {
    try inStudio { atelier in
      try atelier.make("given")
      for i in 0..<40 {
        try Picture(width: 300, height: 300, of: .black).write("\(atelier.folder)/given/\(i).png")
      }
      let running = try atelier.start("enlarge", "given", "--model", "tiny", "--out", "large", "--json")
      try running.wait { running.output.contains("\"event\":\"picture\"") }
      running.send(SIGINT)
      let outcome = try running.finish(seconds: 30)
      #expect(outcome.status == 130)
      let made = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/large")
      #expect(!made.isEmpty && made.count < 40 && made.allSatisfy { $0.hasSuffix(".png") })
      for name in made { #expect(try Picture.load("\(atelier.folder)/large/\(name)").width == 600) }
    }
  }
}
