import Torch

/// Which of its classes a conditional recipe's pictures are of.
public struct ClassChoice: Sendable {
  public let names: [String]
  /// Pictures that the set has of each.
  private let counts: [Int]
  /// The chosen one's number; nil for all of them, as often as the set has them.
  public private(set) var number: Int?
  /// How far pictures are driven towards it.
  public private(set) var guidance = 1.0
  /// Part of the pictures whose class isn't told while networks learn (Ho and Salimans 2022), so that they know both.
  private static let untold = 0.1

  public init(_ names: [String], counts: [Int]) { (self.names, self.counts) = (names, counts) }

  /// - Throws: `RecipeError.unknownClass`.
  public mutating func choose(_ name: String?, guidance: Double) throws(RecipeError) {
    let found = name.flatMap { names.firstIndex(of: $0) }
    if let name, found == nil { throw .unknownClass(name, known: names) }
    (number, self.guidance) = (found, guidance)
  }

  /// The class of each seed's picture: the chosen one, or each as often as the set has it; -1 where there are none.
  public func kinds(of seeds: [UInt64]) -> [Int] {
    guard !names.isEmpty else { return [Int](repeating: -1, count: seeds.count) }
    let whole = counts.reduce(0, +)
    return seeds.map { seed in
      if let number { return number }
      // Another stream than the picture's own. Below 2³², so that small seeds stay small.
      var noise = Noise(seed: seed ^ 0x7365_7300)
      var place = noise.integers(below: max(1, whole), count: 1)[0]
      for (number, count) in counts.enumerated() {
        if place < count { return number }
        place -= count
      }
      return names.count - 1
    }
  }

  /// The chosen class so many times; -1 where none is.
  public func chosen(_ count: Int) -> [Int] { [Int](repeating: number ?? -1, count: count) }

  /// A batch's classes, some of them left out.
  public func told(_ labels: [Int]?, noise: inout Noise) -> [Int]? {
    guard let labels, !names.isEmpty else { return nil }
    return zip(labels, noise.bernoulli(Self.untold, [labels.count]).floats).map { $1 > 0 ? -1 : $0 }
  }

  /// [N, classes] with a 1 where a picture's class is, and nothing for one of none.
  public func marks(_ kinds: [Int], on device: Device) -> Tensor {
    let marks = kinds.flatMap { kind in names.indices.map { Float($0 == kind ? 1 : 0) } }
    return Tensor(marks, shape: [kinds.count, names.count]).to(device)
  }
}
