import Foundation
import TestSupport
import Testing
import Torch

@testable import Models

/// Flows that are known, of photographs.
@Suite struct OpticalFlowTests {
  /// [3, 3, 128, 128] in 0...1.
  private let photographs: Tensor

  init() throws {
    let file = try Checkout.golden("photographs")
    photographs = file.tensors["pictures"]!.to(.float32) / 255
  }

  private func constant(_ x: Double, _ y: Double, _ height: Int = 128, _ width: Int = 128) -> Tensor {
    Tensor([Float(x), Float(y)], shape: [1, 2, 1, 1]).expanded([1, 2, height, width]).contiguous()
  }

  /// A turn by an angle and growth by a factor around the middle.
  private func turn(_ angle: Double, _ zoom: Double) -> Tensor {
    let line = (Tensor.arange(128, dtype: .float32) - 63.5)
    let (x, y) = (line.reshaped([1, 1, 1, 128]), line.reshaped([1, 1, 128, 1]))
    let (c, s) = (zoom * Foundation.cos(angle), zoom * Foundation.sin(angle))
    return Tensor.concatenated([(c - 1) * x - s * y, s * x + (c - 1) * y], dim: 1)
  }

  /// The endpoint error, away from the border: mean over pixels.
  private func error(_ flow: Tensor, _ truth: Tensor, margin: Int = 12) -> Double {
    let distance = sqrt(square(flow - truth).sum(dims: [1], keepDims: true))
    let (height, width) = (flow.size(2), flow.size(3))
    return distance.narrowed(dim: 2, from: margin, count: height - 2 * margin)
      .narrowed(dim: 3, from: margin, count: width - 2 * margin).mean().item()
  }

  private func crop(_ x: Tensor, _ left: Int, _ top: Int, _ side: Int = 96) -> Tensor {
    x.narrowed(dim: 2, from: top, count: side).narrowed(dim: 3, from: left, count: side)
  }

  // MARK: Flow

  /// Nothing is resampled here: two crops of one picture.
  @Test(arguments: [0, 1, 2], [[5, -3], [-1, 0], [0, 7]]) func wholeTranslations(_ picture: Int, _ by: [Int]) {
    let whole = photographs[picture..<picture + 1]
    let flow = OpticalFlow().flow(from: crop(whole, 16 + by[0], 16 + by[1]), to: crop(whole, 16, 16))
    #expect(error(flow, constant(Double(by[0]), Double(by[1]), 96, 96)) < 0.1)
  }

  @Test(arguments: [0, 1, 2]) func farTranslations(_ picture: Int) {
    let whole = photographs[picture..<picture + 1]
    let flow = OpticalFlow().flow(from: crop(whole, 28, 10), to: crop(whole, 8, 16))
    // The 20 columns that leave the picture, and the border, have no truth. What has no texture near them may be lost.
    let distance = sqrt(square(flow - constant(20, -6, 96, 96)).sum(dims: [1]))
    let seen = distance.narrowed(dim: 1, from: 12, count: 72).narrowed(dim: 2, from: 12, count: 60)
    #expect(seen.less(than: 0.5).to(.float32).mean().item() > (picture == 2 ? 0.8 : 0.9))
  }

  @Test(arguments: [0, 1, 2]) func turnsAndZooms(_ picture: Int) {
    let second = photographs[picture..<picture + 1], truth = turn(0.06, 1.04)
    let first = clamp(warped(second, by: truth, mode: .bicubic), min: 0, max: 1)
    #expect(error(OpticalFlow().flow(from: first, to: second), truth) < 0.15)
    // Half as bright, and paler.
    #expect(error(OpticalFlow().flow(from: first, to: second * 0.5 + 0.2), truth) < 0.2)
  }

  @Test func equalPicturesDoNotMove() {
    let flow = OpticalFlow().flow(from: photographs, to: photographs)
    #expect(flow.shape == [3, 2, 128, 128])
    // Places in the picture are rounded to its 23 bits.
    #expect(abs(flow).max().item() < 0.01)
    let grey = Tensor.full([1, 3, 50, 60], 0.4)
    #expect(abs(OpticalFlow().flow(from: grey, to: grey * 0.5)).max().item() < 1e-3)
  }

  @Test func aBatchIsOneByOne() {
    let first = warped(photographs, by: turn(0.06, 1.04).expanded([3, 2, 128, 128]), mode: .bicubic)
    let together = OpticalFlow().flow(from: first, to: photographs)
    for i in 0..<3 {
      let alone = OpticalFlow().flow(from: first[i..<i + 1], to: photographs[i..<i + 1])
      // Convolutions may sum in another order, which the medians and weights magnify where nothing is certain.
      #expect(abs(together[i..<i + 1] - alone).mean().item() < 1e-3)
    }
  }

  @Test(arguments: [[2, 2], [3, 70], [61, 97], [200, 5]]) func anyShape(_ size: [Int]) {
    let first = interpolate(photographs, size: size), second = first.flipped([0])
    let flow = OpticalFlow().flow(from: first, to: second)
    #expect(flow.shape == [3, 2] + size && flow.allFinite)
    let grey = OpticalFlow().flow(
      from: first.narrowed(dim: 1, from: 0, count: 1), to: second.mean(dims: [1], keepDims: true))
    #expect(grey.shape == [3, 2] + size)
  }

  @Test func settingsAreSaved() throws {
    var settings = OpticalFlowSettings()
    settings.warps = 3
    #expect(try JSONDecoder().decode(OpticalFlowSettings.self, from: JSONEncoder().encode(settings)) == settings)
  }

  // MARK: Warping and occlusions

  @Test func warpingLooksWhereTheFlowPoints() {
    let picture = photographs[0..<1]
    let moved = warped(picture, by: constant(3, -2))
    #expect(abs(crop(moved, 10, 10) - crop(picture, 13, 8)).max().item() < 1e-4)
    // Beyond the border, the border.
    #expect(
      abs(
        moved.narrowed(dim: 3, from: 125, count: 3).selected(dim: 3, index: 2)
          - moved.selected(dim: 3, index: 124)
      ).max().item() < 1e-4)
    let between = warped(picture, by: constant(0.25, 0))
    let wanted = lerp(crop(picture, 10, 10), crop(picture, 11, 10), 0.25)
    #expect(abs(crop(between, 10, 10) - wanted).max().item() < 1e-4)
  }

  @Test func gradientsGoThroughTheFlow() {
    let flow = constant(0.3, 0.4).requiringGradient()
    let slope = gradients(of: warped(photographs[0..<1], by: flow).sum(), withRespectTo: [flow])[0]
    let ahead = withoutGradients {
      warped(photographs[0..<1], by: constant(0.31, 0.4)) - warped(photographs[0..<1], by: flow)
    }
    let along = slope.narrowed(dim: 1, from: 0, count: 1)
    #expect(abs(crop(along * 0.01 - ahead.sum(dims: [1], keepDims: true), 10, 10)).max().item() < 1e-4)
  }

  /// A square of 24 px that goes 8 px to the right over a background at rest.
  private func squarePlaced(at left: Int, _ inside: Tensor, over background: Tensor) -> Tensor {
    let made = background.cloned()
    withoutGradients {
      made.narrowed(dim: 2, from: 50, count: 24).narrowed(dim: 3, from: left, count: 24).copy(from: inside)
    }
    return made
  }

  private func strip(_ left: Int) -> Tensor {
    let made = Tensor.zeros([1, 1, 128, 128])
    withoutGradients { made.narrowed(dim: 2, from: 50, count: 24).narrowed(dim: 3, from: left, count: 8).fill(1) }
    return made
  }

  @Test func whatASquareCoversIsOccluded() {
    let forward = squarePlaced(at: 40, constant(8, 0, 24, 24), over: constant(0, 0))
    let backward = squarePlaced(at: 48, constant(-8, 0, 24, 24), over: constant(0, 0))
    #expect(occlusions(forward: forward, backward: backward, edges: false).isEqual(to: strip(64)))
    #expect(occlusions(forward: backward, backward: forward, edges: false).isEqual(to: strip(40)))
    // With edges: the square's outline, a pixel to both sides, besides.
    let more = occlusions(forward: forward, backward: backward) - strip(64)
    #expect(more.min().item() >= 0)
    #expect(more.sum().item() == Double(4 * 24 + 4 * 24 - 4 - 24))
  }

  @Test func itIsFoundInPicturesToo() {
    let texture = photographs[1..<2].narrowed(dim: 2, from: 40, count: 24).narrowed(dim: 3, from: 40, count: 24)
    let first = squarePlaced(at: 40, texture, over: photographs[0..<1])
    let second = squarePlaced(at: 48, texture, over: photographs[0..<1])
    let forward = OpticalFlow().flow(from: first, to: second), backward = OpticalFlow().flow(from: second, to: first)
    let found = occlusions(forward: forward, backward: backward, edges: false), truth = strip(64)
    let common = (found * truth).sum().item(), either = maximum(found, truth).sum().item()
    // Most of the strip, and little else: the flow isn't sharp to the pixel, so its sides are counted in.
    #expect(common > 0.6 * 192, "\(common) of 192 px")
    #expect(either < 0.04 * 128 * 128, "\(either) px")
  }

  @Test func whatLeavesThePictureIsOccluded() {
    let mask = occlusions(forward: constant(10, 0), backward: constant(-10, 0))
    #expect(mask.sum().item() == 10 * 128)
    #expect(mask.narrowed(dim: 3, from: 0, count: 118).max().item() == 0)
  }

  // MARK: Filters

  @Test func theMedianIsTheMiddleOfNine() {
    var noise = Noise(seed: 1)
    let x = noise.normal([2, 2, 9, 11])
    let middle = unfold2d(pad(x, [1, 1, 1, 1], mode: .replicate), kernel: 3).reshaped([2, 2, 9, 99])
      .sorted(dim: 2).values.selected(dim: 2, index: 4)
    #expect(median3x3(x).isEqual(to: middle.reshaped([2, 2, 9, 11])))
  }

  @Test func divergenceIsTheTransposeOfTheGradient() {
    var noise = Noise(seed: 2)
    let u = noise.normal([1, 2, 6, 7], dtype: .float64)
    // Fields like those that gradients sum up to.
    let p = forwardGradient(noise.normal([1, 2, 6, 7], dtype: .float64))
    #expect(abs((forwardGradient(u) * p).sum() + (u * divergence(p)).sum()).item() < 1e-12)
  }
}
