import Foundation
import Testing
import Torch

/// Groups of processes, here as threads of one: each has a group of its own, and they meet over loopback.
@Suite struct ProcessGroupTests {
  /// What a process's part comes to, as numbers.
  private func together(_ count: Int, _ work: @escaping @Sendable (ProcessGroup) -> [Double]) throws -> [[Double]] {
    let meeting = try ProcessGroup.Meeting(host: "127.0.0.1", port: 0, serves: true)
    let port = meeting.port
    let found = Found(count)
    DispatchQueue.concurrentPerform(iterations: count) { rank in
      do {
        let own = try rank == 0 ? meeting : ProcessGroup.Meeting(host: "127.0.0.1", port: port, serves: false)
        let group = try ProcessGroup(at: own, rank: rank, count: count, seconds: 20)
        found.fill(rank, work(group))
        group.wait()
      } catch { Issue.record(error) }
    }
    return found.numbers
  }

  private final class Found: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var numbers: [[Double]]
    init(_ count: Int) { numbers = Array(repeating: [], count: count) }
    func fill(_ rank: Int, _ values: [Double]) { lock.withLock { numbers[rank] = values } }
  }

  /// The declarations of Gloo in CTorch's stub were written for this version: look whether they still hold before it changes.
  @Test func theLibraryIsTheOneThatItWasWrittenFor() {
    #expect(LibTorch.loadedVersion.hasPrefix("2.13.") && LibTorch.version.hasPrefix("2.13."))
  }

  @Test(arguments: [2]) func sumsAndRows(_ count: Int) throws {
    let sums = try together(count) { group in group.summed([Double(group.rank) + 1, 10]) }
    #expect(sums == Array(repeating: [3, 20], count: count))
    let rows = try together(count) { group in
      group.gathered(Tensor([Float(group.rank), 5], shape: [1, 2])).floats.map(Double.init)
    }
    #expect(rows == Array(repeating: [0, 5, 1, 5], count: count))
    let bytes = try together(count) { group in group.spread(group.isFirst ? [7, 8, 9] : []).map(Double.init) }
    #expect(bytes == Array(repeating: [7, 8, 9], count: count))
    let state = try together(count) { group in
      let tensor = Tensor([Float(group.rank), 3], shape: [2])
      group.spread(tensor)
      return tensor.floats.map(Double.init)
    }
    #expect(state == Array(repeating: [0, 3], count: count))
  }

  /// Of what is summed over processes the gradient is, too, also the gradient of a gradient.
  @Test func gradientsGoThrough() throws {
    let found = try together(2) { group in
      let x = Tensor([Float(group.rank) + 1]).requiringGradient()
      // (x₀ + x₁)³ on both: its slope is 3·9, twice (once for each process's loss), and that one's slope 6·3, four times.
      let sum = group.summed(x)
      let loss = sum * sum * sum
      let slope = gradients(of: loss.sum(), withRespectTo: [x], createGraph: true)[0]
      let bend = gradients(of: slope.sum(), withRespectTo: [x])[0]
      return [slope.item(), bend.item()]
    }
    #expect(found == [[54, 72], [54, 72]])
    let rows = try together(2) { group in
      let x = Tensor([Float(group.rank) + 1]).requiringGradient()
      let all = group.gathered(x)
      let loss = (all * Tensor([2, 5] as [Float])).sum()
      return [gradients(of: loss, withRespectTo: [x])[0].item()]
    }
    #expect(rows == [[4], [10]])
  }

  @Test func gradientsAreAveragedInBuckets() throws {
    let found = try together(2) { group in
      let large = Tensor.full([7 << 20], Double(group.rank)), small = Tensor([Float(group.rank) * 4, 1])
      let means = group.averaged([large, nil, small])
      return [means[0]![0].item(), means[0]![(7 << 20) - 1].item(), means[1] == nil ? 1 : 0] + means[2]!.doubles
    }
    #expect(found == Array(repeating: [0.5, 0.5, 1, 2, 1], count: 2))
  }

  /// A batch's draws are one process's, cut.
  @Test func drawsAreThoseOfTheWholeBatch() {
    func draws(_ noise: inout Noise, _ n: Int) -> [Tensor] {
      [
        noise.normal([n, 3]), noise.uniform([2 * n, 1, 1, 1]), noise.uniform([1, 5]),
        Tensor(noise.integers(below: 100, count: n).map(Double.init)),
      ]
    }
    var whole = Noise(seed: 3)
    let all = draws(&whole, 8)
    for rank in 0..<2 {
      var noise = Noise(seed: 3)
      noise.share = BatchShare(rank: rank, count: 2, batch: 4)
      let own = draws(&noise, 4), rows = 4 * rank..<4 * rank + 4
      #expect(own[0].floats == all[0][rows].floats && own[3].floats == all[3][rows].floats)
      let pairs = Tensor.concatenated([all[1][rows], all[1][8 + rows.lowerBound..<8 + rows.upperBound]])
      #expect(own[1].floats == pairs.floats && own[2].floats == all[2].floats)
    }
  }

  @Test(arguments: [
    (["RANK": "3", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"], "RANK"),
    (["RANK": "0", "WORLD_SIZE": "many", "MASTER_ADDR": "a", "MASTER_PORT": "1"], "WORLD_SIZE"),
    (["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "a"], "MASTER_PORT"),
  ])
  func wrongVariables(_ variables: [String: String], _ name: String) {
    #expect(throws: ProcessGroupError.variable(name, value: variables[name] ?? "")) {
      try ProcessGroup.launched(variables)
    }
  }

  @Test func whoIsAloneHasNoGroup() throws {
    #expect(try ProcessGroup.launched([:]) == nil)
    #expect(
      try ProcessGroup.launched(["RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"]) == nil)
  }
}
