import Foundation
import Evaluation
import Models
import Torch
import Training

/// What `measure` keeps of the pictures that it looks at: some numbers of each, and no picture.
struct Looked {
  /// A seed or a file's name for each.
  private(set) var names: [String] = []
  /// [N, dimensions].
  private(set) var features = Tensor.zeros([0, 0])
  /// What each is most like, among those that are measured against.
  private(set) var matches: [CopySearch.Match] = []
  /// Whether each is a copy of what the generator learned from, where that is known.
  private(set) var isLearned: [Bool]?
  /// The share of what the generator learned from that is as like to others, where that is so many that copies can't be told.
  private(set) var learnedAlike: Double?
  /// Mean square of the steps between neighbouring pixels.
  private(set) var energy = 0.0
  private(set) var seam = SeamMeter()
  private(set) var millisecondsAPicture: Double?
  /// The bytes of some of them, by their places here: uint8 [N, C, H, W].
  let pictures: ([Int]) -> Tensor

  /// Pictures of the seeds from 0 on, as the bytes that `generate` would write.
  ///
  /// - Parameter isSame: whether what the generator learned from is what it is measured against.
  /// - Throws: `GeneratorError.otherUse`.
  init(
    at generator: Generator, count: Int, by net: FeatureNet, _ meter: CopyMeter, _ watch: CopyWatch?, isSame: Bool,
    progress: (Int, Int) -> Void
  ) throws {
    let model = try generator.pictureModel()
    pictures = { pictureBytes(model.pictures(generator.request(seeds: $0.map(UInt64.init)))) }
    names = (0..<count).map(String.init)
    isLearned = watch.map { _ in [] }
    var (seconds, parts) = (0.0, [Tensor]())
    for start in stride(from: 0, to: count, by: 64) {
      let seeds = Array(start..<min(start + 64, count))
      let begun = ProcessInfo.processInfo.systemUptime
      let bytes = pictures(seeds)
      seconds += ProcessInfo.processInfo.systemUptime - begun
      parts.append(net.features(of: bytes))
      look(at: bytes, of: count, meter)
      if let watch {
        let found = isSame ? Array(matches.suffix(seeds.count)) : nil
        isLearned! += watch.copies(amongBytes: bytes, nearest: found).map { $0 != nil }
      }
      progress(matches.count, count)
    }
    // Nothing found and nothing to be told aren't the same.
    learnedAlike = watch?.alike
    if learnedAlike != nil { isLearned = nil }
    features = Tensor.concatenated(parts)
    millisecondsAPicture = 1000 * seconds / Double(count)
  }

  /// Pictures of a packed set, or a sample of them, in the set's order.
  ///
  /// - Parameter path: the set's file.
  init(
    at set: PictureSet, _ path: String, atMost most: Int, by net: FeatureNet, _ meter: CopyMeter,
    progress: (Int, Int) -> Void
  ) {
    let seen = SetFeatures(of: set, at: path, by: net, atMost: most, progress: progress)
    let order = seen.numbers.indices.sorted { seen.numbers[$0] < seen.numbers[$1] }
    let numbers = order.map { seen.numbers[$0] }
    pictures = { places in set.bytes(of: places.map { numbers[$0] }) }
    names = numbers.map { set.names[$0] }
    features = seen.values.indexSelected(dim: 0, indices: Tensor(order))
    for start in stride(from: 0, to: numbers.count, by: 64) {
      look(at: pictures(Array(start..<min(start + 64, numbers.count))), of: numbers.count, meter)
      progress(matches.count, numbers.count)
    }
  }

  private mutating func look(at bytes: Tensor, of count: Int, _ meter: CopyMeter) {
    energy += gradientEnergy(of: bytes) * Double(bytes.size(0)) / Double(count)
    seam.add(bytes)
    matches += meter.nearest(to: bytes)
  }
}
