import Foundation
import Networks
import Testing
import Torch

struct OptimizerTests {
  static let rules: [(name: String, make: @Sendable ([Tensor]) -> any Optimizer)] = [
    ("SGD", { SGD($0, rate: 0.1) }),
    ("SGD momentum", { SGD($0, rate: 0.1, momentum: 0.9, weightDecay: 0.01) }),
    ("SGD Nesterov", { SGD($0, rate: 0.1, momentum: 0.9, isNesterov: true) }),
    ("Adam", { Adam($0, rate: 0.05, betas: (0.5, 0.99)) }),
    ("Adam decay", { Adam($0, rate: 0.05, betas: (0, 0.9), epsilon: 1e-6, weightDecay: 0.1) }),
    ("AdamW", { AdamW($0, rate: 0.05, weightDecay: 0.1) }),
    ("RMSprop", { RMSprop($0, rate: 0.01, weightDecay: 0.01) }),
    ("L-BFGS", { LBFGS($0, rate: 0.3, history: 3) }),
    ("RMSprop momentum", { RMSprop($0, rate: 0.01, alpha: 0.9, momentum: 0.5) }),
  ]

  /// PyTorch has none of these.
  static let further: [(name: String, make: @Sendable ([Tensor]) -> any Optimizer)] = [
    ("descent", { NormalizedDescent($0, rate: 0.05) })
  ]

  private func rule(_ name: String) throws -> ([Tensor]) -> any Optimizer {
    try #require((Self.rules + Self.further).first { $0.name == name }).make
  }

  /// Of a single number, it is Adam; of many, a step goes along the gradient and is as long as the rate.
  @Test func descentIsAdamWithOneSecondMoment() {
    let starts: [Float] = [1, -2, 0.5]
    let single = starts.map { Tensor([$0]).requiringGradient() }, same = starts.map { Tensor([$0]).requiringGradient() }
    let descent = NormalizedDescent(single, rate: 0.05), adam = Adam(same, rate: 0.05, betas: (0.9, 0.99))
    var noise = Noise(seed: 3)
    for step in 0..<6 {
      let gradients = starts.map { _ in noise.normal([1]) }
      if step == 3 { (descent.rate, adam.rate) = (0.02, 0.02) }
      descent.step(gradients)
      adam.step(gradients)
    }
    for (a, b) in zip(single, same) { #expect(abs(a - b).item() < 1e-5) }
    let many = noise.normal([4, 5]).requiringGradient()
    let (before, gradient) = (many.detached().cloned(), noise.normal([4, 5]))
    NormalizedDescent([many], rate: 0.1).step([gradient])
    let moved = before - many.detached()
    #expect(abs(square(moved).mean().item().squareRoot() - 0.1) < 1e-6)
    #expect(abs(moved / gradient - (moved / gradient).mean()).max().item() < 1e-5)
  }
  private func start(_ golden: Golden) -> [Tensor] {
    (0..<3).map { golden["optimizer/start/\($0)"].cloned().requiringGradient() }
  }
  private func gradient(_ golden: Golden, _ step: Int) -> [Tensor] {
    (0..<3).map { golden["optimizer/gradient/\(step)/\($0)"] }
  }

  @Test(arguments: rules.map(\.name), [false, true])
  func fiveStepsEqualPyTorchs(_ name: String, channelsLast: Bool) throws {
    let golden = try Golden()
    let parameters = start(golden)
    if channelsLast { withoutGradients { parameters[0].become(parameters[0].channelsLast()) } }
    let optimizer = try rule(name)(parameters)
    for s in 0..<5 {
      if s == 3 { optimizer.rate /= 2 }
      optimizer.step(gradient(golden, s))
      guard s == 0 || s == 4 else { continue }
      for (i, parameter) in parameters.enumerated() {
        // PyTorch's own loops round in another order than the fused kernels.
        #expect(agree(parameter, golden["optimizer/\(name)/\(s)/\(i)"], to: 1e-6), "step \(s), parameter \(i)")
      }
    }
  }

  @Test(arguments: (rules + further).map(\.name))
  func resumesBitForBit(_ name: String) throws {
    let golden = try Golden()
    let whole = start(golden)
    let first = start(golden)
    let optimizer = try rule(name)(whole)
    let early = try rule(name)(first)
    for s in 0..<5 { optimizer.step(gradient(golden, s)) }
    for s in 0..<2 { early.step(gradient(golden, s)) }
    let second = first.map { $0.detached().cloned().requiringGradient() }
    let late = try rule(name)(second)
    try late.restore(early.savedTensors)
    for s in 2..<5 { late.step(gradient(golden, s)) }
    for (a, b) in zip(whole, second) { #expect(a.isEqual(to: b)) }
    #expect(throws: StateError.self) { try late.restore(["what": Tensor.zeros([1])]) }
  }

  @Test(arguments: (rules + further).map(\.name))
  func aStepThatIsNotFiniteChangesNothing(_ name: String) throws {
    let golden = try Golden()
    let parameters = start(golden)
    let optimizer = try rule(name)(parameters)
    optimizer.step(gradient(golden, 0))
    let before = parameters.map(\.floats)
    let memory = optimizer.savedTensors.mapValues(\.floats)
    for bad in [Double.nan, .infinity] {
      var gradients = gradient(golden, 1)
      gradients[1] = Tensor.full([4], bad)
      optimizer.step(gradients)
    }
    #expect(parameters.map(\.floats) == before)
    #expect(optimizer.savedTensors.mapValues(\.floats) == memory)
  }

  @Test func aParameterWithoutGradientStaysAndStartsAfreshLater() throws {
    let golden = try Golden()
    let parameters = start(golden)
    let optimizer = Adam(parameters, rate: 0.05, betas: (0, 0.99))
    let before = parameters[2].floats
    for s in 0..<3 { optimizer.step([gradient(golden, s)[0], gradient(golden, s)[1], nil]) }
    #expect(parameters[2].floats == before)
    #expect(optimizer.savedTensors["step"]!.floats == [3, 3, 0])
    optimizer.step(gradient(golden, 3))
    // Adam's first step of a parameter has the length of the rate.
    for (a, b) in zip(parameters[2].floats, before) { #expect(Swift.abs(Swift.abs(a - b) - 0.05) < 1e-5) }
  }

  /// Minimises (x - 3)² from 0: Adam moves by about the rate a step, then settles.
  @Test func adamFindsTheMinimumOfAQuadratic() {
    let x = Tensor([Float(0)]).requiringGradient()
    let optimizer = Adam([x], rate: 0.1)
    optimizer.step(minimizing: square(x - 3).sum())
    #expect(Swift.abs(x.item() - 0.1) < 1e-6)
    for _ in 0..<400 { optimizer.step(minimizing: square(x - 3).sum()) }
    #expect(Swift.abs(x.item() - 3) < 1e-2)
  }

  /// Gradients come transposed out of the graph here; the fused kernels see memory only.
  @Test func gradientsOfAnyLayoutAreReadByTheirShape() {
    let w = Tensor((0..<6).map { Float($0) }, shape: [2, 3]).requiringGradient()
    let target = Tensor((0..<6).map { Float($0 * $0) }, shape: [3, 2])
    SGD([w], rate: 1).step(minimizing: (w.T * target).sum())
    let expected = Tensor((0..<6).map { Float($0) }, shape: [2, 3]) - target.T
    #expect(w.detached().isEqual(to: expected))
  }

  @Test func clippingScalesToTheLimitAndTellsTheLength() {
    var gradients = [Tensor([Float(3), 0]), Tensor([Float(4)])]
    #expect(clipGradients(&gradients, norm: 10) == 5)
    #expect(gradients[0].floats == [3, 0])
    #expect(clipGradients(&gradients, norm: 1) == 5)
    // PyTorch's 1e-6 in the denominator.
    #expect(
      agree(gradients[0], Tensor([Float(0.6), 0]), to: 1e-6) && agree(gradients[1], Tensor([Float(0.8)]), to: 1e-6))
    gradients[0] = Tensor([Float.nan, 0])
    #expect(clipGradients(&gradients, norm: 1).isNaN)
  }
}

struct MovingAverageTests {
  private func network() -> Sequential { Sequential(Linear(2, 3), BatchNorm1d(3)) }

  @Test func followsParametersAndCopiesBuffers() {
    var noise = Noise(seed: 1)
    let source = network()
    source.initialize(&noise)
    let average = MovingAverage(network(), of: source)
    #expect(average.module.savedTensors.mapValues(\.floats) == source.savedTensors.mapValues(\.floats))
    #expect(average.module.parameters.isEmpty)
    let before = average.module.state.map { $0.tensor.cloned() }
    source.initialize(&noise)
    _ = source(noise.normal([4, 2]))
    average.follow(source, decay: 0.75)
    for ((old, mine), theirs) in zip(zip(before, average.module.state), source.state) {
      let expected = theirs.tensor.requiresGradient ? old * 0.75 + theirs.tensor.detached() * 0.25 : theirs.tensor
      // lerp rounds once where this rounds twice.
      #expect(agree(mine.tensor, expected, to: 2e-7), "\(mine.name)")
    }
    #expect(average.module.savedTensors["1.num_batches_tracked"]!.ints == [1])
  }

  @Test func isRestored() throws {
    var noise = Noise(seed: 2)
    let source = network()
    source.initialize(&noise)
    let (a, b) = (MovingAverage(network(), of: source), MovingAverage(network(), of: source))
    source.initialize(&noise)
    a.follow(source, decay: 0.5)
    try b.restore(a.savedTensors)
    #expect(a.savedTensors.mapValues(\.floats) == b.savedTensors.mapValues(\.floats))
  }

  @Test func theHalfLifeHalvesWhatIsLeft() {
    #expect(Swift.abs(Foundation.pow(decay(halfLife: 640, batch: 64), 10) - 0.5) < 1e-12)
    #expect(decay(halfLife: 0, batch: 64) == 0)
    #expect(decay(halfLife: 1000, batch: 10, picturesSeen: 0) == 0)
    #expect(decay(halfLife: 1000, batch: 10, picturesSeen: 200, ramp: 0.05) == 0.5)
    #expect(decay(halfLife: 1000, batch: 10, picturesSeen: 10_000_000) == decay(halfLife: 1000, batch: 10))
  }
}

struct ScheduleTests {
  @Test func schedulesGoThroughTheirPoints() {
    let linear = Schedule.linear(from: 2, to: 1, during: 0.5...1)
    #expect([-1, 0, 0.5, 0.75, 1, 2].map { linear($0) } == [2, 2, 2, 1.5, 1, 1])
    let cosine = Schedule.cosine(from: 1, to: 0)
    // Cosines of binary fractions of π in float64.
    #expect(Swift.abs(cosine(0.5) - 0.5) < 1e-12 && Swift.abs(cosine(0.25) - (1 + 0.5.squareRoot()) / 2) < 1e-12)
    #expect(cosine(0) == 1 && cosine(1) == 0)
    #expect(Swift.abs(Schedule.exponential(from: 100, to: 1)(0.5) - 10) < 1e-12)
    let steps = Schedule.steps([(16, until: 0.4), (32, until: 0.8), (64, until: 1)])
    #expect([0, 0.39, 0.4, 0.8, 1].map { steps($0) } == [16, 16, 32, 64, 64])
    let warm = Schedule.constant(4).warmedUp(over: 0.5)
    #expect([0, 0.25, 0.5, 1].map { warm($0) } == [0, 2, 4, 4])
    #expect(Schedule.linear(from: 1, to: 2, during: 0.5...0.5)(0.5) == 2)
  }
}
