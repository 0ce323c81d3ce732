import Metrics
import Testing
import Torch

@Suite struct GradientEnergyTests {
  /// Half of the steps of vertical stripes are 1, across; none are down.
  @Test func stripesHaveAHalf() {
    let bytes = (0..<2 * 3 * 64).map { UInt8($0 % 2 == 0 ? 0 : 255) }
    #expect(abs(gradientEnergy(of: Tensor(bytes, shape: [2, 3, 8, 8])) - 0.5) < 1e-9)
  }

  @Test func blurTakesItAway() {
    var noise = Noise(seed: 1)
    let grain = noise.uniform([4, 3, 32, 32], from: 0, to: 255)
    let blurred = averagePool2d(grain, kernel: 3, stride: 1)
    let (sharp, soft) = (gradientEnergy(of: grain.to(.uint8)), gradientEnergy(of: blurred.to(.uint8)))
    // Of white noise, means of nine have a ninth of the power, and neighbours share six of their nine.
    #expect(abs(soft / sharp - 1.0 / 27) < 0.01, "\(soft / sharp)")
  }
}
