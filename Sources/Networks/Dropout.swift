import Torch

/// A module that draws random numbers while it trains.
public protocol Noisy: Module {
  var noise: Noise? { get set }
}

extension Module {
  /// Gives every module that draws while it trains a stream of its own. Call it each step with the step's noise, so
  /// that a step depends on nothing but the seed and its number.
  public func reseed(_ noise: inout Noise) {
    for case let module as any Noisy in modules {
      module.noise = Noise(seed: UInt64(noise.integers(below: Int(Int32.max), count: 1)[0]))
    }
  }
}

/// Zeroes numbers at random while it trains and scales the others up by 1 / (1 - probability)
/// (Srivastava et al. 2014). `reseed` it each step.
public final class Dropout: UnaryModule, ModeDependent, Noisy {
  public var isTraining = true
  public var noise: Noise?
  let probability: Double

  /// - Parameter probability: that a number becomes 0; in 0..<1.
  public init(_ probability: Double = 0.5) {
    precondition((0..<1).contains(probability), "A dropout probability is in 0..<1, not \(probability).")
    self.probability = probability
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard isTraining, probability > 0 else { return x }
    guard noise != nil else { fatalError("Dropout has no noise: call reseed(&noise) on the network before each step.") }
    return dropout(x, probability: probability, isTraining: true, noise: &noise!)
  }
}
