import Torch

/// The order in which a run sees its pictures: every picture once an epoch, shuffled anew each time.
///
/// It depends on the seed and on how many pictures were seen, and on nothing else: a resumed run goes on exactly.
public struct EpochOrder {
  public let count: Int, seed: UInt64
  private let salt: UInt64
  private var shuffles: [Int: [Int]] = [:]
  /// Pictures of one class that follow each other, and the class of each picture.
  private let group: Int, labels: [Int]

  /// - Parameters:
  ///   - count: pictures in the set, at least one.
  ///   - salt: tells a second order of the same run from the first.
  ///   - group: so many pictures of one class follow each other, as far as there are as many; 1 for any.
  ///   - labels: the class of each picture, where group is more than 1.
  public init(count: Int, seed: UInt64, salt: UInt64 = 0, group: Int = 1, labels: [Int] = []) {
    precondition(count > 0, "a set without pictures has no order")
    (self.count, self.seed, self.salt) = (count, seed, salt)
    (self.group, self.labels) = (group, labels)
  }

  /// The numbers of the next `batch` pictures after `seen`.
  public mutating func indices(after seen: Int, batch: Int) -> [Int] {
    let epochs = seen / count...(seen + batch - 1) / count
    shuffles = shuffles.filter { epochs.contains($0.key) }
    for epoch in epochs where shuffles[epoch] == nil {
      // Another seed than the steps' noise has, which counts from 0 too.
      var noise = Noise(seed: seed, at: epoch, salt: 0x7368_7566_666c_6521 ^ salt)
      let shuffle = noise.permutation(count)
      shuffles[epoch] = group > 1 ? grouped(shuffle, &noise) : shuffle
    }
    return (seen..<seen + batch).map { shuffles[$0 / count]![$0 % count] }
  }

  /// The same pictures with those of one class together, `group` each; what is left over of the classes comes in groups of
  /// several, the last one of fewer.
  private func grouped(_ shuffle: [Int], _ noise: inout Noise) -> [Int] {
    var waiting: [Int: [Int]] = [:]
    var groups: [[Int]] = []
    for picture in shuffle {
      waiting[labels[picture], default: []].append(picture)
      if waiting[labels[picture]]!.count == group { groups.append(waiting.removeValue(forKey: labels[picture])!) }
    }
    let rest = waiting.sorted { $0.key < $1.key }.flatMap(\.value)
    let wholes = rest.count / group
    groups += (0..<wholes).map { Array(rest[$0 * group..<($0 + 1) * group]) }
    return noise.permutation(groups.count).flatMap { groups[$0] } + rest[(wholes * group)...]
  }
}
