import Foundation
import TestSupport
import Testing
import Torch

@testable import LargeModels

/// Damaged, truncated and wrong files: one clear sentence and an exit code each.
@Suite struct DamageTests {
  private let small = SmallModels()

  private func expectRefused(
    _ path: String, _ words: String, _ exit: Exit = .data, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    do {
      _ = try LargeModel(path, tokenizer: try SmallModels.tokenizer)
      Issue.record("it was read", sourceLocation: sourceLocation)
    } catch let error as any Explained {
      #expect(error.sentence.contains(words), "\(error.sentence)", sourceLocation: sourceLocation)
      #expect(error.exit == exit && error.sentence.contains(path), "\(error)", sourceLocation: sourceLocation)
      #expect(
        error.sentence.hasSuffix(".") && !error.sentence.dropLast().contains(". "), "\(error.sentence)",
        sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(error)", sourceLocation: sourceLocation)
    }
  }

  private func write(_ name: String, _ tensors: [String: Tensor]) throws -> String {
    let path = small.folder.path(name)
    try Safetensors.write(tensors, to: path)
    return path
  }

  @Test func wrongFilesAreToldApart() throws {
    let one = Tensor.ones([2, 2])
    expectRefused(small.folder.path("nothing"), "There is no file or folder", .missingInput)
    expectRefused(
      try write(
        "lora.safetensors", ["lora_unet_mid_block.lora_up.weight": one, "lora_unet_mid_block.lora_down.weight": one]),
      "is a LoRA")
    expectRefused(try write("flux.safetensors", ["double_blocks.0.img_attn.qkv.weight": one]), "FLUX")
    expectRefused(
      try write("sd3.safetensors", ["model.diffusion_model.joint_blocks.0.x.weight": one]), "Stable Diffusion 3")
    expectRefused(
      try write(
        "refiner.safetensors",
        ["model.diffusion_model.input_blocks.0.0.weight": one, "conditioner.embedders.0.model.ln_final.weight": one]),
      "SDXL refiner")
    expectRefused(try write("control.safetensors", ["control_model.input_hint_block.0.weight": one]), "a ControlNet")
    expectRefused(try write("embedding.safetensors", ["emb_params": one]), "textual inversion")
    expectRefused(try write("vae.safetensors", ["decoder.conv_in.weight": one]), "part of a model")
    expectRefused(try write("other.safetensors", ["features.0.weight": one]), "no Stable Diffusion model")
    expectRefused(try write("empty.safetensors", [:]), "no Stable Diffusion model")
  }

  @Test func damagedFilesAreToldApart() throws {
    let whole = try small.file("sd1", "whole.safetensors")
    let data = try Data(contentsOf: URL(fileURLWithPath: whole))
    func file(_ name: String, _ data: Data) throws -> String {
      let path = small.folder.path(name)
      try data.write(to: URL(fileURLWithPath: path))
      return path
    }
    expectRefused(try file("cut.safetensors", data.prefix(data.count / 2)), "cut short")
    expectRefused(try file("head.safetensors", data.prefix(100)), "cut short")
    expectRefused(try file("text.safetensors", Data("<html>not found</html>".utf8)), "a web page")
    expectRefused(try file("none.safetensors", Data()), "cut short")
    expectRefused(try file("script.ckpt", Data("import os".utf8)), "neither a PyTorch checkpoint")
    // A pickle that would call a function.
    expectRefused(
      try file("evil.ckpt", Data([0x80, 2] + Array("cposix\nsystem\nX\u{2}\u{0}\u{0}\u{0}ls\u{85}R.".utf8))),
      "evil.ckpt")
    let wrong = try small.file("sd1", "wrong.safetensors") {
      $0["model.diffusion_model.out.2.weight"] = Tensor.ones([4, 31, 3, 3])
    }
    expectRefused(wrong, "has the shape")
    expectRefused(
      try small.file("sd1", "half.safetensors") { $0 = $0.filter { !$0.key.hasPrefix("first_stage_model.") } },
      "has no autoencoder")
    expectRefused(
      try small.file("sd1", "mute.safetensors") { $0 = $0.filter { !$0.key.hasPrefix("cond_stage_model.") } },
      "has no text encoder")
    let eight = try small.file("sd1", "eight.safetensors") {
      $0["model.diffusion_model.input_blocks.0.0.weight"] = Tensor.ones([32, 8, 3, 3])
    }
    expectRefused(eight, "instructions")
    // A number of layers beyond reason asks for no memory.
    expectRefused(
      try small.file("sd1", "deep.safetensors") {
        $0["model.diffusion_model.input_blocks.99999999.0.op.weight"] = Tensor.ones([1]);
        $0["model.diffusion_model.input_blocks.3.0.op.weight"] = nil
      }, "lacks the tensor")
  }

  @Test func foldersAreCheckedToo() throws {
    let path = try small.folder("sd1", variant: ".broken")
    func expectBroken(_ file: String, _ text: String?, _ words: String) throws {
      let place = "\(path)/\(file)"
      let before = try Data(contentsOf: URL(fileURLWithPath: place))
      if let text {
        try Data(text.utf8).write(to: URL(fileURLWithPath: place))
      } else {
        try FileManager.default.removeItem(atPath: place)
      }
      defer { try! before.write(to: URL(fileURLWithPath: place)) }
      let error = #expect(throws: LargeModelError.self) { try LargeModel(path) }
      #expect(error?.sentence.contains(words) == true && error?.exit == .data, "\(file): \(error?.sentence ?? "")")
    }
    try expectBroken("unet/config.json", "{", "no JSON object")
    try expectBroken("unet/config.json", "{}", "block_out_channels")
    try expectBroken(
      "unet/config.json",
      #"{"block_out_channels": [32, 64, 64, 64], "cross_attention_dim": 128, "down_block_types": ["A", "B", "C", "D"]}"#,
      "blocks of type A")
    try expectBroken(
      "unet/config.json",
      #"{"block_out_channels": [32, 64, 64, 64], "cross_attention_dim": 128, "class_embed_type": "timestep"}"#,
      "class_embed_type")
    try expectBroken(
      "unet/config.json", #"{"block_out_channels": [1000000000000, 64, 64, 64], "cross_attention_dim": 128}"#,
      "block_out_channels")
    try expectBroken("unet/diffusion_pytorch_model.broken.safetensors", nil, "has no weights")
    try expectBroken(
      "vae/config.json", #"{"_class_name": "AutoencoderDC", "block_out_channels": [32]}"#, "AutoencoderDC")
    try expectBroken("text_encoder/config.json", #"{"hidden_size": 128}"#, "num_attention_heads")
    try expectBroken("tokenizer/vocab.json", #"{"a": "b"}"#, "vocabulary")
    try expectBroken("tokenizer/merges.txt", "a b c\n", "isn't two tokens")
    try expectBroken("scheduler/scheduler_config.json", #"{"prediction_type": "sample"}"#, "prediction_type")
    let transformer = small.folder.path("dit")
    try FileManager.default.createDirectory(atPath: "\(transformer)/transformer", withIntermediateDirectories: true)
    try small.json([:], "\(transformer)/transformer/config.json")
    expectRefused(transformer, "diffusion transformer")
    expectRefused(small.folder.path, "no Stable Diffusion model")
  }
}
