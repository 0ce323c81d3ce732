import Torch

/// The classes of pictures that networks were told of, and which one a picture is to be of.
public struct Classes: Sendable {
  public let names: [String]
  /// Pictures that the set has of each.
  private let counts: [Int]
  /// Part of the pictures whose class isn't told while networks learn (Ho and Salimans 2022), so that they know both.
  private static let dropped = 0.1

  public init(_ names: [String], counts: [Int]) { (self.names, self.counts) = (names, counts) }

  public var isEmpty: Bool { names.isEmpty }

  /// The class of each of a request's pictures: the one that it names; else by each seed, as often as the set has it; -1
  /// where there are none, and for latents.
  public func indices(of request: PictureRequest) -> [Int] {
    if let chosen = request.className.flatMap({ names.firstIndex(of: $0) }) {
      return [Int](repeating: chosen, count: request.count)
    }
    guard !names.isEmpty, request.latents == nil else { return [Int](repeating: -1, count: request.count) }
    let whole = counts.reduce(0, +)
    return request.seeds.map { seed in
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

  /// A batch's classes for one step of training, some of them left out; nil where there are none.
  public func shown(_ labels: [Int]?, noise: inout Noise) -> [Int]? {
    guard let labels, !names.isEmpty else { return nil }
    return zip(labels, noise.bernoulli(Self.dropped, [labels.count]).floats).map { $1 > 0 ? -1 : $0 }
  }

  /// [N, classes] with a 1 where a picture's class is, and nothing for one of none.
  public func oneHot(_ indices: [Int], on device: Device) -> Tensor {
    let marks = indices.flatMap { index in names.indices.map { Float($0 == index ? 1 : 0) } }
    return Tensor(marks, shape: [indices.count, names.count]).to(device)
  }
}
