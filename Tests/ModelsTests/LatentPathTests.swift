import Models
import Testing
import Torch

@Suite struct LatentPathTests {
  private func path(_ shape: LatentPath.Shape, loops: Bool = true, ease: LatentPath.Ease = .linear) -> LatentPath {
    var noise = Noise(seed: 4)
    let keys = [0.0, 2, 3].map { LatentPath.Key(time: $0, latent: noise.normal([64]), ease: ease) }
    return LatentPath(
      keys, shape: shape, period: loops ? 5 : nil, wave: 0.7, length: 5, dimensions: 64, noise: &noise)
  }

  /// At a key's time there is the key, to the bit; a period later again.
  @Test(arguments: LatentPath.Shape.allCases, [true, false]) func keysAreHit(_ shape: LatentPath.Shape, _ loops: Bool) {
    let path = path(shape, loops: loops)
    let found = path.latents(at: [0, 2, 3])
    for i in 0..<3 { #expect(found[i].floats == path.keys[i].latent.floats) }
    guard loops else { return }
    #expect(path.latents(at: [5.0, 7])[0].floats == path.keys[0].latent.floats)
  }

  /// The step over the end is one like the others: nothing jumps there.
  @Test(arguments: [LatentPath.Shape.sphere, .spline, .process]) func loopsClose(_ shape: LatentPath.Shape) {
    let path = path(shape)
    let latents = path.latents(at: (0...100).map { Double($0) / 20 })
    let steps = (0..<100).map { (latents[$0 + 1] - latents[$0]).norm().item() }
    let near = steps[97] + steps[1]
    #expect(steps[99] < 0.75 * near && steps[99] > 0.25 * near, "\(steps[97...]) \(steps[...2])")
    #expect(steps.max()! < 4 * steps.sorted()[50])
  }

  /// Latents keep the length that normal ones have; a straight line's middle would be 0.7 of it.
  @Test(arguments: [LatentPath.Shape.sphere, .spline, .process]) func lengthsStay(_ shape: LatentPath.Shape) {
    let latents = path(shape).latents(at: (0..<50).map { Double($0) / 10 })
    for latent in latents.unbound() { #expect((5.5...11).contains(latent.norm().item())) }
  }

  @Test func easeAndHold() {
    let still = path(.sphere, ease: .hold).latents(at: [0, 1.99, 2])
    #expect(still[0].floats == still[1].floats && still[1].floats != still[2].floats)
    let smooth = path(.sphere, ease: .smooth)
    let ends = smooth.latents(at: [0, 0.1, 1, 1.1])
    let (early, late) = ((ends[1] - ends[0]).norm().item(), (ends[3] - ends[2]).norm().item())
    #expect(early < 0.2 * late)
    let (from, to, fraction) = smooth.segment(at: 4)
    #expect(from == 2 && to == 0 && fraction == 0.5)
  }

  /// Chance alone, for an hour: smooth, and soon there.
  @Test func aLongProcess() {
    var noise = Noise(seed: 0)
    let path = LatentPath([], shape: .process, period: 3600, wave: 30, length: 3600, dimensions: 16, noise: &noise)
    let latents = path.latents(at: (0...2000).map { 1000 + Double($0) / 24 })
    let steps = (0..<2000).map { (latents[$0 + 1] - latents[$0]).norm().item() }
    #expect(steps.max()! < 6 * (steps.reduce(0, +) / 2000))
    let (a, b) = (path.latents(at: [7]), path.latents(at: [3607]))
    #expect(square(a - b).sum().item() < 1e-8)
    // As far apart as two draws, after many waves.
    #expect((path.latents(at: [0])[0] - path.latents(at: [900])[0]).norm().item() > 2)
  }
}
