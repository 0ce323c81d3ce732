import Foundation
import TestSupport
import Testing
import Torch

/// Several processes that train one model, as an artist or a cluster starts them.
@Suite struct TogetherTests {
  private static let small = [
    "train", Binary.pictures, "--size", "16", "--batch", "8", "--pictures-seen", "96", "--no-best", "--precision", "float32",
  ]

  private func weights(_ atelier: Binary, _ run: String) throws -> [String: Tensor] {
    try Safetensors.read("\(atelier.folder)/\(run)/checkpoints/\(#require(try atelier.checkpoints(run).last))").tensors
  }

  /// The largest difference of any number, beside the largest number of its tensor.
  private func difference(_ a: [String: Tensor], _ b: [String: Tensor]) -> Double {
    a.map { name, tensor in
      guard tensor.dtype.isFloatingPoint, let other = b[name] else { return 0 }
      return abs(tensor - other).max().item() / max(1e-3, abs(tensor).max().item())
    }.max() ?? .infinity
  }

  /// Two and four processes come to the weights of one, within rounding; another number of them goes on.
  @Test(arguments: [
    ["--recipe", "dcgan", "--width", "4", "--latent", "8"],
    ["--recipe", "r3gan", "--widths", "16,16", "--blocks", "1,1", "--discriminator-widths", "16,16", "--traits", "0",
      "--discriminator-blocks", "1,1", "--grow", "none", "--augment", "0", "--penalised", "8"],
    ["--recipe", "stylegan2", "--traits", "0", "--adapt", "0"],
    ["--recipe", "vae"],
  ])
  func areAsGoodAsOne(_ recipe: [String]) throws {
    try inFolder { atelier in
      let one = try atelier.run(Self.small + recipe + ["--run", "one"])
      #expect(one.status == 0, "\(one.err)")
      let two = try atelier.run(Self.small + recipe + ["--run", "two", "--processes", "2"])
      #expect(two.status == 0, "\(two.err)")
      #expect(two.err.contains("2 processes train together, each on 4 pictures of every batch."))
      #expect(try difference(weights(atelier, "one"), weights(atelier, "two")) < 2e-2)
    }
  }
}
