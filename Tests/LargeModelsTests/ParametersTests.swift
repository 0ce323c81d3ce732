import TestSupport
import Testing
import Torch

@testable import LargeModels

/// A1111's text, facts of models and previews.
@Suite struct ParametersTests {
  @Test func othersTextIsRead() {
    let text = """
      masterpiece, (cat:1.2), <lora:water colour:0.8> on a hat,
      second line <lora:x:1:0.5>
      Negative prompt: blurry: very,
      dull
      Steps: 25, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 3457812306, Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned, \
      Denoising strength: 0.55, Clip skip: 2, Lora hashes: "x: a1b2, y: c3", Hires upscale: 2, Version: v1.10.1
      """
    let read = DrawingParameters(text: text)
    #expect(read.prompt == "masterpiece, (cat:1.2),  on a hat,\nsecond line")
    #expect(read.adapters == [.init("water colour", 0.8), .init("x", 1)])
    #expect(read.negative == "blurry: very,\ndull")
    #expect(read.steps == 25 && read.sampler == .solver && read.spacing == .karras && read.guidance == 7.5)
    #expect(
      read.seed == 3_457_812_306 && read.width == 512 && read.height == 768 && read.strength == 0.55
        && read.clipSkip == 1)
    #expect(read.modelHash == "6ce0161689" && read.model == "v1-5-pruned")
    #expect(
      read.others == [.init("Lora hashes", "x: a1b2, y: c3"), .init("Hires upscale", "2"), .init("Version", "v1.10.1")])
  }

  @Test func textWithoutSettingsIsAPrompt() {
    #expect(DrawingParameters(text: "a cat: a dog, a bird").prompt == "a cat: a dog, a bird")
    #expect(DrawingParameters(text: "") == DrawingParameters())
    #expect(DrawingParameters(text: "Negative prompt: dog").negative == "dog")
    let odd = DrawingParameters(text: "x\nSteps: many, Sampler: Restart, Size: big, Seed: -1")
    #expect(odd.prompt == "x" && odd.steps == nil && odd.sampler == nil && odd.others.count == 4)
  }

  @Test func whatIsWrittenIsReadAgain() {
    for sampler in Sampler.allCases {
      for spacing in Spacing.allCases {
        var made = DrawingParameters()
        (made.prompt, made.negative, made.steps, made.sampler, made.spacing) = (
          "a \"cat\", 1:2", "b", 20, sampler, spacing
        )
        (made.guidance, made.seed, made.width, made.height, made.model) = (
          7, .max, 512, 768, "of: mine, \"best\"\nline"
        )
        (made.modelHash, made.strength, made.clipSkip) = ("0123456789", 0.25, 1)
        (made.adapters, made.others) = ([.init("a b", 0.8), .init("c", -1)], [.init("Version", "Atelier")])
        #expect(DrawingParameters(text: made.text) == made, "\(made.text)")
      }
    }
  }

  @Test func factsOfAModelAreTold() throws {
    let small = SmallModels()
    let facts = try LargeModel(small.folder("sd1", dtype: .float16, variant: ".fp16")).facts(precision: .bfloat16)
    #expect(facts.family == "SD 1.x" && facts.kind == "drawing" && facts.precision == "float16" && facts.side == 64)
    #expect(
      facts.bytes == 2 * facts.parameters && facts.parameters > 1_000_000 && facts.memory.inTurn < facts.memory.kept)
    #expect(try LargeModel(small.folder("sd1", unet: "inpaint")).facts(precision: .float32).kind == "inpainting")
    #expect(try LargeModel(small.folder("sd1", unet: "lcm")).facts(precision: .float32).kind.contains("LCM"))
  }

  @Test func previewsAreReadFromBothKindsOfFile() throws {
    let small = SmallModels(), weights = SmallModels.weights("taesd")
    let (own, diffusers) = (small.folder.path("taesd_decoder.safetensors"), small.folder.path("taesd.safetensors"))
    try Safetensors.write(weights, to: diffusers)
    let layers = weights.filter { $0.key.hasPrefix("decoder.layers.") }.map { name, tensor in
      let parts = name.split(separator: ".", maxSplits: 3)
      return ("\(Int(parts[2])! + 1).\(parts[3])", tensor)
    }
    try Safetensors.write(Dictionary(uniqueKeysWithValues: layers), to: own)
    let golden = try LargeGolden("networks")["taesd/picture"]
    for path in [own, diffusers] {
      let picture = try PreviewCoder(path).picture(of: drawn("input/latents", [1, 4, 5, 8]) * 6)
      expectClose(picture, clamp(golden, min: -1, max: 1), path, tolerance: 1e-4)
    }
    try Safetensors.write(["1.weight": Tensor.ones([64, 4, 3, 3])], to: own)
    #expect(throws: LargeModelError.self) { try PreviewCoder(own) }
  }
}
