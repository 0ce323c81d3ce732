import Foundation
import Testing
import Torch

@testable import Evaluation

/// Copies of smooth random pictures, which have nothing in common but that.
@Suite struct CopyMeterTests {
  private static func pictures(_ count: Int, seed: UInt64) -> Tensor {
    var noise = Noise(seed: seed)
    let x = interpolate(noise.normal([count, 3, 6, 6]), size: [48, 48], mode: .bicubic) * 60 + 128
    return clamp(x, min: 0, max: 255).to(.uint8)
  }

  private static func meter() -> CopyMeter {
    var noise = Noise(seed: 1)
    return CopyMeter(CopySearch(among: pictures(60, seed: 2)), noise: &noise)
  }

  @Test func thePictureItselfLeavesNothing() {
    let matches = Self.meter().nearest(to: Self.pictures(60, seed: 2))
    #expect(matches.map(\.index) == Array(0..<60))
    #expect(matches.allSatisfy { $0.residue < 1e-3 })
  }

  @Test func plantedCopiesAreToldFromOthers() {
    let meter = Self.meter()
    #expect(meter.calibration.falseRate <= 0.02 && meter.calibration.sensitivity >= 0.98)
    var noise = Noise(seed: 9)
    let planted = CopyMeter.planted(Self.pictures(60, seed: 2).to(.float32) / 255, noise: &noise)
    let found = meter.nearest(to: (planted * 255).to(.uint8))
    #expect(zip(found, 0..<60).allSatisfy { meter.isCopy($0) && $0.index == $1 })
    #expect(!meter.nearest(to: Self.pictures(60, seed: 3)).contains(where: meter.isCopy))
  }

  /// A negative, and one moved by a third, are other pictures.
  @Test func whatIsChangedMuchIsNoCopy() {
    let meter = Self.meter(), real = Self.pictures(60, seed: 2)
    let negative = (255 - real.to(.float32)).to(.uint8)
    let moved = Tensor.concatenated(
      [real.narrowed(dim: 3, from: 16, count: 32), real.narrowed(dim: 3, from: 0, count: 16)], dim: 3)
    for other in [negative, moved] { #expect(!meter.nearest(to: other).contains(where: meter.isCopy)) }
  }

  /// Grey and transparent ones as sets have them: one channel, and alpha on white.
  @Test func greyAndTransparentPicturesAreCompared() {
    var noise = Noise(seed: 4)
    let real = Self.pictures(20, seed: 5)
    for channels in [1, 4] {
      let alpha = Tensor.full([20, 1, 48, 48], 200, dtype: .uint8)
      let set = channels == 1 ? real.narrowed(dim: 1, from: 0, count: 1) : Tensor.concatenated([real, alpha], dim: 1)
      let meter = CopyMeter(CopySearch(among: set), noise: &noise)
      #expect(
        meter.nearest(to: set).map(\.index) == Array(0..<20) && meter.calibration.sensitivity > 0.9, "\(channels)")
    }
  }

  /// Where two thirds of a set are there twice, copies are found, and it is said that real ones pass for copies, too.
  @Test func aSetThatIsThereTwiceIsTold() {
    var noise = Noise(seed: 6)
    let some = Self.pictures(20, seed: 7)
    let set = Tensor.concatenated([some, some, Self.pictures(20, seed: 8)])
    let meter = CopyMeter(CopySearch(among: set), noise: &noise)
    #expect((0.6...0.75).contains(meter.calibration.falseRate) && meter.calibration.sensitivity > 0.95)
    let again = CopyMeter(meter.search, calibration: meter.calibration)
    #expect(again.nearest(to: some) == meter.nearest(to: some))
  }

  /// What is left of a middle beside every window of the other, written as the definition has it: least squares of each
  /// channel in each place.
  @Test func residuesAreThoseOfTheBestPlace() {
    let pictures = prepared(Self.pictures(5, seed: 11))
    let middle = pictures[0].narrowed(dim: 1, from: 4, count: 24).narrowed(dim: 2, from: 4, count: 24)
    let both = Tensor.stacked([middle, middle.flipped([2])])
    let found = residues(both, pictures).doubles
    for (k, residue) in found.enumerated() {
      var least = Double.infinity
      for way in 0..<2 {
        for y in 0..<9 {
          for x in 0..<9 {
            let window = pictures[k].narrowed(dim: 1, from: y, count: 24).narrowed(dim: 2, from: x, count: 24)
            least = min(least, rest(both[way], window))
          }
        }
      }
      // It may be less: parts of a pixel and of size are fitted at the best place, too.
      #expect(residue <= least + 1e-4 && (k != 0 || residue < 1e-4), "\(k): \(residue), \(least)")
      #expect(residue > 0.3 * least - 1e-4, "\(k): \(residue), \(least)")
    }
  }

  private func rest(_ x: Tensor, _ y: Tensor) -> Double {
    var (left, power) = (0.0, 0.0)
    for c in 0..<3 {
      let (a, b) = (x[c].doubles, y[c].doubles)
      let n = Double(a.count), (ma, mb) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
      let shared = zip(a, b).reduce(0) { $0 + ($1.0 - ma) * ($1.1 - mb) } / n
      let theirs = b.reduce(0) { $0 + ($1 - mb) * ($1 - mb) } / n
      let gain = min(1.4, max(0.7, shared / (theirs + 1e-5)))
      let offset = max(0, abs(ma - mb) - 0.12)
      left += zip(a, b).reduce(0) { $0 + pow(($1.0 - ma) - gain * ($1.1 - mb), 2) } / n + offset * offset
      power += a.reduce(0) { $0 + ($1 - ma) * ($1 - ma) } / n
    }
    return left / (power + 1e-3)
  }

  /// Of 3,000, more than are compared at a time, with some left out; kept looks find the same.
  @Test func aLargeSetIsSearchedInParts() {
    let real = Self.pictures(3000, seed: 12)
    let search = CopySearch(among: real)
    let chosen = Tensor([0, 1023, 1024, 2048, 2999])
    let some = real.indexSelected(dim: 0, indices: chosen)
    #expect(search.nearest(to: some).map(\.index) == chosen.ints)
    let others = search.nearest(to: some, except: chosen.ints)
    #expect(zip(others, chosen.ints).allSatisfy { $0.index != $1 && $0.residue > 0.1 })
    let again = CopySearch(among: real, grids: CopySearch.grids(of: real))
    #expect(again.nearest(to: some) == search.nearest(to: some))
  }
}
