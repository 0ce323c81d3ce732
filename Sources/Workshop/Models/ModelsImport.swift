import Archives
import Foundation
import Media
import Metrics
import Models
import Networks
import Torch
import Training

/// Copies weights that somebody else trained into the workspace, as safetensors.
///
/// - Parameters:
///   - path: a PyTorch checkpoint of either format, read by an allow-list and never executed, or a safetensors file.
///   - architecture: one of `Architecture.all`, or "raw" for tensors that nothing here uses yet.
///   - name: the model's; the file's when it is nil.
///   - licence: what the artist says about it.
///   - force: replaces a model of that name.
/// - Returns: the new file, and the values that were no tensors, by name.
/// - Throws: `ModelError`, `CheckpointFileError`, `SafetensorsError`, `WorkspaceError`.
public func importModel(
  _ path: String, as architecture: String, named name: String? = nil, licence: String? = nil, force: Bool = false,
  in workspace: Workspace
) throws -> (path: String, passedOver: [String: String]) {
  let path = path.absolutePath
  let name = name ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
  guard isModelName(name) else { throw ModelError.badName(name) }
  let kind = try Architecture.named(architecture)
  let target = "\(workspace.models)/\(name).safetensors"
  guard force || !FileManager.default.fileExists(atPath: target) else { throw WorkspaceError.exists(path: target) }

  let (tensors, passedOver) = try weights(in: path)
  var metadata = ModelMetadata.common(title: name, architecture: architecture)
  metadata[ModelMetadata.licence] = licence
  metadata[ModelMetadata.source] = URL(fileURLWithPath: path).lastPathComponent
  metadata[ModelMetadata.sourceHash] = try Digest.sha256(file: path)
  let content = try kind.adopt(unwrapped(tensors), from: path)
  try workspace.make(workspace.models)
  try Safetensors.write(content.tensors, metadata: metadata.merging(content.metadata) { $1 }, to: target)
  return (target, passedOver)
}

/// A network that weights can be imported for.
enum Architecture {
  case efficientNetLite0
  case dcgan
  case dense
  case r3gan
  /// By the names of StyleGAN2-ADA's PyTorch edition, such as `synthesis.b8.conv0.affine.weight`.
  case stylegan2
  /// VGG's convolutions, by torchvision's names; its classifier is left out.
  case vgg16, vgg19
  /// Networks that enlarge: ESRGAN's of either size, and waifu2x's of seven layers.
  case realesrgan, waifu2x
  /// Generators that change pictures, by the published names; which kind they are of shows in their names and shapes.
  case cyclegan, cut, pix2pix
  /// A painter of several styles, as the published ONNX network of 26.
  case brush
  /// Any tensors; nothing is checked.
  case raw

  static let all =
    ["efficientnet-lite0", "dcgan", "dense", "r3gan", "stylegan2", "vgg16", "vgg19", "realesrgan", "waifu2x", "brush"]
    + transfers
  /// Those that `restyle --with` takes.
  static let transfers = ["cyclegan", "cut", "pix2pix"]

  /// - Throws: `ModelError.unknownArchitecture`.
  static func named(_ name: String) throws(ModelError) -> Architecture {
    switch name {
    case "efficientnet-lite0": .efficientNetLite0
    case "dcgan": .dcgan
    case "dense": .dense
    case "r3gan": .r3gan
    case "stylegan2": .stylegan2
    case "vgg16": .vgg16
    case "vgg19": .vgg19
    case "realesrgan": .realesrgan
    case "waifu2x": .waifu2x
    case "cyclegan": .cyclegan
    case "cut": .cut
    case "pix2pix": .pix2pix
    case "brush": .brush
    case "raw": .raw
    default: throw .unknownArchitecture(name, known: all)
    }
  }

  /// The tensors and metadata of the new file. A generator becomes a checkpoint that `generate` takes.
  ///
  /// - Throws: `ModelError.doesNotFit` when the weights lack a tensor or have one too many.
  func adopt(
    _ weights: [String: Tensor], from path: String
  ) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
    do {
      switch self {
      case .raw: return (weights, [:])
      case .efficientNetLite0:
        _ = try FeatureNet(weights: weights)
        return (weights, [:])
      case .vgg16, .vgg19:
        let convolutions = weights.filter { $0.key.hasPrefix("features.") }
        try VGG(self == .vgg19 ? VGG.vgg19 : VGG.vgg16).load(convolutions)
        return (convolutions, [:])
      case .realesrgan, .waifu2x:
        guard try (enlargingNetwork(weights) is UpConv7) == (self == .waifu2x) else {
          throw StateError.missing(self == .waifu2x ? "net.0.weight" : "body.0.weight")
        }
        return (weights, [:])
      case .brush:
        _ = try brushNetwork(weights)
        return (weights, [ModelMetadata.use: "styles of its own, by `atelier restyle --with` its name `--style 0`"])
      case .dcgan: return try adopted(inMain(weights), DCGANRecipe.self, settings: dcganSettings)
      case .dense: return try adopted(inMain(weights), DenseRecipe.self, settings: denseSettings)
      case .r3gan: return try adopted(weights, R3GANRecipe.self, settings: r3ganSettings)
      case .stylegan2:
        return try adopted(styleGAN2Generator(weights), StyleGAN2Recipe.self, settings: styleGAN2Settings)
      case .cyclegan, .cut, .pix2pix:
        let state = try transferNetwork(weights).state
        return (state, [ModelMetadata.use: "pictures changed, by `atelier restyle PICTURE --with` its name"])
      }
    } catch let error as StateError {
      throw ModelError.doesNotFit(path, architecture: "\(self)", reason: briefly(error))
    } catch let error as RecipeError {
      throw ModelError.doesNotFit(path, architecture: "\(self)", reason: briefly(error))
    }
  }
}

/// A generator's weights as a published checkpoint of a recipe.
private func adopted<R: Recipe>(
  _ weights: [String: Tensor], _ type: R.Type, settings: ([String: Tensor]) throws(StateError) -> R.Settings
) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
  let settings = try settings(weights)
  var noise = Noise(seed: 0)
  let recipe = try R(settings, noise: &noise, on: .cpu)
  var tensors: [String: Tensor] = [:]
  for (name, part) in recipe.published {
    try part.restore(weights)
    for (key, tensor) in part.savedTensors { tensors["\(name)/\(key)"] = tensor }
  }
  let facts = Checkpoint.Facts(recipe: R.name, settings: settings.json, seed: 0)
  return (tensors, facts.metadata)
}

/// What a DCGAN generator's shapes say about it.
private func dcganSettings(_ weights: [String: Tensor]) throws(StateError) -> DCGANRecipe.Settings {
  let layers = convolutions(weights)
  guard let first = layers.first, let last = layers.last, (2...9).contains(layers.count),
    layers.allSatisfy({ $0.count > 0 })
  else { throw .missing("main.0.weight") }
  // As wide as the file's own layers are, before any is made.
  for (i, layer) in layers.dropFirst().enumerated() {
    let width = min(last.size(0) << (layers.count - 2 - i), max(512, 8 * last.size(0)))
    let expected = [width] + layer.shape[1...]
    guard layer.size(0) == width else {
      throw .shape("main.\(3 * i + 3).weight", expected: expected, found: layer.shape)
    }
  }
  var settings = DCGANRecipe.Settings()
  settings.latent = first.size(0)
  (settings.width, settings.channels) = (last.size(0), last.size(1))
  // 4 px after the first layer; each further one doubles it.
  settings.size = 4 << (layers.count - 1)
  return settings
}

/// What a dense generator's shapes say about it.
private func denseSettings(_ weights: [String: Tensor]) throws(StateError) -> DenseRecipe.Settings {
  let first = try weights.shape(of: "main.0.weight", rank: 2), last = try weights.shape(of: "main.4.weight", rank: 2)
  var settings = DenseRecipe.Settings()
  let (width, latent) = (first[0], first[1])
  try weights.expect("main.2.weight", [width, width])
  (settings.latent, settings.size) = (latent, Int(Double(width).squareRoot()))
  settings.channels = max(1, last[0] / width)
  settings.hidden = width
  return settings
}

/// What an R3GAN generator's shapes say about it.
private func r3ganSettings(_ weights: [String: Tensor]) throws(StateError) -> R3GANSettings {
  func shape(_ name: String, rank: Int) throws(StateError) -> [Int] { try weights.shape(of: name, rank: rank) }
  var settings = R3GANSettings()
  let mapping = try shape("mapping.0.weight", rank: 2)
  (settings.mapped, settings.latent) = (mapping[0], mapping[1])
  (settings.widths, settings.blocks, settings.grow) = ([], [], [])
  while settings.widths.count < 7, weights["stages.\(settings.widths.count).blocks.0.conv.weight"] != nil {
    let stage = "stages.\(settings.widths.count)"
    let conv = try shape("\(stage).blocks.0.conv.weight", rank: 4)
    settings.widths.append(conv[0])
    settings.blocks.append((0...).first { weights["\(stage).blocks.\($0).conv.weight"] == nil }!)
    for block in 0..<settings.blocks.last! { try weights.expect("\(stage).blocks.\(block).conv.weight", conv) }
  }
  settings.channels = try shape("stages.1.head.weight", rank: 4)[0] / 4
  let first = try shape("base.weight", rank: 2)[0] / max(1, settings.widths.first ?? 1)
  settings.size = Int(Double(first).squareRoot().rounded()) << settings.widths.count
  // A discriminator of the smallest kind: an imported generator isn't trained on.
  settings.criticWidths = settings.widths
  settings.criticBlocks = settings.widths.map { _ in 1 }
  return settings
}

/// A generator's weights out of what a training keeps: its average rather than itself, and without filters that are always
/// the same.
private func styleGAN2Generator(_ weights: [String: Tensor]) -> [String: Tensor] {
  let prefix = ["G_ema.", "G."].first { prefix in weights.keys.contains { $0.hasPrefix(prefix) } } ?? ""
  return Dictionary(
    uniqueKeysWithValues: weights.filter { $0.key.hasPrefix(prefix) && !$0.key.hasSuffix("resample_filter") }
      .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
}

/// What a StyleGAN2 generator's shapes say about it.
private func styleGAN2Settings(_ weights: [String: Tensor]) throws(StateError) -> StyleGAN2Settings {
  func shape(_ name: String, rank: Int) throws(StateError) -> [Int] { try weights.shape(of: name, rank: rank) }
  var settings = StyleGAN2Settings()
  let first = try shape("mapping.fc0.weight", rank: 2)
  settings.mapped = first[0]
  settings.depth = (0...).first { weights["mapping.fc\($0).weight"] == nil }!
  for layer in 1..<max(1, settings.depth) {
    try weights.expect("mapping.fc\(layer).weight", [settings.mapped, settings.mapped])
  }
  if weights["mapping.embed.weight"] != nil {
    let kinds = try shape("mapping.embed.weight", rank: 2)[1]
    guard kinds <= 10_000, first[1] > settings.mapped else { throw .missing("mapping.embed.weight") }
    // Published files don't say what their kinds are called.
    (settings.classes, settings.classCounts) = ((0..<kinds).map(String.init), [Int](repeating: 1, count: kinds))
    settings.latent = first[1] - settings.mapped
  } else {
    settings.latent = first[1]
  }
  settings.widths = []
  while settings.widths.count < 9, weights["synthesis.b\(4 << settings.widths.count).conv1.weight"] != nil {
    let name = "synthesis.b\(4 << settings.widths.count).conv1.weight", width = try shape(name, rank: 4)[0]
    try weights.expect(name, [width, width, 3, 3])
    settings.widths.append(width)
  }
  settings.channels = try shape("synthesis.b4.torgb.weight", rank: 4)[0]
  settings.size = 2 << settings.widths.count
  // An imported generator isn't trained on.
  settings.criticWidths = settings.widths
  return settings
}

/// Weights of rank 4 in the order of their layers.
private func convolutions(_ weights: [String: Tensor]) -> [Tensor] {
  weights.compactMap { name, tensor -> (Int, Tensor)? in
    let parts = name.split(separator: ".")
    guard parts.count == 3, parts[2] == "weight", tensor.rank == 4, let number = Int(parts[1]) else { return nil }
    return (number, tensor)
  }.sorted { $0.0 < $1.0 }.map(\.1)
}

/// A bare `nn.Sequential` numbers its layers at the top: "0.weight" becomes "main.0.weight".
private func inMain(_ weights: [String: Tensor]) -> [String: Tensor] {
  guard weights.keys.allSatisfy({ $0.first?.isNumber == true }) else { return weights }
  return Dictionary(uniqueKeysWithValues: weights.map { ("main." + $0.key, $0.value) })
}

/// Without the advice at the sentence's end, which is about files of our own.
private func briefly(_ error: some Explained) -> String {
  let what = String(error.sentence.prefix { $0 != ":" })
  return what.prefix(1).lowercased() + what.dropFirst()
}

/// Without what training tools put around a state_dict: "state_dict.", "model.", "module.", "generator.", "params.".
private func unwrapped(_ tensors: [String: Tensor]) -> [String: Tensor] {
  var tensors = tensors
  // BasicSR keeps the weights and their average beside each other; the average makes the better pictures.
  let averages = tensors.filter { $0.key.hasPrefix("params_ema.") }
  if !averages.isEmpty { tensors = averages }
  let wrappers = ["state_dict.", "model.", "module.", "generator.", "params_ema.", "params."]
  while let wrapper = wrappers.first(where: { wrapper in
    !tensors.isEmpty && tensors.keys.allSatisfy { $0.hasPrefix(wrapper) }
  }) {
    tensors = Dictionary(uniqueKeysWithValues: tensors.map { (String($0.key.dropFirst(wrapper.count)), $0.value) })
  }
  return tensors
}

private func weights(in path: String) throws -> (tensors: [String: Tensor], passedOver: [String: String]) {
  if path.hasSuffix(".safetensors") { return (try Safetensors.read(path).tensors, [:]) }
  if path.hasSuffix(".onnx") { return (try ONNXWeights(FileBytes.read(path), named: path).tensors, [:]) }
  let checkpoint = try PyTorchCheckpoint.read(path)
  return (checkpoint.tensors, checkpoint.others)
}

private func isModelName(_ name: String) -> Bool {
  guard let first = name.utf8.first, name.utf8.count <= 100 else { return false }
  let isPlain = { (c: UInt8) in (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) }
  return isPlain(first) && name.utf8.allSatisfy { isPlain($0) || "-_.".utf8.contains($0) }
}
