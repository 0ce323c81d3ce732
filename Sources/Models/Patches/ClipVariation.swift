import Foundation
import Networks
import Torch

/// Settings of `ClipVariation`.
public struct ClipPatchSettings: Codable, Sendable, Equatable {
  public var size = 256  // Pixels of the source's longer side; a smaller clip keeps its own.
  public var patch = 7  // Side of a patch, in pixels.
  public var depth = 3  // Frames of a patch.
  public var ratio = 4.0 / 3  // Of a size to the one before.
  public var coarsest = 18  // The shorter side of the coarsest size, in pixels.
  public var slowest = 5.0  // How many times fewer frames the coarsest size has.
  public var diversity = 8.0  // Deviation of the noise at the coarsest size, over that of the clip.
  public var completeness = 0.005  // The smaller, the more of the source must show up somewhere.
  public init() {}
}

/// New clips out of the patches of one, without training: at each size every patch of some frames is replaced by its
/// nearest neighbour in the source (Haim et al. 2022, "Diverse generation from a single video made possible").
///
/// Patches are compared by their first principal components, so that little is read for each comparison. Small sizes
/// compare all; larger ones look around where the size before found them, in space and in time (Barnes et al. 2009).
public struct ClipVariation {
  let settings: ClipPatchSettings
  /// [frames, C, height, width] from the coarsest size on.
  private let sources: [Tensor]
  /// Frames, height and width of the new clip at each size.
  private let sizes: [[Int]]
  private let loops: Bool
  /// Numbers that a patch is compared by.
  static let components = 24
  /// All patches are compared while there are no more pairs.
  private static let pairs = 1.5e8
  /// Places above which only every second one, down and across, has a patch of its own.
  private static let dense = 150_000

  /// - Parameters:
  ///   - source: [T, C, H, W] in -1...1; T is at least a patch's depth, H and W its side.
  ///   - frames: of the new clip; nil for as many.
  ///   - loops: whether the first frame follows the last.
  public init(_ source: Tensor, frames: Int? = nil, loops: Bool = false, settings: ClipPatchSettings) {
    (self.settings, self.loops) = (settings, loops)
    let (count, height, width) = (source.size(0), source.size(2), source.size(3))
    precondition(
      count >= settings.depth && min(height, width) >= settings.patch, "no patch fits \(source.shape)")
    let whole = min(1, Double(settings.size) / Double(max(height, width)))
    let shorter = whole * Double(min(height, width))
    let levels = max(0, Int((log(shorter / Double(settings.coarsest)) / log(settings.ratio)).rounded()))
    // Never so few that one patch spans most of them.
    let fewest = min(count, max(3 * settings.depth, Int((Double(count) / settings.slowest).rounded())))
    var (sources, sizes): ([Tensor], [[Int]]) = ([], [])
    for level in 0...levels {
      let rest = levels == 0 ? 0 : Double(levels - level) / Double(levels)
      let scale = whole * pow(Double(settings.coarsest) / shorter, rest)
      let pace = pow(Double(fewest) / Double(count), rest)
      let shape = [
        max(settings.depth, Int((Double(count) * pace).rounded())),
        max(settings.patch, Int((Double(height) * scale).rounded())),
        max(settings.patch, Int((Double(width) * scale).rounded())),
      ]
      sources.append(withoutGradients { scaled(source.to(.float32), shape) })
      let wanted = Double(frames ?? count) * pace
      sizes.append([max(settings.depth, Int(wanted.rounded())), shape[1], shape[2]])
    }
    (self.sources, self.sizes) = (sources, sizes)
  }

  /// - Parameter report: told how much is done, 0...1; false stops.
  /// - Returns: [T, C, H, W] in -1...1; nil when it was stopped.
  public func made(seed: UInt64, report: (Double) -> Bool = { _ in true }) -> Tensor? {
    withoutGradients {
      var noise = Noise(seed: seed)
      var y = begun(&noise)
      var field: PatchField?
      let work = sizes.map { Double($0[0] * $0[1] * $0[2]) }
      for level in sizes.indices {
        if level > 0 { y = scaled(y, sizes[level], loops: loops) }
        (y, field) = searched(y, at: level, from: field, &noise)
        guard report(work[0...level].reduce(0, +) / work.reduce(0, +)) else { return nil }
      }
      return clamp(y, min: -1, max: 1)
    }
  }

  /// The coarsest source, there and back again if more frames are wanted, under noise.
  private func begun(_ noise: inout Noise) -> Tensor {
    let source = sources[0]
    let (have, wanted) = (source.size(0), sizes[0][0])
    let round = max(1, 2 * have - 2)
    let start = have == wanted ? 0 : noise.integers(below: round, count: 1)[0]
    let numbers = (0..<wanted).map { i -> Int in
      let place = (start + i) % round
      return place < have ? place : round - place
    }
    let guess = source.indexSelected(dim: 0, indices: Tensor(numbers))
    let deviation = source.std(dims: [0, 1, 2, 3]).item() * settings.diversity
    return guess + noise.normal(guess.shape).to(guess.device) * deviation
  }

  /// All iterations at one size.
  private func searched(
    _ guess: Tensor, at level: Int, from last: PatchField?, _ noise: inout Noise
  ) -> (Tensor, PatchField) {
    let source = sources[level]
    let (height, width) = (guess.size(2), guess.size(3))
    let side = settings.patch, depth = settings.depth
    let extent = [source.size(0) - depth + 1, source.size(2) - side + 1, source.size(3) - side + 1]
    let frames = guess.size(0) - (loops ? 0 : depth - 1)
    let places = frames * (height - side + 1) * (width - side + 1)
    let isAll = Double(places) * Double(extent.reduce(1, *)) <= Self.pairs || last == nil
    let stride = places > Self.dense ? 2 : 1
    // Every pixel is in some patch when the last place is one that has a patch.
    let spare = [(height - side) % stride, (width - side) % stride]
    let basis = basis(of: source, &noise)
    let values = projected(source, basis).flattened(to: 2)
    let blurred =
      level == 0
      ? values
      : projected(scaled(sources[level - 1], [source.size(0), source.size(2), source.size(3)]), basis).flattened(to: 2)
    let rows = source.permuted([0, 2, 3, 1]).contiguous().reshaped([-1, source.size(1)])
    var y = guess
    var field: PatchField?
    for iteration in 0..<(isAll ? (level == 0 ? 8 : 3) : 2) {
      // A guess that was enlarged is blurred; what it is compared with must be blurred alike.
      let keys = iteration == 0 ? blurred : values
      let padded = pad(y, [0, spare[1], 0, spare[0]], mode: .replicate)
      let queries = projected(around(padded), basis, stride: stride)
      if isAll {
        field = nearest(queries.flattened(to: 2), keys, shape: Array(queries.shape.prefix(3)), extent)
      } else {
        var next = field ?? last!.enlarged(to: Array(queries.shape.prefix(3)), extent, stride: stride)
        for spread in iteration == 0 ? [6, 2, 1] : [1] { next.refine(queries, keys, spread: spread, &noise) }
        field = next
      }
      y = voted(rows, field!, like: padded, source: source)
        .narrowed(dim: 2, from: 0, count: height).narrowed(dim: 3, from: 0, count: width)
    }
    return (y, field!)
  }

  /// In a loop, with the first frames again after the last.
  private func around(_ y: Tensor) -> Tensor {
    loops ? Tensor.concatenated([y, y.narrowed(dim: 0, from: 0, count: settings.depth - 1)]) : y
  }

  /// The first principal components of some of the patches: [components, depth, C, side, side], orthonormal.
  private func basis(of source: Tensor, _ noise: inout Noise) -> Tensor {
    let (depth, side) = (settings.depth, settings.patch)
    let parts = (0..<12).map { _ -> Tensor in
      let t = noise.integers(below: source.size(0) - depth + 1, count: 1)[0]
      let frames = source.narrowed(dim: 0, from: t, count: depth).reshaped([1, -1, source.size(2), source.size(3)])
      let found = unfold2d(frames, kernel: side)[0].T
      let most = min(found.size(0), 2000)
      return found.indexSelected(dim: 0, indices: Tensor(noise.permutation(found.size(0)).prefix(most).map { $0 }))
    }
    let some = Tensor.concatenated(parts)
    let centred = some - some.mean(dims: [0], keepDims: true)
    let (_, vectors) = eigh(matmul(centred.T, centred))
    let size = vectors.size(0), count = min(Self.components, size)
    return vectors.narrowed(dim: 1, from: size - count, count: count).T.contiguous()
      .reshaped([count, depth, source.size(1), side, side])
  }

  /// Patches [frames, rows, columns, components] by a basis.
  private func projected(_ x: Tensor, _ basis: Tensor, stride: Int = 1) -> Tensor {
    let (count, depth) = (basis.size(0), settings.depth)
    let weight = basis.permuted([1, 0, 2, 3, 4]).reshaped([depth * count] + basis.shape.dropFirst(2)).contiguous()
    let each = conv2d(x.contiguous(), weight, nil, stride: [stride, stride])
    let frames = x.size(0) - depth + 1
    let sum = (0..<depth).map { t in
      each.narrowed(dim: 0, from: t, count: frames).narrowed(dim: 1, from: t * count, count: count)
    }
    return sum.dropFirst().reduce(sum[0]) { $0 + $1 }.permuted([0, 2, 3, 1]).contiguous()
  }

  /// For each query the key that is near and that no other query is much nearer to: D_ij / (α + min_l D_lj), in parts.
  func nearest(_ queries: Tensor, _ keys: Tensor, shape: [Int], _ extent: [Int]) -> PatchField {
    let lengths = square(keys).sum(dims: [1]).unsqueezed(0)
    let size = Double(settings.patch * settings.patch * settings.depth * sources[0].size(1))
    let parts = stride(from: 0, to: queries.size(0), by: 1024).map { queries[$0..<min($0 + 1024, queries.size(0))] }
    func distances(_ part: Tensor) -> Tensor {
      let all = square(part).sum(dims: [1], keepDims: true) + lengths - 2 * matmul(part, keys.T)
      return clamp(all / size, min: 0, max: 1e9)
    }
    var least: Tensor?
    for part in parts {
      let own = distances(part).min(dims: [0], keepDims: true)
      least = least.map { minimum($0, own) } ?? own
    }
    let scale = 1 / (least! + settings.completeness)
    let index = Tensor.concatenated(parts.map { (distances($0) * scale).argmin(dim: 1) }).to(.float64).reshaped(shape)
    let frame = Double(extent[1] * extent[2])
    let t = floor((index + 0.5) / frame)
    let rest = index - t * frame
    let row = floor((rest + 0.5) / Double(extent[2]))
    return PatchField(t: t, y: row, x: rest - row * Double(extent[2]), extent: extent, stride: 1)
  }

  /// The mean of all patches that a pixel is in, the middle of each counting most.
  private func voted(_ rows: Tensor, _ field: PatchField, like: Tensor, source: Tensor) -> Tensor {
    let (side, depth, channels) = (settings.patch, settings.depth, like.size(1))
    let (height, width) = (source.size(2), source.size(3))
    let base = ((field.t * Double(height) + field.y) * Double(width) + field.x).to(.int64)
    let shape = base.shape
    let frames = loops ? like.size(0) + depth - 1 : like.size(0)
    let sum = Tensor.zeros([frames, like.size(2), like.size(3), channels])
    let total = Tensor.zeros([frames, like.size(2), like.size(3), 1])
    let flat = base.flattened()
    func weight(_ offset: Int, _ length: Int) -> Double {
      let d = Double(offset) - Double(length - 1) / 2
      return exp(-d * d / Double(length))
    }
    func add(_ value: Tensor, to target: Tensor, _ dt: Int, _ dy: Int, _ dx: Int) {
      target.narrowed(dim: 0, from: dt, count: shape[0])
        .strided(dim: 1, from: dy, count: shape[1], step: field.stride)
        .strided(dim: 2, from: dx, count: shape[2], step: field.stride).add(value)
    }
    for dt in 0..<depth {
      for dy in 0..<side {
        for dx in 0..<side {
          let offset: Int = (dt * height + dy) * width + dx
          let found = rows.narrowed(dim: 0, from: offset, count: rows.size(0) - offset)
            .indexSelected(dim: 0, indices: flat)
          let share: Double = weight(dt, depth) * weight(dy, side) * weight(dx, side)
          add(found.reshaped(shape + [channels]) * share, to: sum, dt, dy, dx)
          add(Tensor.full(shape + [1], share), to: total, dt, dy, dx)
        }
      }
    }
    var (pixels, weights) = (sum, total)
    if loops {
      // What went beyond the end belongs to the beginning.
      (pixels, weights) = (wrapped(pixels, like.size(0)), wrapped(weights, like.size(0)))
    }
    return (pixels / weights).permuted([0, 3, 1, 2]).contiguous()
  }

  private func wrapped(_ x: Tensor, _ count: Int) -> Tensor {
    let rest = x.size(0) - count
    let first = x.narrowed(dim: 0, from: 0, count: rest) + x.narrowed(dim: 0, from: count, count: rest)
    return Tensor.concatenated([first, x.narrowed(dim: 0, from: rest, count: count - rest)])
  }
}

/// [T, C, H, W] at another number of frames, height and width.
private func scaled(_ x: Tensor, _ shape: [Int], loops: Bool = false) -> Tensor {
  var x = x
  let size = Array(shape[1...])
  if [x.size(2), x.size(3)] != size {
    let isSmaller = size[0] < x.size(2) || size[1] < x.size(3)
    x = interpolate(x, size: size, mode: .bicubic, antialias: isSmaller)
  }
  let (have, wanted) = (x.size(0), shape[0])
  guard have != wanted else { return x }
  // Time as the height of a picture whose width is all pixels.
  var flat = x.reshaped([1, 1, have, -1])
  let margin = loops ? 2 : 0
  if loops {
    flat = Tensor.concatenated(
      [flat.narrowed(dim: 2, from: have - margin, count: margin), flat, flat.narrowed(dim: 2, from: 0, count: margin)],
      dim: 2)
    let ratio = Double(have) / Double(wanted)
    var places: [Double] = []
    for i in 0..<wanted {
      let middle = (Double(i) + 0.5) * ratio
      places.append(middle - 0.5 + Double(margin))
    }
    let from: [Int] = places.map { Int($0.rounded(.down)) }
    let shares = places.indices.map { Float(places[$0] - Double(from[$0])) }
    let rest = Tensor(shares, shape: [1, 1, wanted, 1])
    let a = flat.indexSelected(dim: 2, indices: Tensor(from))
    let b = flat.indexSelected(dim: 2, indices: Tensor(from.map { $0 + 1 }))
    return (a + (b - a) * rest).reshaped([wanted] + x.shape.dropFirst())
  }
  let made = interpolate(flat, size: [wanted, flat.size(3)], mode: .bilinear, antialias: wanted < have)
  return made.reshaped([wanted] + x.shape.dropFirst())
}

extension Tensor {
  /// Every `step`th slice of a dimension, as a view.
  fileprivate func strided(dim: Int, from start: Int, count: Int, step: Int) -> Tensor {
    narrowed(dim: dim, from: start, count: (count - 1) * step + 1).windows(dim: dim, size: 1, step: step)
      .selected(dim: -1, index: 0)
  }
}
