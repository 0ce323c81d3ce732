import Torch

/// How well generated pictures lie among real ones and cover them, by nearest neighbours in features.
public struct Neighbours: Sendable, Equatable {
  /// The share of generated pictures that lie within reach of a real one (Kynkäänniemi et al. 2019, equation 1).
  public let precision: Double
  /// The share of real pictures that lie within reach of a generated one.
  public let recall: Double
  /// How many real neighbourhoods hold a generated picture, on average and over k (Naeem et al. 2020, equation 4). May
  /// exceed 1.
  public let density: Double
  /// The share of real pictures whose neighbourhood holds a generated one (equation 5).
  public let coverage: Double

  /// - Parameters:
  ///   - generated: features [N, d], N > k.
  ///   - real: features [M, d], M > k.
  ///   - k: a picture's reach goes to its k-th nearest neighbour on its own side.
  public init(generated: Tensor, real: Tensor, k: Int = 5) {
    precondition(generated.size(0) > k && real.size(0) > k, "neighbours need more than \(k) pictures on each side")
    let reachOfReal = reach(real, k)
    let reachOfGenerated = reach(generated, k)
    var (precise, pairs) = (0.0, 0.0)
    var (recalled, covered): (Tensor?, Tensor?)
    for part in zip(rows(of: generated), rows(of: reachOfGenerated)) {
      let distance = distances(part.0, real)
      let inReal = distance.less(than: reachOfReal.unsqueezed(0))
      precise += inReal.max(dims: [1]).to(.float64).sum().item()
      pairs += inReal.to(.float64).sum().item()
      let inGenerated = distance.less(than: part.1.unsqueezed(1)).max(dims: [0])
      let coveredHere = inReal.max(dims: [0])
      recalled = recalled?.or(inGenerated) ?? inGenerated
      covered = covered?.or(coveredHere) ?? coveredHere
    }
    precision = precise / Double(generated.size(0))
    recall = recalled!.to(.float64).mean().item()
    density = pairs / Double(k * generated.size(0))
    coverage = covered!.to(.float64).mean().item()
  }
}

/// Each row's distance to its k-th nearest other row: [N].
private func reach(_ x: Tensor, _ k: Int) -> Tensor {
  Tensor.concatenated(
    rows(of: x).map { part in
      // The nearest of all is the row itself.
      distances(part, x).topK(k + 1, dim: 1, largest: false).values.max(dims: [1])
    })
}
