import Testing
import Torch

@Suite struct OperatorCostTests {
  /// Products, convolutions and attention have two FLOPs for each multiplication, whatever works within them.
  @Test func flopsAreThoseOfTheProducts() {
    let a = Tensor.ones([8, 16]), b = Tensor.ones([16, 32]), bias = Tensor.ones([32])
    #expect(flops { _ = a.matmul(b) } == 2 * 8 * 16 * 32)
    #expect(flops { _ = linear(a, b.T, bias) } == 2 * 8 * 16 * 32)
    let x = Tensor.ones([2, 4, 10, 12]), w = Tensor.ones([6, 4, 3, 3])
    #expect(flops { _ = conv2d(x, w, padding: [1, 1]) } == 2 * 2 * 6 * 10 * 12 * 4 * 9)
    #expect(flops { _ = conv2d(x, w, stride: [2, 2], padding: [1, 1]) } == 2 * 2 * 6 * 5 * 6 * 4 * 9)
    let doubled = Tensor.ones([4, 6, 2, 2]), apart = Tensor.ones([4, 1, 3, 3])
    #expect(flops { _ = convTranspose2d(x, doubled, stride: [2, 2]) } == 2 * 2 * 4 * 10 * 12 * 6 * 4)
    #expect(flops { _ = conv2d(x, apart, padding: [1, 1], groups: 4) } == 2 * 2 * 4 * 10 * 12 * 9)
    let leaf = Tensor.ones([6, 4, 3, 3]).requiringGradient()
    // Of the weights alone: the input wants none.
    #expect(
      flops { _ = gradients(of: conv2d(x, leaf, padding: [1, 1]).sum(), withRespectTo: [leaf]) }
        == 2 * (2 * 2 * 6 * 10 * 12 * 4 * 9))
    #expect(flops { _ = a + a } == 0)
  }

  @Test func bytesAreThoseThatAreReadAndWritten() {
    let x = Tensor.ones([1000])
    #expect(OperatorCosts.watched { _ = x + x }.reduce(0) { $0 + $1.bytes } == 12_000)
    #expect(OperatorCosts.watched { _ = x.reshaped([10, 100]) }.reduce(0) { $0 + $1.bytes } == 0)
    let calls = OperatorCosts.watched { for _ in 0..<3 { _ = x + x } }
    #expect(calls.first { $0.name == "aten::add" }?.calls == 3)
  }

  private func flops(_ body: () -> Void) -> Double { OperatorCosts.watched(body).reduce(0) { $0 + $1.flops } }
}
