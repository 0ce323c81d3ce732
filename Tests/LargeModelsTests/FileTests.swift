import Foundation
import TestSupport
import Testing
import Torch

@testable import LargeModels

/// Folders and single files: the same weights give the same model, and every tensor is accounted for.
@Suite struct FileTests {
  private let small = SmallModels()

  private func expectSame(_ a: LargeModel, _ b: LargeModel, _ kind: String) {
    func same(_ a: [String: Tensor], _ b: [String: Tensor], _ part: String) {
      #expect(Set(a.keys) == Set(b.keys), "\(kind) \(part)")
      for (name, tensor) in a { #expect(tensor.isEqual(to: b[name]!), "\(kind) \(part) \(name)") }
    }
    #expect(a.family == b.family)
    var (one, other) = (a.unet.configuration, b.unet.configuration)
    // A single file doesn't say the side.
    (one.side, other.side) = (nil, nil)
    #expect(one == other, "\(kind)")
    same(a.unet.weights, b.unet.weights, "UNet")
    same(a.vae.weights, b.vae.weights, "autoencoder")
    #expect(
      a.vae.configuration.widths == b.vae.configuration.widths && a.vae.configuration.scale == b.vae.configuration.scale
    )
    #expect(a.texts.count == b.texts.count)
    for (x, y) in zip(a.texts, b.texts) {
      same(x.part.weights, y.part.weights, "text encoder")
      let (c, d) = (x.part.configuration, y.part.configuration)
      #expect(
        c.heads == d.heads && c.layers == d.layers && c.usesQuickGELU == d.usesQuickGELU && c.projection == d.projection
      )
      #expect(x.padding == y.padding && x.skipping == y.skipping && x.normalises == y.normalises)
    }
  }

  /// Safetensors under PyTorch's ending are read.
  @Test func contentDecides() throws {
    let path = try small.file("sd1", "named.ckpt")
    let file = try LargeModel(path, tokenizer: try SmallModels.tokenizer)
    #expect(file.family == .sd1)
  }

  @Test(arguments: ["sd1", "sd2", "xl"]) func folderAndSingleFileAreTheSameModel(_ kind: String) throws {
    let folder = try LargeModel(small.folder(kind))
    let file = try LargeModel(small.file(kind, "\(kind).safetensors"), tokenizer: try SmallModels.tokenizer)
    expectSame(folder, file, kind)
    #expect(folder.family == ["sd1": .sd1, "sd2": .sd2, "xl": .sdxl][kind])
    #expect(folder.schedule.prediction == file.schedule.prediction)
    #expect(folder.notes.isEmpty, "\(folder.notes)")
    // And the same picture, to the bit.
    var request = DrawingRequest(prompt: "a cat")
    (request.steps, request.size, request.sampler) = (2, (64, 64), .euler)
    let pictures = try [folder, file].map { try DrawingPipeline($0, precision: .float32).draw(request, seed: 1) }
    #expect(pictures[0].allFinite)
    #expect(pictures[0].isEqual(to: pictures[1]), "\(abs(pictures[0] - pictures[1]).max().item())")
  }

  /// SD 2.x: the last layer is skipped, and what the network predicts isn't in the file: it is assumed, said, and can be overridden.
  @Test func whatATwoXFileDoesNotSayIsAssumedAndSaid() throws {
    let path = try small.file("sd2", "two.safetensors")
    let assumed = try LargeModel(path, tokenizer: try SmallModels.tokenizer)
    #expect(assumed.schedule.prediction == .velocity)
    #expect(assumed.notes.contains { $0.sentence.contains("v is assumed") })
    #expect(assumed.notes.contains { $0.sentence.contains("resblocks.3") })
    let said = try LargeModel(path, prediction: .noise, tokenizer: try SmallModels.tokenizer)
    #expect(
      said.schedule.prediction == .noise && !said.notes.contains { if case .assumed = $0 { true } else { false } })
    let base = try small.file("sd2", "base.safetensors") { $0["global_step"] = Tensor([875_000]) }
    #expect(try LargeModel(base, tokenizer: try SmallModels.tokenizer).schedule.prediction == .noise)
  }

  @Test func anSDXLFileWithATensorVPredPredictsV() throws {
    let path = try small.file("xl", "v.safetensors") {
      ($0["v_pred"], $0["ztsnr"]) = (Tensor([Float]()), Tensor([Float]()))
    }
    let model = try LargeModel(path, tokenizer: try SmallModels.tokenizer)
    #expect(model.schedule.prediction == .velocity && model.schedule.hasZeroTerminal && model.notes.isEmpty)
  }

  @Test func shardsAndVariantsAreFound() throws {
    let whole = try LargeModel(small.folder("sd1"))
    let half = try small.folder("sd1", dtype: .float16, variant: ".fp16")
    #expect(try LargeModel(half).unet.precision == .float16)
    // The UNet in three shards.
    let path = try small.folder("sd1", variant: ".sharded")
    let weights = SmallModels.weights("sd1/unet")
    try FileManager.default.removeItem(atPath: "\(path)/unet/diffusion_pytorch_model.sharded.safetensors")
    var map: [String: String] = [:]
    for (i, name) in weights.keys.sorted().enumerated() {
      map[name] = "diffusion_pytorch_model-0000\(i % 3 + 1)-of-00003.safetensors"
    }
    for shard in Set(map.values) {
      try Safetensors.write(weights.filter { map[$0.key] == shard }, to: "\(path)/unet/\(shard)")
    }
    try small.json(["weight_map": map], "\(path)/unet/diffusion_pytorch_model.safetensors.index.json")
    expectSame(whole, try LargeModel(path), "shards")
    try FileManager.default.removeItem(atPath: "\(path)/unet/diffusion_pytorch_model-00002-of-00003.safetensors")
    #expect(throws: LargeModelError.self) { try LargeModel(path) }
  }

  @Test func earlyAutoencodersNamesAreRead() throws {
    let path = try small.folder("sd1", variant: ".old")
    var weights = SmallModels.weights("sd1/vae")
    for (new, old) in ["to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"] {
      for (name, tensor) in weights where name.contains(".attentions.0.\(new).") {
        weights[name] = nil
        weights[name.replacing(".\(new).", with: ".\(old).")] = tensor
      }
    }
    try Safetensors.write(weights, to: "\(path)/vae/diffusion_pytorch_model.old.safetensors")
    expectSame(try LargeModel(small.folder("sd1")), try LargeModel(path), "old names")
  }

  @Test func schedulesAreReadAsTheirClassesReadThem() throws {
    let path = small.folder.path("scheduler_config.json")
    func schedule(_ values: [String: Any]) throws -> NoiseSchedule {
      try small.json(values, path)
      return try NoiseSchedule(JSONFile(path))
    }
    // SD 1.5's file, which says no spacing.
    let pndm = try schedule([
      "_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear", "steps_offset": 1, "set_alpha_to_one": false,
    ])
    #expect(pndm.spacing == .leading && pndm.sampler == nil && pndm.offset == 1 && !pndm.endsWithoutNoise)
    #expect(try schedule(["_class_name": "EulerDiscreteScheduler"]).spacing == .linspace)
    let turbo = try schedule(["_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"])
    #expect(turbo.sampler == .eulerAncestral && turbo.spacing == .trailing)
    let karras = try schedule(["_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true])
    #expect(karras.sampler == .solver && karras.spacing == .karras)
    let stochastic = try schedule(["_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++"])
    #expect(stochastic.sampler == .solverSDE)
    let lcm = try schedule(["_class_name": "LCMScheduler", "original_inference_steps": 40, "timestep_scaling": 8.0])
    #expect(lcm.sampler == .lcm && lcm.distilledSteps == 40 && lcm.timestepScale == 8)
    #expect(throws: LargeModelError.self) { try schedule(["timestep_spacing": "odd"]) }
    #expect(throws: LargeModelError.self) { try schedule(["beta_schedule": "sigmoid"]) }
  }

  /// transformers 5 writes a tokenizer into one file.
  @Test func aTokenizerInOneFileIsTheSame() throws {
    let source = Checkout.path("Tests/Goldens/large/tokenizer"), folder = small.folder.path("tokenizer")
    let vocabulary = try JSONFile("\(source)/vocab.json").values
    let merges = try String(contentsOfFile: "\(source)/merges.txt", encoding: .utf8).split(separator: "\n").dropFirst()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let (two, text) = (try Tokenizer.folder(source).tokenizer, "A cat, it's 42 cats 猫")
    for list in [merges.map { $0.split(separator: " ").map(String.init) } as Any, merges.map(String.init) as Any] {
      try small.json(["model": ["type": "BPE", "vocab": vocabulary, "merges": list]], "\(folder)/tokenizer.json")
      let one = try Tokenizer.folder(folder).tokenizer
      #expect(one.tokens(of: text) == two.tokens(of: text) && one.end == 999 && one.count == 1000)
    }
    try small.json([:], "\(folder)/tokenizer.json")
    #expect(throws: LargeModelError.self) { try Tokenizer.folder(folder) }
  }

  @Test func aMissingTensorIsNamedAndAnUnusedOneIsTold() throws {
    let tokenizer = try SmallModels.tokenizer
    let lost = "model.diffusion_model.output_blocks.5.0.out_layers.3.weight"
    let path = try small.file("sd1", "lost.safetensors") { $0[lost] = nil }
    #expect(throws: LargeModelError.missingTensor(path: path, part: "UNet", name: "up_blocks.1.resnets.2.conv2.weight"))
    {
      try LargeModel(path, tokenizer: tokenizer)
    }
    let more = try small.file("sd1", "more.safetensors") {
      $0["model_ema.decay"] = Tensor([Float(1)])
      $0["model.diffusion_model.extra.weight"] = Tensor([Float(1)])
      $0["cond_stage_model.transformer.text_model.embeddings.position_ids"] = Tensor.arange(77)
    }
    let notes = try LargeModel(more, tokenizer: tokenizer).notes.map(\.sentence)
    #expect(
      notes == [
        "One tensor of the UNet isn't used: extra.weight.", "One tensor of the file isn't used: model_ema.decay.",
      ])
  }

  @Test func controlNetsAreReadFromTheirOwnFiles() throws {
    let own = small.folder.path("control.safetensors"), diffusers = small.folder.path("diffusers.safetensors")
    try Safetensors.write(SmallModels.single("controlnet"), to: own)
    try Safetensors.write(SmallModels.weights("sd1/controlnet"), to: diffusers)
    let (a, b) = (try ControlModel(own), try ControlModel(diffusers))
    #expect(a.notes.isEmpty && b.notes.isEmpty && a.part.configuration == b.part.configuration)
    for (name, tensor) in a.part.weights { #expect(tensor.isEqual(to: b.part.weights[name]!), "\(name)") }
    let model = try LargeModel(small.folder("xl"))
    #expect(throws: LargeModelError.otherBase(path: own, lora: "SD 1.x", model: "SDXL")) {
      try DrawingPipeline(model, controls: [a])
    }
  }

  /// What torch.utils.flop_counter counts for diffusers' networks of these layouts at 64 × 128 px.
  @Test(arguments: [("sd1", 205_620_736.0), ("sd2", 485_354_496), ("xl", 704_405_504)])
  func operationsArePyTorchs(_ kind: String, _ count: Double) throws {
    #expect(try LargeModel(small.folder(kind)).operations(height: 64, width: 128) == count)
  }
}
