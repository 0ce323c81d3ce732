import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Models

/// The networks that enlarge beside PyTorch: Tests/Goldens/enlarge.py.
@Suite struct EnlargeTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("enlarge").tensors
  }

  /// Float32 sums of some thousand products in another order.
  private func expectClose(_ mine: Tensor, _ name: String, tolerance: Double = 2e-5) {
    TestSupport.expectClose(mine, golden[name]!, name, tolerance: tolerance, least: 1e-6)
  }

  /// Weights drawn as enlarge.py draws them.
  private func drawn(_ network: any EnlargingNetwork) -> any EnlargingNetwork {
    var noise = Noise(seed: 2)
    withoutGradients {
      for (_, tensor) in network.state {
        let fan = tensor.rank > 1 ? tensor.count / tensor.size(0) : 9
        tensor.copy(from: noise.normal(tensor.shape) / Double(fan).squareRoot())
      }
    }
    return network
  }

  private static let networks: [String: @Sendable () -> any EnlargingNetwork] = [
    "rrdb4": { RRDBNet(scale: 4, width: 8, blocks: 2, growth: 4) },
    "rrdb2": { RRDBNet(scale: 2, width: 8, blocks: 1, growth: 4) },
    "compact": { SRVGGNetCompact(scale: 3, width: 6, depth: 2) },
    "upconv7": { UpConv7() },
  ]

  @Test(arguments: networks.keys.sorted()) func picturesAndGradientsAreTheSame(_ name: String) {
    let network = drawn(Self.networks[name]!())
    let picture = golden[name]!.requiringGradient()
    let made = network(picture)
    expectClose(made, "\(name)/made")
    let first = network.state[0].tensor
    let slopes = gradients(of: square(made).mean(), withRespectTo: [picture, first])
    expectClose(slopes[0], "\(name)/gradient")
    expectClose(slopes[1], "\(name)/first")
    if name == "rrdb4" { expectClose(interpolate(made, size: [20, 16], mode: .bicubic), "half") }
  }

  /// From the weights alone, the same network.
  @Test(arguments: networks.keys.sorted()) func weightsTellTheirNetwork(_ name: String) throws {
    let network = drawn(Self.networks[name]!())
    let again = try enlargingNetwork(network.savedTensors)
    #expect(again.scale == network.scale && type(of: again) == type(of: network))
    let x = golden[name]!
    #expect(again(x).isEqual(to: network(x)))
  }

  @Test func otherWeightsAreRefused() throws {
    #expect(throws: StateError.self) { try enlargingNetwork(["features.0.weight": Tensor.zeros([1, 3, 3, 3])]) }
    var weights = drawn(RRDBNet(width: 8, blocks: 1, growth: 4)).savedTensors
    weights["body.0.rdb2.conv3.bias"] = nil
    #expect(throws: StateError.self) { try enlargingNetwork(weights) }
    weights = ["body.0.weight": Tensor.zeros([4, 3, 3, 3]), "body.2.weight": Tensor.zeros([7, 4, 3, 3])]
    #expect(throws: StateError.self) { try enlargingNetwork(weights) }
  }

  /// A network as deep as the published one and narrower, whose tiles must see as far.
  private static let deep: [String: @Sendable () -> any EnlargingNetwork] = [
    "compact": { SRVGGNetCompact(scale: 4, width: 5) }, "upconv7": { UpConv7() },
    "rrdb2": { RRDBNet(scale: 2, width: 4, blocks: 1, growth: 2) },
  ]

  @Test(arguments: deep.keys.sorted(), [2, 3, 4]) func tilesMakeTheWholePicture(_ name: String, scale: Int) {
    let network = drawn(Self.deep[name]!())
    network.setRequiresGradient(false)
    var noise = Noise(seed: 3)
    let picture = (noise.uniform([3, 101, 135]) * 255.99).to(.uint8)
    let whole = Enlargement(picture, by: scale, network: network, tile: 4000)
    let cut = Enlargement(picture, by: scale, network: network, tile: 2 * network.margin + 40)
    let (few, many) = (Array(whole), Array(cut))
    #expect(few.count < many.count && many == many.sorted())
    #expect(Swift.abs(many[many.count - 1] - 1) < 1e-9)
    #expect(cut.picture.shape == [3, 101 * scale, 135 * scale])
    // Kernels choose their order of sums by size, so a number may be rounded to the next byte.
    let difference = abs(cut.picture.to(.float32) - whole.picture.to(.float32))
    #expect(difference.max().item() <= 1 && difference.mean().item() < 0.01)
  }

  @Test func coloursGoOnUnderWhatIsTransparent() {
    var noise = Noise(seed: 4)
    let alpha = Tensor.zeros([1, 1, 13, 9])
    alpha.setSlice(dim: 2, from: 5, to: Tensor.full([1, 1, 3, 9], 120))
    let red = Tensor([200, 10, 30] as [Float], shape: [1, 3, 1, 1])
    let under = whereTrue(alpha.greater(than: 0), red.expanded([1, 3, 13, 9]), noise.uniform([1, 3, 13, 9]) * 255)
    #expect(abs(colours(under, continuedUnder: alpha) - red).max().item() < 1e-3)
    // Nothing to be seen anywhere: anything goes, but no NaN.
    #expect(colours(under, continuedUnder: alpha * 0).allFinite)
  }

  @Test func whatIsOpaqueStaysOpaque() {
    let alpha = Tensor.full([1, 1, 8, 8], 255)
    alpha.setSlice(dim: 3, from: 0, to: Tensor.zeros([1, 1, 8, 4]))
    var noise = Noise(seed: 5)
    let large = bounded(noise.uniform([1, 1, 16, 16]) * 400 - 50, by: alpha)
    #expect(large.narrowed(dim: 3, from: 10, count: 6).isEqual(to: Tensor.full([1, 1, 16, 6], 255)))
    #expect(large.narrowed(dim: 3, from: 0, count: 6).isEqual(to: Tensor.zeros([1, 1, 16, 6])))
  }
}
