import Foundation
import Media
import TestSupport
import Testing
import Torch

@testable import LargeModels
@testable import Workshop

/// A text-to-image model of an artist's own, as it is trained, drawn with and given away.
@Suite(.serialized) struct WordsTests {
  /// Eight flat shapes, each with its caption.
  private func pictures(_ folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let colours: [(String, [UInt8])] = [
      ("red", [220, 30, 30]), ("green", [20, 170, 60]), ("blue", [30, 60, 220]), ("yellow", [240, 210, 20]),
    ]
    for (i, (name, colour)) in colours.enumerated() {
      for (j, shape) in ["circle", "square"].enumerated() {
        let bytes = (0..<256).flatMap { place -> [UInt8] in
          let (x, y) = (place % 16 - 8, place / 16 - 8)
          let isInside = j == 0 ? x * x + y * y < 25 : abs(x) < 5 && abs(y) < 5
          return isInside ? colour : [255, 255, 255]
        }
        let path = "\(folder)/\(2 * i + j)"
        try Picture(width: 16, height: 16, channels: 3, bytes: bytes).write(path + ".png")
        try "a \(name) \(shape)".write(toFile: path + ".txt", atomically: true, encoding: .utf8)
      }
    }
  }

  private static let small = [
    "--recipe", "words", "--size", "16", "--batch", "4", "--widths", "8,16", "--heads", "2", "--coder-widths", "8,8",
    "--text-width", "16", "--text-layers", "2", "--text-heads", "2", "--steps", "3",
  ]

  @Test func isTrainedDrawnAndGivenAway() throws {
    try inFolder { atelier in
      try pictures("\(atelier.folder)/set")
      let trained = try atelier.run(["train", "set", "--run", "run", "--pictures-seen", "40"] + Self.small)
      #expect(trained.status == 0, "\(trained.err)")
      for words in ["8 of 8 pictures have words: 8 from .txt", "as \"a yellow", "atelier generate"] {
        #expect((trained.out + trained.err).contains(words), "\(words) in \(trained.out)\(trained.err)")
      }
      let draw = ["--prompt", "a red circle", "--steps", "3", "--seeds", "1-2", "--precision", "float32"]
      func bytes(_ folder: String, _ seed: Int = 1) throws -> [UInt8] {
        try Picture.load("\(atelier.folder)/\(folder)/seed-000\(seed).png").bytes
      }
      func drawn(_ model: String, _ folder: String, _ more: [String] = []) throws -> [UInt8] {
        let made = try atelier.run(["generate", model, "--out", folder] + draw + more)
        #expect(made.status == 0, "\(made.err)")
        return try bytes(folder)
      }
      let own = try drawn("run", "own")
      let second = try bytes("own", 2)
      #expect(own.count == 16 * 16 * 3 && own != second)
      let text = try #require(PNG.text(FileBytes.read("\(atelier.folder)/own/seed-0001.png")))
      #expect(
        text.contains { $0.key == "parameters" && $0.value.hasPrefix("a red circle\nSteps: 3, Sampler: DPM++ 2M") })

      // Diffusers' folder: the same weights to the bit, the same words, the same picture.
      let exported = try atelier.run("models", "export", "run", "--as", "diffusers", "--out", "folder")
      #expect(exported.status == 0, "\(exported.err)")
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/run/checkpoints").sorted()
      let learned = try LargeModel("\(atelier.folder)/run/checkpoints/\(files.last!)")
      let folder = try LargeModel("\(atelier.folder)/folder")
      #expect(learned.unet.configuration == folder.unet.configuration && learned.schedule == folder.schedule)
      #expect(learned.vae.configuration == folder.vae.configuration && folder.trainedSide == 16)
      #expect(learned.texts[0].part.configuration == folder.texts[0].part.configuration)
      // Unless told otherwise, drawings are guided as those on the run's sheets.
      #expect(
        learned.guidance == 3 && folder.guidance == 3
          && text.contains { $0.key == "parameters" && $0.value.contains("CFG scale: 3,") })
      func same(_ a: [String: Tensor], _ b: [String: Tensor]) -> Bool {
        a.keys == b.keys && a.allSatisfy { $1.isEqual(to: b[$0]!) }
      }
      #expect(same(learned.unet.weights, folder.unet.weights) && same(learned.vae.weights, folder.vae.weights))
      #expect(same(learned.texts[0].part.weights, folder.texts[0].part.weights))
      for words in ["a red circle", "Yellow, and something else: 9"] {
        #expect(learned.texts[0].tokenizer.tokens(of: words) == folder.texts[0].tokenizer.tokens(of: words))
      }
      #expect(try drawn("folder", "theirs") == own)
      let again = try atelier.run("models", "export", "run", "--as", "diffusers", "--out", "folder")
      #expect(again.status == 73, "\(again.err)")

      // One file of its own, in 16 bits, by its name in the workspace: within two levels of 255.
      let one = try atelier.run("models", "export", "run", "--name", "shapes", "--half")
      #expect(one.status == 0, "\(one.err)")
      let half = try drawn("shapes", "half")
      #expect(zip(half, own).allSatisfy { abs(Int($0) - Int($1)) <= 2 })

      // What other verbs for large models ask.
      let varied = try atelier.run(
        ["vary", "set/0.png", "--with", "run", "--prompt", "a blue square", "--steps", "4", "--out", "varied.png"])
      #expect(varied.status == 0 && atelier.has("varied.png"), "\(varied.err)")
      let taught = try atelier.run([
        "train", "set", "--base", "run", "--run", "lora", "--pictures-seen", "2", "--rank", "2", "--sample-steps", "1",
      ])
      #expect(taught.status == 0 && atelier.has("lora/lora.safetensors"), "\(taught.err)")
      _ = try drawn("run", "taught", ["--lora", "lora/lora.safetensors"])

      let silent = try atelier.run("generate", "run", "--seeds", "0", "--out", "x")
      #expect(silent.status == 64 && silent.err.contains("draws by words: say what by --prompt"), "\(silent.err)")
      let other = try atelier.run("models", "export", "emoji", "--as", "diffusers", "--out", "y")
      #expect(other.status == 64 && other.err.contains("doesn't draw by words"), "\(other.err)")
    }
  }

  @Test func picturesWithoutWordsAreRefused() throws {
    try inFolder { atelier in
      try pictures("\(atelier.folder)/set")
      for i in 0..<8 { try FileManager.default.removeItem(atPath: "\(atelier.folder)/set/\(i).txt") }
      try FileManager.default.moveItem(atPath: "\(atelier.folder)/set", toPath: "\(atelier.folder)/10")
      let refused = try atelier.run(["train", "10", "--run", "run", "--pictures-seen", "8"] + Self.small)
      #expect(refused.status == 64 && refused.err.contains("write NAME.txt beside NAME.png"), "\(refused.err)")
      #expect(!atelier.has("run"))
      let grey = try atelier.run(["train", "10", "--recipe", "words", "--channels", "1", "--run", "run"])
      #expect(grey.status == 64 && grey.err.contains("must be 3"), "\(grey.err)")
    }
  }
}
