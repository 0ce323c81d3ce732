import Foundation
import Torch

/// Where a sampler is after a step.
public struct SamplerStep {
  /// Pictures with noise of deviation `sigma`, [N, C, H, W].
  public let x: Tensor
  public let sigma: Double
  /// The clean pictures that the step estimated, as a preview.
  public let denoised: Tensor
}

/// Estimates clean pictures [N, C, H, W] from those with noise of a deviation.
public typealias Denoise = (_ x: Tensor, _ sigma: Double) -> Tensor

/// Heun's second-order method on the probability-flow ODE dx = (x − D(x; σ)) / σ dσ (Karras et al. 2022, algorithm 1): two
/// evaluations a step, one in the last.
///
///     for step in HeunSteps(noise * levels[0], levels: levels, denoise) { show(step.denoised) }
public struct HeunSteps: Sequence, IteratorProtocol {
  private var x: Tensor
  private var levels: ArraySlice<Double>
  private let denoise: Denoise

  /// - Parameters:
  ///   - x: pictures with noise of the first level.
  ///   - levels: falling; the last may be 0.
  public init(_ x: Tensor, levels: [Double], _ denoise: @escaping Denoise) {
    (self.x, self.levels, self.denoise) = (x, levels[...], denoise)
  }

  public mutating func next() -> SamplerStep? {
    guard levels.count > 1 else { return nil }
    let σ = levels.removeFirst(), next = levels.first!
    let denoised = denoise(x, σ)
    let slope = (x - denoised) / σ
    var moved = x + slope * (next - σ)
    if next > 0 {
      let slopeThere = (moved - denoise(moved, next)) / next
      moved = x + (slope + slopeThere) * ((next - σ) / 2)
    }
    x = moved
    return SamplerStep(x: x, sigma: next, denoised: denoised)
  }
}

/// DPM-Solver++ of second order with the step before in the second evaluation's place (Lu et al. 2022, "DPM-Solver++",
/// algorithm 2), in noise levels: one evaluation a step. The first step, and the last to 0, are of first order.
public struct SolverSteps: Sequence, IteratorProtocol {
  private var x: Tensor
  private var levels: ArraySlice<Double>
  private let denoise: Denoise
  /// The estimate of the step before, and its length in −ln σ.
  private var before: (denoised: Tensor, length: Double)?

  public init(_ x: Tensor, levels: [Double], _ denoise: @escaping Denoise) {
    (self.x, self.levels, self.denoise) = (x, levels[...], denoise)
  }

  public mutating func next() -> SamplerStep? {
    guard levels.count > 1 else { return nil }
    let σ = levels.removeFirst(), next = levels.first!
    let denoised = denoise(x, σ)
    guard next > 0 else {
      x = denoised
      return SamplerStep(x: x, sigma: next, denoised: denoised)
    }
    let length = log(σ / next)
    var estimate = denoised
    if let before {
      let r = before.length / length
      estimate = denoised + (denoised - before.denoised) / (2 * r)
    }
    before = (denoised, length)
    x = x * (next / σ) + estimate * (1 - next / σ)
    return SamplerStep(x: x, sigma: next, denoised: denoised)
  }
}

/// Straight to each level's place on the line through the estimate (DDIM, Song et al. 2021; Euler's method): what a
/// distilled network is made for.
public struct StraightSteps: Sequence, IteratorProtocol {
  private var x: Tensor
  private var levels: ArraySlice<Double>
  private let denoise: Denoise

  public init(_ x: Tensor, levels: [Double], _ denoise: @escaping Denoise) {
    (self.x, self.levels, self.denoise) = (x, levels[...], denoise)
  }

  public mutating func next() -> SamplerStep? {
    guard levels.count > 1 else { return nil }
    let σ = levels.removeFirst(), next = levels.first!
    let denoised = denoise(x, σ)
    x = straight(x, denoised, from: σ, to: next)
    return SamplerStep(x: x, sigma: next, denoised: denoised)
  }
}

/// x moved towards its estimate so far that noise of `next` is left.
func straight(_ x: Tensor, _ denoised: Tensor, from sigma: Double, to next: Double) -> Tensor {
  denoised + (x - denoised) * (next / sigma)
}
