import Foundation
import Torch

/// Where a sampler is after a step.
public struct LatentStep {
  /// Noisy latents [N, C, H, W].
  public let x: Tensor
  /// What it estimated them to be without noise, for a preview.
  public let denoised: Tensor
  /// From 0 on.
  public let index: Int
  public let level: NoiseLevel
}

/// A network's answer to latents [N, C, H, W] of a noise level.
public typealias Answer = (_ x: Tensor, _ level: NoiseLevel) -> Tensor

/// The steps of a sampler, from latents of the first level to those of the last.
///
/// ```swift
/// for step in Steps(.euler, x, levels: levels, prediction: .noise, noise: draw, answer) { show(step.denoised) }
/// ```
public struct Steps: Sequence, IteratorProtocol {
  private var x: Tensor
  private let levels: [NoiseLevel]
  private var index = 0
  private var method: any Method
  private let estimate: (Tensor, NoiseLevel) -> Tensor

  /// - Parameters:
  ///   - x: α·picture + σ·noise of the first level.
  ///   - noise: draws standard normal numbers of the shape of `x`, for samplers that add some.
  ///   - answer: of the network, in any precision.
  public init(
    _ sampler: Sampler, _ x: Tensor, levels: [NoiseLevel], schedule: NoiseSchedule, noise: @escaping () -> Tensor,
    _ answer: @escaping Answer
  ) {
    (self.x, self.levels) = (x, levels)
    estimate = { x, level in
      let out = answer(x, level).to(.float32)
      return switch schedule.prediction {
      case .noise: (x - out * level.sigma) / level.alpha
      case .velocity: x * level.alpha - out * level.sigma
      }
    }
    method =
      switch sampler {
      case .euler, .ddim: Straight()
      case .eulerAncestral: Ancestral(noise: noise)
      case .heun: Heun()
      case .solver: Solver(noise: nil)
      case .solverSDE: Solver(noise: noise)
      case .uniPC: UniPC()
      case .lcm: Consistency(timestepScale: schedule.timestepScale, noise: noise)
      }
  }

  public mutating func next() -> LatentStep? {
    guard index + 1 < levels.count else { return nil }
    let (moved, denoised) = method.step(x, Place(levels, index), estimate)
    x = moved
    defer { index += 1 }
    return LatentStep(x: x, denoised: denoised, index: index, level: levels[index + 1])
  }

  /// What new latents of a level are after something is put in place of `x` between two steps, as filling does.
  public mutating func replace(_ x: Tensor) { self.x = x }
}

/// Where a step begins and ends.
struct Place {
  let here, next: NoiseLevel
  /// The level before, where there was one.
  let before: NoiseLevel?
  let index: Int
  /// How many steps are left, this one among them.
  let left: Int

  init(_ levels: [NoiseLevel], _ index: Int) {
    (here, next, self.index) = (levels[index], levels[index + 1], index)
    before = index > 0 ? levels[index - 1] : nil
    left = levels.count - 1 - index
  }
}

/// One step of a sampler.
protocol Method {
  /// - Parameters:
  ///   - x: latents of `place.here`.
  ///   - estimate: latents without noise.
  /// - Returns: latents of `place.next`, and the estimate.
  mutating func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (
    Tensor, denoised: Tensor
  )
}

/// Latents of another level on the line through an estimate: Euler's step, and DDIM's (Song et al. 2021, equation 12, η = 0).
private func straight(_ x: Tensor, _ denoised: Tensor, _ from: NoiseLevel, _ to: NoiseLevel) -> Tensor {
  x * (to.sigma / from.sigma) + denoised * (to.alpha - from.alpha * to.sigma / from.sigma)
}

private struct Straight: Method {
  func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (Tensor, denoised: Tensor) {
    let denoised = estimate(x, place.here)
    return (straight(x, denoised, place.here, place.next), denoised)
  }
}

/// A straight step below the next level, and noise up to it (Karras' k-diffusion; η = 1).
private struct Ancestral: Method {
  let noise: () -> Tensor

  func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (Tensor, denoised: Tensor) {
    let denoised = estimate(x, place.here)
    let (σ, to) = (place.here.ratio, place.next.ratio)
    let up = (to * to * (σ * σ - to * to) / (σ * σ)).squareRoot()
    let down = (to * to - up * up).squareRoot()
    // In latents whose picture has full strength, then scaled to the next level's.
    let moved = x * (down / σ / place.here.alpha) + denoised * (1 - down / σ) + noise() * up
    return (moved * place.next.alpha, denoised)
  }
}

/// The mean of the slopes at both ends of a step.
private struct Heun: Method {
  func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (Tensor, denoised: Tensor) {
    let denoised = estimate(x, place.here)
    let first = straight(x, denoised, place.here, place.next)
    guard place.next.sigma > 0 else { return (first, denoised) }
    let there = estimate(first, place.next)
    let full = x / place.here.alpha
    let slope = (full - denoised) / place.here.ratio + (first / place.next.alpha - there) / place.next.ratio
    let moved = full + slope * ((place.next.ratio - place.here.ratio) / 2)
    return (moved * place.next.alpha, denoised)
  }
}

/// DPM-Solver++ of second order with the step before in the second evaluation's place (Lu et al. 2022, algorithm 2), or its stochastic kind
/// (equation 17 with the same correction). The first step, and the last to no noise, are of first order.
private struct Solver: Method {
  let noise: (() -> Tensor)?
  private var before: Tensor?

  init(noise: (() -> Tensor)?) { self.noise = noise }

  mutating func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (
    Tensor, denoised: Tensor
  ) {
    let denoised = estimate(x, place.here)
    defer { before = denoised }
    let drawn = noise?()
    guard place.next.sigma > 0 else { return (denoised, denoised) }
    let h = place.next.lambda - place.here.lambda
    var corrected = denoised
    if let before, let earlier = place.before {
      let r = (place.here.lambda - earlier.lambda) / h
      corrected = denoised + (denoised - before) * (0.5 / r)
    }
    let fall = place.next.sigma / place.here.sigma
    guard let drawn else { return (x * fall + corrected * (place.next.alpha * (1 - exp(-h))), denoised) }
    let share = 1 - exp(-2 * h)
    return (
      x * (fall * exp(-h)) + corrected * (place.next.alpha * share) + drawn * (place.next.sigma * share.squareRoot()),
      denoised
    )
  }
}

/// UniPC of second order with B(h) = exp(h) − 1, predicting pictures (Zhao et al. 2023, algorithms 5 and 6, appendix F).
private struct UniPC: Method {
  /// The last two estimates with their levels, the newest last.
  private var known: [(denoised: Tensor, level: NoiseLevel)] = []
  /// The latents that the last prediction began with, and its order.
  private var last: (x: Tensor, order: Int)?

  mutating func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (
    Tensor, denoised: Tensor
  ) {
    let denoised = estimate(x, place.here)
    var x = x
    if let last { x = corrected(last.x, denoised, place.here, order: last.order) }
    known = known.suffix(1) + [(denoised, place.here)]
    let order = min(2, place.left, known.count)
    last = (x, order)
    return (predicted(x, place.next, order: order), denoised)
  }

  private func predicted(_ x: Tensor, _ to: NoiseLevel, order: Int) -> Tensor {
    let (newest, here) = known[known.count - 1]
    let h = to.lambda - here.lambda
    // −(exp(−h) − 1), which is 1 where no noise is left.
    let grown = to.sigma > 0 ? 1 - exp(-h) : 1
    let base = x * (to.sigma / here.sigma) + newest * (to.alpha * grown)
    guard order == 2 else { return base }
    let (older, earlier) = known[0]
    let r = (earlier.lambda - here.lambda) / h
    return base + (older - newest) * (to.alpha * grown * 0.5 / r)
  }

  /// What the last prediction should have been, now that the estimate at its end is known.
  private func corrected(_ x: Tensor, _ found: Tensor, _ to: NoiseLevel, order: Int) -> Tensor {
    let (newest, here) = known[known.count - 1]
    let h = to.lambda - here.lambda
    let grown = 1 - exp(-h)
    let base = x * (to.sigma / here.sigma) + newest * (to.alpha * grown)
    guard order == 2 else { return base + (found - newest) * (to.alpha * grown * 0.5) }
    let (older, earlier) = known[0]
    let r = (earlier.lambda - here.lambda) / h
    // The two weights that make the method exact for lines and parabolas: [1 1; r 1] ρ = b.
    let φ = grown / h - 1
    let b1 = -φ / grown
    let b2 = 2 * (φ / h + 0.5) / grown
    let ρ1 = (b2 - b1) / (r - 1)
    let ρ2 = b1 - ρ1
    return base + (older - newest) * (to.alpha * grown * ρ1 / r) + (found - newest) * (to.alpha * grown * ρ2)
  }
}

/// A consistency model's estimate with its boundary condition, and noise of the next level (Luo et al. 2023, algorithm 3).
private struct Consistency: Method {
  let timestepScale: Double
  let noise: () -> Tensor

  func step(_ x: Tensor, _ place: Place, _ estimate: (Tensor, NoiseLevel) -> Tensor) -> (Tensor, denoised: Tensor) {
    // Song et al. 2023, appendix C, with a data deviation of 0.5.
    let (time, data) = (place.here.timestep * timestepScale, 0.5)
    let skip = data * data / (time * time + data * data)
    let out = time / (time * time + data * data).squareRoot()
    let denoised = estimate(x, place.here) * out + x * skip
    guard place.left > 1 else { return (denoised, denoised) }
    return (denoised * place.next.alpha + noise() * place.next.sigma, denoised)
  }
}
