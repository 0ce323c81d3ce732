import Foundation
import LargeModels
import Media
import Torch

/// How a large model drew a picture, by what its file says: Atelier's own words, or AUTOMATIC1111's text, which other tools write.
struct DrawnBefore {
  /// A LoRA by its file's name; the SHA-256 of its file, where the picture says it.
  struct LoRA {
    let name: String
    let weight: Double
    let hash: String?
  }
  let path: String
  var prompt = ""
  var seed: UInt64 = 0
  var size: PictureSize?
  var settings = LargeSettings()
  var loras: [LoRA] = []
  /// Of the weights: all 64 digits, or the first ten.
  var hash: String?

  /// What `Settings` holds in a file of Atelier's.
  private struct Written: Decodable {
    let sampler, schedule, prediction, precision: String
    let steps, width, height, clipSkip: Int
    let guidance, guidanceRescale: Double
    let strength: Double?
  }

  /// - Throws: `PictureError`, `AgainError`.
  init(_ path: String) throws {
    self.path = path
    let bytes = try FileBytes.read(path.absolutePath)
    guard let said = PNG.text(bytes), !said.isEmpty else { throw AgainError.silent(path) }
    func word(_ key: String) -> String? { said.first { $0.key == key }?.value }
    guard word("Control") == nil else { throw AgainError.steered(path) }
    if let text = word("Settings"), let prompt = word("Prompt"),
      let written = try? JSONDecoder().decode(Written.self, from: Data(text.utf8))
    {
      try take(written)
      self.prompt = prompt
      settings.negative = word("Negative prompt") ?? ""
      guard let seed = word("Seed").flatMap({ UInt64($0) }) else { throw AgainError.incomplete(path, "seed") }
      self.seed = seed
      hash = word("Checkpoint").map { $0.replacing("sha256:", with: "") }
      for line in said.filter({ $0.key == "LoRA" }).map(\.value) {
        let parts = line.components(separatedBy: " sha256:")
        guard let lora = try? WeightedLoRA(parts[0]) else { throw AgainError.incomplete(path, "LoRA") }
        loras.append(LoRA(name: lora.path, weight: lora.weight, hash: parts.count > 1 ? parts[1] : nil))
      }
    } else if let text = word("parameters") {
      try take(DrawingParameters(text: text))
    } else {
      throw AgainError.silent(path)
    }
  }

  private mutating func take(_ written: Written) throws {
    guard written.strength == nil else { throw AgainError.redrawn(path) }
    guard let sampler = LargeModels.Sampler(rawValue: written.sampler),
      let spacing = Spacing(rawValue: written.schedule),
      let precision = [DType.float32, .bfloat16].first(where: { "\($0)" == written.precision })
    else { throw AgainError.incomplete(path, "sampler") }
    (settings.sampler, settings.spacing, settings.precision) = (sampler, spacing, precision)
    settings.prediction = Prediction(rawValue: written.prediction)
    (settings.steps, settings.clipSkip) = (written.steps, written.clipSkip)
    (settings.guidance, settings.guidanceRescale) = (written.guidance, written.guidanceRescale)
    size = PictureSize(written.width, written.height)
  }

  private mutating func take(_ text: DrawingParameters) throws {
    guard text.strength == nil else { throw AgainError.redrawn(path) }
    guard !text.others.contains(where: { $0.key.hasPrefix("ControlNet") }) else { throw AgainError.steered(path) }
    guard let seed = text.seed else { throw AgainError.incomplete(path, "seed") }
    guard let steps = text.steps else { throw AgainError.incomplete(path, "number of steps") }
    guard let sampler = text.sampler else { throw AgainError.incomplete(path, "sampler that is known here") }
    (prompt, self.seed, settings.negative, settings.steps) = (text.prompt, seed, text.negative, steps)
    (settings.sampler, settings.spacing) = (sampler, text.spacing)
    settings.guidance = text.guidance
    settings.clipSkip = text.clipSkip
    if let width = text.width, let height = text.height { size = PictureSize(width, height) }
    hash = text.modelHash
    loras = text.adapters.map { LoRA(name: $0.name, weight: $0.weight, hash: nil) }
    if let rescale = text.others.first(where: { $0.key == "CFG Rescale" }).flatMap({ Double($0.value) }) {
      settings.guidanceRescale = rescale
    }
  }
}

/// Why a picture can't be drawn again.
public enum AgainError: Explained, Equatable {
  /// It says nothing about a large model.
  case silent(String)
  case incomplete(String, String)
  /// It was begun with a picture, which it doesn't hold.
  case redrawn(String)
  /// A ControlNet was shown a picture, which it doesn't hold.
  case steered(String)
  case noModel(String)
  case otherWeights(String, model: String)
  case missingLoRA(String, hash: String?)
  case needlessLoRA(String, String)

  public var sentence: String {
    switch self {
    case .silent(let path):
      "\(path) doesn't say how a large model drew it: give a PNG that `generate` or another tool of the kind wrote."
    case .incomplete(let path, let what): "\(path) doesn't say its \(what): draw it by `generate MODEL --prompt`."
    case .redrawn(let path):
      "\(path) was drawn over another picture, which isn't in it: use `vary` or `fill` with that picture and --prompt."
    case .steered(let path):
      "\(path) was steered by a ControlNet and a picture, which isn't in it: use `generate` with --prompt, --seeds and --control."
    case .noModel(let name): "\(name) is no large model, with which a picture is drawn again: name its file or folder."
    case .otherWeights(let path, let model):
      "\(path) was drawn by other weights than those of \(model) (their SHA-256 differs): name the model that it was drawn by."
    case .missingLoRA(let name, let hash):
      "The LoRA \(name)\(hash.map { " (SHA-256 \($0.prefix(12))…)" } ?? "") is missing: name its file by --lora."
    case .needlessLoRA(let lora, let path): "\(path) wasn't drawn with the LoRA \(lora): leave it out."
    }
  }
  public var exit: Exit {
    switch self {
    case .silent, .incomplete, .redrawn, .steered, .otherWeights: .data
    case .noModel, .missingLoRA: .missingInput
    case .needlessLoRA: .usage
    }
  }
}

/// A request that draws a large model's picture again, to the bit where it was drawn by Atelier on a processor of the kind.
///
/// - Parameters:
///   - model: a path, or a name that `models add` gave.
///   - loras: files; others are looked for by their names beside the picture, here and among the workspace's models.
///   - tell: told what isn't certain.
/// - Throws: `AgainError`, `PictureError`, `LargeError`.
public func requestAgain(
  _ picture: String, model name: String, loras: [String] = [], out: String, in workspace: Workspace,
  tell: (Event) -> Void
) throws -> LargeGenerateRequest {
  let drawn = try DrawnBefore(picture)
  guard let place = LargePlace.find(name, in: workspace) else { throw AgainError.noModel(name) }
  if let hash = drawn.hash {
    let own = try hashOfWeights(place.path, in: workspace) { tell(.note($0)) }
    guard own.hasPrefix(hash) else { throw AgainError.otherWeights(picture, model: name) }
  } else {
    tell(.note("\(picture) doesn't say by which weights it was drawn: with others it becomes another picture."))
  }
  var request = LargeGenerateRequest(model: name, prompts: [drawn.prompt], out: out)
  (request.seeds, request.size, request.settings) = (Seeds([drawn.seed]), drawn.size, drawn.settings)
  var given = try loras.map { try WeightedLoRA($0).path }
  for lora in drawn.loras {
    func fits(_ path: String) throws -> Bool {
      guard FileManager.default.fileExists(atPath: path.absolutePath) else { return false }
      guard let hash = lora.hash else { return path.shownName.withoutWeightsEnding == lora.name.withoutWeightsEnding }
      return try hashOfWeights(path.absolutePath, in: workspace) { tell(.note($0)) } == hash
    }
    let folders = [(picture.absolutePath as NSString).deletingLastPathComponent, ".", workspace.models]
    let file = lora.name.hasSuffix(".safetensors") ? lora.name : lora.name + ".safetensors"
    guard let path = try (given + folders.map { "\($0)/\(file)" }).first(where: { try fits($0) }) else {
      throw AgainError.missingLoRA(lora.name, hash: lora.hash)
    }
    given.removeAll { $0 == path }
    request.settings.loras.append(try WeightedLoRA("\(path):\(lora.weight)"))
  }
  if let needless = given.first { throw AgainError.needlessLoRA(needless, picture) }
  return request
}
