import Torch

/// How pictures of two sets belong together.
public enum Pairing: Sendable {
  /// Any with any.
  case unpaired
  /// Those whose files have the same name, whatever their folder and their ending.
  case paired
}

/// The second of two sets, and which pictures of both are trained on or kept for sheets.
public struct Targets {
  public let set: PictureSet
  let pairing: Pairing
  /// Numbers in the first set; when paired, those in the second set are of the same places.
  let first: [Int], second: [Int]
  private let shown: (first: [Int], second: [Int])
  private var order: EpochOrder

  /// - Parameters:
  ///   - set: the second set.
  ///   - other: the first.
  ///   - seed: the run's; the same pictures are kept for sheets when it is resumed.
  ///   - examples: pictures kept for sheets, at most; a tenth of a set at most.
  /// - Throws: `TargetsError.noPairs`.
  public init(
    _ set: PictureSet, for other: PictureSet, pairing: Pairing, seed: UInt64, examples: Int = 6
  ) throws(TargetsError) {
    (self.set, self.pairing) = (set, pairing)
    var numbers = (Array(0..<other.count), Array(0..<set.count))
    if pairing == .paired {
      let places = Dictionary(set.names.enumerated().map { (stem($1), $0) }) { first, _ in first }
      let pairs = other.names.enumerated().compactMap { i, name in places[stem(name)].map { (i, $0) } }
      guard !pairs.isEmpty else { throw .noPairs(other.names[0], set.names[0]) }
      numbers = (pairs.map(\.0), pairs.map(\.1))
    }
    /// Trained on, and shown; few pictures are both.
    func split(_ numbers: [Int], _ salt: UInt64) -> (trained: [Int], shown: [Int]) {
      var noise = Noise(seed: seed ^ salt)
      let shuffled = noise.permutation(numbers.count).map { numbers[$0] }
      let kept = min(examples, numbers.count / 10)
      if kept == 0 { return (numbers, Array(numbers.prefix(examples))) }
      return (shuffled.dropFirst(kept).sorted(), Array(shuffled.prefix(kept)))
    }
    let salts: [UInt64] = pairing == .paired ? [1, 1] : [1, 2]
    let (a, b) = (split(numbers.0, salts[0]), split(numbers.1, salts[1]))
    (first, second) = (a.trained, b.trained)
    // As many of each, so that they stand in columns.
    shown = (a.shown, a.shown.indices.map { b.shown[$0 % b.shown.count] })
    order = EpochOrder(count: max(1, second.count), seed: seed, salt: 0x7365_636f_6e64)
  }

  /// float32 [N, C, H, W] in -1...1 of each set, for a sheet.
  func shown(_ other: PictureSet) -> (first: Tensor, second: Tensor) {
    (other.batch(shown.first), set.batch(shown.second))
  }

  /// - Parameter places: among those that are trained on.
  mutating func batch(
    _ other: PictureSet, _ places: [Int], after seen: Int, mirrored: [Bool], noise: inout Noise, on device: Device
  ) -> Batch {
    let numbers = places.map { first[$0] }
    let targets: [Int], targetsMirrored: [Bool]
    switch pairing {
    case .paired: (targets, targetsMirrored) = (places.map { second[$0] }, mirrored)
    case .unpaired:
      targets = order.indices(after: seen, batch: places.count).map { second[$0] }
      targetsMirrored = mirrored.isEmpty ? [] : noise.bernoulli(0.5, [places.count]).bools
    }
    return Batch(
      pictures: other.batch(numbers, mirrored: mirrored, on: device), indices: numbers,
      targets: set.batch(targets, mirrored: targetsMirrored, on: device), targetIndices: targets)
  }
}

/// A file's name without its folder and its ending.
private func stem(_ name: String) -> Substring {
  let file = name.split(separator: "/").last ?? ""
  return file.lastIndex(of: ".").map { file[..<$0] } ?? file
}

/// Why two sets can't be trained on together.
public enum TargetsError: Explained, Equatable {
  /// No file of one set has the name of one of the other; the first of each.
  case noPairs(String, String)

  public var sentence: String {
    switch self {
    case .noPairs(let first, let second):
      "No picture of one folder has the name of one of the other, such as \(first) and \(second): give pictures that "
        + "belong together the same name."
    }
  }
  public var exit: Exit { .data }
}
