import Foundation
import Evaluation
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

  /// What repeats has no seam; what doesn't has one.
  @Test func seamsShowWhereNothingRepeats() {
    func wave(_ i: Int, _ length: Double) -> Double { 60 * sin(2 * .pi * Double(i) / length) }
    let waves = (0..<32 * 32).map { i -> UInt8 in
      let level = 128 + wave(i % 32, 16) + wave(i / 32, 8)
      return UInt8(level)
    }
    func ratio(of pictures: Tensor) -> Double {
      var meter = SeamMeter()
      for i in 0..<pictures.size(0) { meter.add(pictures[i..<i + 1]) }
      return meter.ratio
    }
    let tile = Tensor(waves, shape: [1, 1, 32, 32])
    // Cut anywhere, since a wave is steeper here than there.
    let tiles = Tensor.concatenated((0..<32).map { tile.rolled(by: [$0, $0], dims: [2, 3]) })
    #expect(abs(ratio(of: tiles) - 1) < 1e-6)
    let slope = (0..<32 * 32).map { i -> UInt8 in
      let (x, y) = (i % 32, i / 32)
      return UInt8(4 * x + 3 * y)
    }
    #expect(abs(ratio(of: Tensor(slope, shape: [1, 1, 32, 32])) - 31) < 1e-6)
  }
}
