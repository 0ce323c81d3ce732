import Evaluation
import Testing
import Torch

@Suite struct ClustersTests {
  /// Pictures about three directions, so many of each.
  private func features(_ counts: [Int]) -> (values: Tensor, truth: [Int]) {
    var noise = Noise(seed: 1)
    let rows = counts.enumerated().map { number, count in
      noise.normal([count, 6]) * 0.1 + Tensor((0..<6).map { Float($0 == number ? 3 : 0) }).unsqueezed(0)
    }
    return (Tensor.concatenated(rows), counts.enumerated().flatMap { [Int](repeating: $0, count: $1) })
  }

  @Test func groupsAreFoundTheLargestFirst() {
    let (values, truth) = features([10, 30, 20])
    var noise = Noise(seed: 2)
    let found = Clusters(of: values, count: 3, noise: &noise)
    #expect(found.centres.shape == [3, 6])
    #expect(found.labels == truth.map { [2, 0, 1][$0] })
    let middle = found.middle(of: 2, in: values, atMost: 4)
    #expect(middle.count == 4 && middle.allSatisfy { $0 < 10 })
  }

  @Test func aSmallGroupIsDissolved() {
    let (values, truth) = features([4, 30, 20])
    var noise = Noise(seed: 2)
    let found = Clusters(of: values, count: 3, least: 5, noise: &noise)
    #expect(found.centres.size(0) == 2 && Set(found.labels) == [0, 1])
    #expect(zip(found.labels, truth).allSatisfy { $1 == 0 || $0 == $1 - 1 })
  }

  @Test func componentsAreTheDirectionsOfMostChange() {
    var noise = Noise(seed: 4)
    let x = noise.normal([500, 4]) * Tensor([1, 5, 0.1, 3] as [Float]).unsqueezed(0) + 7
    let found = principalComponents(of: x, count: 2)
    #expect(found.shape == [500, 2])
    let own = (found - found.mean(dims: [0], keepDims: true))
    #expect(abs(found.mean(dims: [0])).max().item() < 1e-4)
    // Each with a deviation of 1, and neither knows of the other.
    let covariance = matmul(own.T, own) / 500
    #expect(abs(covariance - Tensor.eye(2)).max().item() < 1e-3)
    // They are the second and the fourth number, in some order and sign.
    let centred = x - x.mean(dims: [0], keepDims: true)
    let unit = centred * rsqrt(square(centred).mean(dims: [0], keepDims: true))
    let likeness = abs(matmul(own.T, unit) / 500)
    #expect(likeness.max(dims: [0]).doubles[1] > 0.99 && likeness.max(dims: [0]).doubles[3] > 0.99)
  }

  @Test func asManyGroupsAsPictures() {
    var noise = Noise(seed: 2)
    let same = Clusters(of: Tensor.ones([5, 3]), count: 5, noise: &noise)
    #expect(same.labels == [0, 0, 0, 0, 0])
    let other = Clusters(of: Tensor.eye(4), count: 4, noise: &noise)
    #expect(Set(other.labels) == [0, 1, 2, 3])
  }
}
