import Foundation
import TestSupport
import Testing
import Torch

@testable import Models

/// Frames between two by optical flow alone, where the truth is known.
@Suite struct InbetweeningTests {
  /// [3, 3, 128, 128] in 0...1.
  private let photographs: Tensor

  init() throws {
    let file = try Checkout.golden("photographs")
    photographs = file.tensors["pictures"]!.to(.float32) / 255
  }

  private func crop(_ x: Tensor, _ left: Int, _ top: Int, _ side: Int = 96) -> Tensor {
    x.narrowed(dim: 2, from: top, count: side).narrowed(dim: 3, from: left, count: side)
  }

  /// The root of the mean square difference, `margin` away from the border.
  private func error(_ x: Tensor, _ truth: Tensor, margin: Int = 8) -> Double {
    let (height, width) = (truth.size(2) - 2 * margin, truth.size(3) - 2 * margin)
    let inside = square(x - truth).narrowed(dim: 2, from: margin, count: height)
    return inside.narrowed(dim: 3, from: margin, count: width).mean().item().squareRoot()
  }

  /// A camera that passes over a picture: whole pixels, so that each frame's truth is a crop.
  @Test(arguments: [0, 1, 2]) func halfOfAShift(_ picture: Int) {
    let whole = photographs[picture..<picture + 1]
    let (first, second) = (crop(whole, 20, 16), crop(whole, 12, 20))
    let motion = Inbetweening().motion(from: first, to: second)
    #expect(!motion.isCut)
    for (t, left, top) in [(0.25, 18, 17), (0.5, 16, 18), (0.75, 14, 19)] {
      let (made, truth) = (motion.frame(at: t), crop(whole, left, top))
      let (own, faded) = (error(made, truth), error(lerp(first, second, t), truth))
      // Fine texture is sampled between pixels; a flow that is a tenth of a pixel off costs about 0.01 there.
      #expect(own < 0.03 && own < 0.4 * faded, "\(t): \(own), faded \(faded)")
    }
  }

  @Test func theEndsAreTheFrames() {
    let (first, second) = (crop(photographs[0..<1], 20, 16), crop(photographs[0..<1], 12, 20))
    let motion = Inbetweening().motion(from: first, to: second)
    #expect(motion.frame(at: 0).isEqual(to: first) && motion.frame(at: 1).isEqual(to: second))
    // One at a time is the same as several of one motion.
    #expect(Inbetweening().frame(between: first, and: second, at: 0.5).isEqual(to: motion.frame(at: 0.5)))
  }

  /// A textured square over a photograph: it is between its places, and the ground around it is whole.
  @Test func whatIsHiddenComesFromTheOtherFrame() {
    let ground = photographs[0..<1]
    let texture = crop(photographs[1..<2], 40, 40, 24)
    func placed(_ left: Int) -> Tensor {
      let made = ground.cloned()
      withoutGradients {
        made.narrowed(dim: 2, from: 50, count: 24).narrowed(dim: 3, from: left, count: 24).copy(from: texture)
      }
      return made
    }
    let (first, second, truth) = (placed(40), placed(48), placed(44))
    let made = Inbetweening().frame(between: first, and: second, at: 0.5)
    let around = { (x: Tensor) in x.narrowed(dim: 2, from: 46, count: 32).narrowed(dim: 3, from: 36, count: 40) }
    let own = error(around(made), around(truth), margin: 0)
    let faded = error(around((first + second) * 0.5), around(truth), margin: 0)
    #expect(own < 0.5 * faded, "\(own), faded \(faded)")
    // Far from it nothing changes but by sampling.
    #expect(abs(made - truth).narrowed(dim: 2, from: 90, count: 30).max().item() < 0.02)
  }

  @Test func acrossACutTheNearerFrameIsHeld() {
    let (first, second) = (photographs[0..<1], photographs[1..<2])
    let motion = Inbetweening().motion(from: first, to: second)
    #expect(motion.isCut)
    #expect(motion.frame(at: 0.3).isEqual(to: first) && motion.frame(at: 0.7).isEqual(to: second))
  }

  /// What is transparent stays so, and what isn't moves.
  @Test func alphaMovesWithItsColours() {
    func disc(_ x: Double) -> Tensor {
      let line = Tensor.arange(64, dtype: .float32)
      let distance = square(line.reshaped([1, 1, 1, 64]) - x) + square(line.reshaped([1, 1, 64, 1]) - 32)
      let alpha = clamp(14 - sqrt(distance), min: 0, max: 1)
      let stripes = sin(line.reshaped([1, 1, 1, 64]) - x) * 0.3 + 0.5
      return Tensor.concatenated([alpha * stripes, alpha * 0.2, alpha * 0.9, alpha], dim: 1)
    }
    let made = Inbetweening().frame(between: disc(28), and: disc(34), at: 0.5)
    #expect(made.shape == [1, 4, 64, 64])
    let truth = disc(31)
    #expect(error(made, truth, margin: 0) < 0.4 * error((disc(28) + disc(34)) * 0.5, truth, margin: 0))
    #expect(made.narrowed(dim: 3, from: 0, count: 8).max().item() == 0)
  }

  @Test(arguments: [[8, 8], [9, 70], [61, 97]]) func anyShape(_ size: [Int]) {
    var engine = Inbetweening()
    engine.flowSide = 64
    let first = interpolate(photographs[0..<1], size: size, antialias: true)
    let made = engine.frame(between: first, and: clamp(first + 0.01, min: 0, max: 1), at: 0.4)
    #expect(made.shape == [1, 3] + size && made.allFinite)
    #expect(made.min().item() >= 0 && made.max().item() <= 1)
  }

  @Test func heldFrames() {
    let frame = photographs[2..<3]
    var noise = Noise(seed: 1)
    // What a codec leaves is of about one level of 255.
    #expect(Inbetweening.isHeld(frame, after: frame))
    #expect(Inbetweening.isHeld(frame + noise.normal([1, 3, 128, 128]) * 0.003, after: frame))
    #expect(!Inbetweening.isHeld(photographs[1..<2], after: frame))
    // A dot that moves is small in the mean.
    let dotted = frame.cloned()
    withoutGradients { dotted.narrowed(dim: 2, from: 8, count: 6).narrowed(dim: 3, from: 8, count: 6).fill(0) }
    #expect(abs(frame - dotted).mean().item() < 0.004 && !Inbetweening.isHeld(dotted, after: frame))
  }
}
