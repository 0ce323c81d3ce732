import Foundation
import Networks
import Torch

extension LargeModel {
  /// A single file with the names of CompVis's, Stability's or OpenAI's programs.
  static func single(_ path: String, _ tokenizer: Tokenizer) throws -> LargeModel {
    let source = try WeightSource(file: path)
    var rest = source.tensors
    try refuse(source)
    /// Takes the tensors of a prefix out of what is left.
    func take(_ prefix: String) -> [String: Tensor] {
      let found = rest.under(prefix)
      for name in found.keys { rest[prefix + name] = nil }
      return found
    }
    var notes: [LargeModelNote] = []
    func named(_ tensors: [String: Tensor], _ rules: KeyRules, _ part: String) -> [String: Tensor] {
      let found = rules.apply(to: tensors)
      if !found.unknown.isEmpty { notes.append(.unused(part: part, names: found.unknown)) }
      return found.named
    }

    let original = take("model.diffusion_model.")
    let structure = try downStructure(original, path)
    let unet = named(original, .unet(levels: structure.levels, blocks: structure.blocks), "UNet")
    let coder = take("first_stage_model.")
    guard !coder.isEmpty else { throw LargeModelError.missingPart(path: path, part: "autoencoder") }
    let vae = named(
      coder, .autoencoder(levels: coder.count(of: "encoder.down."), blocks: coder.count(of: "encoder.down.0.block.")),
      "autoencoder")

    let family: Family
    var texts: [Text] = []
    func clip(_ prefix: String, skipping: Int) throws {
      let weights = transformersNames(take(prefix))
      let configuration = try read(path, "text encoder") { () throws(StateError) in
        try TextConfiguration(inferredFrom: weights, usesQuickGELU: true)
      }
      texts.append(
        Text(
          part: Part(configuration: configuration, weights: weights), tokenizer: tokenizer, padding: tokenizer.end,
          skipping: skipping, normalises: skipping == 0))
    }
    func openCLIP(_ prefix: String, dropsLast: Bool, skipping: Int) throws {
      let (weights, unknown) = openCLIPNames(take(prefix), dropsLast: dropsLast)
      if !unknown.isEmpty { notes.append(.unused(part: "text encoder", names: unknown)) }
      let configuration = try read(path, "text encoder") { () throws(StateError) in
        try TextConfiguration(inferredFrom: weights, usesQuickGELU: false)
      }
      texts.append(
        Text(
          part: Part(configuration: configuration, weights: weights), tokenizer: tokenizer, padding: 0,
          skipping: skipping, normalises: skipping == 0))
    }
    if rest.contains("conditioner.embedders.1.model.") {
      family = .sdxl
      try clip("conditioner.embedders.0.transformer.", skipping: 1)
      try openCLIP("conditioner.embedders.1.model.", dropsLast: false, skipping: 1)
    } else if rest.contains("cond_stage_model.model.") {
      family = .sd2
      try openCLIP("cond_stage_model.model.", dropsLast: true, skipping: 0)
    } else if rest.contains("cond_stage_model.transformer.") {
      family = .sd1
      try clip("cond_stage_model.transformer.", skipping: 0)
    } else {
      throw LargeModelError.missingPart(path: path, part: "text encoder")
    }

    var shape = try read(path, "UNet") { () throws(StateError) in try UNetConfiguration(inferredFrom: unet) }
    if let pooled = texts.last?.part.configuration.projection, let inputs = shape.addition?.inputs {
      // What isn't the pooled text is six numbers' waves.
      shape.addition?.waves = max(0, (inputs - pooled) / 6)
    }
    shape.upcastsAttention = family == .sd2
    var coding = try read(path, "autoencoder") { () throws(StateError) in
      try AutoencoderConfiguration(inferredFrom: vae)
    }
    coding.scale = family == .sdxl ? 0.13025 : 0.18215

    var schedule = NoiseSchedule()
    schedule.prediction = prediction(family, source, &notes)
    if rest.removeValue(forKey: "ztsnr") != nil { schedule.hasZeroTerminal = true }
    rest["v_pred"] = nil
    let others = rest.keys.sorted()
    if !others.isEmpty { notes.append(.unused(part: "file", names: others)) }
    return LargeModel(
      path: path, family: family, unet: Part(configuration: shape, weights: unet),
      vae: Part(configuration: coding, weights: vae), texts: texts, schedule: schedule, notes: notes)
  }

  /// How many sizes a UNet with the original names has, and how many blocks each.
  static func downStructure(_ tensors: [String: Tensor], _ path: String) throws(LargeModelError) -> (
    levels: Int, blocks: Int
  ) {
    let halvings = (1..<256).filter { tensors["input_blocks.\($0).0.op.weight"] != nil }
    let inputs = tensors.count(of: "input_blocks.")
    guard let first = halvings.first, first > 1, inputs > first else {
      throw .missingTensor(path: path, part: "UNet", name: "input_blocks.3.0.op.weight")
    }
    return (halvings.count + 1, first - 1)
  }

  /// What the network answers: said by a tensor or by the metadata, else assumed.
  private static func prediction(
    _ family: Family, _ source: WeightSource, _ notes: inout [LargeModelNote]
  ) -> Prediction {
    if source.tensors["v_pred"] != nil { return .velocity }
    switch source.metadata["modelspec.prediction_type"]?.lowercased() {
    case "v", "v_prediction": return .velocity
    case "epsilon", "eps": return .noise
    default: break
    }
    guard family == .sd2 else { return .noise }
    // SD 2.0's base models were trained for 875,000 steps at 512 px and predict noise; few files say it.
    if let step = source.tensors["global_step"], step.count == 1, step.item() == 875_000 { return .noise }
    notes.append(
      .assumed(
        "The file doesn't say what its network predicts: v is assumed, as in SD 2.1; if pictures are brown or grey noise, say noise."
      ))
    return .velocity
  }

  /// - Throws: `LargeModelError` for files that are something else.
  private static func refuse(_ source: WeightSource) throws(LargeModelError) {
    let (tensors, path) = (source.tensors, source.path)
    if tensors.contains("model.diffusion_model.input_blocks.") {
      if tensors.contains("conditioner.embedders.0.model.") { throw .otherFamily(path: path, family: "SDXL refiner") }
      return
    }
    if Adapter.isOne(tensors) {
      throw .otherKind(
        path: path, kind: "a LoRA", use: "give it beside a model, by --lora \((path as NSString).lastPathComponent)")
    }
    let families = [
      ("double_blocks.", "FLUX"), ("joint_blocks.", "Stable Diffusion 3"),
      ("model.diffusion_model.joint_blocks", "Stable Diffusion 3"),
      ("single_transformer_blocks.", "FLUX"), ("caption_projection.", "PixArt"), ("prior.", "Stable Cascade"),
    ]
    for (name, family) in families where tensors.contains(name) { throw .otherFamily(path: path, family: family) }
    if tensors.contains("control_model.") || tensors.contains("controlnet_cond_embedding.") {
      throw .otherKind(path: path, kind: "a ControlNet", use: "give it beside a model, by --control")
    }
    if tensors["emb_params"] != nil || tensors["string_to_param.*"] != nil {
      throw .otherKind(path: path, kind: "a textual inversion", use: "it isn't read here, use a LoRA")
    }
    if tensors.contains("down_blocks.0.resnets.0.") || tensors.contains("decoder.conv_in.") {
      throw .otherKind(path: path, kind: "a part of a model", use: "give the whole folder or file that it belongs to")
    }
    throw .notAModel(path: path, found: "\(tensors.count) tensors, such as '\(tensors.keys.min() ?? "none")'")
  }

  /// Runs an inference, with its error told as one of the file.
  static func read<C>(_ path: String, _ part: String, _ body: () throws(StateError) -> C) throws(LargeModelError) -> C {
    do { return try body() } catch {
      switch error {
      case .missing(let name), .unexpected(let name): throw .missingTensor(path: path, part: part, name: name)
      case .shape(let name, let expected, let found):
        throw .wrongShape(path: path, name: name, found: found, needed: expected)
      }
    }
  }

  /// Old and new files leave `text_model.` out.
  static func transformersNames(_ tensors: [String: Tensor]) -> [String: Tensor] {
    var named: [String: Tensor] = [:]
    for (name, tensor) in tensors where !name.hasSuffix("position_ids") {
      let isBare = ["embeddings.", "encoder.", "final_layer_norm."].contains(where: name.hasPrefix)
      named[isBare ? "text_model.\(name)" : name] = tensor
    }
    return named
  }

  /// - Parameter dropsLast: the last layer is left out, as SD 2.x does, which reads what it begins with.
  static func openCLIPNames(_ tensors: [String: Tensor], dropsLast: Bool) -> (
    named: [String: Tensor], unknown: [String]
  ) {
    var mended: [String: Tensor] = [:]
    for (name, tensor) in tensors {
      // Query, key and value lie one below the other.
      if name.hasSuffix(".attn.in_proj_weight") || name.hasSuffix(".attn.in_proj_bias"), tensor.size(0) % 3 == 0 {
        let place = name.prefix(upTo: name.range(of: "in_proj_")!.lowerBound)
        let kind = name.hasSuffix("weight") ? "weight" : "bias"
        for (letter, third) in zip("qkv", tensor.chunks(3, dim: 0)) { mended["\(place)\(letter)_proj.\(kind)"] = third }
      } else if name == "text_projection" {
        // As a matrix that is multiplied from the right; SD 2.x doesn't use it.
        mended[dropsLast ? name : "text_projection.weight"] = tensor.T
      } else {
        mended[name] = tensor
      }
    }
    let layers = mended.count(of: "transformer.resblocks.") - (dropsLast ? 1 : 0)
    let found = KeyRules.openCLIP(layers: layers).apply(to: mended)
    return (found.named, found.unknown)
  }
}
