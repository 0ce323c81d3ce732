import Testing
import Torch
import Training

@testable import Training

@Suite struct TargetsTests {
  private func set(_ count: Int, names: [String]? = nil) -> PictureSet {
    let bytes = (0..<count * 16).map { UInt8($0 / 16) }
    return PictureSet(Tensor(bytes, shape: [count, 1, 4, 4]), names: names)
  }

  /// Numbers of the pictures, which are each of one value.
  private func numbers(_ pictures: Tensor) -> [Int] {
    ((pictures.narrowed(dim: 2, from: 0, count: 1).narrowed(dim: 3, from: 0, count: 1).flattened() + 1) * 127.5).doubles
      .map { Int($0.rounded()) }
  }

  @Test func whatIsShownIsNeverTrainedOn() throws {
    let first = set(40), second = set(30)
    var targets = try Targets(second, for: first, pairing: .unpaired, seed: 3)
    let (a, b) = targets.shown(first)
    #expect(a.size(0) == 4 && b.size(0) == 4)
    #expect(targets.first.count == 36 && targets.second.count == 27)
    var noise = Noise(seed: 1)
    var seen = (Set<Int>(), Set<Int>())
    for step in 0..<9 {
      let batch = targets.batch(
        first, Array(4 * step..<4 * step + 4), after: 4 * step, mirrored: [], noise: &noise, on: .cpu)
      seen.0.formUnion(numbers(batch.pictures))
      seen.1.formUnion(numbers(batch.targets!))
    }
    #expect(seen.0.count == 36 && seen.0.isDisjoint(with: numbers(a)))
    #expect(seen.1.count == 27 && seen.1.isDisjoint(with: numbers(b)))
  }

  @Test func pairsHaveTheSameName() throws {
    let first = set(3, names: ["in/a.png", "in/b.png", "in/c.jpg"])
    let second = set(4, names: ["out/c.png", "out/x.png", "out/a.webp", "out/b.png"])
    var targets = try Targets(second, for: first, pairing: .paired, seed: 0)
    var noise = Noise(seed: 0)
    let batch = targets.batch(first, [0, 1, 2], after: 0, mirrored: [], noise: &noise, on: .cpu)
    #expect(numbers(batch.pictures) == [0, 1, 2] && numbers(batch.targets!) == [2, 3, 0])
    #expect(throws: TargetsError.noPairs("in/a.png", "picture 0")) {
      try Targets(set(2), for: first, pairing: .paired, seed: 0)
    }
  }

  @Test func onePictureIsShownBesideMany() throws {
    let first = set(20)
    let targets = try Targets(set(1), for: first, pairing: .unpaired, seed: 0)
    let (a, b) = targets.shown(first)
    #expect(a.size(0) == 2 && numbers(b) == [0, 0])
  }
}
