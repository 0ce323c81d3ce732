import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Models

/// r3gan's networks and losses beside PyTorch: Tests/Goldens/r3gan.py.
@Suite struct R3GANGoldenTests {
  private let golden: [String: Tensor]
  private let names: [String: [String]]
  private let generator = R3GANGenerator(
    latent: 6, wSize: 10, widths: [10, 8, 6, 4], blocks: [1, 1, 2, 1], channels: 3)
  private let discriminator = R3GANDiscriminator(
    widths: [8, 8, 6, 4], blocks: [1, 2, 1, 1], stem: 4, channels: 3)

  init() throws {
    let read = try Checkout.golden("r3gan")
    (golden, names) = (
      read.tensors, try JSONDecoder().decode([String: [String]].self, from: Data(read.metadata["names"]!.utf8))
    )
    try generator.load(part("generator/"))
    try discriminator.load(part("discriminator/"))
  }

  private func part(_ prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = tensor }
    return found
  }
  private var real: Tensor { golden["real"]!.to(.float32) }
  private var z: Tensor { golden["z"]! }

  /// Float32 sums of some hundred products in another order.
  private func expectClose(_ mine: Tensor, _ theirs: Tensor, _ name: String, tolerance: Double = 1e-5) {
    TestSupport.expectClose(mine, theirs, name, tolerance: tolerance)
  }

  @Test func statesHavePyTorchsNames() {
    #expect(generator.state.map(\.name) == names["generator"])
    #expect(discriminator.state.map(\.name) == names["discriminator"])
  }

  @Test(arguments: [16, 32, 64]) func picturesAndVerdictsAreTheSame(size: Int) {
    expectClose(generator(z, size: PictureSize(size)), golden["pictures/\(size)"]!, "pictures")
    let seen = interpolate(real, size: [size, size], mode: .area)
    expectClose(discriminator(seen), golden["verdicts/\(size)"]!, "verdicts")
  }

  private func expectGradients(of value: Tensor, _ name: String, _ network: some Module) {
    expectClose(value.reshaped([1]), golden[name]!, name)
    let parameters = network.state.filter { $0.tensor.requiresGradient }
    let found = gradientsIfUsed(of: value, withRespectTo: parameters.map(\.tensor))
    for (parameter, gradient) in zip(parameters, found) {
      guard let theirs = golden["\(name)/\(parameter.name)"] else {
        #expect(gradient == nil, "\(parameter.name)")
        continue
      }
      // Through many layers twice: a few more roundings, which differ from processor to processor.
      expectClose(gradient!, theirs, "\(name)/\(parameter.name)", tolerance: 2e-4)
    }
  }

  @Test func lossesHavePyTorchsGradients() {
    let fake = generator(z, size: 64)
    let lossD = relativisticLoss(real: discriminator(real), fake: discriminator(fake.detached()))
    expectGradients(of: lossD, "loss.discriminator", discriminator)
    let lossG = relativisticLoss(real: discriminator(fake), fake: discriminator(real).detached())
    expectGradients(of: lossG, "loss.generator", generator)
  }

  @Test func penaltiesHavePyTorchsGradients() {
    expectGradients(of: zeroCenteredPenalty(at: real) { discriminator($0) }, "penalty.exact", discriminator)
    let direction = golden["direction"]!.to(.float32)
    let slope = slopePenalty(at: real, along: direction, step: 0.1) { discriminator($0) }
    expectGradients(of: slope, "penalty.slope", discriminator)
  }
}
