import Testing
import Torch

@Suite struct GradientTests {
  @Test func gradientOfAPolynomial() {
    let x = Tensor([2, 3] as [Double]).requiringGradient()
    let g = gradients(of: (x * x * x).sum(), withRespectTo: [x])[0]
    #expect(g.doubles == [12, 27])
  }

  @Test func gradientsCanBeDifferentiatedAgain() {
    let x = Tensor([2, 3] as [Double]).requiringGradient()
    let g = gradients(of: (x * x * x).sum(), withRespectTo: [x], createGraph: true)[0]
    #expect(gradients(of: square(g).sum(), withRespectTo: [x])[0].doubles == [2 * 12 * 12, 2 * 27 * 18])
  }

  @Test func aSeedWeighsTheOutputs() {
    let x = Tensor([1, 1] as [Double]).requiringGradient()
    let seed = Tensor([3, 5] as [Double])
    #expect(gradients(of: x * 2, withRespectTo: [x], seed: seed)[0].doubles == [6, 10])
  }

  @Test func unusedInputsGiveNothing() {
    let x = Tensor.ones([1]).requiringGradient()
    let y = Tensor.ones([1]).requiringGradient()
    let g = gradientsIfUsed(of: x * 2, withRespectTo: [x, y])
    #expect(g[0] != nil && g[1] == nil)
  }

  @Test func modesEndWithTheirClosure() {
    let x = Tensor.ones([1]).requiringGradient()
    #expect(!withoutGradients { x * 2 }.requiresGradient)
    #expect((x * 2).requiresGradient)
    #expect(withoutGradients { withGradients { x * 2 } }.requiresGradient)
  }

  @Test func autocastUsesBFloat16InsideOnly() {
    let (a, b) = (Tensor.ones([2, 2]), Tensor.ones([2, 2]))
    #expect(withAutocast(true, on: .cpu) { matmul(a, b) }.dtype == .bfloat16)
    #expect(withAutocast(false, on: .cpu) { matmul(a, b) }.dtype == .float32)
    #expect(matmul(a, b).dtype == .float32)
  }

  /// The cast of a weight must not outlive its region: an optimizer changes the weight in between.
  @Test func autocastForgetsItsCasts() {
    let w = Tensor.ones([2, 2]).requiringGradient()
    let x = Tensor.ones([2, 2])
    _ = withAutocast(true, on: .cpu) { matmul(x, w) }
    withoutGradients { w.fill(3) }
    #expect(withAutocast(true, on: .cpu) { matmul(x, w) }.floats == [6, 6, 6, 6])
  }
}
