import Foundation
import Testing
import Torch

@testable import Models

@Suite struct PixelFillTests {
  /// A smooth picture [3, 40, 48] in 0...1, and a mask of a scratch and a blot.
  private static func example() -> (picture: Tensor, isHole: [Bool]) {
    var values: [Float] = []
    for c in 0..<3 {
      for y in 0..<40 {
        for x in 0..<48 { values.append(Float(0.5 + 0.3 * sin(Double(x) / 7 + Double(c)) * cos(Double(y) / 9))) }
      }
    }
    let isHole = (0..<40 * 48).map { place -> Bool in
      let (x, y) = (place % 48, place / 48)
      return x == y || (30..<36).contains(x) && (8..<13).contains(y)
    }
    return (Tensor(values, shape: [3, 40, 48]), isHole)
  }

  /// Nearer to what was there than the mean of the pixels around is, and the rest stays as it was.
  @Test func whatWasSmoothComesBack() throws {
    let (picture, isHole) = Self.example()
    let mask = Tensor(isHole, shape: [40, 48]).to(.float32)
    let damaged = picture * (1 - mask) + mask
    let process = try #require(PixelFill(damaged, isHole: isHole, isKnown: isHole.map { !$0 }))
    let filled = try #require(process.filled())
    let errors = abs(filled - picture) * mask
    #expect(errors.max().item() < 0.01, "\(process.kernel)")
    #expect((filled * (1 - mask)).isEqual(to: picture * (1 - mask)))
  }

  /// One pixel between two is what R&W's equation 2.25 says, whatever pieces there are.
  @Test func itIsTheProcessMean() throws {
    let picture = Tensor([0.2, 0, 0.6, 0.9] as [Float], shape: [1, 1, 4])
    let kernel = 0.5 * Kernel.matern32(length: 2) + 0.01 * .white
    let process = try #require(
      PixelFill(
        picture, isHole: [false, true, false, false], isKnown: [true, false, true, true], kernel: kernel))
    let found = try #require(process.filled())[0][0][1].item()
    let mean = (0.2 + 0.6 + 0.9) / 3
    let exact = GaussianProcess(
      kernel, times: [0, 2, 3], values: Tensor([0.2 - mean, 0.6 - mean, 0.9 - mean], shape: [3, 1]))
    // Pictures are float32.
    #expect(abs(found - (exact.mean(at: [1]).item() + mean)) < 1e-6)
  }

  @Test func ofNothingThereIsNothingToExpect() {
    let picture = Tensor.zeros([1, 4, 4]), all = [Bool](repeating: true, count: 16)
    #expect(PixelFill(picture, isHole: all, isKnown: all.map { !$0 }) == nil)
  }
}
