import Testing
import Torch

@Suite struct NoiseTests {
  /// torch.randn(4, generator=torch.Generator().manual_seed(7)), printed with PyTorch 2.13.
  @Test func drawsEqualPyTorchs() {
    var noise = Noise(seed: 7)
    let expected: [Float] = [-0.1467950940132141, 0.7861412763595581, 0.9468216300010681, -1.1143440008163452]
    #expect(noise.normal([4]).floats == expected)
  }

  /// PyTorch's generator takes 32 bits of a seed: here the others count, too.
  @Test func seedsOf64BitsAllDiffer() {
    let low: [UInt64] = [0, 1, 7, 0xFFFF_FFFF], high: [UInt64] = [0, 1, 2, 7, 0x8000_0000, 0xFFFF_FFFF]
    let drawn = high.flatMap { high in
      low.map { low in
        var noise = Noise(seed: high << 32 | low)
        return noise.normal([16]).floats
      }
    }
    #expect(Set(drawn).count == low.count * high.count)
    // Standard normal all the same.
    var noise = Noise(seed: 5 << 32)
    let many = noise.normal([100_000])
    #expect(abs(many.mean().item()) < 0.02 && abs(square(many).mean().item() - 1) < 0.02)
    // And its state can be kept.
    var again = Noise(seed: 0)
    again.state = noise.state
    #expect(again.normal([4]).floats == noise.normal([4]).floats)
  }

  /// Runs of small seeds go on with the streams that they were begun with; those of others have streams of their own.
  @Test func aRunsStreamsStayWhatTheyWere() {
    func mixed(_ seed: UInt64, _ counter: UInt64) -> UInt64 {
      var z = seed &+ 0x9E37_79B9_7F4A_7C15 &* (counter &+ 1)
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    let salt: UInt64 = 0x7368_7566_666C_6521
    for seed: UInt64 in [0, 3, 0xFFFF_FFFF] {
      for counter in [0, 1, 4096] {
        var (now, before) = (Noise(seed: seed, at: counter), Noise(seed: mixed(seed, UInt64(counter)) & 0xFFFF_FFFF))
        #expect(now.normal([4]).floats == before.normal([4]).floats)
        var salted = Noise(seed: seed, at: counter, salt: salt)
        var saltedBefore = Noise(seed: mixed(seed ^ salt, UInt64(counter)) & 0xFFFF_FFFF)
        #expect(salted.permutation(9) == saltedBefore.permutation(9))
        var large = Noise(seed: seed | 1 << 32, at: counter)
        #expect(large.normal([4]).floats != now.normal([4]).floats)
      }
    }
  }

  @Test func theStateRestores() {
    var noise = Noise(seed: 1)
    _ = noise.normal([3])
    let state = noise.state
    let first = noise.uniform([5]).floats
    noise.state = state
    #expect(noise.uniform([5]).floats == first)
  }

  @Test func countersGiveUnrelatedStreams() {
    var (a, b, c) = (Noise(seed: 1, at: 0), Noise(seed: 1, at: 1), Noise(seed: 1, at: 0))
    let x = a.normal([8]).floats
    #expect(x != b.normal([8]).floats)
    #expect(x == c.normal([8]).floats)
    #expect(a.permutation(10).sorted() == Array(0..<10))
  }
}
