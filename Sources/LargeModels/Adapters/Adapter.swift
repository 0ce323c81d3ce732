import Foundation
import Torch

/// A LoRA file, or one of its kin (LoHa, LoKr, a plain difference): changes to the weights of a model's layers.
///
/// ```swift
/// let lora = try Adapter("watercolour.safetensors")
/// let pipeline = try DrawingPipeline(model, adapters: [(lora, 0.8)])
/// ```
public struct Adapter {
  public let path: String
  /// By the file's own name of a layer: "lora_unet_mid_block_attentions_0_proj_in", say.
  let changes: [String: WeightChange]
  public let metadata: [String: String]
  /// Keys of an ending that is unknown.
  public let unknown: [String]
  /// How many layers it changes.
  public var layerCount: Int { changes.count }
  /// About the keys that aren't known.
  public var unknownSentence: String {
    "\(unknown.count) keys aren't known here: \(unknown.prefix(3).joined(separator: ", "))."
  }

  /// - Throws: `LargeModelError`, `SafetensorsError`, `CheckpointFileError`.
  public init(_ path: String) throws {
    let source = try WeightSource(file: path)
    (self.path, metadata) = (path, source.metadata)
    guard Self.isOne(source.tensors) else {
      throw LargeModelError.notAModel(path: path, found: "no LoRA layers")
    }
    var groups: [String: [WeightChange.Piece: Tensor]] = [:]
    var unknown: [String] = []
    for (key, tensor) in source.tensors {
      if let (layer, piece) = Self.parsed(key) {
        groups[layer, default: [:]][piece] = tensor
      } else {
        unknown.append(key)
      }
    }
    let alphas = Self.statedAlphas(metadata, beside: path)
    var changes: [String: WeightChange] = [:]
    for (layer, pieces) in groups {
      do throws(WeightChange.Problem) {
        changes[layer] = try WeightChange(pieces, statedAlpha: alphas(layer))
      } catch {
        throw LargeModelError.incompleteAdapter(path: path, key: layer, why: error.why)
      }
    }
    (self.changes, self.unknown) = (changes, unknown.sorted())
  }

  /// Whether the tensors are those of an adapter.
  static func isOne(_ tensors: [String: Tensor]) -> Bool {
    tensors.keys.contains { key in
      [
        "lora_up.", "lora_down.", "lora_A.", "lora_B.", ".lora.up.", ".lora.down.", "_lora.up.", "hada_w1_", "lokr_w1",
        "lokr_w2",
      ]
      .contains(where: key.contains)
    }
  }

  /// Endings of keys, and what they hold: kohya's, PEFT's, diffusers' first ones and LyCORIS's.
  private static let endings: [(String, WeightChange.Piece)] = [
    (".lora_down.weight", .down), (".lora_up.weight", .up), (".lora_mid.weight", .middle),
    (".lora_A.weight", .down), (".lora_B.weight", .up), (".lora_A.default.weight", .down),
    (".lora_B.default.weight", .up),
    (".lora.down.weight", .down), (".lora.up.weight", .up), ("_lora.down.weight", .down), ("_lora.up.weight", .up),
    (".alpha", .alpha), (".dora_scale", .magnitude), (".lora_magnitude_vector", .magnitude),
    (".lora_magnitude_vector.weight", .magnitude), (".diff", .difference), (".diff_b", .biasDifference),
    (".hada_w1_a", .loha1a), (".hada_w1_b", .loha1b), (".hada_w2_a", .loha2a), (".hada_w2_b", .loha2b),
    (".hada_t1", .loha1t), (".hada_t2", .loha2t),
    (".lokr_w1", .lokr1), (".lokr_w1_a", .lokr1a), (".lokr_w1_b", .lokr1b),
    (".lokr_w2", .lokr2), (".lokr_w2_a", .lokr2a), (".lokr_w2_b", .lokr2b), (".lokr_t2", .lokr2t),
  ]

  private static func parsed(_ key: String) -> (layer: String, piece: WeightChange.Piece)? {
    guard let (ending, piece) = endings.first(where: { key.hasSuffix($0.0) }) else { return nil }
    var layer = String(key.dropLast(ending.count))
    // diffusers' first files: "attn1.processor.to_out_lora.up.weight".
    if ending.hasPrefix("_lora"), let range = layer.range(of: ".processor.") {
      layer.replaceSubrange(range, with: ".")
      if layer.hasSuffix(".to_out") { layer += ".0" }
    }
    return (layer, piece)
  }

  /// PEFT keeps alpha in its configuration, which is in the metadata, or in a file beside it; without either it equals the rank.
  private static func statedAlphas(_ metadata: [String: String], beside path: String) -> (String) -> Double? {
    var facts: [String: Any] = [:]
    if let text = metadata["lora_adapter_metadata"],
      let read = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    {
      facts = read
    }
    let folder = (path as NSString).deletingLastPathComponent
    let file = try? JSONFile("\(folder.isEmpty ? "." : folder)/adapter_config.json")
    return { layer in
      for prefix in ["unet", "text_encoder_2", "text_encoder"] where layer.hasPrefix(prefix + ".") {
        if let alpha = (facts["\(prefix).lora_alpha"] as? NSNumber)?.doubleValue {
          let pattern = facts["\(prefix).alpha_pattern"] as? [String: NSNumber]
          let own = layer.dropFirst(prefix.count + 1)
          return pattern?.first { own == $0.key || own.hasSuffix("." + $0.key) }?.value.doubleValue ?? alpha
        }
      }
      guard layer.hasPrefix("base_model.") else { return nil }
      return file?.double("lora_alpha") ?? file?.double("alpha")
    }
  }

  /// What its metadata or its layers say that it was made for.
  public var base: LargeModel.Family? {
    let said = (metadata["ss_base_model_version"] ?? "") + (metadata["modelspec.architecture"] ?? "")
    if said.contains("xl") { return .sdxl }
    if said.contains("sd_v2") || said.contains("stable-diffusion-v2") { return .sd2 }
    if said.contains("sd_v1") || said.contains("stable-diffusion-v1") { return .sd1 }
    // The width of the text that published models read.
    for (layer, change) in changes where layer.hasSuffix("attn2_to_k") || layer.hasSuffix("attn2.to_k") {
      switch change.inputs {
      case 768: return .sd1
      case 1024: return .sd2
      case 2048: return .sdxl
      default: return nil
      }
    }
    return nil
  }
}
