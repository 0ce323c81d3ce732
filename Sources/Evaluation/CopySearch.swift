import Torch

/// Finds the real picture that another one is most like, even when it is mirrored, moved a little or coloured a little
/// otherwise.
///
/// Pictures are compared at 32 px. First all real ones are looked at coarsely, by means over cells of 4 px; then the 24
/// nearest closely: the middle of one beside each place of the other, mirrored or not, with every channel's contrast and
/// brightness fitted. What is then left unexplained is the residue: 0 for the same, about 1 for nothing alike.
///
/// Memory doesn't grow with the set beyond 384 bytes a picture: real ones are read anew where they are looked at closely.
public struct CopySearch {
  /// The nearest picture.
  public struct Match: Sendable, Equatable {
    /// The real picture's number.
    public let index: Int
    public let residue: Double
  }

  /// Uint8 [M, C, H, W].
  let real: Tensor
  /// Float16 [M, 3, 8, 8].
  private let grids: Tensor

  /// - Parameters:
  ///   - real: uint8 [M, C, H, W]; C as a `PictureSet` has it.
  ///   - grids: of the same pictures, where they are known.
  public init(among real: Tensor, grids: Tensor? = nil) {
    (self.real, self.grids) = (real, grids ?? Self.grids(of: real))
  }

  /// What a coarse look sees of pictures: float16 [N, 3, 8, 8], means over cells of 4 px.
  ///
  /// - Parameters:
  ///   - pictures: uint8 [N, C, H, W].
  ///   - progress: told how many are done.
  public static func grids(of pictures: Tensor, progress: (Int) -> Void = { _ in }) -> Tensor {
    withoutGradients {
      let some = batchSize(of: pictures, atMost: 1024)
      let parts = stride(from: 0, to: pictures.size(0), by: some).map { start -> Tensor in
        let end = min(start + some, pictures.size(0))
        defer { progress(end) }
        return averagePool2d(prepared(pictures[start..<end]), kernel: cell).to(.float16)
      }
      return parts.isEmpty ? Tensor.zeros([0, 3, side / cell, side / cell]).to(.float16) : Tensor.concatenated(parts)
    }
  }

  /// The real picture that each is most like.
  ///
  /// - Parameters:
  ///   - pictures: uint8 [N, C, H, W].
  ///   - except: for each picture a real one that is left out; none when empty.
  public func nearest(to pictures: Tensor, except: [Int] = [], progress: (Int) -> Void = { _ in }) -> [Match] {
    withoutGradients {
      let some = batchSize(of: pictures, atMost: 256)
      return stride(from: 0, to: pictures.size(0), by: some).flatMap { start -> [Match] in
        let end = min(start + some, pictures.size(0))
        let own = except.isEmpty ? [] : Array(except[start..<end])
        return nearest(toPrepared: prepared(pictures[start..<end]), except: own) { progress(start + $0) }
      }
    }
  }

  /// - Parameter x: [N, 3, 32, 32] in 0...1, as `prepared` makes them.
  func nearest(toPrepared x: Tensor, except: [Int] = [], progress: (Int) -> Void = { _ in }) -> [Match] {
    withoutGradients {
      let chosen = candidates(for: x, except: except)
      let inset = (side - middle) / 2
      let centre = x.narrowed(dim: 2, from: inset, count: middle).narrowed(dim: 3, from: inset, count: middle)
      return (0..<x.size(0)).map { i in
        let numbers = chosen[i].ints
        let both = Tensor.stacked([centre[i], centre[i].flipped([2])])
        let others = prepared(real.indexSelected(dim: 0, indices: chosen[i]))
        let residue = residues(both, others).doubles
        let least = residue.indices.min { residue[$0] < residue[$1] }!
        defer { progress(i + 1) }
        return Match(index: numbers[least], residue: residue[least])
      }
    }
  }

  /// The numbers [N, K] of the real pictures that are most alike at a coarse look.
  private func candidates(for x: Tensor, except: [Int]) -> Tensor {
    let all = grids.size(0), count = x.size(0)
    let wanted = min(mostCandidates, all - (except.isEmpty ? 0 : 1))
    let grid = averagePool2d(x, kernel: cell)
    let own = [grid, grid.flipped([3])].map { window(of: $0, x: 1, y: 1) }
    let looks = Tensor.concatenated(own)
    var best: (values: Tensor, numbers: Tensor)?
    let some = 1024
    for start in stride(from: 0, to: all, by: some) {
      let part = grids[start..<min(start + some, all)].to(.float32), width = part.size(0)
      let windows = Tensor.stacked((0..<9).map { window(of: part, x: $0 % 3, y: $0 / 3) })
      let likeness = matmul(looks.unsqueezed(0), windows.T).max(dims: [0])
      var found = maximum(likeness[0..<count], likeness[count..<2 * count])
      let first = Tensor([start]), numbers = Tensor.arange(width) + first
      if !except.isEmpty {
        let left = Tensor(except, shape: [count, 1])
        found = whereTrue(numbers.unsqueezed(0).equal(to: left), found * 0 - 2, found)
      }
      let top = found.topK(min(wanted, width), dim: 1)
      let named = top.indices + first
      guard let before = best else {
        best = (top.values, named)
        continue
      }
      let values = Tensor.concatenated([before.values, top.values], dim: 1)
      let both = Tensor.concatenated([before.numbers, named], dim: 1)
      let merged = values.topK(min(wanted, values.size(1)), dim: 1)
      best = (merged.values, both.gathered(dim: 1, index: merged.indices))
    }
    return best!.numbers
  }
}

/// Side at which pictures are compared; that of the middle that is laid over the other one; and the cells of a coarse look.
private let (side, middle, cell) = (32, 24, 4)
/// How far a channel's contrast and brightness may be changed in a copy.
private let (leastGain, mostGain, mostOffset) = (0.7, 1.4, 0.12)
/// Real pictures that are looked at closely for each.
private let mostCandidates = 24
/// Places of the middle, a side.
private let places = side - middle + 1

/// Uint8 [N, C, H, W] to [N, 3, 32, 32] in 0...1, without the finest detail.
func prepared(_ pictures: Tensor) -> Tensor { small(coloured(pictures)) }

/// Uint8 [N, C, H, W] to [N, 3, H, W] in 0...1, alpha on white.
func coloured(_ pictures: Tensor) -> Tensor {
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
func small(_ x: Tensor) -> Tensor {
  let x = interpolate(x, size: [side, side], mode: .bilinear, antialias: true)
  return averagePool2d(pad(x, [1, 1, 1, 1], mode: .replicate), kernel: 3, stride: 1)
}

/// Cells [N, 3, 8, 8] of which six a side are taken, each channel about its mean, of length 1 in all: [N, 108].
private func window(of grids: Tensor, x: Int, y: Int) -> Tensor {
  let count = middle / cell
  let cells = grids.narrowed(dim: 2, from: y, count: count).narrowed(dim: 3, from: x, count: count)
  let centred = (cells - cells.mean(dims: [2, 3], keepDims: true)).flattened(from: 1)
  return centred * rsqrt(square(centred).sum(dims: [1], keepDims: true) + 1e-4)
}

/// What isn't explained of a picture's middle by others, wherever in them it is: [K], by the better of its ways.
///
/// - Parameters:
///   - x: [W, 3, 24, 24], the middle as it is and mirrored.
///   - others: [K, 3, 32, 32].
func residues(_ x: Tensor, _ others: Tensor) -> Tensor {
  let (ways, k) = (x.size(0), others.size(0)), pixels = middle * middle
  let flat = x.flattened(from: 2), mean = flat.mean(dims: [2], keepDims: true)
  let centred = flat - mean, power = square(centred).mean(dims: [2], keepDims: true)
  let theirMean = boxed(others).unsqueezed(1), theirPower = boxed(square(others)).unsqueezed(1) - square(theirMean)
  // [K, ways, 3, places]: each channel of the middle is slid over the same channel of the others.
  let shared =
    Tensor.stacked(
      (0..<3).map { c in
        let kernels = centred.narrowed(dim: 1, from: c, count: 1).reshaped([ways, 1, middle, middle])
        return conv2d(others.narrowed(dim: 1, from: c, count: 1), kernels, nil).flattened(from: 2)
      }, dim: 2) / Double(pixels)
  let gain = clamp(shared / (theirPower + 1e-5), min: leastGain, max: mostGain)
  let left = power - gain * shared * 2 + square(gain) * theirPower
  let beyond = square(clamp(abs(mean - theirMean) - mostOffset, min: 0)).expanded(left.shape)
  // [K · ways].
  let place = (left + beyond).sum(dims: [2]).min(dim: 2).indices.reshaped([-1])

  // At the best place, the rest of a pixel and a little of size are fitted, too.
  func there(_ all: Tensor) -> Tensor {
    all.reshaped([k * ways, 3, -1]).gathered(dim: 2, index: place.reshaped([-1, 1, 1]).expanded([k * ways, 3, 1]))
  }
  let corner = Tensor((0..<places * places).map { $0 / places * side + $0 % places })
  let inside = Tensor((0..<pixels).map { $0 / middle * side + $0 % middle })
  let index = (corner.indexSelected(dim: 0, indices: place).unsqueezed(1) + inside).unsqueezed(1)
    .expanded([k * ways, 3, pixels])
  func window(_ all: Tensor) -> Tensor {
    all.flattened(from: 2).unsqueezed(1).expanded([k, ways, 3, side * side]).reshaped([k * ways, 3, -1])
      .gathered(dim: 2, index: index)
  }
  let ours = there(gain), theirs = window(others)
  let wanted = centred.unsqueezed(0).expanded([k, ways, 3, pixels]).reshaped([k * ways, 3, pixels])
  let error = wanted - ours * (theirs - theirs.mean(dims: [2], keepDims: true))
  let fitted = movement(error, window(slope(others, 3)) * ours, window(slope(others, 2)) * ours)
  let rest = square(fitted).mean(dims: [2]).sum(dims: [1]) + there(beyond).sum(dims: [1, 2])
  return (rest.reshaped([k, ways]) / (power.sum(dims: [1, 2]) + 1e-3)).min(dim: 1).values
}

/// Means over all windows of the middle's size: [K, 3, 32, 32] to [K, 3, places].
private func boxed(_ x: Tensor) -> Tensor {
  let band = Tensor(
    (0..<places).flatMap { start in
      (0..<side).map { start <= $0 && $0 < start + middle ? Float(1) / Float(middle) : 0 }
    }, shape: [places, side])
  return matmul(matmul(band, x), band.T).flattened(from: 2)
}

/// Central differences along a dimension.
private func slope(_ x: Tensor, _ dim: Int) -> Tensor {
  let around = pad(x, dim == 3 ? [1, 1, 0, 0] : [0, 0, 1, 1], mode: .replicate)
  return (around.narrowed(dim: dim, from: 2, count: side) - around.narrowed(dim: dim, from: 0, count: side)) * 0.5
}

/// Differences [P, 3, pixels] without what moving by parts of a pixel and growing a little explains, to first order (Lucas and
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
