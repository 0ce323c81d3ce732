import Networks
import Torch

/// A layer of a large model that a LoRA changes: its weight is W + scale · up · down.
struct AdapterLayer {
  /// As kohya's files name it.
  let name: String
  /// The network's, and what it is without the LoRA: [out, in].
  let weight: Tensor, base: Tensor
  /// [rank, in] and [out, rank].
  let down: Tensor, up: Tensor
  let isOfText: Bool
}

/// The small factors of a LoRA: what is learned, saved and written.
final class AdapterFactors: Saved {
  let layers: [AdapterLayer]
  let rank: Int
  let alpha: Double
  var scale: Double { alpha / Double(rank) }

  /// - Parameters:
  ///   - withText: also of the text encoders' attention.
  ///   - noise: draws `down` as PEFT and kohya begin it, uniform within 1 / √in; `up` is 0.
  init(_ pipeline: DrawingPipeline, rank: Int, alpha: Double, withText: Bool, noise: inout Noise) {
    (self.rank, self.alpha) = (rank, alpha)
    var layers: [AdapterLayer] = []
    func add(_ module: any Module, isOfText: Bool, _ fileName: (String) -> String?) {
      for (name, weight) in module.state.sorted(by: { $0.name < $1.name }) {
        guard let found = fileName(name) else { continue }
        let (outputs, inputs) = (weight.size(0), weight.size(1))
        let bound = 1 / Double(inputs).squareRoot()
        let down = ((noise.uniform([rank, inputs]) * 2 - 1) * bound).to(weight.device)
        layers.append(
          AdapterLayer(
            name: found, weight: weight, base: weight.cloned(), down: down,
            up: Tensor.zeros([outputs, rank]).to(weight.device), isOfText: isOfText))
        weight.requiringGradient(true)
      }
    }
    let model = pipeline.model
    pipeline.denoiser.isChanged = true
    add(pipeline.denoiser.module, isOfText: false) { name in
      ["to_q", "to_k", "to_v", "to_out.0"].contains { name.hasSuffix(".\($0).weight") }
        ? Self.unetName(name, model) : nil
    }
    if withText {
      for (i, encoder) in pipeline.encoders.enumerated() {
        encoder.isChanged = true
        let prefix = model.texts.count > 1 ? "lora_te\(i + 1)_" : "lora_te_"
        add(encoder.module, isOfText: true) { name in
          ["q_proj", "k_proj", "v_proj", "out_proj"].contains { name.hasSuffix(".self_attn.\($0).weight") }
            ? prefix + Self.flat(name) : nil
        }
      }
    }
    self.layers = layers
  }

  /// kohya's name of a layer of the UNet: by diffusers' path, by the original one for SDXL.
  private static func unetName(_ name: String, _ model: LargeModel) -> String {
    let c = model.unet.configuration
    let original = KeyRules.unet(levels: c.widths.count, blocks: c.blocks).originals(of: name).first
    return "lora_unet_" + flat(model.family == .sdxl ? original ?? name : name)
  }
  private static func flat(_ name: String) -> String {
    String(name.dropLast(".weight".count)).replacing(".", with: "_")
  }

  /// `down` and `up` of each layer in turn.
  func all(ofText: Bool) -> [Tensor] { layers.filter { $0.isOfText == ofText }.flatMap { [$0.down, $0.up] } }

  /// What a loss's gradients of the whole weights are of the factors: ∂up = s · ∂W · downᵀ, ∂down = s · upᵀ · ∂W. This is exact.
  ///
  /// - Returns: of `down` and `up` of each layer in turn; zeros of what the loss doesn't depend on.
  func gradients(of loss: Tensor) -> [Tensor] {
    let whole = gradientsIfUsed(of: loss, withRespectTo: layers.map(\.weight))
    return withoutGradients {
      zip(layers, whole).flatMap { layer, gradient in
        guard let gradient else { return [layer.down.zerosLike(), layer.up.zerosLike()] }
        return [layer.up.T.matmul(gradient) * scale, gradient.matmul(layer.down.T) * scale]
      }
    }
  }

  /// Puts what is learned by now into the networks' weights.
  ///
  /// - Parameter part: how much of it; 0 is the model without it.
  func fold(_ part: Double = 1) {
    withoutGradients {
      for layer in layers { layer.weight.become(layer.base + layer.up.matmul(layer.down) * (scale * part)) }
    }
  }

  /// Whether it would change anything.
  var isAnything: Bool { layers.contains { abs($0.up).max().item() > 0 } }

  // MARK: Saving

  var savedTensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: layers.flatMap { [("\($0.name).down", $0.down), ("\($0.name).up", $0.up)] })
  }

  func restore(_ tensors: [String: Tensor]) throws(StateError) {
    let own = savedTensors
    for (name, mine) in own.sorted(by: { $0.key < $1.key }) {
      guard let theirs = tensors[name] else { throw .missing(name) }
      guard theirs.shape == mine.shape else { throw .shape(name, expected: mine.shape, found: theirs.shape) }
    }
    if let other = tensors.keys.filter({ own[$0] == nil }).min() { throw .unexpected(other) }
    withoutGradients {
      for (name, mine) in own { mine.copy(from: tensors[name]!.to(mine.device)) }
    }
    fold()
  }

  /// With kohya's names, which other tools read.
  var published: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for layer in layers {
      tensors["\(layer.name).lora_down.weight"] = layer.down.to(.cpu).contiguous()
      tensors["\(layer.name).lora_up.weight"] = layer.up.to(.cpu).contiguous()
      tensors["\(layer.name).alpha"] = Tensor.full([], alpha)
    }
    return tensors
  }
}
