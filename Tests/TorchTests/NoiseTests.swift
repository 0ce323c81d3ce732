import Testing
import Torch

@Suite struct NoiseTests {
  /// torch.randn(4, generator=torch.Generator().manual_seed(7)), printed with PyTorch 2.13.
  @Test func drawsEqualPyTorchs() {
    var noise = Noise(seed: 7)
    let expected: [Float] = [-0.1467950940132141, 0.7861412763595581, 0.9468216300010681, -1.1143440008163452]
    #expect(noise.normal([4]).floats == expected)
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
