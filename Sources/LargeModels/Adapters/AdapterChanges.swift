import Torch

/// What adapters change in a model's weights: resolved by a table of the model's own names, since underscores can't be told apart by
/// replacing text.
struct AdapterChanges {
  /// By the weights' names.
  var unet: [String: (Tensor) -> Tensor] = [:]
  var texts: [[String: (Tensor) -> Tensor]] = []

  /// - Throws: `LargeModelError.unmatched`, `.otherBase`, `.incompleteAdapter`.
  init(_ adapters: [(adapter: Adapter, weight: Double)], for model: LargeModel) throws(LargeModelError) {
    texts = model.texts.map { _ in [:] }
    guard !adapters.isEmpty else { return }
    let table = AdapterTable(model)
    for (adapter, weight) in adapters {
      if let base = adapter.base, base != model.family {
        throw .otherBase(path: adapter.path, lora: base.rawValue, model: model.family.rawValue)
      }
      let lost = adapter.changes.keys.filter { table[$0] == nil }.sorted() + adapter.unknown
      guard lost.isEmpty else { throw .unmatched(path: adapter.path, keys: lost, of: lost.count) }
      for (layer, change) in adapter.changes {
        let place = table[layer]!
        try add(change, to: place, weight, adapter.path, layer, model)
      }
    }
  }

  private mutating func add(
    _ change: WeightChange, to place: AdapterTable.Place, _ weight: Double, _ path: String, _ layer: String,
    _ model: LargeModel
  ) throws(LargeModelError) {
    let weights = place.text.map { model.texts[$0].part.weights } ?? model.unet.weights
    func put(_ name: String, _ delta: @escaping () -> Tensor) {
      let before = place.text.map { texts[$0][name] } ?? unet[name]
      let changed = { (w: Tensor) in (before?(w) ?? w) + delta().to(w.device) * weight }
      if let text = place.text { texts[text][name] = changed } else { unet[name] = changed }
    }
    let shape = weights["\(place.module).weight"]!.shape
    // Computed once now, so that one that doesn't fit is told before anything is drawn, and again when the weight is read.
    do throws(WeightChange.Problem) { _ = try change.delta(shape) } catch {
      throw .incompleteAdapter(path: path, key: layer, why: error.why)
    }
    put("\(place.module).weight") { try! change.delta(shape) }
    if let bias = change.bias {
      guard let mine = weights["\(place.module).bias"], mine.count == bias.count else {
        throw .incompleteAdapter(path: path, key: layer, why: "the layer has no bias of \(bias.count) numbers")
      }
      put("\(place.module).bias") { bias.reshaped(mine.shape) }
    }
  }
}

/// The names that files give a model's layers.
struct AdapterTable {
  /// A layer of the UNet, or of the text encoder of that number.
  struct Place: Equatable {
    let text: Int?
    let module: String
  }
  private var places: [String: Place] = [:]

  init(_ model: LargeModel) {
    let c = model.unet.configuration
    let rules = KeyRules.unet(levels: c.widths.count, blocks: c.blocks)
    for name in model.unet.weights.keys where name.hasSuffix(".weight") {
      let module = String(name.dropLast(".weight".count))
      let place = Place(text: nil, module: module)
      // kohya's names: diffusers' paths for SD 1.x and 2.x, the original ones for SDXL; both are accepted for each.
      let originals = rules.originals(of: name).map { String($0.dropLast(".weight".count)) }
      for path in [module] + originals { add("lora_unet_" + path.replacing(".", with: "_"), place) }
      // PEFT's, and diffusers'; a linear layer after a list may be named without its number.
      for prefix in ["unet.", "base_model.model.", ""] { add(prefix + module, place) }
      for path in originals {
        for prefix in ["diffusion_model.", "model.diffusion_model."] { add(prefix + path, place) }
      }
    }
    for (i, text) in model.texts.enumerated() {
      let short = i == 0 ? ["lora_te_", "lora_te1_"] : ["lora_te2_"]
      for name in text.part.weights.keys where name.hasSuffix(".weight") {
        let module = String(name.dropLast(".weight".count))
        let place = Place(text: i, module: module)
        let bare = module.hasPrefix("text_model.") ? String(module.dropFirst("text_model.".count)) : module
        for path in [module, bare] {
          for prefix in short { add(prefix + path.replacing(".", with: "_"), place) }
          add("text_encoder\(i == 0 ? "" : "_\(i + 1)")." + path, place)
        }
      }
    }
  }

  private mutating func add(_ name: String, _ place: Place) { if places[name] == nil { places[name] = place } }

  subscript(layer: String) -> Place? { places[layer] }
}
