import Torch

/// The order in which a run sees its pictures: every picture once an epoch, shuffled anew each time.
///
/// It depends on the seed and on how many pictures were seen, and on nothing else: a resumed run goes on exactly.
public struct EpochOrder {
  public let count: Int, seed: UInt64
  private let salt: UInt64
  private var shuffles: [Int: [Int]] = [:]

  /// - Parameters:
  ///   - count: pictures in the set, at least one.
  ///   - salt: tells a second order of the same run from the first.
  public init(count: Int, seed: UInt64, salt: UInt64 = 0) {
    precondition(count > 0, "a set without pictures has no order")
    (self.count, self.seed, self.salt) = (count, seed, salt)
  }

  /// The numbers of the next `batch` pictures after `seen`.
  public mutating func indices(after seen: Int, batch: Int) -> [Int] {
    let epochs = seen / count...(seen + batch - 1) / count
    shuffles = shuffles.filter { epochs.contains($0.key) }
    for epoch in epochs where shuffles[epoch] == nil {
      // Another seed than the steps' noise has, which counts from 0 too.
      var noise = Noise(seed: seed, at: epoch, salt: 0x7368_7566_666c_6521 ^ salt)
      shuffles[epoch] = noise.permutation(count)
    }
    return (seen..<seen + batch).map { shuffles[$0 / count]![$0 % count] }
  }
}
