import Foundation
import LargeModels
import Media
import Torch

/// A large model that `models add` registered where it lies, as WORKSPACE/models/NAME.json has it.
public struct AddedModel: Codable, Sendable, Equatable {
  /// The file or folder, which isn't copied.
  public let path: String
  /// What the artist says about the network's answers; nil where the file's own word counts.
  public let prediction: Prediction?
  public let family: String
  /// Of its weights.
  public let bytes: Int
  public let licence: String?

  /// - Parameter file: a JSON file of the workspace's models; nil where it isn't one of these.
  init?(file: String) {
    guard let data = FileManager.default.contents(atPath: file),
      let read = try? JSONDecoder().decode(AddedModel.self, from: data)
    else { return nil }
    self = read
  }

  init(path: String, prediction: Prediction?, family: String, bytes: Int, licence: String?) {
    (self.path, self.prediction, self.family, self.bytes, self.licence) = (path, prediction, family, bytes, licence)
  }
}

/// Where a large model lies that was named by its path, or by the name under which it was added; or a run's checkpoint that draws by words
/// as well.
struct LargePlace: Equatable {
  /// As it was typed.
  let name: String
  let path: String
  let prediction: Prediction?
  /// What an artist should know about how it was found.
  var notes: [String] = []
  /// What files that are given away call it.
  var shownName: String { name.shownName.withoutWeightsEnding }

  /// - Returns: nil where the name is a run's, a checkpoint's or of another model, or where there is nothing.
  static func find(_ name: String, in workspace: Workspace) -> LargePlace? {
    let path = name.absolutePath
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      let isOne = isFolder.boolValue ? isFolderOfOne(path) : isFileOfOne(path)
      if isOne { return LargePlace(name: name, path: path, prediction: nil) }
    }
    // The file that `models add` wrote does as well as its name.
    if path.hasSuffix(".json"), let added = AddedModel(file: path) {
      let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
      return LargePlace(name: name, path: added.path, prediction: added.prediction)
    }
    if let own = own(name, in: workspace) { return own }
    guard !name.contains("/"), let added = AddedModel(file: "\(workspace.models)/\(name).json") else { return nil }
    // A run or a checkpoint of that name comes first, as everywhere.
    let other = Generator.place(name, in: workspace)
    guard other.map(Generator.isOtherFolder) ?? true else { return nil }
    return LargePlace(name: name, path: added.path, prediction: added.prediction)
  }

  /// The checkpoint of a run, or a model, that was learned from pictures with words.
  private static func own(_ name: String, in workspace: Workspace) -> LargePlace? {
    guard Generator.place(name, in: workspace) != nil else { return nil }
    var notes: [String] = []
    let checkpoint = try? Generator.checkpoint(name, in: workspace) { notes.append($0.sentence) }
    guard let checkpoint, LargeModel.isOwn(checkpoint.facts.metadata) else { return nil }
    return LargePlace(name: name, path: checkpoint.path, prediction: nil, notes: notes)
  }

  private static func isFolderOfOne(_ path: String) -> Bool {
    ["model_index.json", "unet/config.json", "transformer/config.json"].contains {
      FileManager.default.fileExists(atPath: "\(path)/\($0)")
    }
  }

  /// By the names of its tensors, which no file of Atelier's has. LoRAs and other families are among them, so that their errors say what
  /// they are.
  private static func isFileOfOne(_ path: String) -> Bool {
    // Atelier's own are safetensors.
    if String.pickleEndings.contains((path as NSString).pathExtension.lowercased()) { return true }
    guard let (tensors, metadata) = try? Safetensors.read(path), metadata["recipe"] == nil,
      metadata[ModelMetadata.implementation]?.hasPrefix("Atelier") != true
    else { return false }
    let beginnings = [
      "model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.", "control_model.",
      "double_blocks.", "lora_", "unet.", "emb_params",
    ]
    return tensors.keys.contains { name in beginnings.contains { name.hasPrefix($0) } }
  }
}

/// Whether a name or path is a large model, which is drawn with by words.
public func isLargeModel(_ name: String, in workspace: Workspace) -> Bool {
  LargePlace.find(name, in: workspace) != nil
}

/// The SHA-256 of weights of several gigabytes, computed once: it is kept in the workspace's cache until the file changes.
///
/// - Parameters:
///   - path: a file; of a folder, its weights' names and hashes count.
///   - say: told that it takes a while, in a sentence.
/// - Throws: `PictureError` where a file can't be read, `WorkspaceError`.
func hashOfWeights(_ path: String, in workspace: Workspace, say: (String) -> Void) throws -> String {
  var isFolder: ObjCBool = false
  _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
  guard isFolder.boolValue else { return try hashOfFile(path, in: workspace, say: say) }
  let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
  let weights = names.filter { $0.hasSuffix(".safetensors") || $0.hasSuffix(".bin") }.sorted()
  let lines = try weights.map { "\($0) \(try hashOfFile("\(path)/\($0)", in: workspace, say: say))" }
  return Digest.sha256(lines.joined(separator: "\n"))
}

private func hashOfFile(_ path: String, in workspace: Workspace, say: (String) -> Void) throws -> String {
  let facts = try? FileManager.default.attributesOfItem(atPath: (path as NSString).resolvingSymlinksInPath)
  let bytes = facts?[.size] as? Int ?? 0
  let changed = (facts?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
  let note = "\(workspace.cache)/hash-\(Digest.sha256("\(path.absolutePath) \(bytes) \(changed)").prefix(16)).txt"
  if let known = try? String(contentsOfFile: note, encoding: .utf8), known.count == 64 { return known }
  if bytes > 500_000_000 { say("Reading \((path as NSString).lastPathComponent) once for its SHA-256") }
  let hash = try Digest.sha256(file: path)
  try workspace.make(workspace.cache)
  // Only saves time: a cache that can't be written is no reason to stop.
  try? hash.write(toFile: note, atomically: true, encoding: .utf8)
  return hash
}

extension String {
  fileprivate static let pickleEndings = ["ckpt", "pt", "pth"]

  /// A file's or folder's name without the ending of weights: that of "v1.5" stays.
  var withoutWeightsEnding: String {
    let ending = (self as NSString).pathExtension.lowercased()
    return (Self.pickleEndings + ["safetensors"]).contains(ending) ? (self as NSString).deletingPathExtension : self
  }
}
