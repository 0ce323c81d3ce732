import Foundation
import TestSupport
import Testing
import Torch

@testable import Models

/// Textures by example: beside PyTorch (Tests/Goldens/texture.py), and what they have of the example.
@Suite struct TextureTests {
  private static func golden(_ name: String) throws -> [String: Tensor] {
    return try Checkout.golden("\(name)").tensors
  }

  @Test func texturesArePyTorchs() throws {
    let golden = try Self.golden("texture")
    let example = golden["example"]!
    #expect(abs(periodicComponent(of: example) - golden["periodic"]!).max().item() < 1e-5)
    for (name, size, seed) in [("same", [21, 30], UInt64(7)), ("larger", [48, 50], 8)] {
      var noise = Noise(seed: seed)
      let made = GaussianTexture(of: example, height: size[0], width: size[1]).sample(&noise)
      // Float32 where the other has float64; a phase of a small modulus is uncertain.
      #expect(abs(made - golden[name]!).max().item() < 1e-4, "\(name)")
    }
  }

  /// Mean and circular covariances of one sample, over any distance and between channels, are the example's.
  @Test func moments() throws {
    let photograph = try #require(Self.golden("photographs")["pictures"]).to(.float32)[0] / 255
    var noise = Noise(seed: 3)
    let own = periodicComponent(of: photograph)
    let made = GaussianTexture(of: photograph, height: 128, width: 128).sample(&noise)
    func moments(_ x: Tensor) -> (mean: Tensor, covariance: Tensor) {
      let mean = x.mean(dims: [1, 2], keepDims: true)
      let centred = x - mean
      let shifted = [(0, 0), (0, 1), (3, 0), (5, 9)].map { centred.rolled(by: [$0.0, $0.1], dims: [1, 2]) }
      return (mean, Tensor.stacked(shifted.map { matmul(centred.flattened(from: 1), $0.flattened(from: 1).T) / 16384 }))
    }
    let (a, b) = (moments(own), moments(made))
    #expect(
      abs(a.mean - b.mean).max().item() < 1e-5
        && abs(own.mean(dims: [1, 2]) - photograph.mean(dims: [1, 2])).max().item() < 1e-5)
    #expect(abs(a.covariance - b.covariance).max().item() < 1e-5)
    #expect(abs(made - own).mean().item() > 0.02)
  }

  /// On a larger ground, variances are the example's, and no seam is seen where edges meet.
  @Test func largerAndSeamless() throws {
    let photograph = try #require(Self.golden("photographs")["pictures"]).to(.float32)[1] / 255
    var noise = Noise(seed: 5)
    let made = GaussianTexture(of: photograph, height: 300, width: 260).sample(&noise)
    #expect(made.shape == [3, 300, 260] && made.allFinite)
    let variance = made.variance(dims: [1, 2]).sum().item()
    let wanted = periodicComponent(of: photograph).variance(dims: [1, 2]).sum().item()
    #expect(abs(variance / wanted - 1) < 0.01, "\(variance) and \(wanted)")
    let steps = abs(made - made.rolled(by: [1], dims: [1])).mean(dims: [0, 2])
    let seam = steps[0].item(), inside = steps[1..<300].mean().item(), spread = steps[1..<300].std(dims: [0]).item()
    #expect(abs(seam - inside) < 4 * spread, "\(seam), inside \(inside) ± \(spread)")
  }

  @Test func aSeedIsATexture() throws {
    let texture = GaussianTexture(of: try #require(Self.golden("texture")["example"]), height: 40, width: 40)
    func made(_ seed: UInt64) -> Tensor {
      var noise = Noise(seed: seed)
      return texture.sample(&noise)
    }
    #expect(made(1).isEqual(to: made(1)) && !made(1).isEqual(to: made(2)))
  }
}
