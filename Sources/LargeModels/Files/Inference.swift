import Networks
import Torch

// Configurations from the names and shapes of tensors alone, for files that say nothing else of themselves. A name that is needed and isn't
// there is an error that names it.

extension [String: Tensor] {
  /// How many numbers from 0 on are there in names that begin with `prefix` and go on with a number: "down_blocks.", say.
  func count(of prefix: String) -> Int {
    var highest = -1
    for name in keys where name.hasPrefix(prefix) {
      if let number = Int(name.dropFirst(prefix.count).prefix(while: { $0 != "." })) {
        highest = Swift.max(highest, number)
      }
    }
    // No published model has more; a name with a number beyond is no layer.
    return Swift.min(highest + 1, 256)
  }

  func contains(_ part: String) -> Bool { keys.contains { $0.contains(part) } }

  /// The tensors whose names begin with `prefix`, without it.
  func under(_ prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value)
      })
  }
}

extension UNetConfiguration {
  /// - Parameter tensors: by diffusers' names.
  /// - Throws: `StateError` when a tensor is missing from which a size is read.
  init(inferredFrom tensors: [String: Tensor]) throws(StateError) {
    let input = try tensors.shape(of: "conv_in.weight", rank: 4)
    (inputs, outputs) = (input[1], 4)
    if tensors["conv_out.weight"] != nil { outputs = try tensors.shape(of: "conv_out.weight", rank: 4)[0] }
    let levels = tensors.count(of: "down_blocks.")
    blocks = tensors.count(of: "down_blocks.0.resnets.")
    guard levels > 0, blocks > 0 else { throw .missing("down_blocks.0.resnets.0.conv1.weight") }
    (widths, transformers, context) = ([], [], 768)
    for level in 0..<levels {
      widths.append(try tensors.shape(of: "down_blocks.\(level).resnets.0.conv1.weight", rank: 4)[0])
      transformers.append(tensors.count(of: "down_blocks.\(level).attentions.0.transformer_blocks."))
    }
    let middle = tensors.count(of: "mid_block.attentions.0.transformer_blocks.")
    middleTransformer = middle > 0 ? middle : nil
    // Any of its transformers tells the text's width, and how pixels become tokens.
    let places = ["mid_block.attentions.0"] + (0..<levels).map { "down_blocks.\($0).attentions.0" }
    if let place = places.first(where: { tensors["\($0).proj_in.weight"] != nil }) {
      context = try tensors.shape(of: "\(place).transformer_blocks.0.attn2.to_k.weight", rank: 2)[1]
      isLinear = tensors["\(place).proj_in.weight"]?.rank == 2
    }
    // SD 1.x has 8 heads everywhere; from 2.x on they are 64 wide.
    heads = widths.map { isLinear ? Swift.max(1, $0 / 64) : 8 }
    if tensors["add_embedding.linear_1.weight"] != nil {
      addition = .init(waves: 256, inputs: try tensors.shape(of: "add_embedding.linear_1.weight", rank: 2)[1])
    }
    if tensors["time_embedding.cond_proj.weight"] != nil {
      guidance = try tensors.shape(of: "time_embedding.cond_proj.weight", rank: 2)[1]
    }
  }
}

extension AutoencoderConfiguration {
  init(inferredFrom tensors: [String: Tensor]) throws(StateError) {
    let levels = tensors.count(of: "encoder.down_blocks.")
    blocks = tensors.count(of: "encoder.down_blocks.0.resnets.")
    guard levels > 0, blocks > 0 else { throw .missing("encoder.down_blocks.0.resnets.0.conv1.weight") }
    channels = try tensors.shape(of: "encoder.conv_in.weight", rank: 4)[1]
    latents = try tensors.shape(of: "decoder.conv_in.weight", rank: 4)[1]
    widths = []
    for level in 0..<levels {
      widths.append(try tensors.shape(of: "encoder.down_blocks.\(level).resnets.0.conv1.weight", rank: 4)[0])
    }
    hasQuantConv = tensors["quant_conv.weight"] != nil
    hasPostQuantConv = tensors["post_quant_conv.weight"] != nil
    attendsInMiddle = tensors.contains("mid_block.attentions.0.")
  }
}

extension TextConfiguration {
  /// - Parameters:
  ///   - tensors: by transformers' names.
  ///   - usesQuickGELU: no tensor tells it: OpenAI's encoder has it, OpenCLIP's haven't.
  init(inferredFrom tensors: [String: Tensor], usesQuickGELU: Bool) throws(StateError) {
    let table = try tensors.shape(of: "text_model.embeddings.token_embedding.weight", rank: 2)
    (vocabulary, width) = (table[0], table[1])
    positions = try tensors.shape(of: "text_model.embeddings.position_embedding.weight", rank: 2)[0]
    layers = tensors.count(of: "text_model.encoder.layers.")
    inner = try tensors.shape(of: "text_model.encoder.layers.0.mlp.fc1.weight", rank: 2)[0]
    heads = Swift.max(1, width / 64)
    self.usesQuickGELU = usesQuickGELU
    if tensors["text_projection.weight"] != nil {
      projection = try tensors.shape(of: "text_projection.weight", rank: 2)[0]
    }
  }
}
