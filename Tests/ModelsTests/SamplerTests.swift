import Foundation
import Testing
import Torch
import Training

@testable import Models

/// Samplers where the answer is known: pictures that are Gaussian.
@Suite struct SamplerTests {
  private static let deviation = 0.5

  /// D(x; σ) of pictures that are normal with mean 0.2 and `deviation`.
  private func denoise(_ x: Tensor, _ sigma: Double) -> Tensor {
    let s = Self.deviation * Self.deviation
    return (x * s + sigma * sigma * 0.2) / (s + sigma * sigma)
  }

  /// Where the probability-flow ODE leads: the deviation from the mean scales by √((s² + σ²) / (s² + σ₀²)).
  private func exact(_ x: Tensor, from: Double, to: Double) -> Tensor {
    let s = Self.deviation * Self.deviation
    return (x - 0.2) * ((s + to * to) / (s + from * from)).squareRoot() + 0.2
  }

  private func start(_ sigma: Double) -> Tensor {
    var noise = Noise(seed: 1)
    return noise.normal([2, 1, 4, 4], dtype: .float64) * sigma
  }

  private func end(_ steps: some Sequence<SamplerStep>) -> Tensor { Array(steps).last!.x }

  @Test func heunLandsOnTheClosedForm() {
    let levels = NoiseLevels.polynomial(steps: 640)
    #expect(levels.count == 641 && levels[0] == 80 && levels[640] == 0 && Swift.abs(levels[639] - 0.002) < 1e-12)
    let x = start(80)
    let found = end(HeunSteps(x, levels: levels, denoise)), wanted = exact(x, from: 80, to: 0)
    #expect(abs(found - wanted).max().item() < 1e-4)
  }

  /// Errors fall as the step's length to the power of the order.
  @Test func ordersAreWhatTheyShouldBe() {
    let x = start(10)
    func error(_ count: Int, _ run: ([Double]) -> Tensor) -> Double {
      // Even steps of ln σ, which both orders are told for.
      let levels = (0...count).map { 10 * pow(0.02 / 10, Double($0) / Double(count)) }
      return abs(run(levels) - exact(x, from: 10, to: 0.02)).max().item()
    }
    func order(_ run: @escaping ([Double]) -> Tensor) -> Double { log2(error(80, run) / error(160, run)) }
    let heun = order { end(HeunSteps(x, levels: $0, denoise)) }
    let solver = order { end(SolverSteps(x, levels: $0, denoise)) }
    let straight = order { end(StraightSteps(x, levels: $0, denoise)) }
    #expect(Swift.abs(heun - 2) < 0.1, "\(heun)")
    #expect(Swift.abs(solver - 2) < 0.15, "\(solver)")
    #expect(Swift.abs(straight - 1) < 0.1, "\(straight)")
  }

  /// t = σ / (1 + σ) goes down evenly.
  @Test func flowsLevelsAreEvenInTime() {
    let times = Preconditioning.flow.levels(steps: 4).map { $0 / (1 + $0) }
    #expect(times.count == 5 && times[4] == 0)
    let steps = zip(times, times.dropFirst()).map { $0 - $1 }
    #expect(steps.allSatisfy { Swift.abs($0 - times[0] / 4) < 1e-12 })
  }

  @Test func samplingsAreReadAsTheyAreWritten() {
    for words in ["heun:40", "solver:20", "quick:4", "quick:1"] { #expect(Sampling(words)?.description == words) }
    #expect(Sampling("heun") == .heun(40) && Sampling("quick") == .quick(4))
    for words in ["", "heun:1", "quick:3", "euler:4", "solver:", "solver:x", "quick:4:2"] {
      #expect(Sampling(words) == nil, "\(words)")
    }
  }
}
