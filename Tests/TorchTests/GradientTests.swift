import Testing
import Torch

@Suite struct GradientTests {
  @Test func gradientOfAPolynomial() {
    let x = Tensor([2, 3] as [Double]).requiringGradient()
    let cube = x * x * x
    let g = gradients(of: cube.sum(), withRespectTo: [x])[0]
    #expect(g.doubles == [12, 27])
  }

  @Test func gradientsCanBeDifferentiatedAgain() {
    let x = Tensor([2, 3] as [Double]).requiringGradient()
    let cube = x * x * x
    let g = gradients(of: cube.sum(), withRespectTo: [x], createGraph: true)[0]
    // d(9 x⁴)/dx = 36 x³.
    let second = gradients(of: square(g).sum(), withRespectTo: [x])[0].doubles
    #expect(second == [288, 972])
  }

  @Test func aSeedWeighsTheOutputs() {
    let x = Tensor([1, 1] as [Double]).requiringGradient()
    let seed = Tensor([3, 5] as [Double])
    #expect(gradients(of: x * 2.0, withRespectTo: [x], seed: seed)[0].doubles == [6, 10])
  }

  @Test func unusedInputsGiveNothing() {
    let x = Tensor.ones([1]).requiringGradient()
    let y = Tensor.ones([1]).requiringGradient()
    let g = gradientsIfUsed(of: x * 2.0, withRespectTo: [x, y])
    #expect(g[0] != nil && g[1] == nil)
  }

  @Test func modesEndWithTheirClosure() {
    let x = Tensor.ones([1]).requiringGradient()
    let outside = x * 2.0
    let inside = withoutGradients { x * 2.0 }
    let again = withoutGradients { withGradients { x * 2.0 } }
    #expect(outside.requiresGradient)
    #expect(!inside.requiresGradient)
    #expect(again.requiresGradient)
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
