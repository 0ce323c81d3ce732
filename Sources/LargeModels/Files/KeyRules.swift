import Torch

/// How a file's names are made into a network's: the first rule whose beginning a name has puts another in its place.
struct KeyRules {
  struct Rule {
    /// How a name begins in the file.
    let from: String
    /// How it begins in the network.
    let to: String
    /// What follows, in the file and in the network; empty leaves the rest as it is.
    var inner: [(from: String, to: String)] = []
  }
  var rules: [Rule]

  init(_ rules: [Rule]) { self.rules = rules }

  /// The network's name; nil when no rule fits.
  func renamed(_ name: String) -> String? { apply(name, \.from, \.to, { ($0.from, $0.to) }).first }

  /// The names that a file may have for the network's.
  func originals(of name: String) -> [String] { apply(name, \.to, \.from, { ($0.to, $0.from) }) }

  private func apply(
    _ name: String, _ from: KeyPath<Rule, String>, _ to: KeyPath<Rule, String>,
    _ turned: ((from: String, to: String)) -> (String, String)
  ) -> [String] {
    rules.compactMap { rule in
      guard name.hasPrefix(rule[keyPath: from]) else { return nil }
      let rest = name.dropFirst(rule[keyPath: from].count)
      guard !rule.inner.isEmpty else { return rule[keyPath: to] + rest }
      for pair in rule.inner {
        let (begin, end) = turned(pair)
        if rest.hasPrefix(begin) { return rule[keyPath: to] + end + rest.dropFirst(begin.count) }
      }
      return nil
    }
  }

  /// Tensors under the network's names, and the names that no rule fits.
  func apply(to tensors: [String: Tensor]) -> (named: [String: Tensor], unknown: [String]) {
    var (named, unknown) = ([String: Tensor](), [String]())
    for (name, tensor) in tensors {
      if let new = renamed(name), named[new] == nil { named[new] = tensor } else { unknown.append(name) }
    }
    return (named, unknown.sorted())
  }
}

extension KeyRules {
  private static let resnet = [
    (from: "in_layers.0.", to: "norm1."), (from: "in_layers.2.", to: "conv1."),
    (from: "out_layers.0.", to: "norm2."), (from: "out_layers.3.", to: "conv2."),
    (from: "emb_layers.1.", to: "time_emb_proj."), (from: "skip_connection.", to: "conv_shortcut."),
  ]

  private static func wayDown(levels: Int, blocks: Int) -> [Rule] {
    var rules = [
      Rule(from: "time_embed.0.", to: "time_embedding.linear_1."),
      Rule(from: "time_embed.2.", to: "time_embedding.linear_2."),
      Rule(from: "time_embed.cond_proj.", to: "time_embedding.cond_proj."),
      Rule(from: "label_emb.0.0.", to: "add_embedding.linear_1."),
      Rule(from: "label_emb.0.2.", to: "add_embedding.linear_2."),
      Rule(from: "input_blocks.0.0.", to: "conv_in."),
    ]
    for level in 0..<levels {
      for i in 0..<blocks {
        let place = "input_blocks.\(level * (blocks + 1) + i + 1)"
        rules.append(Rule(from: "\(place).0.", to: "down_blocks.\(level).resnets.\(i).", inner: resnet))
        rules.append(Rule(from: "\(place).1.", to: "down_blocks.\(level).attentions.\(i)."))
      }
      rules.append(
        Rule(from: "input_blocks.\((level + 1) * (blocks + 1)).0.op.", to: "down_blocks.\(level).downsamplers.0.conv."))
    }
    return rules + [
      Rule(from: "middle_block.0.", to: "mid_block.resnets.0.", inner: resnet),
      Rule(from: "middle_block.1.", to: "mid_block.attentions.0."),
      Rule(from: "middle_block.2.", to: "mid_block.resnets.1.", inner: resnet),
    ]
  }

  /// The names of CompVis's and Stability's UNets, after `model.diffusion_model.`.
  static func unet(levels: Int, blocks: Int) -> KeyRules {
    var rules = wayDown(levels: levels, blocks: blocks)
    for level in 0..<levels {
      for i in 0...blocks {
        let place = "output_blocks.\(level * (blocks + 1) + i)"
        rules.append(Rule(from: "\(place).0.", to: "up_blocks.\(level).resnets.\(i).", inner: resnet))
        // Where a block has no attention, what enlarges takes its number.
        if i == blocks {
          for number in 1...2 {
            rules.append(Rule(from: "\(place).\(number).conv.", to: "up_blocks.\(level).upsamplers.0.conv."))
          }
        }
        rules.append(Rule(from: "\(place).1.", to: "up_blocks.\(level).attentions.\(i)."))
      }
    }
    return KeyRules(rules + [Rule(from: "out.0.", to: "conv_norm_out."), Rule(from: "out.2.", to: "conv_out.")])
  }

  /// The names of ControlNet's own files, after `control_model.`.
  static func controlNet(levels: Int, blocks: Int) -> KeyRules {
    var rules = wayDown(levels: levels, blocks: blocks)
    rules.append(Rule(from: "input_hint_block.0.", to: "controlnet_cond_embedding.conv_in."))
    for i in 0..<6 {
      rules.append(Rule(from: "input_hint_block.\(2 * i + 2).", to: "controlnet_cond_embedding.blocks.\(i)."))
    }
    rules.append(Rule(from: "input_hint_block.14.", to: "controlnet_cond_embedding.conv_out."))
    for i in 0..<(levels * (blocks + 1)) {
      rules.append(Rule(from: "zero_convs.\(i).0.", to: "controlnet_down_blocks.\(i)."))
    }
    rules.append(Rule(from: "middle_block_out.0.", to: "controlnet_mid_block."))
    return KeyRules(rules)
  }

  /// The names of CompVis's autoencoder, after `first_stage_model.`.
  static func autoencoder(levels: Int, blocks: Int) -> KeyRules {
    let resnet =
      ["norm1.", "conv1.", "norm2.", "conv2."].map { (from: $0, to: $0) } + [
        (from: "nin_shortcut.", to: "conv_shortcut.")
      ]
    let attention = [
      (from: "norm.", to: "group_norm."), (from: "q.", to: "to_q."), (from: "k.", to: "to_k."),
      (from: "v.", to: "to_v."),
      (from: "proj_out.", to: "to_out.0."),
    ]
    var rules = [
      Rule(from: "quant_conv.", to: "quant_conv."), Rule(from: "post_quant_conv.", to: "post_quant_conv."),
    ]
    for side in ["encoder", "decoder"] {
      rules += [
        Rule(from: "\(side).conv_in.", to: "\(side).conv_in."),
        Rule(from: "\(side).conv_out.", to: "\(side).conv_out."),
        Rule(from: "\(side).norm_out.", to: "\(side).conv_norm_out."),
        Rule(from: "\(side).mid.block_1.", to: "\(side).mid_block.resnets.0.", inner: resnet),
        Rule(from: "\(side).mid.attn_1.", to: "\(side).mid_block.attentions.0.", inner: attention),
        Rule(from: "\(side).mid.block_2.", to: "\(side).mid_block.resnets.1.", inner: resnet),
      ]
    }
    for level in 0..<levels {
      let up = levels - 1 - level
      for i in 0..<blocks {
        rules.append(
          Rule(
            from: "encoder.down.\(level).block.\(i).", to: "encoder.down_blocks.\(level).resnets.\(i).", inner: resnet))
      }
      for i in 0...blocks {
        rules.append(
          Rule(from: "decoder.up.\(up).block.\(i).", to: "decoder.up_blocks.\(level).resnets.\(i).", inner: resnet))
      }
      rules.append(
        Rule(from: "encoder.down.\(level).downsample.conv.", to: "encoder.down_blocks.\(level).downsamplers.0.conv."))
      rules.append(
        Rule(from: "decoder.up.\(up).upsample.conv.", to: "decoder.up_blocks.\(level).upsamplers.0.conv."))
    }
    return KeyRules(rules)
  }

  /// The names of OpenCLIP's text encoders; three maps in one and a projection that lies the other way are mended before.
  static func openCLIP(layers: Int) -> KeyRules {
    var rules = [
      Rule(from: "token_embedding.", to: "text_model.embeddings.token_embedding."),
      Rule(from: "positional_embedding", to: "text_model.embeddings.position_embedding.weight"),
      Rule(from: "ln_final.", to: "text_model.final_layer_norm."),
      Rule(from: "text_projection.", to: "text_projection."),
    ]
    for i in 0..<layers {
      rules.append(
        Rule(
          from: "transformer.resblocks.\(i).", to: "text_model.encoder.layers.\(i).",
          inner: [
            (from: "ln_1.", to: "layer_norm1."), (from: "ln_2.", to: "layer_norm2."),
            (from: "mlp.c_fc.", to: "mlp.fc1."), (from: "mlp.c_proj.", to: "mlp.fc2."),
            (from: "attn.out_proj.", to: "self_attn.out_proj."), (from: "attn.q_proj.", to: "self_attn.q_proj."),
            (from: "attn.k_proj.", to: "self_attn.k_proj."), (from: "attn.v_proj.", to: "self_attn.v_proj."),
          ]))
    }
    return KeyRules(rules)
  }
}
