import Torch

/// Groups of pictures that a network sees as alike: k-means (Lloyd 1982) on features of length 1, begun as k-means++ does
/// (Arthur and Vassilvitskii 2007).
public struct Clusters {
  /// [clusters, d], of length 1.
  public let centres: Tensor
  /// For each picture which cluster it is of, those with the most pictures first.
  public let labels: [Int]

  /// - Parameters:
  ///   - features: [N, d].
  ///   - count: of the clusters: 1...N.
  ///   - least: a cluster of fewer pictures is dissolved, and they go to the next nearest.
  public init(of features: Tensor, count: Int, least: Int = 1, noise: inout Noise) {
    precondition((1...features.size(0)).contains(count), "\(count) clusters of \(features.size(0)) pictures")
    let unit = normalized(features.to(.float32))
    var centres = begun(unit, count, &noise)
    var labels: [Int] = []
    for _ in 0..<Self.mostRounds {
      let found = nearest(unit, to: centres)
      guard found != labels else { break }
      labels = found
      centres = means(of: unit, labels, keeping: centres)
    }
    // One at a time: its pictures may make another cluster large enough.
    while centres.size(0) > 1 {
      let sizes = counts(labels, of: centres.size(0))
      guard let smallest = sizes.indices.min(by: { sizes[$0] < sizes[$1] }), sizes[smallest] < least else { break }
      centres = centres.indexSelected(dim: 0, indices: Tensor(sizes.indices.filter { $0 != smallest }))
      labels = nearest(unit, to: centres)
    }
    let sizes = counts(labels, of: centres.size(0))
    let order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    self.centres = centres.indexSelected(dim: 0, indices: Tensor(order))
    self.labels = labels.map { places[$0]! }
  }

  private static let mostRounds = 50

  /// The pictures of a cluster that are nearest to its middle, the nearest first.
  public func middle(of cluster: Int, in features: Tensor, atMost count: Int) -> [Int] {
    let own = labels.indices.filter { labels[$0] == cluster }
    let likeness = matmul(
      normalized(features.to(.float32).indexSelected(dim: 0, indices: Tensor(own))), centres[cluster].unsqueezed(-1))
    let values = likeness.floats
    return own.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(count).map { own[$0] }
  }
}

private func normalized(_ x: Tensor) -> Tensor { x * rsqrt(square(x).sum(dims: [1], keepDims: true) + 1e-12) }

/// First centres: each next one with a probability by its squared distance to those that are there.
private func begun(_ unit: Tensor, _ count: Int, _ noise: inout Noise) -> Tensor {
  var chosen = [noise.integers(below: unit.size(0), count: 1)[0]]
  var distances = [Float](repeating: .infinity, count: unit.size(0))
  while chosen.count < count {
    let likeness = matmul(unit, unit[chosen.last!].unsqueezed(-1)).floats
    for i in distances.indices { distances[i] = min(distances[i], max(0, 1 - likeness[i])) }
    var place = noise.uniform([1]).doubles[0] * distances.reduce(0.0) { $0 + Double($1) }
    let next = distances.firstIndex {
      place -= Double($0)
      return place < 0
    }
    // All that are left are like those that are there.
    chosen.append(next ?? distances.indices.first { !chosen.contains($0) }!)
  }
  return unit.indexSelected(dim: 0, indices: Tensor(chosen))
}

private func nearest(_ unit: Tensor, to centres: Tensor) -> [Int] {
  matmul(unit, centres.T).topK(1, dim: 1).indices.ints
}

private func means(of unit: Tensor, _ labels: [Int], keeping centres: Tensor) -> Tensor {
  let marks = oneHot(Tensor(labels), classes: centres.size(0)).to(.float32)
  // A cluster that lost its pictures stays where it was.
  let isEmpty = marks.sum(dims: [0]).unsqueezed(-1).equal(to: 0).to(.float32)
  return normalized(matmul(marks.T, unit) + centres * isEmpty)
}

private func counts(_ labels: [Int], of clusters: Int) -> [Int] {
  labels.reduce(into: [Int](repeating: 0, count: clusters)) { $0[$1] += 1 }
}
