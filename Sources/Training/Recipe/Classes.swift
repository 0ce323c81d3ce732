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

  /// How much of each class a request's pictures are: [N, classes] on the CPU; nil where there are no classes.
  ///
  /// The class that it names; else by each seed, as often as the set has it, or as far between two seeds' as its latents are;
  /// for latents alone nothing.
  public func weights(of request: PictureRequest) -> Tensor? {
    guard !isEmpty else { return nil }
    if let chosen = request.className.flatMap({ names.firstIndex(of: $0) }) {
      return oneHot([Int](repeating: chosen, count: request.count), on: .cpu)
    }
    if !request.between.isEmpty {
      let from = oneHot(request.between.map { index(of: $0.from) }, on: .cpu)
      let to = oneHot(request.between.map { index(of: $0.to) }, on: .cpu)
      return lerp(from, to, Tensor(request.between.map { Float($0.part) }).unsqueezed(-1))
    }
    let isOfSeeds = request.seeds.count == request.count
    return oneHot(isOfSeeds ? request.seeds.map(index) : [Int](repeating: -1, count: request.count), on: .cpu)
  }

  /// The class of a seed's picture.
  private func index(of seed: UInt64) -> Int {
    // Another stream than the picture's own. Below 2³², so that small seeds stay small.
    var noise = Noise(seed: seed ^ 0x7365_7300)
    var place = noise.integers(below: max(1, counts.reduce(0, +)), count: 1)[0]
    for (number, count) in counts.enumerated() {
      if place < count { return number }
      place -= count
    }
    return names.count - 1
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
