import Foundation
import Testing
import Torch

@testable import Metrics

/// Copies of smooth random pictures, which have nothing in common but that.
@Suite struct CopyMeterTests {
  private static func pictures(_ count: Int, seed: UInt64) -> Tensor {
    var noise = Noise(seed: seed)
    let x = interpolate(noise.normal([count, 3, 6, 6]), size: [48, 48], mode: .bicubic) * 60 + 128
    return clamp(x, min: 0, max: 255).to(.uint8)
  }

  private static func meter() -> CopyMeter {
    var noise = Noise(seed: 1)
    return CopyMeter(real: pictures(60, seed: 2), noise: &noise)
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
      let meter = CopyMeter(real: set, noise: &noise)
      #expect(
        meter.nearest(to: set).map(\.index) == Array(0..<20) && meter.calibration.sensitivity > 0.9, "\(channels)")
    }
  }

  /// Where two thirds of a set are there twice, copies are found, and it is said that real ones pass for copies, too.
  @Test func aSetThatIsThereTwiceIsTold() {
    var noise = Noise(seed: 6)
    let some = Self.pictures(20, seed: 7)
    let set = Tensor.concatenated([some, some, Self.pictures(20, seed: 8)])
    let meter = CopyMeter(real: set, noise: &noise)
    #expect((0.6...0.75).contains(meter.calibration.falseRate) && meter.calibration.sensitivity > 0.95)
    let again = CopyMeter(real: set, calibration: meter.calibration)
    #expect(again.nearest(to: some) == meter.nearest(to: some))
  }
}
