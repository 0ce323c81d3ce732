import Foundation
import LargeModels
import Media
import Torch

/// What a large model's file or folder is, a LoRA's or a ControlNet's.
public struct LargeInspection: Codable, Sendable, Equatable {
  public let path: String
  /// "SD 1.x", "SD 2.x" or "SDXL"; of a LoRA or ControlNet the one that it was made for, or "unknown".
  public let family: String
  /// "drawing", "inpainting", "drawing in few steps (LCM)", "LoRA" or "ControlNet".
  public let task: String
  /// Of most weights, such as "float16".
  public let precision: String?
  /// "noise" or "velocity".
  public let prediction: String?
  /// Of the weights.
  public let bytes: Int
  /// Numbers in the weights.
  public let parameters: Int?
  /// How many layers a LoRA changes.
  public let layers: Int?
  /// Of the pictures that it was trained on, in pixels.
  public let side: Int?
  /// Bytes that drawing takes about: with everything loaded, and with one part at a time. Arithmetic.
  public let memory: Int?, memoryInTurn: Int?
  /// Of a step with guidance at that side, here: operations counted, at the rate of products of matrices measured just now.
  public let secondsAStep: Double?
  /// What was assumed, and what isn't used.
  public let notes: [String]
}

/// Says what a large model's file or folder is; a LoRA's and a ControlNet's, too.
///
/// - Parameter prediction: of the network's answers, where the file says it wrongly or not at all.
/// - Throws: `LargeModelError`, where something is missing with its name; `SafetensorsError`, `CheckpointFileError`.
public func inspectLargeModel(
  _ name: String, prediction: Prediction? = nil, in workspace: Workspace, on device: Device
) throws -> LargeInspection {
  let place = LargePlace.find(name, in: workspace)
  let path = place?.path ?? name.absolutePath
  do { return LargeInspection(try Adapter(path)) } catch let error as LargeModelError {
    if case .incompleteAdapter = error { throw error }
  } catch {
    // It is no LoRA: what else it is, or why it can't be read, is told below.
  }
  do { return LargeInspection(try ControlModel(path)) } catch let error as LargeModelError {
    // What reads a picture is one, if damaged; other things are something else.
    if case .missingTensor = error { throw error }
  } catch {}
  let model = try LargeModel(path, prediction: prediction ?? place?.prediction)
  let precision: DType = device.prefersBFloat16 ? .bfloat16 : .float32
  let facts = model.facts(precision: precision)
  let evaluations = model.unet.configuration.guidance == nil ? 2.0 : 1
  let rate = operationsPerSecond(on: device, precision: precision)
  return LargeInspection(
    path: path, family: facts.family, task: facts.kind, precision: facts.precision,
    prediction: facts.prediction.rawValue, bytes: facts.bytes, parameters: facts.parameters, layers: nil,
    side: facts.side, memory: facts.memory.kept, memoryInTurn: facts.memory.inTurn,
    secondsAStep: evaluations * model.operations(height: facts.side, width: facts.side) / rate, notes: facts.notes)
}

extension LargeInspection {
  fileprivate init(_ lora: Adapter) {
    let facts = try? FileManager.default.attributesOfItem(atPath: (lora.path as NSString).resolvingSymlinksInPath)
    self.init(
      path: lora.path, family: lora.base?.rawValue ?? "unknown", task: "LoRA", precision: nil, prediction: nil,
      bytes: facts?[.size] as? Int ?? 0, parameters: nil, layers: lora.layerCount, side: nil, memory: nil,
      memoryInTurn: nil, secondsAStep: nil, notes: lora.unknown.isEmpty ? [] : [lora.unknownSentence])
  }
}

extension LargeInspection {
  fileprivate init(_ control: ControlModel) {
    self.init(
      path: control.path, family: control.family.rawValue, task: "ControlNet",
      precision: control.part.precision.map { "\($0)" }, prediction: nil, bytes: control.part.bytes,
      parameters: control.parameters, layers: nil, side: nil, memory: nil, memoryInTurn: nil, secondsAStep: nil,
      notes: control.notes.map(\.sentence))
  }
}

/// What `models add` registered.
public struct RegisteredModel: Codable, Sendable, Equatable {
  public let name: String
  /// Where it lies.
  public let path: String
  public let family: String
}

/// Registers a large model where it lies: nothing is copied, a small file in the workspace's models names it.
///
/// - Parameters:
///   - name: nil takes the file's or folder's own.
///   - prediction: of the network's answers, kept for every use.
///   - licence: what the artist says about it.
///   - force: replaces one that was added under that name.
///   - tell: told what was assumed.
/// - Throws: `ModelError.badName`, `WorkspaceError`, and as `LargeModel`.
public func addModel(
  _ path: String, named name: String? = nil, prediction: Prediction? = nil, licence: String? = nil, force: Bool = false,
  in workspace: Workspace, tell: (Event) -> Void = { _ in }
) throws -> RegisteredModel {
  let path = path.absolutePath
  let name = name ?? (path as NSString).lastPathComponent.withoutWeightsEnding
  guard isModelName(name) else { throw ModelError.badName(name) }
  let target = "\(workspace.models)/\(name).json"
  // A model of ours would hide it, or be hidden.
  let others = ["\(workspace.models)/\(name).safetensors"] + (force ? [] : [target])
  for other in others where FileManager.default.fileExists(atPath: other) {
    throw WorkspaceError.exists(path: other)
  }
  let model = try LargeModel(path, prediction: prediction)
  for case .assumed(let words) in model.notes { tell(.note(words)) }
  let added = AddedModel(
    path: path, prediction: prediction, family: model.family.rawValue, bytes: model.facts(precision: .float32).bytes,
    licence: licence)
  try workspace.make(workspace.models)
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  try AtomicFile.write(String(decoding: encoder.encode(added), as: UTF8.self) + "\n", to: target, isForced: force)
  return RegisteredModel(name: name, path: path, family: added.family)
}

extension ListedModel {
  /// A large model that was added, by the file that names it; nil where it is another file.
  init?(added file: String) {
    guard let added = AddedModel(file: file) else { return nil }
    let name = (file as NSString).lastPathComponent.dropLast(".json".count)
    let isThere = FileManager.default.fileExists(atPath: added.path)
    self.init(
      name: String(name), state: .added, architecture: added.family, licence: added.licence ?? "unknown",
      bytes: added.bytes,
      use: isThere
        ? "draws by words, by `atelier generate \(name) --prompt \"…\"`"
        : "isn't at \(added.path) any more: add it again with --force, or delete \(file)", path: added.path)
  }
}
