import Testing
import Torch

@testable import Training

@Suite struct AlphaTests {
  /// There and back, every level of colour and alpha that can be seen is the same to half a level of what is seen.
  @Test func coloursComeBackWhereTheyCanBeSeen() {
    var noise = Noise(seed: 1)
    let colours = noise.uniform([2, 3, 16, 16], from: -1, to: 1)
    let x = Tensor.concatenated([colours, noise.uniform([2, 1, 16, 16], from: -1 + 16.0 / 255, to: 1)], dim: 1)
    let back = straightened(alphaWeighted(x))
    let alpha = x.narrowed(dim: 1, from: 3, count: 1) * 0.5 + 0.5
    #expect(abs((back - x) * alpha).max().item() < 1.5 / 255)
  }

  /// What a generator makes where there should be nothing.
  @Test func hazeIsNothing() {
    var noise = Noise(seed: 4)
    let haze = Tensor.concatenated(
      [
        noise.uniform([1, 3, 8, 8], from: -1, to: 1), noise.uniform([1, 1, 8, 8], from: -1, to: -1 + 14.0 / 255),
      ], dim: 1)
    #expect(straightened(haze).isEqual(to: Tensor.full([1, 4, 8, 8], -1)))
  }

  @Test func whatCannotBeSeenHasOneColour() {
    var noise = Noise(seed: 2)
    let colours = noise.uniform([1, 3, 4, 4], from: -1, to: 1)
    let x = alphaWeighted(Tensor.concatenated([colours, Tensor.full([1, 1, 4, 4], -1)], dim: 1))
    #expect(x.isEqual(to: Tensor.full([1, 4, 4, 4], -1)))
    #expect(straightened(x).isEqual(to: x))
  }

  @Test func otherPicturesStayAsTheyAre() {
    var noise = Noise(seed: 3)
    let x = noise.uniform([1, 3, 4, 4], from: -1, to: 1)
    #expect(alphaWeighted(x) === x && straightened(x) === x)
  }
}
