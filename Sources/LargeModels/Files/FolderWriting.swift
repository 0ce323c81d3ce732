import Foundation
import Torch

extension LargeModel {
  /// Writes the model as a folder of diffusers' `StableDiffusionPipeline`: weights, configurations, vocabulary and schedule. The folder
  /// appears whole.
  ///
  /// - Parameters:
  ///   - folder: isn't there yet, or is empty.
  ///   - isHalf: whether weights are stored in 16 bits.
  /// - Returns: bytes of the weights.
  /// - Throws: `LargeModelError.unsupported` where it isn't one of the recipe words; `SafetensorsError`, or why Foundation couldn't write.
  @discardableResult
  public func writeFolder(_ folder: String, isHalf: Bool = false) throws -> Int {
    guard texts.count == 1, let ranks = try Self.ownRanks(path) else {
      throw LargeModelError.unsupported(path: path, what: "its own program to be written as a folder")
    }
    let files = FileManager.default
    let temporary = "\(folder).\(getpid()).partial"
    try? files.removeItem(atPath: temporary)
    defer { try? files.removeItem(atPath: temporary) }
    func write(_ values: [String: Any], _ name: String) throws {
      let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try JSONSerialization.data(withJSONObject: values, options: options).write(
        to: URL(fileURLWithPath: "\(temporary)/\(name)"))
    }
    var bytes = 0
    func write(_ weights: [String: Tensor], _ name: String) throws {
      let stored = weights.mapValues { isHalf ? $0.to(.float16).contiguous() : $0.contiguous() }
      bytes += stored.values.reduce(0) { $0 + $1.count * $1.dtype.byteCount }
      try Safetensors.write(stored, metadata: ["format": "pt"], to: "\(temporary)/\(name)")
    }
    for part in ["unet", "vae", "text_encoder", "tokenizer", "scheduler"] {
      try files.createDirectory(atPath: "\(temporary)/\(part)", withIntermediateDirectories: true)
    }
    try write(unet.configuration.json, "unet/config.json")
    try write(unet.weights, "unet/diffusion_pytorch_model.safetensors")
    try write(vae.configuration.json(side: trainedSide), "vae/config.json")
    try write(vae.weights, "vae/diffusion_pytorch_model.safetensors")
    let text = texts[0]
    try write(
      text.part.configuration.json(start: text.tokenizer.start, padding: text.padding), "text_encoder/config.json")
    try write(text.part.weights, "text_encoder/model.safetensors")
    let lines = try Tokenizer.lines(ranks)
    try write(Tokenizer.numbers(merges: lines), "tokenizer/vocab.json")
    try ("#version: 0.2\n" + lines.joined(separator: "\n") + "\n").write(
      toFile: "\(temporary)/tokenizer/merges.txt", atomically: false, encoding: .utf8)
    let special = ["bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"]
    try write(special.merging(["unk_token": "<|endoftext|>"]) { $1 }, "tokenizer/special_tokens_map.json")
    let other: [String: Any] = [
      "tokenizer_class": "CLIPTokenizer", "model_max_length": text.part.configuration.positions, "do_lower_case": true,
      "add_prefix_space": false, "errors": "replace", "unk_token": "<|endoftext|>",
    ]
    try write(other.merging(special) { $1 }, "tokenizer/tokenizer_config.json")
    try write(schedule.solverJSON, "scheduler/scheduler_config.json")
    try write(Self.index, "model_index.json")
    // Diffusers has no place for it, and passes other files over.
    if let guidance { try write(["guidance": guidance], LargeModel.hints) }
    if files.fileExists(atPath: folder) { try files.removeItem(atPath: folder) }
    try files.moveItem(atPath: temporary, toPath: folder)
    return bytes
  }

  /// The ranks of the merges in a file of the recipe words; nil where it is another file.
  private static func ownRanks(_ path: String) throws -> [Int]? {
    guard let (tensors, metadata) = try? Safetensors.read(path), isOwn(metadata) else { return nil }
    return tensors["vocabulary/merges"]?.to(.int64).ints.filter { $0 >= 0 }
  }

  private static var index: [String: Any] {
    [
      "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "requires_safety_checker": false,
      "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
      "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
      "scheduler": ["diffusers", "DPMSolverMultistepScheduler"], "safety_checker": [NSNull(), NSNull()],
      "feature_extractor": [NSNull(), NSNull()], "image_encoder": [NSNull(), NSNull()],
    ]
  }
}

extension UNetConfiguration {
  /// As diffusers' config.json.
  var json: [String: Any] {
    let kinds = transformers.map { $0 > 0 ? "CrossAttn" : "" }
    return [
      "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.30.0", "sample_size": side ?? 64,
      "in_channels": inputs, "out_channels": outputs, "block_out_channels": widths, "layers_per_block": blocks,
      "down_block_types": kinds.map { "\($0)DownBlock2D" }, "up_block_types": kinds.reversed().map { "\($0)UpBlock2D" },
      "mid_block_type": "UNetMidBlock2DCrossAttn", "transformer_layers_per_block": 1, "cross_attention_dim": context,
      // Misnamed: it is how many heads there are.
      "attention_head_dim": heads, "use_linear_projection": isLinear, "norm_num_groups": groups, "norm_eps": epsilon,
      "act_fn": "silu", "flip_sin_to_cos": cosineFirst, "freq_shift": Int(frequencyShift), "downsample_padding": 1,
      "center_input_sample": false, "mid_block_scale_factor": 1,
    ]
  }
}

extension AutoencoderConfiguration {
  /// As diffusers' config.json.
  ///
  /// - Parameter side: of the pictures.
  func json(side: Int) -> [String: Any] {
    [
      "_class_name": "AutoencoderKL", "_diffusers_version": "0.30.0", "sample_size": side, "in_channels": channels,
      "out_channels": channels, "latent_channels": latents, "block_out_channels": widths, "layers_per_block": blocks,
      "down_block_types": widths.map { _ in "DownEncoderBlock2D" },
      "up_block_types": widths.map { _ in "UpDecoderBlock2D" },
      "norm_num_groups": groups, "act_fn": "silu", "scaling_factor": scale, "force_upcast": forcesUpcast,
    ]
  }
}

extension TextConfiguration {
  /// As transformers' config.json.
  func json(start: Int, padding: Int) -> [String: Any] {
    [
      "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "vocab_size": vocabulary,
      "max_position_embeddings": positions, "hidden_size": width, "intermediate_size": inner,
      "num_hidden_layers": layers, "num_attention_heads": heads, "hidden_act": usesQuickGELU ? "quick_gelu" : "gelu",
      "layer_norm_eps": epsilon, "projection_dim": width, "attention_dropout": 0, "bos_token_id": start,
      "eos_token_id": end, "pad_token_id": padding, "torch_dtype": "float32",
    ]
  }
}

extension NoiseSchedule {
  /// As the scheduler_config.json of DPM-Solver++.
  var solverJSON: [String: Any] {
    [
      "_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.30.0",
      "num_train_timesteps": trainedSteps, "beta_start": betaStart, "beta_end": betaEnd,
      "beta_schedule": betas.rawValue, "prediction_type": prediction == .velocity ? "v_prediction" : "epsilon",
      "timestep_spacing": spacing.rawValue, "steps_offset": offset, "algorithm_type": "dpmsolver++", "solver_order": 2,
      "solver_type": "midpoint", "lower_order_final": true, "final_sigmas_type": "zero", "use_karras_sigmas": false,
      "thresholding": false,
      // What other samplers ask that are put in its place.
      "clip_sample": false, "set_alpha_to_one": endsWithoutNoise,
    ]
  }
}
