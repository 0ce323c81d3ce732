import Foundation
import Media
import Models
import Torch
import Training

/// A trained generator, opened from a run, a checkpoint's file or the models that are installed.
public struct Generator {
  /// The checkpoint's file.
  public let path: String
  public let facts: Checkpoint.Facts
  /// What makes pictures, or something of them.
  public let model: any Model
  /// The file's SHA-256.
  public let hash: String
  let device: Device
  /// How it was named: the run's folder, the file or the model.
  public let name: String
  /// What files that are given away call it.
  var shownName: String { name.shownName }
  /// How it draws.
  public internal(set) var samplingOptions = SamplingOptions()

  /// - Parameters:
  ///   - name: a run's folder, a checkpoint's file, or the name of a run or a model in the workspace or of one that
  ///     comes with Atelier.
  ///   - note: told about each damaged checkpoint of the run, and where a folder has the name of what is taken.
  /// - Throws: `GeneratorError`, `CheckpointError`, `RecipeError`.
  public init(
    _ name: String, in workspace: Workspace = Workspace(), on device: Device = .cpu,
    note: (GeneratorNote) -> Void = { _ in }
  ) throws {
    let checkpoint = try Self.checkpoint(name, in: workspace, note: note)
    (path, facts, self.name, self.device) = (checkpoint.path, checkpoint.facts, name, device)
    hash = try Digest.sha256(file: checkpoint.path)
    model = try Models.model(of: checkpoint, on: device)
  }

  /// The model, when it makes pictures by itself.
  ///
  /// - Throws: `GeneratorError.otherUse`.
  public func pictureModel() throws(GeneratorError) -> any PictureModel {
    guard let pictures = model as? any PictureModel else {
      throw .otherUse(name, recipe: facts.recipe, use: use ?? .translation)
    }
    return pictures
  }

  /// What it is for.
  var use: Use? { (try? recipe(named: facts.recipe))?.use }

  /// A picture a seed, as it draws.
  func request(seeds: [UInt64]) -> PictureRequest { asked(PictureRequest(seeds: seeds)) }
  /// A picture a latent, as it draws.
  func request(latents: Tensor) -> PictureRequest { asked(PictureRequest(latents: latents)) }

  private func asked(_ request: PictureRequest) -> PictureRequest {
    var request = request
    (request.className, request.guidance) = (samplingOptions.className, samplingOptions.guidance ?? 1)
    request.sampling = samplingOptions.sampling.flatMap { Sampling($0) }
    return request
  }

  /// The run's folder or the file behind a name; nil when there is none.
  ///
  /// A folder that is no run doesn't hide a run or a model of its name.
  ///
  /// - Parameter note: told about such a folder where something else is taken.
  static func place(_ name: String, in workspace: Workspace, note: (GeneratorNote) -> Void = { _ in }) -> String? {
    let isPlain = !name.contains("/")
    let places = [
      name.absolutePath, isPlain ? "\(workspace.runs)/\(name)" : nil,
      isPlain ? "\(workspace.models)/\(name).safetensors" : nil,
      isPlain ? Product.find("Examples/models/\(name).safetensors") : nil,
    ].compactMap { $0 }.filter { FileManager.default.fileExists(atPath: $0) }
    let taken = places.first { !isOtherFolder($0) } ?? places.first
    if let taken, let first = places.first, taken != first { note(.hidden(folder: first, taken: taken)) }
    return taken
  }

  /// Whether it is a folder without anything of a run.
  static func isOtherFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { return false }
    return !["checkpoints", "best", "settings.json"].contains {
      FileManager.default.fileExists(atPath: "\(path)/\($0)")
    }
  }

  /// The checkpoint behind a name: of a run the best one where it was measured, else the newest that can be read.
  static func checkpoint(
    _ name: String, in workspace: Workspace, note: (GeneratorNote) -> Void
  ) throws -> Checkpoint {
    guard let path = place(name, in: workspace, note: note) else { throw GeneratorError.missing(name) }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard isFolder.boolValue else {
      // A model like CycleGAN's that came from elsewhere.
      if let facts = try? Safetensors.metadata(path), facts["recipe"] == nil,
        let architecture = facts[ModelMetadata.architecture], translationImport.names.contains(architecture)
      {
        throw GeneratorError.otherUse(name, recipe: architecture, use: .translation)
      }
      return try Checkpoint(path: path)
    }
    if AdapterRecord.isOne(path) { throw RunError.isLoRA(folder: path) }
    // What was measured to be best, of a run that measured.
    if let best = Checkpoint.latest(in: "\(path)/best", skipped: { note(.skipped($0)) }) { return best }
    let folder = "\(path)/checkpoints"
    guard let newest = Checkpoint.latest(in: folder, skipped: { note(.skipped($0)) }) else {
      throw Checkpoint.files(in: folder).isEmpty ? GeneratorError.noRun(path) : .damaged(path)
    }
    return newest
  }
}

/// What an artist should know about how a generator was found.
public enum GeneratorNote: Sendable {
  /// A damaged checkpoint was passed over.
  case skipped(CheckpointError)
  /// A folder that is no run has the name of the run or model that is taken.
  case hidden(folder: String, taken: String)

  public var sentence: String {
    switch self {
    case .skipped(let error): error.sentence
    case .hidden(let folder, let taken): "\(folder) isn't a run, so \(taken), of the same name, is used."
    }
  }
}

/// Why there is no generator behind a name.
public enum GeneratorError: Explained, Equatable {
  case missing(String)
  /// A folder without checkpoints.
  case noRun(String)
  /// None of its checkpoints can be read.
  case damaged(String)
  case noLatents(recipe: String, option: String)
  /// It makes no pictures of its own.
  case otherUse(String, recipe: String, use: Use)

  public var sentence: String {
    switch self {
    case .missing(let name):
      "There is no run, checkpoint or model '\(name)': check the path, or see `atelier models list`."
    case .noRun(let path):
      "\(path) isn't a run, since there is no checkpoint in it: name a folder that `atelier train` made."
    case .damaged(let path):
      "None of the checkpoints in \(path) can be read: train again, with another --run."
    case .noLatents(let recipe, let option):
      "The recipe \(recipe) has no latent space: leave \(option) out."
    case .otherUse(let name, let recipe, let use):
      "\(name) \(use.words) (\(recipe)) and generates none: use `\(use.command(for: name))`."
    }
  }
  public var exit: Exit {
    switch self {
    case .missing, .noRun: .missingInput
    case .damaged: .data
    case .noLatents, .otherUse: .usage
    }
  }
}
