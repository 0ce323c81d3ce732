import Networks
import Testing
import Torch

/// Doubled pixels under a convolution, taken together, are what LibTorch makes of them one after the other.
struct DoublingTests {
  private static let modes: [PaddingMode] = [.zeros, .reflect, .replicate, .circular]

  /// Few pixels, for which the kernel's sums don't pay, and more.
  @Test(arguments: modes, [(1, 5), (8, 3)]) func equalsBothSteps(_ mode: PaddingMode, _ size: (height: Int, width: Int))
    throws
  {
    var noise = Noise(seed: 3)
    let conv = Conv2d(6, 4, kernel: 3, padding: 1, paddingMode: mode)
    conv.initialize(&noise, as: .fanIn(gain: 1))
    let weight = conv.weight.detached().to(.float64).requiringGradient()
    let bias = noise.normal([4]).to(.float64)
    let x = noise.normal([2, 6, size.height, size.width]).to(.float64).channelsLast().requiringGradient()
    let sides = [2 * size.height, 2 * size.width]
    func steps() -> Tensor {
      let doubled = interpolate(x, size: sides, mode: .nearest)
      return switch mode {
      case .zeros: conv2d(doubled, weight, bias, padding: [1, 1])
      case .reflect: conv2d(pad(doubled, [1, 1, 1, 1], mode: .reflect), weight, bias)
      case .replicate: conv2d(pad(doubled, [1, 1, 1, 1], mode: .replicate), weight, bias)
      case .circular: conv2d(pad(doubled, [1, 1, 1, 1], mode: .circular), weight, bias)
      }
    }
    let (expected, made) = (steps(), conv2d(doubled: x, weight, bias, paddingMode: mode))
    #expect(made.shape == expected.shape && abs(made - expected).max().item() < 1e-12)
    let plain = withoutGradients { conv2d(doubled: x, weight, bias, paddingMode: mode) }
    #expect(abs(plain - expected).max().item() < 1e-12)
    let direction = noise.normal(expected.shape).to(.float64)
    let wanted = gradients(of: (expected * direction).sum(), withRespectTo: [x, weight])
    for (mine, theirs) in zip(gradients(of: (made * direction).sum(), withRespectTo: [x, weight]), wanted) {
      #expect(abs(mine - theirs).max().item() < 1e-11)
    }
  }
}
