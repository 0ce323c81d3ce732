import Foundation
import Torch

extension LargeModel {
  /// A folder as diffusers writes it.
  static func folder(_ path: String) throws -> LargeModel {
    let there = { (name: String) in FileManager.default.fileExists(atPath: "\(path)/\(name)") }
    guard there("unet/config.json") else {
      if there("transformer/config.json") {
        throw LargeModelError.otherFamily(path: path, family: "diffusion transformer (SD 3, FLUX)")
      }
      if there("adapter_config.json") {
        throw LargeModelError.otherKind(path: path, kind: "a LoRA", use: "give its file by --lora")
      }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
      throw LargeModelError.notAModel(
        path: path, found: names.isEmpty ? "nothing in it" : names.prefix(3).joined(separator: ", "))
    }
    for part in ["vae", "text_encoder"] where !there("\(part)/config.json") {
      throw LargeModelError.missingPart(path: path, part: part == "vae" ? "autoencoder" : "text encoder")
    }
    let unet = Part(
      configuration: try UNetConfiguration(JSONFile("\(path)/unet/config.json")),
      weights: try WeightSource(folder: "\(path)/unet").tensors)
    let coder = try WeightSource(folder: "\(path)/vae").tensors
    let vae = Part(
      configuration: try AutoencoderConfiguration(JSONFile("\(path)/vae/config.json"), coder),
      weights: autoencoderNames(coder))
    let isXL = unet.configuration.addition != nil
    var texts: [Text] = []
    for suffix in isXL ? ["", "_2"] : [""] where there("text_encoder\(suffix)/config.json") {
      let weights = transformersNames(try WeightSource(folder: "\(path)/text_encoder\(suffix)").tensors)
      let configuration = try TextConfiguration(JSONFile("\(path)/text_encoder\(suffix)/config.json"), weights)
      let tokenizer = try Tokenizer.folder("\(path)/tokenizer\(suffix)")
      texts.append(
        Text(
          part: Part(configuration: configuration, weights: weights), tokenizer: tokenizer.tokenizer,
          padding: tokenizer.padding, skipping: isXL ? 1 : 0, normalises: !isXL))
    }
    guard texts.count == (isXL ? 2 : 1) else {
      throw LargeModelError.missingPart(path: path, part: "second text encoder")
    }
    let family: Family = isXL ? .sdxl : unet.configuration.isLinear ? .sd2 : .sd1
    var (schedule, notes) = (NoiseSchedule(), [LargeModelNote]())
    if there("scheduler/scheduler_config.json") {
      schedule = try NoiseSchedule(JSONFile("\(path)/scheduler/scheduler_config.json"))
    } else {
      notes.append(
        .assumed(
          "The folder has no scheduler_config.json: the usual noise schedule and prediction of noise are assumed."))
    }
    var model = LargeModel(
      path: path, family: family, unet: unet, vae: vae, texts: texts, schedule: schedule, notes: notes)
    if there("model_index.json") {
      model.zerosForEmptyPrompt = try JSONFile("\(path)/model_index.json").bool("force_zeros_for_empty_prompt") ?? true
    }
    // A file that can't be read only lacks a hint.
    let hint = there(hints) ? try? JSONFile("\(path)/\(hints)").double("guidance") : nil
    if let hint, (0...100).contains(hint) { model.guidance = hint }
    return model
  }

  /// What a folder that Atelier wrote says beyond diffusers' layout.
  static let hints = "atelier.json"

  /// Early files name the parts of the autoencoder's attention otherwise.
  static func autoencoderNames(_ tensors: [String: Tensor]) -> [String: Tensor] {
    let former = [".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."]
    return Dictionary(
      uniqueKeysWithValues: tensors.map { name, tensor in
        guard name.contains(".attentions."), let part = former.first(where: { name.contains($0.key) }) else {
          return (name, tensor)
        }
        return (name.replacing(part.key, with: part.value), tensor)
      })
  }
}

extension UNetConfiguration {
  /// - Throws: `LargeModelError` where something is missing or isn't supported.
  init(_ json: JSONFile) throws(LargeModelError) {
    func lacking(_ name: String) -> LargeModelError { .damaged(path: json.path, why: "it doesn't say \(name)") }
    guard json.string("_class_name") ?? "UNet2DConditionModel" != "UNet3DConditionModel" else {
      throw .otherFamily(path: json.path, family: "video")
    }
    guard let widths = json["block_out_channels"] as? [Int], !widths.isEmpty,
      widths.allSatisfy({ (1...8192).contains($0) })
    else {
      throw lacking("block_out_channels")
    }
    self.widths = widths
    let levels = widths.count
    inputs = json.int("in_channels") ?? 4
    outputs = json.int("out_channels") ?? 4
    guard let per = json.ints("layers_per_block", count: levels) ?? (json["layers_per_block"] == nil ? [2] : nil),
      Set(per).count == 1, (1...32).contains(per[0])
    else { throw .unsupported(path: json.path, what: "another number of blocks at each size") }
    blocks = per[0]
    let defaults =
      levels == 4 ? ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"] : nil
    guard let types = json.strings("down_block_types") ?? defaults, types.count == levels else {
      throw lacking("down_block_types")
    }
    let up = json.strings("up_block_types") ?? types.reversed().map { $0.replacing("Down", with: "Up") }
    for type in types + up
    where !["CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"].contains(type) {
      throw .unsupported(path: json.path, what: "blocks of type \(type)")
    }
    let isMirrored =
      json["up_block_types"] == nil
      || up.map { $0.hasPrefix("Cross") } == types.reversed().map { $0.hasPrefix("Cross") }
    guard isMirrored else { throw .unsupported(path: json.path, what: "a way up that isn't the way down reversed") }
    guard
      let layers = json.ints("transformer_layers_per_block", count: levels)
        ?? (json["transformer_layers_per_block"] == nil ? [Int](repeating: 1, count: levels) : nil)
    else { throw .unsupported(path: json.path, what: "this form of transformer_layers_per_block") }
    transformers = zip(types, layers).map { $0.hasPrefix("Cross") ? $1 : 0 }
    middleTransformer =
      json.string("mid_block_type") ?? "UNetMidBlock2DCrossAttn" == "UNetMidBlock2DCrossAttn" ? layers[levels - 1] : nil
    // Misnamed: it is how many heads there are.
    guard
      let heads = json.ints("num_attention_heads", count: levels) ?? json.ints("attention_head_dim", count: levels)
        ?? (json["attention_head_dim"] == nil ? [Int](repeating: 8, count: levels) : nil),
      zip(heads, widths).allSatisfy({ $0 > 0 && $1 % $0 == 0 })
    else { throw .damaged(path: json.path, why: "attention_head_dim doesn't divide block_out_channels") }
    self.heads = heads
    guard let context = json.int("cross_attention_dim") else {
      throw .unsupported(path: json.path, what: "texts of several widths")
    }
    self.context = context
    isLinear = json.bool("use_linear_projection") ?? false
    upcastsAttention = json.bool("upcast_attention") ?? false
    groups = json.int("norm_num_groups") ?? 32
    guard groups > 0, widths.allSatisfy({ $0 % groups == 0 }) else {
      throw .damaged(path: json.path, why: "norm_num_groups doesn't divide block_out_channels")
    }
    epsilon = json.double("norm_eps") ?? 1e-5
    cosineFirst = json.bool("flip_sin_to_cos") ?? true
    frequencyShift = json.double("freq_shift") ?? 0
    guidance = json.int("time_cond_proj_dim")
    side = json.int("sample_size")
    switch json.string("addition_embed_type") {
    case nil: addition = nil
    case "text_time":
      guard let waves = json.int("addition_time_embed_dim"),
        let inputs = json.int("projection_class_embeddings_input_dim")
      else { throw lacking("addition_time_embed_dim") }
      addition = Addition(waves: waves, inputs: inputs)
    case let other?: throw .unsupported(path: json.path, what: "an addition_embed_type '\(other)'")
    }
    let plain: [(name: String, usual: [String])] = [
      ("class_embed_type", []), ("num_class_embeds", []), ("encoder_hid_dim", []), ("encoder_hid_dim_type", []),
      ("resnet_time_scale_shift", ["default"]), ("act_fn", ["silu", "swish"]), ("dual_cross_attention", ["0"]),
      ("only_cross_attention", ["0"]), ("conv_in_kernel", ["3"]), ("time_embedding_dim", []),
      ("time_embedding_type", ["positional"]),
    ]
    for (name, usual) in plain {
      guard let value = json[name] else { continue }
      let text = (value as? String) ?? (value as? NSNumber).map { "\($0.intValue)" } ?? "\(value)"
      guard usual.contains(text) else { throw .unsupported(path: json.path, what: "\(name) \(text)") }
    }
  }
}

extension AutoencoderConfiguration {
  init(_ json: JSONFile, _ tensors: [String: Tensor]) throws(LargeModelError) {
    guard json.string("_class_name") ?? "AutoencoderKL" == "AutoencoderKL" else {
      throw .unsupported(path: json.path, what: "an autoencoder of type \(json.string("_class_name")!)")
    }
    guard let widths = json["block_out_channels"] as? [Int], !widths.isEmpty,
      widths.allSatisfy({ (1...8192).contains($0) })
    else {
      throw .damaged(path: json.path, why: "it doesn't say block_out_channels")
    }
    self.widths = widths
    channels = json.int("in_channels") ?? 3
    latents = json.int("latent_channels") ?? 4
    blocks = json.int("layers_per_block") ?? 1
    groups = json.int("norm_num_groups") ?? 32
    guard groups > 0, (1...32).contains(blocks), widths.allSatisfy({ $0 % groups == 0 }) else {
      throw .damaged(path: json.path, why: "norm_num_groups doesn't divide block_out_channels")
    }
    scale = json.double("scaling_factor") ?? 0.18215
    shift = json.double("shift_factor") ?? 0
    forcesUpcast = json.bool("force_upcast") ?? true
    attendsInMiddle = json.bool("mid_block_add_attention") ?? true
    hasQuantConv = json.bool("use_quant_conv") ?? true
    hasPostQuantConv = json.bool("use_post_quant_conv") ?? true
  }
}

extension TextConfiguration {
  init(_ json: JSONFile, _ tensors: [String: Tensor]) throws(LargeModelError) {
    // Some files keep the text encoder's values inside of the whole model's.
    guard let width = json.int("hidden_size"), let heads = json.int("num_attention_heads"),
      let layers = json.int("num_hidden_layers"),
      width > 0, heads > 0, width % heads == 0, (1...128).contains(layers)
    else {
      throw .damaged(path: json.path, why: "it doesn't say hidden_size, num_attention_heads and num_hidden_layers")
    }
    (self.width, self.heads, self.layers) = (width, heads, layers)
    vocabulary = json.int("vocab_size") ?? 49408
    positions = json.int("max_position_embeddings") ?? 77
    inner = json.int("intermediate_size") ?? 4 * width
    epsilon = json.double("layer_norm_eps") ?? 1e-5
    switch json.string("hidden_act") ?? "quick_gelu" {
    case "quick_gelu": usesQuickGELU = true
    case "gelu": usesQuickGELU = false
    case let other: throw .unsupported(path: json.path, what: "an activation '\(other)'")
    }
    if let shape = tensors["text_projection.weight"]?.shape, shape.count == 2 { projection = shape[0] }
    end = json.int("eos_token_id") ?? 2
  }
}

extension Tokenizer {
  /// The tokenizer of a diffusers folder, and the token that fills up short texts. A folder without merges has CLIP's own.
  static func folder(_ path: String) throws(LargeModelError) -> (tokenizer: Tokenizer, padding: Int) {
    let there = { (name: String) in FileManager.default.fileExists(atPath: "\(path)/\(name)") }
    func made(_ lines: [Substring], _ numbers: [String: Int]?) throws(LargeModelError) -> Tokenizer {
      guard let numbers, numbers.values.allSatisfy({ (0..<1_000_000).contains($0) }) else {
        throw .damaged(path: path, why: "its vocabulary isn't one of numbers")
      }
      do { return try Tokenizer(merges: lines, vocabulary: numbers) } catch {
        throw .damaged(path: path, why: error.why)
      }
    }
    var tokenizer = Tokenizer.clip()
    if there("merges.txt"), there("vocab.json") {
      let text = FileManager.default.contents(atPath: "\(path)/merges.txt").map { String(decoding: $0, as: UTF8.self) }
      let lines = (text ?? "").split(separator: "\n").filter { !$0.hasPrefix("#version") }
      tokenizer = try made(lines, try JSONFile("\(path)/vocab.json").values as? [String: Int])
    } else if there("tokenizer.json") {
      // transformers from version 5 on writes nothing else.
      let model = try JSONFile("\(path)/tokenizer.json")["model"] as? [String: Any]
      let pairs =
        (model?["merges"] as? [[String]])?.map { $0.joined(separator: " ") } ?? model?["merges"] as? [String] ?? []
      tokenizer = try made(pairs.map { $0[...] }, model?["vocab"] as? [String: Int])
    }
    var padding = tokenizer.end
    for name in ["special_tokens_map.json", "tokenizer_config.json"] where there(name) {
      let json = try JSONFile("\(path)/\(name)")
      let token = json.string("pad_token") ?? (json["pad_token"] as? [String: Any])?["content"] as? String
      if let token {
        padding = token == "<|endoftext|>" ? tokenizer.end : tokenizer.inner(of: token) ?? tokenizer.end
      }
    }
    return (tokenizer, padding)
  }
}
