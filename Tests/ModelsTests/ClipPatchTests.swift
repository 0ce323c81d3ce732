import Foundation
import Testing
import Torch

@testable import Models

/// Films of one film's patches.
@Suite struct ClipPatchTests {
  /// A square that goes to the right over a gradient: [10, 3, 24, 28].
  private static func source() -> Tensor {
    let (frames, height, width) = (10, 24, 28)
    var values: [Float] = []
    for t in 0..<frames {
      for c in 0..<3 {
        for y in 0..<height {
          for x in 0..<width {
            let isIn = (8..<15).contains(y) && (t + 3..<t + 10).contains(x)
            values.append(isIn ? 0.8 : Float(y * (c + 1)) / 80 - 0.5)
          }
        }
      }
    }
    return Tensor(values, shape: [frames, 3, height, width])
  }

  private static func settings() -> ClipPatchSettings {
    var settings = ClipPatchSettings()
    (settings.coarsest, settings.patch) = (12, 5)
    return settings
  }

  @Test func aSeedMakesTheSameFilm() throws {
    let source = Self.source(), variation = ClipVariation(Self.source(), settings: Self.settings())
    let made = try #require(variation.made(seed: 3)), again = try #require(variation.made(seed: 3))
    #expect(made.shape == source.shape && made.rawBytes == again.rawBytes)
    #expect(try #require(variation.made(seed: 4)).rawBytes != made.rawBytes)
    // Means of the source's pixels.
    #expect(made.max().item() <= source.max().item() + 1e-5 && made.min().item() >= source.min().item() - 1e-5)
    #expect(variation.made(seed: 3, report: { _ in false }) == nil)
  }

  /// Without noise the clip is its own nearest neighbour.
  @Test func withoutNoiseItStays() throws {
    var settings = Self.settings()
    settings.diversity = 0
    let source = Self.source()
    let made = try #require(ClipVariation(source, settings: settings).made(seed: 0))
    #expect(abs(made - source).mean().item() < 0.02)
  }

  @Test(arguments: [true, false]) func itMayBeLongerOrShorter(_ loops: Bool) throws {
    for frames in [6, 17] {
      let made = try #require(
        ClipVariation(Self.source(), frames: frames, loops: loops, settings: Self.settings()).made(seed: 1))
      #expect(made.shape == [frames, 3, 24, 28])
      #expect(made.isFinite().all().bools[0])
    }
  }

  /// D / (α + the nearest query's D), over all pairs at once.
  @Test func theSearchIsThatOfAllPairs() {
    var noise = Noise(seed: 2)
    let variation = ClipVariation(Self.source(), settings: Self.settings())
    let (queries, keys) = (noise.normal([200, 24]), noise.normal([8 * 20 * 24, 24]))
    let found = variation.nearest(queries, keys, shape: [1, 1, 200], [8, 20, 24])
    let distances = square(queries.unsqueezed(1) - keys[0..<3840].unsqueezed(0)).sum(dims: [2]) / Double(5 * 5 * 3 * 3)
    let wanted = (distances / (distances.min(dims: [0], keepDims: true) + 0.005)).argmin(dim: 1)
    let index = ((found.t * 20 + found.y) * 24 + found.x).to(.int64).flattened()
    // Of near ties some may be rounded the other way.
    #expect(abs(index.to(.float64) - wanted.to(.float64)).greater(than: 0.5).to(.float64).mean().item() < 0.005)
  }
}
