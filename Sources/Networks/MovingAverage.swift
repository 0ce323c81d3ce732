import Foundation
import Torch

/// An exponential moving average of a module: a second module of the same shape, for making pictures.
///
/// ```swift
/// let average = MovingAverage(Generator(settings), of: generator)
/// average.follow(generator, decay: decay(halfLife: 10_000, batch: 64))   // after each step
/// ```
public final class MovingAverage<M: Module>: Saved {
  /// The average. It isn't training, and its tensors require no gradients.
  public let module: M
  private let mine: [(name: String, tensor: Tensor)]
  private var pairs: (source: M, averaged: Pairs, copied: Pairs)
  private struct Pairs {
    var mine: [Tensor] = []
    var theirs: [Tensor] = []
  }

  /// Starts as a copy of `source`, on its device and in its memory layout.
  ///
  /// - Parameter module: of the same architecture; its state needs no initialisation.
  public init(_ module: M, of source: M) {
    self.module = module
    mine = module.state
    pairs = Self.paired(mine, with: source)
    withoutGradients {
      for list in [pairs.averaged, pairs.copied] {
        for (mine, theirs) in zip(list.mine, list.theirs) { mine.become(theirs.detached().cloned()) }
      }
    }
    // Constants are no state.
    if let device = mine.first?.tensor.device { module.move(to: device) }
    module.setRequiresGradient(false)
    module.setTraining(false)
  }

  /// Moves parameters toward those of `source`: `decay` of the average is kept. Buffers are copied.
  public func follow(_ source: M, decay: Double) {
    if pairs.source !== source { pairs = Self.paired(mine, with: source) }
    withoutGradients {
      kernels.foreachLerp_.run(.tensors(pairs.averaged.mine), .tensors(pairs.averaged.theirs), .double(1 - decay))
      guard !pairs.copied.mine.isEmpty else { return }
      kernels.foreachCopy_.run(.tensors(pairs.copied.mine), .tensors(pairs.copied.theirs))
    }
  }

  private static func paired(
    _ mine: [(name: String, tensor: Tensor)], with source: M
  ) -> (source: M, averaged: Pairs, copied: Pairs) {
    let theirs = source.state
    precondition(mine.map(\.name) == theirs.map(\.name), "A moving average needs a module of the same architecture.")
    var (averaged, copied) = (Pairs(), Pairs())
    for (a, b) in zip(mine, theirs) {
      if b.tensor.requiresGradient {
        averaged.mine.append(a.tensor)
        averaged.theirs.append(b.tensor)
      } else {
        copied.mine.append(a.tensor)
        copied.theirs.append(b.tensor)
      }
    }
    return (source, averaged, copied)
  }

  /// The average's state.
  public var savedTensors: [String: Tensor] { module.savedTensors }
  public func restore(_ tensors: [String: Tensor]) throws(StateError) { try module.load(tensors) }
}

/// The decay of one step of a moving average, given as the pictures after which half of it is replaced:
/// 0.5^(batch / half-life).
///
/// - Parameters:
///   - halfLife: in pictures; 0 gives decay 0, a copy.
///   - batch: pictures a step.
///   - picturesSeen: when given, the half-life is at most `ramp` times it, so that the average soon forgets the noise
///     of the start (Karras et al. 2020, ADA).
public func decay(halfLife: Double, batch: Int, picturesSeen: Int? = nil, ramp: Double = 0.05) -> Double {
  let life = picturesSeen.map { min(halfLife, Double($0) * ramp) } ?? halfLife
  return life > 0 ? Foundation.pow(0.5, Double(batch) / life) : 0
}

/// The decay of one step of a moving average that remembers a share of the training so far.
///
/// - Parameters:
///   - memory: the half-life, as a part of the training so far.
///   - batch: pictures a step, of `total` in the whole run.
///   - fraction: how much of the run it has followed, 0...1.
public func decay(memory: Double, batch: Int, of total: Int, after fraction: Double) -> Double {
  let step = Double(batch) / Double(max(total, 1))
  return Foundation.pow(0.5, step / (memory * max(fraction, step)))
}
