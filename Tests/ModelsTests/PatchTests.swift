import Testing
import Torch

@testable import Models

/// Pictures of one picture's patches.
@Suite struct PatchTests {
  /// Something with edges and surfaces: blots at 64 × 80 px.
  private func picture(_ seed: UInt64 = 1, channels: Int = 3) -> Tensor {
    var noise = Noise(seed: seed)
    let rough = interpolate(noise.normal([1, channels, 9, 11]), size: [64, 80], mode: .bicubic)
    return clamp(rough * 2, min: -1, max: 1)
  }

  @Test func anUndisturbedLayoutGivesThePicture() throws {
    let source = picture()
    var settings = PatchSettings()
    settings.diversity = 0
    let made = try #require(PatchVariation(source, settings: settings).made(.noise(seed: 4)))
    #expect(made.shape == source.shape)
    #expect(abs(made - source).mean().item() < 0.01)
  }

  @Test func aSeedMakesAPictureOfItsOwn() throws {
    let source = interpolate(picture(), size: [32, 40], antialias: true)
    let variation = PatchVariation(source, settings: PatchSettings())
    let first = try #require(variation.made(.noise(seed: 1))), second = try #require(variation.made(.noise(seed: 2)))
    #expect(abs(first - second).mean().item() > 0.05)
    #expect(abs(first - source).mean().item() > 0.05)
    #expect(try #require(variation.made(.noise(seed: 1))).isEqual(to: first))
  }

  /// Almost every patch is one of the source's, though the layout is another.
  @Test func patchesAreTheSources() throws {
    let source = picture()
    let made = try #require(PatchVariation(source, settings: PatchSettings()).made(.noise(seed: 3)))
    func patches(_ x: Tensor) -> Tensor { unfold2d(x, kernel: 7)[0].T }
    func far(_ x: Tensor) -> Double { distances(patches(x), patches(source)).min(dims: [1]).mean().item() }
    var noise = Noise(seed: 5)
    let stranger = picture(9)
    #expect(far(made) < 0.35 * far(stranger), "\(far(made)), \(far(stranger))")
    #expect(far(noise.uniform(source.shape, from: -1, to: 1)) > far(stranger))
  }

  @Test func anyShape() throws {
    let source = picture(1, channels: 4)
    var settings = PatchSettings()
    settings.size = 40
    let wide = PatchVariation(source, stretched: (1, 1.5), settings: settings)
    #expect(try #require(wide.made(.noise(seed: 0))).shape == [1, 4, 32, 60])
    let other = try #require(wide.made(.structure(picture(2, channels: 4))))
    #expect(other.shape == [1, 4, 32, 60])
    #expect(try #require(PatchVariation(source, settings: settings).made(.noise(seed: 0))).shape == [1, 4, 32, 40])
    var parts = 0
    #expect(
      wide.made(.noise(seed: 0)) { _ in
        parts += 1
        return parts < 2
      } == nil)
  }

  /// Equation 2 in float64, without the shortcut through products.
  @Test func theNearestIsThePapers() {
    var noise = Noise(seed: 7)
    let queries = noise.normal([40, 12]), keys = noise.normal([30, 12])
    let variation = PatchVariation(picture(), settings: PatchSettings())
    let found = variation.nearest(queries, keys)
    let (q, k) = (queries.to(.float64).unsqueezed(1), keys.to(.float64).unsqueezed(0))
    let d = square(q - k).mean(dims: [2])
    let wanted = (d / (d.min(dims: [0], keepDims: true) + 0.005)).argmin(dim: 1)
    #expect(found.ints == wanted.ints)
  }
}
