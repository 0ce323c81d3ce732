import Testing
import Torch

@Suite struct RecomputingTests {
  @Test func gradientsAreThoseOfWhatIsKept() {
    var noise = Noise(seed: 3)
    let x = noise.normal([4, 6]).requiringGradient(), w = noise.normal([6, 6]).requiringGradient()
    let time = noise.normal([4, 6])
    var calls = 0
    func part(_ x: Tensor, _ time: Tensor) -> Tensor {
      calls += 1
      return tanh(x.matmul(w) + time)
    }
    let kept = square(part(part(x * 2, time), time)).sum()
    let wanted = gradients(of: kept, withRespectTo: [x, w])
    calls = 0
    var h = x * 2
    for _ in 0..<2 { h = recomputed([h, time], weights: [w]) { part($0[0], $0[1]) } }
    let loss = square(h).sum()
    #expect(calls == 2 && loss.item() == kept.item())
    let found = gradients(of: loss, withRespectTo: [x, w])
    #expect(calls == 4)
    for (a, b) in zip(wanted, found) { #expect(abs(a - b).max().item() < 1e-5) }
    // Without gradients it is only computed.
    calls = 0
    withoutGradients { _ = recomputed([x, time], weights: [w]) { part($0[0], $0[1]) } }
    #expect(calls == 1)
  }

  /// What the body holds is let go with the graph.
  @Test func nothingIsHeldAfterwards() {
    final class Held {}
    weak var held: Held?
    do {
      let own = Held()
      held = own
      let x = Tensor.ones([3]).requiringGradient()
      let y = recomputed([x], weights: []) { given in withExtendedLifetime(own) { given[0] * 2 } }
      _ = gradients(of: y.sum(), withRespectTo: [x])
    }
    #expect(held == nil)
  }
}
