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
  public let recipe: any Recipe
  /// The file's SHA-256.
  public let hash: String
  /// How it was named: the run's folder, the file or the model.
  public let name: String
  /// What files that are given away call it.
  var shownName: String { name.shownName }
  /// How it draws.
  public internal(set) var drawing = Drawing()

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
    (path, facts, self.name) = (checkpoint.path, checkpoint.facts, name)
    hash = try Digest.sha256(file: checkpoint.path)
    recipe = try generator(of: checkpoint, on: device)
  }

  /// The recipe, when it makes pictures by itself.
  ///
  /// - Throws: `GeneratorError.transfer`.
  public func sampling() throws(GeneratorError) -> any SamplingRecipe {
    guard let sampling = recipe as? any SamplingRecipe else { throw .transfer(name, recipe: facts.recipe) }
    return sampling
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
      isPlain ? House.find("Examples/models/\(name).safetensors") : nil,
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
        let architecture = facts[ModelMetadata.architecture], Architecture.transfers.contains(architecture)
      {
        throw GeneratorError.transfer(name, recipe: architecture)
      }
      return try Checkpoint(path: path)
    }
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
    case .hidden(let folder, let taken): "\(folder) is no run, so \(taken) is taken, which has the same name."
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
  /// It changes pictures, and makes none of its own.
  case transfer(String, recipe: String)

  public var sentence: String {
    switch self {
    case .missing(let name):
      "There is no run, checkpoint or model '\(name)': check the path, or see `atelier models list`."
    case .noRun(let path):
      "\(path) isn't a run, since there is no checkpoint in it: name a folder that `atelier train` made."
    case .damaged(let path):
      "None of the checkpoints in \(path) can be read: train again, with another --run."
    case .noLatents(let recipe, let option):
      "The recipe \(recipe) doesn't make its pictures from latents: leave \(option) out."
    case .transfer(let name, recipe: EnlargeRecipe.name):
      "\(name) makes pictures larger (\(EnlargeRecipe.name)) and none by itself: use `atelier enlarge PICTURE --model \(name)`."
    case .transfer(let name, recipe: MotionRecipe.name):
      "\(name) moves pictures (\(MotionRecipe.name)) and makes none by itself: use `atelier animate PICTURE --with CLIP --run \(name)`."
    case .transfer(let name, recipe: InbetweenRecipe.name):
      "\(name) draws what is between frames (\(InbetweenRecipe.name)) and makes no pictures by itself: use `atelier inbetween CLIP --model \(name)`."
    case .transfer(let name, let recipe):
      "\(name) changes pictures (\(recipe)) and makes none by itself: use `atelier restyle PICTURE --with \(name)`."
    }
  }
  public var exit: Exit {
    switch self {
    case .missing, .noRun: .missingInput
    case .damaged: .data
    case .noLatents, .transfer: .usage
    }
  }
}
