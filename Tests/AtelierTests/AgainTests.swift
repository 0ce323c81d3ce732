import Foundation
import LargeModels
import Media
import TestSupport
import Testing
import Torch

@testable import Workshop

/// Pictures of large models that are drawn again from what their files say.
@Suite(.serialized) struct AgainTests {
  private let small = SmallModels()

  /// Twenty settings drawn by chance, LoRAs among them; some of the library's own wire.
  @Test func twentySettingsComeBackToTheBit() throws {
    let folder = TemporaryFolder()
    let workspace = Workspace(folder.path("ws"))
    let base = try small.folder("sd1")
    let layer = "lora_unet_mid_block_attentions_0_proj_in"
    for (i, name) in ["ink", "wash"].enumerated() {
      try Safetensors.write(
        [
          "\(layer).lora_down.weight": SmallModels.drawn("down\(i)", [4, 64, 1, 1]),
          "\(layer).lora_up.weight": SmallModels.drawn("up\(i)", [64, 4, 1, 1]),
        ], to: folder.path("\(name).safetensors"))
    }
    _ = try addModel(base, named: "small", in: workspace) { _ in }
    var chance = Noise(seed: 5)
    func pick<Value>(_ values: [Value]) -> Value { values[chance.integers(below: values.count, count: 1)[0]] }
    for i in 0..<20 {
      var request = LargeGenerateRequest(
        model: "small", prompts: [pick(["a cat", "a (red:1.3) boat, at \"night\"", "水彩 BREAK a house", "x: y, z"])],
        out: folder.path("a\(i)"))
      request.seeds = Seeds([UInt64(pick([0, 7, 4_294_967_296 + 3]))])
      request.size = pick([nil, PictureSize(64, 64), PictureSize(48, 80)])
      var settings = LargeSettings()
      settings.negative = pick(["", "blurry, dull\nand dark"])
      settings.steps = pick([2, 3, 4])
      settings.sampler = pick(LargeModels.Sampler.allCases + [nil])
      settings.spacing = pick([nil, .leading, .trailing])
      settings.guidance = pick([1, 4.5, 7.5])
      settings.guidanceRescale = pick([0, 0.7])
      settings.clipSkip = pick([0, 1])
      settings.precision = .float32
      let words = pick([
        [], ["\(folder.path("ink.safetensors")):0.8"], ["ink", "wash"].map { folder.path("\($0).safetensors") },
      ])
      settings.loras = try words.map { try WeightedLoRA($0) }
      request.settings = settings
      _ = try generate(request, in: workspace, on: .cpu, shouldStop: { false }) { _ in }
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path("a\(i)")).first)
      let path = folder.path("a\(i)/\(name)")
      let again = try requestAgain(
        path, model: "small", loras: words.isEmpty ? [] : words.map { $0.replacing(":0.8", with: "") },
        out: folder.path("b\(i)"), in: workspace
      ) { _ in }
      _ = try generate(again, in: workspace, on: .cpu, shouldStop: { false }) { _ in }
      #expect(try FileBytes.read(path) == FileBytes.read(folder.path("b\(i)/\(name)")), "\(i): \(request)")
    }
  }

  @Test func whatIsMissingIsSaid() throws {
    try inFolder { atelier in
      let (base, other) = (try small.folder("sd1"), try small.folder("sd2"))
      let quick = ["--steps", "2", "--size", "64", "--precision", "float32"]
      let layer = "lora_unet_mid_block_attentions_0_proj_in"
      try Safetensors.write(
        [
          "\(layer).lora_down.weight": SmallModels.drawn("down", [4, 64, 1, 1]),
          "\(layer).lora_up.weight": SmallModels.drawn("up", [64, 4, 1, 1]),
        ], to: "\(atelier.folder)/ink.safetensors")
      let made = try atelier.run(
        ["generate", base, "--prompt", "a cat", "--lora", "ink.safetensors:0.5", "--seeds", "3", "--out", "made"]
          + quick)
      #expect(made.status == 0, "\(made.err)")
      let picture = "made/seed-0003.png"
      let same = try atelier.run("generate", base, "--again", picture, "--out", "same")
      #expect(same.status == 0, "\(same.err)")
      #expect(
        try FileBytes.read("\(atelier.folder)/\(picture)") == FileBytes.read("\(atelier.folder)/same/seed-0003.png"))
      try FileManager.default.moveItem(
        atPath: "\(atelier.folder)/ink.safetensors", toPath: "\(atelier.folder)/moved.safetensors")
      let moved = try atelier.run("generate", base, "--again", picture, "--lora", "moved.safetensors", "--out", "moved")
      #expect(moved.status == 0, "\(moved.err)")
      for (words, status, sentence) in [
        (["generate", base, "--again", picture], 66, "The LoRA ink.safetensors (SHA-256"),
        (["generate", "emoji", "--again", picture], 66, "emoji is no large model"),
        (["generate", other, "--again", picture], 65, "was drawn by other weights"),
        (["generate", base, "--again", picture, "--steps", "3"], 64, "--steps would change nothing with --again"),
        (
          ["generate", base, "--again", Binary.root + "/Tests/Fixtures/parrot.png"], 65,
          "doesn't say how a large model drew it"
        ),
        (["generate", base, "--again", "none.png"], 66, "none.png"),
      ] as [([String], Int32, String)] {
        let refused = try atelier.run(words + ["--out", "x"])
        #expect(
          refused.status == status && refused.err.contains(sentence), "\(words): \(refused.status) \(refused.err)")
        #expect(!atelier.has("x"))
      }
      let drawn = try Picture.load("\(atelier.folder)/\(picture)")
      // As AUTOMATIC1111's web interface writes it.
      let text =
        "a cat\nNegative prompt: blurry\nSteps: 2, Sampler: Euler a, Schedule type: Karras, CFG scale: 5, Seed: 9, Size: 64x64, "
        + "Model: unknown, Version: v1.10.1"
      try drawn.write("\(atelier.folder)/a1111.png", text: [("parameters", text)])
      let foreign = try atelier.run("generate", base, "--again", "a1111.png", "--out", "foreign")
      #expect(
        foreign.status == 0 && (foreign.out + foreign.err).contains("doesn't say by which weights"), "\(foreign.err)")
      let by = try atelier.run(
        "generate", base, "--prompt", "a cat", "--negative", "blurry", "--steps", "2", "--sampler", "euler-a",
        "--schedule",
        "karras", "--guidance", "5", "--seeds", "9", "--size", "64", "--out", "by")
      #expect(by.status == 0, "\(by.err)")
      #expect(
        try Picture.load("\(atelier.folder)/foreign/seed-0009.png").bytes
          == Picture.load("\(atelier.folder)/by/seed-0009.png").bytes)
    }
  }
}
