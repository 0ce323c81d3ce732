import Foundation
import TestSupport
import Testing
import Torch

@testable import LargeModels

/// LoRAs and their kin beside diffusers' and peft's (Tests/Goldens/large/drawings.py).
@Suite(.serialized) struct AdapterTests {
  private let golden: LargeGolden
  private let small = SmallModels()
  private let shapes: [String: [String: [Int]]]

  init() throws {
    golden = try LargeGolden("drawings")
    shapes = try JSONDecoder().decode([String: [String: [Int]]].self, from: Data(golden.metadata["adapters"]!.utf8))
  }

  /// The file that the golden's script drew.
  private func file(
    _ name: String, scale: Double = 0.5, metadata: [String: String] = [:],
    _ change: (inout [String: Tensor]) -> Void = { _ in }
  ) throws -> String {
    var tensors: [String: Tensor] = [:]
    for (key, shape) in shapes[name]! {
      tensors[key] = key.hasSuffix("alpha") ? Tensor.full([], 2) : drawn("\(name)/\(key)", shape) * scale
    }
    change(&tensors)
    let path = small.folder.path("\(UUID().uuidString).safetensors")
    try Safetensors.write(tensors, metadata: metadata, to: path)
    return path
  }

  private func pipeline(_ kind: String, _ adapters: (Adapter, Double)...) throws -> DrawingPipeline {
    try DrawingPipeline(
      LargeModel(small.folder(kind)), precision: .float32, adapters: adapters.map { (adapter: $0.0, weight: $0.1) })
  }

  private func latents(_ pipeline: DrawingPipeline) throws -> Tensor {
    var request = DrawingRequest(prompt: "a cat (with) a hat")
    (request.negative, request.isWeighted, request.steps, request.guidance) = ("blurry, dull", false, 4, 5)
    (request.sampler, request.spacing, request.size) = (.euler, .leading, (64, 64))
    return try withoutGradients { try pipeline.latents(request, seed: 7) }
  }

  @Test(arguments: [("sd1", "kohya", 0.8), ("xl", "kohya-xl", 1.0)])
  func kohyasFilesDrawAsInDiffusers(_ kind: String, _ name: String, _ weight: Double) throws {
    let adapter = try Adapter(file(name))
    expectClose(try latents(pipeline(kind, (adapter, weight))), golden["\(kind)/kohya"], name, tolerance: 1e-3)
  }

  /// An alpha without dimensions counts: without it the change would be twice as large here.
  @Test func alphaWithoutDimensionsCounts() throws {
    let with = try latents(pipeline("sd1", (Adapter(file("kohya")), 1)))
    let without = try Adapter(file("kohya") { tensors in tensors = tensors.filter { !$0.key.hasSuffix("alpha") } })
    // alpha / rank is 2 / 4.
    expectClose(try latents(pipeline("sd1", (without, 0.5))), with, "alpha", tolerance: 1e-5)
  }

  @Test func severalWithWeightsAddUp() throws {
    let adapter = try Adapter(file("kohya"))
    let twice = try latents(pipeline("sd1", (adapter, 0.3), (adapter, 0.5)))
    expectClose(twice, golden["sd1/kohya"], "0.3 + 0.5", tolerance: 1e-3)
    let none = try latents(pipeline("sd1", (adapter, 0)))
    #expect(none.isEqual(to: try latents(pipeline("sd1"))))
  }

  /// peft's own layers on the same UNet: alpha 8 with rank 4, or 2 for LoKr.
  @Test(arguments: [("peft", 0.5), ("loha", 1.0), ("lokr", 1.0)])
  func peftsKindsAreRead(_ name: String, _ scale: Double) throws {
    let path = try file(name, scale: scale)
    let beside = small.folder.path("adapter_config.json")
    try small.json(["lora_alpha": 8, "alpha": 8], beside)
    defer { try? FileManager.default.removeItem(atPath: beside) }
    let pipeline = try pipeline("sd1", (Adapter(path), 1))
    let x = drawn("input/sd1/unet", [2, 4, 12, 20]) * 10
    let told = Conditions(text: drawn("input/text", [2, 77, 128]) * 10)
    let found = withoutGradients { pipeline.denoiser.module(x.channelsLast(), timestep: 123.25, told) }
    expectClose(found, golden["sd1/\(name)"], name, tolerance: 1e-4)
  }

  /// diffusers writes PEFT's names with its own prefix, and alpha into the metadata.
  @Test func diffusersFilesOfPEFTsNamesAreRead() throws {
    let facts = #"{"unet.r": 4, "unet.lora_alpha": 8}"#
    let path = try file("peft", metadata: ["lora_adapter_metadata": facts]) { tensors in
      tensors = Dictionary(
        uniqueKeysWithValues: tensors.map { ($0.key.replacing("base_model.model.", with: "unet."), $0.value) })
    }
    let pipeline = try pipeline("sd1", (Adapter(path), 1))
    let x = drawn("input/sd1/unet", [2, 4, 12, 20]) * 10
    let told = Conditions(text: drawn("input/text", [2, 77, 128]) * 10)
    let found = withoutGradients { pipeline.denoiser.module(x.channelsLast(), timestep: 123.25, told) }
    expectClose(found, golden["sd1/peft"], "peft", tolerance: 1e-4)
  }

  @Test func keysWithoutAPlaceAreNamed() throws {
    let path = try file("kohya") {
      $0["lora_unet_elsewhere.lora_up.weight"] = Tensor.ones([4, 4]);
      $0["lora_unet_elsewhere.lora_down.weight"] = Tensor.ones([4, 4])
    }
    #expect(throws: LargeModelError.unmatched(path: path, keys: ["lora_unet_elsewhere"], of: 1)) {
      try pipeline("sd1", (Adapter(path), 1))
    }
    let odd = try file("kohya") { $0["lora_unet_mid_block.something"] = Tensor.ones([1]) }
    #expect(throws: LargeModelError.unmatched(path: odd, keys: ["lora_unet_mid_block.something"], of: 1)) {
      try pipeline("sd1", (Adapter(odd), 1))
    }
  }

  @Test func oneForAnotherFamilyIsToldSo() throws {
    let said = try file("kohya", metadata: ["ss_base_model_version": "sdxl_base_v1-0"])
    #expect(throws: LargeModelError.otherBase(path: said, lora: "SDXL", model: "SD 1.x")) {
      try pipeline("sd1", (Adapter(said), 1))
    }
    // By the width of the text that it reads.
    let layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    let wide = try file("kohya") {
      ($0["\(layer).lora_down.weight"], $0["\(layer).lora_up.weight"]) = (
        Tensor.ones([4, 1024]), Tensor.ones([64, 4])
      )
    }
    #expect(throws: LargeModelError.otherBase(path: wide, lora: "SD 2.x", model: "SD 1.x")) {
      try pipeline("sd1", (Adapter(wide), 1))
    }
    // Its layers exist here, too, with other sizes.
    let path = try file("kohya")
    #expect(throws: LargeModelError.self) { try pipeline("sd2", (Adapter(path), 1)) }
  }

  @Test func halfALayerIsRefused() throws {
    let path = try file("kohya") { tensors in
      let key = tensors.keys.filter { $0.hasSuffix("lora_up.weight") }.sorted()[0]
      tensors[key] = nil
    }
    let error = #expect(throws: LargeModelError.self) { try Adapter(path) }
    #expect(error?.sentence.contains("part 'up' is missing") == true)
  }
}
