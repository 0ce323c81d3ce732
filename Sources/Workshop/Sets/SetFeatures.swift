import Evaluation
import Torch
import Training

/// Features of the pictures of a packed set.
public struct SetFeatures {
  /// The pictures' numbers, as `PictureSet.sample` draws them.
  let numbers: [Int]
  /// [numbers, dimensions], float32 on the CPU.
  let values: Tensor

  /// Pictures of a set that KID and its like are measured against, where nobody says how many: errors hardly shrink with
  /// more, and time does grow.
  public static let most = 5000

  /// Of at most so many of a set's pictures. What the network has seen of them is kept beside the set, so that whatever
  /// looks at it next, a run, `measure` or `compare`, looks at no picture twice.
  ///
  /// - Parameters:
  ///   - path: the set's file.
  ///   - progress: told how many of the pictures are done, and of how many.
  init(
    of set: PictureSet, at path: String, by net: FeatureNet, atMost most: Int = SetFeatures.most,
    progress: (Int, Int) -> Void = { _, _ in }
  ) {
    numbers = set.sample(atMost: most)
    let known = Self.known(of: set, at: path, by: net)
    let missing = numbers.dropFirst(known.size(0)), all = numbers.count
    guard !missing.isEmpty else {
      values = known[0..<all]
      return
    }
    var parts = [known]
    // Some at a time: the pictures of a set needn't fit into memory.
    for start in stride(from: missing.startIndex, to: missing.endIndex, by: 256) {
      let some = missing[start..<min(start + 256, missing.endIndex)]
      parts.append(net.features(of: set.bytes(of: some)) { progress(start + $0, all) })
    }
    values = Tensor.concatenated(parts)
    // Only spares doing it again: a workspace that can't be written to still measures.
    try? Safetensors.write(
      ["features": values], metadata: ["key": Self.key(of: set, net)], to: Self.file(beside: path, net))
  }

  /// What is kept of it: [numbers, dimensions], those of the first of the set's sample.
  static func known(of set: PictureSet, at path: String, by net: FeatureNet) -> Tensor {
    // A damaged file is no error: it is made anew.
    guard let (tensors, metadata) = try? Safetensors.read(file(beside: path, net)),
      metadata["key"] == key(of: set, net),
      let found = tensors["features"], found.rank == 2, found.size(1) == net.dimensions, found.size(0) <= set.count
    else { return Tensor.zeros([0, net.dimensions]) }
    return found
  }

  private static func file(beside path: String, _ net: FeatureNet) -> String {
    path.replacing(".safetensors", with: "-\(net.name).safetensors")
  }

  /// Other pictures under the same name have another hash.
  private static func key(of set: PictureSet, _ net: FeatureNet) -> String {
    "2 \(net.name) \(set.metadata["hash"] ?? "") \(set.count)"
  }
}
