import Foundation
import LargeModels
import Media
import TestSupport
import Testing
import Torch

/// Large models as an artist uses them, on small ones with random weights: Tests/Goldens/large/models.py has their layouts.
@Suite(.serialized) struct LargeModelTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private let small = SmallModels()
  private let quick = ["--steps", "3", "--sampler", "euler-a", "--precision", "float32"]

  private func words(_ path: String) throws -> [String: String] {
    Dictionary(try #require(PNG.text(FileBytes.read(path))).map { ($0.key, $0.value) }) { first, _ in first }
  }

  /// A LoRA of a layer of SD 1.x's small UNet.
  private func lora(_ path: String, layer: String = "lora_unet_mid_block_attentions_0_proj_in") throws {
    let tensors = [
      "\(layer).lora_down.weight": SmallModels.drawn("down", [4, 64, 1, 1]),
      "\(layer).lora_up.weight": SmallModels.drawn("up", [64, 4, 1, 1]), "\(layer).alpha": Tensor.full([], 4),
    ]
    try Safetensors.write(tensors, to: path)
  }

  @Test func inspectSaysWhatItIs() throws {
    try inFolder { atelier in
      for (kind, unet, family, sort) in [
        ("sd1", "unet", "SD 1.x", "drawing"), ("sd1", "inpaint", "SD 1.x", "inpainting"),
        ("sd1", "lcm", "SD 1.x", "drawing in few steps (LCM)"), ("sd2", "unet", "SD 2.x", "drawing"),
        ("xl", "unet", "SDXL", "drawing"),
      ] {
        let path = try small.folder(kind, unet: unet)
        let found = try atelier.run("models", "inspect", path, "--json")
        #expect(found.status == 0 && found.err == "", "\(found.err)")
        let facts = try #require(found.lines().last)
        #expect(facts["family"] as? String == family && facts["task"] as? String == sort, "\(facts)")
        #expect(facts["precision"] as? String == "float32" && facts["side"] as? Int == 64)
        let bytes = try #require(facts["bytes"] as? Int)
        #expect(bytes == (facts["parameters"] as? Int ?? 0) * 4)
        #expect((facts["memory"] as? Int ?? 0) > (facts["memoryInTurn"] as? Int ?? .max))
        #expect((facts["secondsAStep"] as? Double ?? 0) > 0)
        let spoken = try atelier.run("models", "inspect", path)
        #expect(spoken.out.contains("\(path): \(family), \(sort)\n"), "\(spoken.out)")
        #expect(spoken.out.contains("arithmetic"), "\(spoken.out)")
      }
      let path = try small.folder("sd1")
      let told = try atelier.run("models", "inspect", path, "--prediction", "v")
      #expect(told.out.contains("v (velocity)"), "\(told.out)")
      try lora("\(atelier.folder)/ink.safetensors")
      let ink = try atelier.run("models", "inspect", "ink.safetensors")
      #expect(ink.status == 0 && ink.out.contains("LoRA") && ink.out.contains("1 layer"), "\(ink.out)\(ink.err)")
    }
  }

  @Test func whatIsMissingIsNamed() throws {
    try inFolder { atelier in
      let none = try atelier.run("models", "inspect", "nowhere")
      #expect(none.status == 66 && none.err.contains("There is no file or folder"), "\(none.err)")
      var weights = SmallModels.weights("sd1/unet")
      weights["conv_in.weight"] = nil
      let path = try small.folder("sd1", scheduler: ["steps_offset": 1])
      try Safetensors.write(weights, to: "\(path)/unet/diffusion_pytorch_model.safetensors")
      for words in [
        ["models", "inspect", path], ["models", "add", path], ["generate", path, "--prompt", "x", "--out", "x"],
      ] {
        let lacks = try atelier.run(words)
        #expect(lacks.status == 65 && lacks.err.contains("'conv_in.weight'"), "\(words): \(lacks.err)")
        #expect(!atelier.has("x"))
      }
      // The file of a LoRA alone isn't drawn with.
      try lora("\(atelier.folder)/ink.safetensors")
      let alone = try atelier.run("generate", "ink.safetensors", "--prompt", "x", "--out", "x")
      #expect(alone.status == 65 && alone.err.contains("is a LoRA"), "\(alone.err)")
    }
  }

  @Test func addedModelsAreListedAndUsed() throws {
    try inFolder { atelier in
      let path = try small.folder("sd2")
      let added = try atelier.run("models", "add", path, "--name", "mine", "--prediction", "epsilon", "--json")
      #expect(added.status == 0, "\(added.err)")
      #expect(try added.lines().last?["name"] as? String == "mine")
      let again = try atelier.run("models", "add", path, "--name", "mine")
      #expect(again.status == 73 && again.err.contains("mine.json"), "\(again.err)")
      #expect(try atelier.run("models", "add", path, "--name", "mine", "--force").status == 0)
      #expect(try atelier.run("models", "add", path, "--name", "../mine").status == 64)
      #expect(try atelier.run("models", "add", "nowhere").status == 66)
      let listed = try #require(
        atelier.run("models", "list", "--json").lines().first { $0["name"] as? String == "mine" })
      #expect(listed["state"] as? String == "added" && listed["architecture"] as? String == "SD 2.x", "\(listed)")
      #expect(listed["path"] as? String == path)
      // Nothing is copied.
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/workspace/models") == ["mine.json"])
      let drawn = try atelier.run(["generate", "mine", "--prompt", "a cat", "--out", "made"] + quick)
      #expect(drawn.status == 0 && atelier.has("made/seed-0000.png"), "\(drawn.err)")
      // The file that was written does as well as the name.
      let byFile = try atelier.run(
        ["generate", "workspace/models/mine.json", "--prompt", "a cat", "--out", "again"] + quick)
      #expect(byFile.status == 0, "\(byFile.err)")
      #expect(
        try Picture.load("\(atelier.folder)/again/seed-0000.png").bytes
          == Picture.load("\(atelier.folder)/made/seed-0000.png").bytes)
      let facts = try atelier.run("models", "inspect", "mine", "--json").lines().last
      #expect(facts?["path"] as? String == path)
      try FileManager.default.removeItem(atPath: "\(atelier.folder)/workspace/models/mine.json")
      #expect(try atelier.run("generate", "mine", "--prompt", "a cat", "--out", "x").status == 66)
    }
  }

  @Test func aSeedIsAPictureAndSaysHowItWasMade() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1")
      try lora("\(atelier.folder)/ink.safetensors")
      let common = ["--prompt", "a (cat:1.2), été", "--negative", "dull", "--guidance", "4", "--size", "64x96"] + quick
      let many = try atelier.run(["generate", model, "--seeds", "0-2", "--grid", "--out", "many", "--json"] + common)
      #expect(many.status == 0, "\(many.err)")
      let events = try many.lines()
      #expect(
        events.compactMap { $0["event"] as? String }.filter { $0 != "progress" } == [
          "picture", "picture", "picture", "sheet", "finished",
        ])
      let last = try #require(events.last { $0["event"] as? String == "progress" })
      #expect(last["task"] as? String == "steps" && last["total"] as? Int == 9 && last["done"] as? Int == 9, "\(last)")
      #expect(try atelier.run(["generate", model, "--seeds", "2", "--out", "one"] + common).status == 0)
      let one = try Picture.load("\(atelier.folder)/one/seed-0002.png")
      #expect(try one == Picture.load("\(atelier.folder)/many/seed-0002.png"))
      #expect(try one != Picture.load("\(atelier.folder)/many/seed-0001.png"))
      #expect(one.width == 64 && one.height == 96)

      // As the library draws.
      var request = DrawingRequest(prompt: "a (cat:1.2), été")
      (request.negative, request.guidance, request.size, request.steps) = ("dull", 4, (96, 64), 3)
      request.sampler = .eulerAncestral
      let drawn = try DrawingPipeline(LargeModel(model), precision: .float32).draw(request, seed: 2)
      #expect(Picture(drawn[0]) == one)

      let words = try words("\(atelier.folder)/one/seed-0002.png")
      #expect(words["Prompt"] == "a (cat:1.2), été" && words["Negative prompt"] == "dull" && words["Seed"] == "2")
      #expect(words["Checkpoint"]?.hasPrefix("sha256:") == true && words["Model"] == "sd1-unet", "\(words)")
      let text = DrawingParameters(text: try #require(words["parameters"]))
      #expect(text.prompt == "a (cat:1.2), été" && text.negative == "dull" && text.steps == 3 && text.seed == 2)
      #expect(text.sampler == .eulerAncestral && text.guidance == 4 && text.width == 64 && text.height == 96)

      // A LoRA changes the picture, by its weight; at 0 it doesn't.
      func with(_ weight: String, _ out: String) throws -> Picture {
        let made = try atelier.run(
          ["generate", model, "--seeds", "2", "--out", out, "--lora", "ink.safetensors:\(weight)"] + common)
        #expect(made.status == 0, "\(made.err)")
        return try Picture.load("\(atelier.folder)/\(out)/seed-0002.png")
      }
      #expect(try with("0", "none") == one)
      #expect(try with("0.8", "inked") != one)
      let inked = try self.words("\(atelier.folder)/inked/seed-0002.png")
      #expect(inked["LoRA"]?.hasPrefix("ink.safetensors:0.8 sha256:") == true, "\(inked)")
      #expect(inked["parameters"]?.contains("<lora:ink:0.8>") == true)

      // Nothing is overwritten unasked.
      let before = try FileBytes.read("\(atelier.folder)/one/seed-0002.png")
      #expect(try atelier.run(["generate", model, "--seeds", "2", "--out", "one"] + common).status == 73)
      #expect(try FileBytes.read("\(atelier.folder)/one/seed-0002.png") == before)
      #expect(try atelier.run(["generate", model, "--seeds", "2", "--out", "one", "--force"] + common).status == 0)
    }
  }

  /// As most artists have them. The vocabulary is CLIP's own there.
  @Test func singleFilesAreDrawnWith() throws {
    try inFolder { atelier in
      let file = try small.file("sd1", "single.safetensors") { tensors in
        let name = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"
        tensors[name] = SmallModels.drawn("tokens", [49408, 128])
      }
      let found = try atelier.run("models", "inspect", file, "--json")
      let facts = try #require(found.lines().last)
      #expect(found.status == 0 && facts["family"] as? String == "SD 1.x", "\(found.err)")
      let made = try atelier.run(
        ["generate", file, "--prompt", "a cat", "--size", "64", "--out", "made", "--json"] + quick)
      #expect(made.status == 0, "\(made.err)")
      let words = try words("\(atelier.folder)/made/seed-0000.png")
      let hash = try Digest.sha256(file: file)
      #expect(words["Model"] == "single" && words["Checkpoint"] == "sha256:\(hash)", "\(words)")
      #expect(DrawingParameters(text: words["parameters"] ?? "").modelHash == String(hash.prefix(10)))
      // Cut short, as by a download that broke off.
      let bytes = try FileBytes.read(file)
      try atelier.write(Data(bytes.prefix(bytes.count / 2)), to: "cut.safetensors")
      for words in [
        ["models", "inspect", "cut.safetensors"], ["generate", "cut.safetensors", "--prompt", "x", "--out", "x"],
      ] {
        let cut = try atelier.run(words)
        #expect(cut.status == 65 && cut.err.contains("cut short") && !atelier.has("x"), "\(words): \(cut.err)")
      }
    }
  }

  @Test func promptsComeFromAFile() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1")
      try atelier.write(Data("# mine\na {cat|dog {in|out}}\n\nhats\n".utf8), to: "prompts.txt")
      let made = try atelier.run(
        ["generate", model, "--prompts", "prompts.txt", "--seeds", "3", "--out", "made"] + quick)
      #expect(made.status == 0, "\(made.err)")
      let prompts = try (1...4).map { try words("\(atelier.folder)/made/prompt-00\($0)-seed-0003.png")["Prompt"] }
      #expect(prompts == ["a cat", "a dog in", "a dog out", "hats"])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/made").count == 4)
      for (text, status) in [("a {cat", 64), ("a } cat", 64), ("# none\n", 65)] {
        try atelier.write(Data(text.utf8), to: "bad.txt")
        let refused = try atelier.run("generate", model, "--prompts", "bad.txt", "--out", "x")
        #expect(refused.status == Int32(status) && refused.err.contains("bad.txt"), "\(refused.err)")
      }
      #expect(try atelier.run("generate", model, "--prompts", "nowhere.txt", "--out", "x").status == 66)
    }
  }

  /// What would be taken and ignored is refused, as is what can't be.
  @Test func optionsThatDontApplyAreRefused() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), scene = "\(Self.fixtures)/scene.jpg"
      let words: [[String]] = [
        ["--prompt", "x"], ["--negative", "x"], ["--sampler", "euler"], ["--schedule", "karras"],
        ["--lora", "x"], ["--clip-skip", "0"], ["--guidance-rescale", "0.5"], ["--prediction", "v"],
        ["--precision", "float32"], ["--memory", "4"],
      ]
      for options in words + [["--prompts", "x"], ["--size", "64"]] {
        let refused = try atelier.run(["generate", "emoji", "--out", "x"] + options)
        #expect(refused.status == 64 && refused.err.contains(options[0]), "\(options): \(refused.err)")
      }
      for options in words + [["--steps", "4"]] {
        for verb in [["vary", scene], ["fill", scene, "--mask", scene]] {
          for with in [[], ["--with", "emoji-diffusion"]] {
            let refused = try atelier.run(verb + ["--out", "x.png"] + with + options)
            #expect(refused.status == 64 && refused.err.contains(options[0]), "\(verb) \(options): \(refused.err)")
          }
        }
      }
      let prompt = ["generate", model, "--out", "x", "--prompt", "x"]
      for options in [
        ["--truncation", "0.5"], ["--interpolate", "0-1"], ["--each-class"], ["--map", "3"], ["--slide", "a=1"],
        ["--sampling", "heun:4"], ["--class", "x"], ["--enlarge", "2"], ["--mix", "0", "--with", "1"],
        ["--ground", "black"], ["--prompts", "x"],
      ] {
        let refused = try atelier.run(prompt + options)
        #expect(refused.status == 64 && refused.err.contains(options[0]), "\(options): \(refused.err)")
      }
      for (options, word) in [
        (["--steps", "0"], "steps"), (["--size", "65x64"], "multiples"), (["--guidance", "-1"], "--guidance"),
        (["--lora", "x:99"], "--lora"), (["--sampler", "ddim", "--schedule", "karras"], "schedule"),
        (["--clip-skip", "9"], "clip skip"), (["--memory", "0"], "--memory"),
      ] {
        let refused = try atelier.run(prompt + options)
        #expect(refused.status == 64 && refused.err.contains(word), "\(options): \(refused.err)")
      }
      let silent = try atelier.run("generate", model, "--out", "x")
      #expect(silent.status == 64 && silent.err.contains("--prompt"), "\(silent.err)")
      #expect(try atelier.run(prompt + ["--lora", "nowhere.safetensors"]).status == 66)
      let inpainting = try atelier.run(
        "generate", small.folder("sd1", unet: "inpaint"), "--prompt", "x", "--out", "x")
      #expect(inpainting.status == 64 && inpainting.err.contains("is for inpainting"), "\(inpainting.err)")
      // A LoRA of another family's layers.
      try lora("\(atelier.folder)/other.safetensors", layer: "lora_unet_no_such_layer")
      let other = try atelier.run(prompt + ["--lora", "other.safetensors"] + quick)
      #expect(other.status == 65 && other.err.contains("lora_unet_no_such_layer"), "\(other.err)")
      #expect(!atelier.has("x") && !atelier.has("x.png"))
    }
  }

  @Test func aStopKeepsWhatIsThere() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1")
      let running = try atelier.start([
        "generate", model, "--prompt", "x", "--seeds", "0-99", "--steps", "300", "--sampler", "euler", "--out", "made",
        "--json",
      ])
      try running.wait { running.output.contains("\"event\":\"progress\"") }
      running.send(SIGINT)
      let outcome = try running.finish()
      #expect(outcome.status == 130, "\(outcome.err)")
      #expect(try outcome.lines().last?["isStopped"] as? Bool == true)
      let pictures = (try? FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/made")) ?? []
      #expect(pictures.count < 100 && pictures.allSatisfy { $0.hasSuffix(".png") }, "\(pictures)")
    }
  }

  @Test func aPictureIsVariedByWords() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), scene = "\(Self.fixtures)/scene.jpg"
      let common = ["vary", scene, "--with", model, "--prompt", "a cat"] + quick
      let all = try atelier.run(common + ["--strength", "0.7", "--seeds", "0-1", "--out", "made", "--json"])
      #expect(all.status == 0, "\(all.err)")
      // Two of three steps a picture.
      #expect(try all.lines().last { $0["event"] as? String == "progress" }?["total"] as? Int == 4)
      let own = try Picture.load(scene), two = try Picture.load("\(atelier.folder)/made/seed-0001.png")
      #expect(two.width % 8 == 0 && two.height % 8 == 0)
      #expect(abs(Double(two.width) / Double(two.height) - Double(own.width) / Double(own.height)) < 0.2)
      let one = try atelier.run(common + ["--strength", "0.7", "--seeds", "1", "--out", "one.png"])
      #expect(one.status == 0, "\(one.err)")
      #expect(try Picture.load("\(atelier.folder)/one.png") == two)
      let words = try words("\(atelier.folder)/one.png")
      #expect(words["Source"] == "scene.jpg" && words["Prompt"] == "a cat")
      #expect(DrawingParameters(text: words["parameters"] ?? "").strength == 0.7)
      // Less strength stays nearer.
      let sized = ["--size", "96", "--steps", "10"]
      func distance(_ strength: String) throws -> Double {
        let made = try atelier.run(
          ["vary", scene, "--with", model, "--prompt", "", "--strength", strength, "--out", "\(strength).png"] + sized)
        #expect(made.status == 0, "\(made.err)")
        let found = try Picture.load("\(atelier.folder)/\(strength).png")
        #expect(max(found.width, found.height) == 96)
        let given = own.resampled(width: found.width, height: found.height)
        return abs(found.unit() - given.unit()).mean().item()
      }
      #expect(try distance("0.1") < distance("1"))
      for (options, word) in [
        (["--strength", "0"], "--strength"), (["--strength", "0.1"], "none is left"), (["--shape", "2:1"], "--shape"),
        (["--diversity", "1"], "--diversity"), (["--size", "9000"], "--size"),
      ] {
        let refused = try atelier.run(common + ["--out", "x.png"] + options)
        #expect(refused.status == 64 && refused.err.contains(word), "\(options): \(refused.err)")
      }
      let silent = try atelier.run("vary", scene, "--with", model, "--out", "x.png")
      #expect(silent.status == 64 && silent.err.contains("--prompt"), "\(silent.err)")
      #expect(!atelier.has("x.png"))
    }
  }

  /// By inpainting models and plain ones; pixels outside of the mask stay exactly, a thin line isn't lost.
  @Test(arguments: ["unet", "inpaint"]) func aMaskIsFilledByWords(_ unet: String) throws {
    try inFolder { atelier in
      let model = try small.folder("sd1", unet: unet)
      let own = try Picture.load("\(Self.fixtures)/veil.png", Decoding(channels: nil))
      let (w, h) = (own.width, own.height)
      func mask(_ name: String, _ hole: (Range<Int>, Range<Int>)) throws {
        let bytes = (0..<w * h).map { hole.0.contains($0 % w) && hole.1.contains($0 / w) ? UInt8(255) : 0 }
        try Picture(width: w, height: h, channels: 1, bytes: bytes).write("\(atelier.folder)/\(name)", text: [])
      }
      for (name, hole) in [("whole.png", (w / 3..<w / 3 * 2, h / 4..<h / 2)), ("line.png", (w / 3..<w / 3 + 1, 0..<h))]
      {
        try mask(name, hole)
        let made = try atelier.run(
          [
            "fill", "\(Self.fixtures)/veil.png", "--mask", name, "--with", model, "--prompt", "a cat", "--seeds", "4",
            "--out", "filled-\(name)",
          ] + quick)
        #expect(made.status == 0, "\(made.err)")
        let filled = try Picture.load("\(atelier.folder)/filled-\(name)", Decoding(channels: nil))
        #expect(filled.width == w && filled.height == h && filled.channels == own.channels)
        let (channels, colours) = (own.channels, own.channels == 4 ? 3 : own.channels)
        let changed = (0..<w * h).filter { place in
          (0..<channels).contains { own.bytes[place * channels + $0] != filled.bytes[place * channels + $0] }
        }
        #expect(!changed.isEmpty && colours > 0)
        #expect(changed.allSatisfy { hole.0.contains($0 % w) && hole.1.contains($0 / w) })
        #expect(try words("\(atelier.folder)/filled-\(name)")["Prompt"] == "a cat")
      }
      try mask("none.png", (0..<0, 0..<0))
      let empty = try atelier.run(
        "fill", "\(Self.fixtures)/veil.png", "--mask", "none.png", "--with", model, "--prompt", "x", "--out", "x.png")
      #expect(empty.status == 65 && !atelier.has("x.png"), "\(empty.err)")
    }
  }
}
