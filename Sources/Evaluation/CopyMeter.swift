import func Foundation.pow
import Torch

/// Tells which pictures are copies of real ones, by the residue that `CopySearch` finds.
///
/// Where a copy begins depends on the pictures (flags are more alike than paintings), so it is measured on them: on real ones
/// each beside all others, and on copies of real ones that are planted.
public struct CopyMeter {
  /// Where a copy begins, and how sure that is.
  public struct Calibration: Codable, Sendable, Equatable {
    /// A residue below it is a copy's.
    public let threshold: Double
    /// The share of real pictures that would be taken for copies of other ones. They may be: sets hold pictures twice, and
    /// the same hand in five colours.
    public let falseRate: Double
    /// The share of planted copies that are found.
    public let sensitivity: Double

    /// No threshold is higher: what leaves a third unexplained is a copy in no set.
    public static let most = 0.35
  }
  public let calibration: Calibration
  public let search: CopySearch

  /// - Parameters:
  ///   - search: among two real pictures or more.
  ///   - trials: real pictures, and as many planted copies, that the threshold is found with.
  public init(_ search: CopySearch, trials: Int = 200, noise: inout Noise) {
    let real = search.real
    precondition(real.size(0) > 1, "a copy meter needs two pictures")
    self.search = search
    let chosen = Array(noise.permutation(real.size(0)).prefix(trials))
    let sample = real.indexSelected(dim: 0, indices: Tensor(chosen))
    let apart = search.nearest(to: sample, except: chosen).map(\.residue)
    // Enlarged, so that copies are moved by parts of a pixel, too.
    let large = chosen.map { i in
      interpolate(coloured(real[i..<i + 1]), size: [128, 128], mode: .bilinear, antialias: true)
    }
    let copies = small(Self.planted(Tensor.concatenated(large), noise: &noise))
    let planted = search.nearest(toPrepared: copies).map(\.residue)
    let (lowApart, highPlanted) = (quantile(apart, 0.02), quantile(planted, 0.98))
    // Between them where there is room. Where there is none, copies are found all the same, and the false rate tells what
    // that is worth.
    let between = highPlanted < lowApart ? pow(highPlanted, 0.67) * pow(lowApart, 0.33) : highPlanted
    let limit = min(between, Calibration.most)
    calibration = Calibration(
      threshold: limit, falseRate: Double(apart.count { $0 < limit }) / Double(apart.count),
      sensitivity: Double(planted.count { $0 < limit }) / Double(planted.count))
  }

  /// - Parameter search: among those that it was calibrated on.
  public init(_ search: CopySearch, calibration: Calibration) {
    (self.search, self.calibration) = (search, calibration)
  }

  /// The real picture that each is most like.
  ///
  /// - Parameter pictures: uint8 [N, C, H, W].
  public func nearest(to pictures: Tensor, progress: (Int) -> Void = { _ in }) -> [CopySearch.Match] {
    search.nearest(to: pictures, progress: progress)
  }

  public func isCopy(_ match: CopySearch.Match) -> Bool { match.residue < calibration.threshold }

  /// Copies as a generator or a thief might make them: half of them mirrored, moved by up to a sixteenth of the side, each
  /// channel brighter or darker and of more or less contrast.
  ///
  /// - Parameter pictures: [N, 3, S, S] in 0...1.
  public static func planted(_ pictures: Tensor, noise: inout Noise) -> Tensor {
    let (n, side) = (pictures.size(0), pictures.size(2))
    let isMirrored = noise.bernoulli(0.5, [n, 1, 1, 1]).greater(than: 0)
    var x = whereTrue(isMirrored, pictures.flipped([3]), pictures)
    let most = max(1, side / 16)
    let around = pad(x, [most, most, most, most], mode: .replicate)
    x = Tensor.stacked(
      (0..<n).map { i in
        let place = noise.integers(below: 2 * most + 1, count: 2)
        return around[i].narrowed(dim: 1, from: place[0], count: side).narrowed(dim: 2, from: place[1], count: side)
      })
    let gain = noise.uniform([n, 3, 1, 1], from: 0.85, to: 1.15)
    let offset = noise.uniform([n, 3, 1, 1], from: -0.06, to: 0.06)
    let saturation = noise.uniform([n, 1, 1, 1], from: 0.8, to: 1.2)
    x = (x - 0.5) * gain + 0.5 + offset
    let grey = x.mean(dims: [1], keepDims: true)
    return clamp(grey + (x - grey) * saturation, min: 0, max: 1)
  }
}

private func quantile(_ values: [Double], _ part: Double) -> Double {
  let sorted = values.sorted()
  return sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
}
