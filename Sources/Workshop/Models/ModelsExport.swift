import Foundation
import LargeModels
import Media
import Models
import Torch
import Training

/// The result of `models export`.
public struct ExportedModel: Codable, Hashable, Sendable {
  public let path: String
  public let recipe: String
  public let picturesSeen: Int
  public let bytes: Int
}

/// Writes a run's generator as one file of its own, without what only training needs: what `generate` takes, in this
/// workspace by its name or anywhere by its path.
///
/// - Parameters:
///   - run: as `Generator` takes it.
///   - name: the model's; the run's when it is nil.
///   - out: the file; else it goes into the workspace's models.
///   - licence: of the pictures that it was trained on, as the artist says.
///   - isHalf: stores numbers in 16 bits: half the size, and pictures that differ by less than a level of 255.
///   - force: replaces a file that is there.
/// - Throws: `GeneratorError`, `CheckpointError`, `RecipeError`, `WorkspaceError`, `SafetensorsError`.
public func exportModel(
  _ run: String, named name: String? = nil, to out: String? = nil, licence: String? = nil, isHalf: Bool = false,
  force: Bool = false, in workspace: Workspace, note: (GeneratorNote) -> Void = { _ in }
) throws -> ExportedModel {
  let source = try Generator(run, in: workspace, note: note)
  let title = name ?? URL(fileURLWithPath: run.absolutePath).deletingPathExtension().lastPathComponent
  let target = out?.absolutePath ?? "\(workspace.models)/\(title).safetensors"
  guard force || !FileManager.default.fileExists(atPath: target) else { throw WorkspaceError.exists(path: target) }

  var tensors: [String: Tensor] = [:]
  for (part, saved) in source.model.parts {
    for (key, tensor) in saved.savedTensors {
      tensors["\(part)/\(key)"] = isHalf && tensor.dtype == .float32 ? tensor.to(.float16) : tensor
    }
  }
  var metadata = ModelMetadata.common(title: title, architecture: "atelier/\(source.facts.recipe)")
  let size = source.settings.size
  metadata[ModelMetadata.resolution] = "\(size.width)x\(size.height)"
  metadata[ModelMetadata.licence] = licence
  metadata[ModelMetadata.sourceHash] = source.hash
  try makeFolder(target.parentPath)
  try Safetensors.write(tensors, metadata: metadata.merging(source.facts.metadata) { $1 }, to: target)
  let bytes = (try? FileManager.default.attributesOfItem(atPath: target))?[.size] as? Int ?? 0
  return ExportedModel(
    path: target, recipe: source.facts.recipe, picturesSeen: source.facts.picturesSeen, bytes: bytes)
}

/// Writes a model that draws by words as a folder of diffusers, which other tools read.
///
/// - Parameters:
///   - run: as `Generator` takes it, of a recipe whose models draw by words.
///   - folder: isn't there yet, or `force` replaces what an export before wrote.
///   - isHalf: stores numbers in 16 bits.
/// - Throws: `ModelError.notByWords`, and as `exportModel`.
public func exportFolder(
  _ run: String, to folder: String, isHalf: Bool = false, force: Bool = false, in workspace: Workspace,
  note: (GeneratorNote) -> Void = { _ in }
) throws -> ExportedModel {
  let checkpoint = try Generator.checkpoint(run, in: workspace, note: note)
  guard LargeModel.isOwn(checkpoint.facts.metadata) else { throw ModelError.notByWords(run) }
  let target = folder.absolutePath
  if FileManager.default.fileExists(atPath: target) {
    // Nothing but what was exported is replaced.
    let isExport = FileManager.default.fileExists(atPath: "\(target)/model_index.json")
    guard force, isExport else { throw WorkspaceError.exists(path: target) }
  }
  try makeFolder(target.parentPath)
  let bytes = try LargeModel(checkpoint.path).writeFolder(target, isHalf: isHalf)
  return ExportedModel(
    path: target, recipe: checkpoint.facts.recipe, picturesSeen: checkpoint.facts.picturesSeen, bytes: bytes)
}

extension Generator {
  /// Size and channels of its pictures.
  var settings: any RecipeSettings { model.settings }
}
