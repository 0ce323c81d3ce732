import func Foundation.pow
import Torch

/// Tells which pictures are copies of real ones, even when they are mirrored, moved a little or coloured a little otherwise.
///
/// Pictures are compared at 32 px: the middle of one beside each place of the other, mirrored or not, with every channel's
/// contrast and brightness fitted. What is then left unexplained is the residue: 0 for the same, about 1 for nothing alike.
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
  }
  public let calibration: Calibration

  /// What a picture is most like.
  public struct Match: Sendable, Equatable {
    /// The real picture's number.
    public let index: Int
    public let residue: Double
  }

  /// [M, 3, 32, 32] in 0...1.
  private let real: Tensor
  /// [9 M, 108]: of each picture nine windows, as `coarse` has them.
  private let windows: Tensor

  /// - Parameters:
  ///   - real: uint8 [M, C, H, W], M ≥ 2; C as a `PictureSet` has it.
  ///   - trials: real pictures, and as many planted copies, that the threshold is found with.
  public init(real pictures: Tensor, trials: Int = 400, noise: inout Noise) {
    precondition(pictures.size(0) > 1, "a copy meter needs two pictures")
    let real = prepared(pictures), windows = coarseWindows(real)
    (self.real, self.windows) = (real, windows)
    let chosen = Array(noise.permutation(pictures.size(0)).prefix(trials))
    let sample = real.indexSelected(dim: 0, indices: Tensor(chosen))
    let apart = matches(of: sample, among: real, windows, except: chosen).map(\.residue)
    // Enlarged, so that copies are moved by parts of a pixel, too.
    let large = chosen.map { i in
      interpolate(coloured(pictures[i..<i + 1]), size: [4 * side, 4 * side], mode: .bilinear, antialias: true)
    }
    let copies = small(Self.planted(Tensor.concatenated(large), noise: &noise))
    let planted = matches(of: copies, among: real, windows).map(\.residue)
    let (lowApart, highPlanted) = (quantile(apart, 0.02), quantile(planted, 0.98))
    // Between them where there is room. Where there is none, copies are found all the same, and the false rate tells what
    // that is worth.
    let limit = highPlanted < lowApart ? pow(highPlanted, 0.67) * pow(lowApart, 0.33) : highPlanted
    calibration = Calibration(
      threshold: limit, falseRate: Double(apart.count { $0 < limit }) / Double(apart.count),
      sensitivity: Double(planted.count { $0 < limit }) / Double(planted.count))
  }

  /// - Parameters:
  ///   - real: as it was calibrated on.
  public init(real pictures: Tensor, calibration: Calibration) {
    real = prepared(pictures)
    windows = coarseWindows(real)
    self.calibration = calibration
  }

  /// The real picture that each is most like.
  ///
  /// - Parameter pictures: uint8 [N, C, H, W].
  public func nearest(to pictures: Tensor, progress: (Int) -> Void = { _ in }) -> [Match] {
    matches(of: prepared(pictures), among: real, windows, progress: progress)
  }

  public func isCopy(_ match: Match) -> Bool { match.residue < calibration.threshold }

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

/// Side at which pictures are compared; that of the middle that is laid over the other one; and the cells of a coarse look.
private let (side, middle, cell) = (32, 24, 4)
/// How far a channel's contrast and brightness may be changed in a copy.
private let (leastGain, mostGain, mostOffset) = (0.7, 1.4, 0.12)
/// Real pictures that are looked at closely for each.
private let candidates = 24

/// Uint8 [N, C, H, W] to [N, 3, 32, 32] in 0...1, without the finest detail.
private func prepared(_ pictures: Tensor) -> Tensor {
  let parts = rows(of: pictures).map { small(coloured($0)) }
  return parts.count == 1 ? parts[0] : Tensor.concatenated(parts)
}

/// Uint8 [N, C, H, W] to [N, 3, H, W] in 0...1, alpha on white.
private func coloured(_ pictures: Tensor) -> Tensor {
  let x = pictures.to(.float32) / 255
  switch x.size(1) {
  case 1: return x.expanded([x.size(0), 3, x.size(2), x.size(3)]).contiguous()
  case 4:
    let alpha = x.narrowed(dim: 1, from: 3, count: 1)
    return x.narrowed(dim: 1, from: 0, count: 3) * alpha + (1 - alpha)
  default: return x
  }
}

/// [N, 3, H, W] to [N, 3, 32, 32], smoothed, so that parts of a pixel matter less.
private func small(_ x: Tensor) -> Tensor {
  let x = interpolate(x, size: [side, side], mode: .bilinear, antialias: true)
  return averagePool2d(pad(x, [1, 1, 1, 1], mode: .replicate), kernel: 3, stride: 1)
}

/// Means over cells of [N, 3, 24, 24], each channel about its mean, of length 1 in all: [N, 108].
private func coarse(_ x: Tensor) -> Tensor {
  let cells = averagePool2d(x, kernel: cell)
  let centred = (cells - cells.mean(dims: [2, 3], keepDims: true)).flattened(from: 1)
  return centred * rsqrt(square(centred).sum(dims: [1], keepDims: true) + 1e-4)
}

/// Of pictures [M, 3, 32, 32] the middles, and those a cell away to all sides: [9 M, 108], a picture's nine together.
private func coarseWindows(_ x: Tensor) -> Tensor {
  let starts = [0, cell, 2 * cell]
  let all = starts.flatMap { y in
    starts.map { left in
      coarse(x.narrowed(dim: 2, from: y, count: middle).narrowed(dim: 3, from: left, count: middle))
    }
  }
  return Tensor.stacked(all).transposed(0, 1).contiguous().reshaped([-1, all[0].size(1)])
}

/// - Parameter except: for each picture a real one that is left out; none when empty.
private func matches(
  of pictures: Tensor, among real: Tensor, _ windows: Tensor, except: [Int] = [], progress: (Int) -> Void = { _ in }
) -> [CopyMeter.Match] {
  withoutGradients {
    let count = pictures.size(0), all = real.size(0)
    return stride(from: 0, to: count, by: 64).flatMap { start -> [CopyMeter.Match] in
      let end = min(start + 64, count), inset = (side - middle) / 2
      let centre = pictures[start..<end].narrowed(dim: 2, from: inset, count: middle)
        .narrowed(dim: 3, from: inset, count: middle)
      let both = [centre, centre.flipped([3])]
      let likeness = both.map {
        matmul(coarse($0), windows.T).reshaped([end - start, all, 9]).max(dims: [2])
      }
      var best = maximum(likeness[0], likeness[1])
      if !except.isEmpty {
        let own = Tensor(Array(except[start..<end]), shape: [end - start, 1])
        best = whereTrue(Tensor.arange(all).to(.int64).unsqueezed(0).equal(to: own), best * 0 - 2, best)
      }
      let chosen = best.topK(min(candidates, all - (except.isEmpty ? 0 : 1)), dim: 1).indices
      let found = (0..<end - start).map { i -> CopyMeter.Match in
        let numbers = chosen[i].ints
        let others = real.indexSelected(dim: 0, indices: chosen[i])
        let residue = minimum(residues(both[0][i], others), residues(both[1][i], others)).doubles
        let least = residue.indices.min { residue[$0] < residue[$1] }!
        return CopyMeter.Match(index: numbers[least], residue: residue[least])
      }
      progress(end)
      return found
    }
  }
}

/// What isn't explained of a picture's middle by others, wherever in them it is: [K].
///
/// - Parameters:
///   - x: [3, 24, 24].
///   - others: [K, 3, 32, 32].
private func residues(_ x: Tensor, _ others: Tensor) -> Tensor {
  let k = others.size(0)
  let windows = allWindows(of: others)
  let flat = x.reshaped([1, 3, middle * middle, 1])
  let mean = flat.mean(dims: [2], keepDims: true), power = square(flat - mean).mean(dims: [2], keepDims: true)
  let theirMean = windows.mean(dims: [3], keepDims: true)
  let theirPower = square(windows).mean(dims: [3], keepDims: true) - square(theirMean)
  let shared = matmul(windows, flat - mean) / Double(middle * middle)
  let gain = clamp(shared / (theirPower + 1e-5), min: leastGain, max: mostGain)
  let left = power - gain * shared * 2 + square(gain) * theirPower
  let beyond = square(clamp(abs(mean - theirMean) - mostOffset, min: 0))
  let place = (left + beyond).sum(dims: [1]).reshaped([k, -1]).min(dim: 1).indices
  // At the best place, the rest of a pixel and a little of size are fitted, too.
  func there(_ all: Tensor) -> Tensor {
    let width = all.size(3)
    return all.gathered(dim: 2, index: place.reshaped([k, 1, 1, 1]).expanded([k, 3, 1, width])).reshaped([k, 3, width])
  }
  let ours = there(gain), theirs = there(windows)
  let error = (flat - mean).reshaped([1, 3, -1]) - ours * (theirs - theirs.mean(dims: [2], keepDims: true))
  let fitted = movement(
    error, there(allWindows(of: slope(others, 3))) * ours, there(allWindows(of: slope(others, 2))) * ours)
  let rest = square(fitted).mean(dims: [2]).sum(dims: [1]) + there(beyond).reshaped([k, 3]).sum(dims: [1])
  return rest / (power.sum() + 1e-3)
}

/// [K, 3, 32, 32] to all windows of the middle's size, [K, 3, places, pixels].
private func allWindows(of x: Tensor) -> Tensor {
  x.windows(dim: 2, size: middle, step: 1).windows(dim: 3, size: middle, step: 1)
    .reshaped([x.size(0), x.size(1), -1, middle * middle])
}

/// Central differences along a dimension.
private func slope(_ x: Tensor, _ dim: Int) -> Tensor {
  let around = pad(x, dim == 3 ? [1, 1, 0, 0] : [0, 0, 1, 1], mode: .replicate)
  return (around.narrowed(dim: dim, from: 2, count: side) - around.narrowed(dim: dim, from: 0, count: side)) * 0.5
}

/// Differences [K, 3, pixels] without what moving by parts of a pixel and growing a little explains, to first order (Lucas and
/// Kanade 1981).
private func movement(_ error: Tensor, _ across: Tensor, _ down: Tensor) -> Tensor {
  let k = error.size(0), line = Tensor.arange(middle) - Double(middle - 1) / 2
  let x = line.reshaped([1, middle]).expanded([middle, middle]).reshaped([1, 1, -1])
  let y = line.reshaped([middle, 1]).expanded([middle, middle]).reshaped([1, 1, -1])
  // A pixel at most, and a twelfth in size.
  let ways = Tensor.stacked([across, down, (across * x + down * y) / Double(middle / 2)], dim: 3)
    .reshaped([k, -1, 3])
  let flat = error.reshaped([k, -1, 1])
  let gram = matmul(ways.transposed(1, 2), ways) + Tensor.eye(3) * 1e-2
  let amounts = clamp(solve(gram, matmul(ways.transposed(1, 2), flat)), min: -1, max: 1)
  return (flat - matmul(ways, amounts)).reshaped(error.shape)
}

private func quantile(_ values: [Double], _ part: Double) -> Double {
  let sorted = values.sorted()
  return sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
}
