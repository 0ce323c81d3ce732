import Archives
import Foundation
import Media
import Models
import Networks
import Torch
import Training

/// What `models import` is asked for.
public struct ImportRequest: Sendable {
  /// A PyTorch checkpoint of either format, read by an allow-list and never executed, a safetensors or an ONNX file.
  public var file: String
  /// The network that the weights are for, or "raw" for tensors that nothing here uses yet; nil where their names tell.
  public var architecture: String?
  /// The dictionary inside the file that holds the weights; nil where one fits.
  public var part: String?
  /// The model's name; the file's when it is nil.
  public var name: String?
  /// What the artist says about it.
  public var licence: String?
  /// Replaces a model of that name.
  public var force = false

  public init(_ file: String, as architecture: String? = nil) { (self.file, self.architecture) = (file, architecture) }
}

/// What `models import` made.
public struct ImportedModel: Codable, Hashable, Sendable {
  public let path: String
  public let architecture: String
  /// The dictionary inside the file that held the weights; empty for the whole file.
  public let part: String
  /// What was found, such as "64 px, 3 channels, latents of 100 numbers".
  public let found: String
  /// Other dictionaries that hold such a network.
  public let otherParts: [String]
  /// Values that were no tensors, by name.
  public let passedOver: [String: String]
}

/// Copies weights that somebody else trained into the workspace, as safetensors.
///
/// A file often holds them inside another dictionary, beside optimizers and counters: each dictionary is looked at, and
/// the network that it fits is told by names and shapes.
///
/// - Throws: `ModelError`, `CheckpointFileError`, `SafetensorsError`, `WorkspaceError`.
public func importModel(_ request: ImportRequest, in workspace: Workspace) throws -> ImportedModel {
  let path = request.file.absolutePath
  let name = request.name ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
  guard isModelName(name) else { throw ModelError.badName(name) }
  let kinds = try request.architecture.map(importables(named:)) ?? importables
  let target = "\(workspace.models)/\(name).safetensors"
  guard request.force || !FileManager.default.fileExists(atPath: target) else {
    throw WorkspaceError.exists(path: target)
  }
  let (tensors, passedOver) = try weights(in: path)
  let fit: Fit
  if request.architecture == "raw" {
    fit = Fit(part: request.part ?? "", architecture: "raw", use: nil, adopted: .init(tensors, words: "any tensors"))
  } else {
    fit = try found(in: tensors, request, kinds, path)
  }
  for (name, tensor) in fit.adopted.tensors.sorted(by: { $0.key < $1.key })
  where tensor.dtype.isFloatingPoint && tensor.count > 0 {
    // NaN is the largest of all.
    guard abs(tensor.to(.float32)).max().item().isFinite else { throw ModelError.notNumbers(path, tensor: name) }
  }
  var metadata = ModelMetadata.common(title: name, architecture: fit.architecture)
  metadata[ModelMetadata.licence] = request.licence
  metadata[ModelMetadata.source] = URL(fileURLWithPath: path).lastPathComponent
  metadata[ModelMetadata.sourceHash] = try Digest.sha256(file: path)
  metadata[ModelMetadata.use] = fit.use
  metadata.merge(fit.adopted.facts?.metadata ?? [:]) { $1 }
  try workspace.make(workspace.models)
  try Safetensors.write(fit.adopted.tensors, metadata: metadata, to: target)
  return ImportedModel(
    path: target, architecture: fit.architecture, part: fit.part, found: fit.adopted.words,
    otherParts: fit.others, passedOver: passedOver)
}

/// The kinds of a name; none for "raw".
///
/// - Throws: `ModelError.unknownArchitecture`.
func importables(named name: String) throws(ModelError) -> [Importable] {
  if name == "raw" { return [] }
  let found = importables.filter { $0.names.contains(name) }
  guard !found.isEmpty else { throw .unknownArchitecture(name, known: importables.flatMap(\.names)) }
  return found
}

/// A dictionary of the file that holds a network's weights.
private struct Fit {
  let part: String
  let architecture: String
  let use: String?
  let adopted: Importable.Adopted
  var others: [String] = []
  /// Whether its name says that it is an average of weights, which makes the better pictures.
  var isAverage: Bool { part.lowercased().contains("ema") || part.lowercased().contains("average") }
}

/// The dictionary whose tensors are a network's.
///
/// - Throws: `ModelError.doesNotFit` where none is, `severalFit` where it isn't clear which.
private func found(
  in tensors: [String: Tensor], _ request: ImportRequest, _ kinds: [Importable], _ path: String
) throws -> Fit {
  let all = parts(of: tensors)
  if let part = request.part, all[part] == nil {
    throw ModelError.noPart(part, in: path, parts: topParts(of: all))
  }
  var fits: [Fit] = []
  var nearest: (isNear: Bool, count: Int, error: any Explained)?
  // Of these kinds what nothing at all lacks.
  let first = Set(kinds.compactMap { kind in reason { _ = try kind([:]) }?.sentence })
  let names = all.keys.sorted { ($0.count, $0) < ($1.count, $1) }
  for part in names where request.part == nil || request.part == part {
    // What is inside a part that fits is a piece of it.
    guard !fits.contains(where: { part.hasPrefix($0.part.isEmpty ? "" : $0.part + ".") }) else { continue }
    for kind in kinds {
      do {
        let name = request.architecture ?? kind.names[0]
        fits.append(Fit(part: part, architecture: name, use: kind.use, adopted: try kind(all[part]!)))
        break
      } catch let error as any Explained {
        // The part that comes furthest; of wrappers around the same tensors the innermost.
        let (isNear, count) = (!first.contains(error.sentence), all[part]!.count)
        if nearest.map({ isNear && !$0.isNear || isNear == $0.isNear && count >= $0.count }) ?? true {
          nearest = (isNear, count, error)
        }
      }
    }
  }
  let averages = fits.filter(\.isAverage)
  if fits.count > 1, averages.count == 1 {
    var chosen = averages[0]
    chosen.others = fits.map(\.part).filter { $0 != chosen.part }
    return chosen
  }
  guard fits.count < 2 else {
    throw ModelError.severalFit(path, parts: fits.map { "\($0.part) (\($0.architecture), \($0.adopted.words))" })
  }
  if let fit = fits.first { return fit }
  guard let architecture = request.architecture, let nearest else {
    throw ModelError.nothingFits(path, found: firstNames(of: tensors))
  }
  throw ModelError.doesNotFit(
    path, architecture: architecture, reason: "\(briefly(nearest.error)); it has \(firstNames(of: tensors))")
}

/// Why something can't be done; nil when it can.
private func reason(_ body: () throws -> Void) -> (any Explained)? {
  do { try body() } catch { return error as? any Explained }
  return nil
}

/// The tensors of the file as a whole and of each dictionary in it that could be a network's, by their names there.
private func parts(of tensors: [String: Tensor]) -> [String: [String: Tensor]] {
  var parts: [String: [String: Tensor]] = ["": tensors]
  for (name, tensor) in tensors {
    var start = name.startIndex
    while let dot = name[start...].firstIndex(of: ".") {
      start = name.index(after: dot)
      // Numbers are layers' and optimizers' own.
      parts[String(name[..<dot]), default: [:]][String(name[start...])] = tensor
    }
  }
  return parts.filter { $0.value.count > 1 }
}

/// The file's outermost dictionaries, for a sentence.
private func topParts(of parts: [String: [String: Tensor]]) -> [String] {
  parts.keys.filter { !$0.isEmpty && !$0.contains(".") }.sorted()
}

/// "conv.weight [64, 3, 4, 4], conv.bias [64] and 12 more".
private func firstNames(of tensors: [String: Tensor]) -> String {
  let names = tensors.keys.sorted()
  let shown = names.prefix(3).map { "\($0) \(tensors[$0]!.shape)" }.joined(separator: ", ")
  return names.isEmpty ? "no tensors" : names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
}

/// Without the advice at the sentence's end, which is about files of our own.
func briefly(_ error: any Explained) -> String {
  let what = String(error.sentence.prefix { $0 != ":" })
  return what.prefix(1).lowercased() + what.dropFirst()
}

private func weights(in path: String) throws -> (tensors: [String: Tensor], passedOver: [String: String]) {
  // Names may say anything: what begins like a format is that format.
  switch try WeightsFormat(path) {
  case .safetensors: return (try Safetensors.read(path).tensors, [:])
  case .onnx: return (try ONNXWeights(FileBytes.read(path, cap: 4 << 30), named: path).tensors, [:])
  case .pytorch:
    let checkpoint = try PyTorchCheckpoint.read(path)
    return (checkpoint.tensors, checkpoint.others)
  }
}

/// What kind of file holds weights, by its first bytes; the name's ending only where they don't tell.
private enum WeightsFormat {
  case safetensors, onnx, pytorch

  init(_ path: String) throws {
    let start = try FileBytes.read(path, first: 16)
    let length = start.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    if start.starts(with: [0x50, 0x4B]) || start.first == 0x80 {
      self = .pytorch
    } else if start.count > 8, start[8] == 0x7B, length <= 100_000_000 {
      self = .safetensors
    } else if start.first == 8 {
      // Of Protocol Buffers, the first field as a number: ONNX's version.
      self = .onnx
    } else {
      let endings: [String: WeightsFormat] = ["safetensors": .safetensors, "onnx": .onnx]
      self = endings[(path as NSString).pathExtension.lowercased()] ?? .pytorch
    }
  }
}

func isModelName(_ name: String) -> Bool {
  guard let first = name.utf8.first, name.utf8.count <= 100 else { return false }
  let isPlain = { (c: UInt8) in (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) }
  return isPlain(first) && name.utf8.allSatisfy { isPlain($0) || "-_.".utf8.contains($0) }
}
