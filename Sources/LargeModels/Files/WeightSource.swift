import Archives
import Foundation
import Torch

/// The tensors of one file, or of the shards of one, by name: mapped into memory where it is a safetensors file.
struct WeightSource {
  let path: String
  var tensors: [String: Tensor]
  var metadata: [String: String] = [:]

  /// - Parameter path: safetensors, or a file of PyTorch, of which only tensors are read; what is in it decides, not its name.
  /// - Throws: `SafetensorsError`, `CheckpointFileError`, `LargeModelError`.
  init(file path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else { throw LargeModelError.missing(path: path) }
    let isNamedSo = ["ckpt", "pt", "pth", "bin"].contains((path as NSString).pathExtension.lowercased())
    if try PyTorchCheckpoint.isOne(path) || isNamedSo && !Safetensors.isOne(path) {
      let read = try PyTorchCheckpoint.read(path).tensors
      let prefix = "state_dict."
      tensors = Dictionary(
        read.map { ($0.key.hasPrefix(prefix) ? String($0.key.dropFirst(prefix.count)) : $0.key, $0.value) },
        uniquingKeysWith: { first, _ in first })
    } else {
      (tensors, metadata) = try Safetensors.read(path)
    }
  }

  /// The weights of a part of a diffusers folder: one file or several named by an index, full precision before half.
  ///
  /// - Throws: as above; `LargeModelError.missingPart` when there is none.
  init(folder: String) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    if let index = Self.best(names.filter { $0.contains(".safetensors.index") && $0.hasSuffix(".json") }) {
      (path, tensors) = (folder, try Self.shards(folder, index, names))
      return
    }
    let whole = names.filter { $0.hasSuffix(".safetensors") && !$0.contains("-of-") }
    guard let file = Self.best(whole) ?? Self.best(names.filter { $0.hasSuffix(".bin") && !$0.contains("-of-") }) else {
      throw LargeModelError.missingPart(path: folder, part: "weights")
    }
    self = try WeightSource(file: "\(folder)/\(file)")
  }

  private static func shards(_ folder: String, _ index: String, _ names: [String]) throws -> [String: Tensor] {
    let facts = try JSONFile("\(folder)/\(index)")
    guard let map = facts["weight_map"] as? [String: String] else {
      throw LargeModelError.damaged(path: facts.path, why: "it has no weight_map")
    }
    var tensors: [String: Tensor] = [:]
    for shard in Set(map.values).sorted() {
      guard !shard.contains("/"), names.contains(shard) else {
        throw LargeModelError.damaged(path: facts.path, why: "its shard \(shard) isn't there")
      }
      tensors.merge(try WeightSource(file: "\(folder)/\(shard)").tensors) { first, _ in first }
    }
    if let lost = map.keys.sorted().first(where: { tensors[$0] == nil }) {
      throw LargeModelError.damaged(path: folder, why: "no shard has the tensor '\(lost)'")
    }
    return tensors
  }

  /// The file without a variant's name, such as `.fp16.`, before those with one; the non-EMA last.
  private static func best(_ names: [String]) -> String? {
    names.min {
      ($0.contains("non_ema") ? 1 : 0, variants($0), $0) < ($1.contains("non_ema") ? 1 : 0, variants($1), $1)
    }
  }
  private static func variants(_ name: String) -> Int { name.split(separator: ".").count }
}

/// A JSON object in a file, with tolerant readings of its values.
struct JSONFile {
  let path: String
  let values: [String: Any]

  /// - Throws: `LargeModelError`.
  init(_ path: String) throws(LargeModelError) {
    self.path = path
    guard let data = FileManager.default.contents(atPath: path) else { throw .missing(path: path) }
    guard let values = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw .damaged(path: path, why: "it is no JSON object")
    }
    self.values = values
  }

  subscript(name: String) -> Any? { values[name].flatMap { $0 is NSNull ? nil : $0 } }
  func int(_ name: String) -> Int? { self[name] as? Int }
  func double(_ name: String) -> Double? { (self[name] as? NSNumber)?.doubleValue }
  func bool(_ name: String) -> Bool? { (self[name] as? NSNumber)?.boolValue }
  func string(_ name: String) -> String? { self[name] as? String }
  func strings(_ name: String) -> [String]? { self[name] as? [String] }
  /// A list, or one number for all.
  func ints(_ name: String, count: Int) -> [Int]? {
    if let one = self[name] as? Int { return [Int](repeating: one, count: count) }
    return (self[name] as? [Int]).flatMap { $0.count == count ? $0 : nil }
  }
}
