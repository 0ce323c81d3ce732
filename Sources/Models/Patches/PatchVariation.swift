import Foundation
import Networks
import Torch

/// Settings of `PatchVariation`.
public struct PatchSettings: Codable, Sendable, Equatable {
  public var size = 256  // Pixels of the source's longer side; a smaller picture keeps its own.
  public var patch = 7  // Side of a patch, in pixels.
  public var ratio = 4.0 / 3  // Of a size to the one before.
  public var coarsest = 21  // The shorter side of the coarsest size, in pixels: three patches.
  public var diversity = 6.0  // Deviation of the noise at the coarsest size, over that of the picture.
  public var completeness = 0.005  // α of the paper: the smaller, the more of the source must show up somewhere.
  public var iterations = 10  // Of search at sizes where all patches are compared.
  public init() {}
}

/// New pictures out of the patches of one, without training: at each size, every patch of a guess is replaced by its
/// nearest neighbour in the source (Granot et al. 2022, "Drop the GAN", algorithm 1).
///
/// Small sizes compare all patches; larger ones look around where the size before found them (Barnes et al. 2009,
/// PatchMatch), so time grows with pixels and not with their square.
public struct PatchVariation {
  /// What is made of the source.
  public enum Start {
    /// Its own layout, disturbed by noise from a seed.
    case noise(seed: UInt64)
    /// Another picture's layout: [1, C, H, W] in -1...1 of any size.
    case structure(Tensor)
  }

  public let settings: PatchSettings
  /// The source at each size, from the coarsest.
  private let sources: [Tensor]
  /// Of the new picture at each size.
  private let sizes: [[Int]]

  /// - Parameters:
  ///   - source: [1, C, H, W] in -1...1, both sides at least a patch.
  ///   - shape: height over the source's and width over the source's of what is made, for another shape.
  public init(_ source: Tensor, stretched shape: (height: Double, width: Double) = (1, 1), settings: PatchSettings) {
    self.settings = settings
    let (height, width) = (source.size(2), source.size(3))
    precondition(min(height, width) >= settings.patch, "a picture of \(height) × \(width) px has no patch")
    let whole = min(1, Double(settings.size) / Double(max(height, width)))
    // As many sizes as lead down to the coarsest, which is met exactly.
    let shorter = whole * Double(min(height, width))
    let count = max(0, Int((log(shorter / Double(settings.coarsest)) / log(settings.ratio)).rounded()))
    let scales = (0...count).map { level -> Double in
      count == 0
        ? whole
        : whole * pow(Double(settings.coarsest) / shorter, Double(count - level) / Double(count))
    }
    func sides(_ scale: Double, _ stretch: (Double, Double)) -> [Int] {
      [(height, stretch.0), (width, stretch.1)].map {
        max(settings.patch, Int((Double($0.0) * scale * $0.1).rounded()))
      }
    }
    sources = withoutGradients { scales.map { scaled(source, sides($0, (1, 1))) } }
    sizes = scales.map { sides($0, shape) }
  }

  /// Sizes that are gone through.
  public var levels: Int { sizes.count }

  /// - Parameter report: told how much is done, 0...1; false stops.
  /// - Returns: [1, C, H, W] in -1...1; nil when it was stopped.
  public func made(_ start: Start, report: (Double) -> Bool = { _ in true }) -> Tensor? {
    withoutGradients {
      var noise: Noise
      var first = 0
      var y: Tensor
      switch start {
      case .noise(let seed):
        noise = Noise(seed: seed)
        let guess = scaled(sources[0], sizes[0])
        let deviation = sources[0].std(dims: [0, 1, 2, 3]).item() * settings.diversity
        y = guess + noise.normal(guess.shape, on: guess.device) * deviation
      case .structure(let other):
        noise = Noise(seed: 0)
        // Coarser, there would be no structure left.
        first = sizes.count / 2
        y = scaled(other, sizes[first])
      }
      var places: Places?
      let work = sizes.map { Double($0[0] * $0[1]) }
      for level in first..<sizes.count {
        if level > first { y = scaled(y, sizes[level]) }
        (y, places) = searched(y, at: level, isFirst: level == first, from: places, &noise)
        let done = work[first...level].reduce(0, +) / work[first...].reduce(0, +)
        guard report(done) else { return nil }
      }
      return clamp(y, min: -1, max: 1)
    }
  }

  /// Where the patches of a picture come from, by their upper left corners.
  private struct Places {
    /// float32 [rows, columns] each, in the source's patches.
    var y: Tensor, x: Tensor
    /// Patches of the source, down and across.
    let rows: Int, columns: Int
  }

  /// All iterations at one size.
  private func searched(_ guess: Tensor, at level: Int, isFirst: Bool, from last: Places?, _ noise: inout Noise) -> (
    Tensor, Places
  ) {
    let source = sources[level]
    let values = patches(source)
    let (rows, columns) = (source.size(2) - settings.patch + 1, source.size(3) - settings.patch + 1)
    let isAll = Double(values.size(0)) * Double(count(guess)) <= 40e6 || last == nil
    // A guess that was enlarged is blurred; what it is compared with must be blurred alike.
    let blurred = level == 0 ? source : scaled(sources[level - 1], [source.size(2), source.size(3)])
    var y = guess
    var places = isAll ? nil : last.map { enlarged($0, to: y, rows, columns) }
    for iteration in 0..<(isAll ? settings.iterations : 2) {
      let keys = iteration == 0 && !isFirst ? patches(blurred) : values
      let queries = patches(y)
      let index: Tensor
      if isAll {
        index = nearest(queries, keys)
      } else {
        for spread in iteration == 0 ? [8, 3, 1] : [1] { refine(&places!, queries, keys, spread: spread, &noise) }
        index = (places!.y * Double(columns) + places!.x).to(.int64).flattened()
      }
      y = joined(values.indexSelected(dim: 0, indices: index), y)
      if isAll, iteration == settings.iterations - 1 {
        let shape = [y.size(2) - settings.patch + 1, y.size(3) - settings.patch + 1]
        let index = index.to(.float32).reshaped(shape)
        let row = floor((index + 0.5) / Double(columns))
        places = Places(y: row, x: index - row * Double(columns), rows: rows, columns: columns)
      }
    }
    return (y, places!)
  }

  private func count(_ x: Tensor) -> Int { (x.size(2) - settings.patch + 1) * (x.size(3) - settings.patch + 1) }

  /// [places, C · patch²].
  private func patches(_ x: Tensor) -> Tensor { unfold2d(x, kernel: settings.patch)[0].T.contiguous() }

  /// For each query the key that is near and that no other query is much nearer to: D_ij / (α + min_l D_lj) (equation
  /// 2), so that what is rare in the source isn't forgotten.
  func nearest(_ queries: Tensor, _ keys: Tensor) -> Tensor {
    let lengths = square(queries).sum(dims: [1], keepDims: true) + square(keys).sum(dims: [1]).unsqueezed(0)
    let distances = clamp((lengths - 2 * matmul(queries, keys.T)) / Double(queries.size(1)), min: 0, max: 1e9)
    return (distances / (distances.min(dims: [0], keepDims: true) + settings.completeness)).argmin(dim: 1)
  }

  /// Patches put where they belong, the middle of each counting most.
  private func joined(_ patches: Tensor, _ like: Tensor) -> Tensor {
    let (side, channels) = (settings.patch, like.size(1))
    let weights = (0..<side * side).map { i -> Float in
      let (y, x) = (Double(i / side) - Double(side - 1) / 2, Double(i % side) - Double(side - 1) / 2)
      return Float(exp(-(y * y + x * x) / Double(side)))
    }
    let weight = Tensor(weights).repeated([channels]).unsqueezed(1).to(like.device)
    let columns = patches.T * weight
    let size = [like.size(2), like.size(3)]
    let sum = fold2d(columns.unsqueezed(0), size: size, kernel: side)
    return sum / fold2d(weight.expanded(columns.shape).contiguous().unsqueezed(0), size: size, kernel: side)
  }

  /// The same places in a larger picture and source.
  private func enlarged(_ places: Places, to y: Tensor, _ rows: Int, _ columns: Int) -> Places {
    let shape = [y.size(2) - settings.patch + 1, y.size(3) - settings.patch + 1]
    /// Each place's own, in the direction of one side, and its partner at the size before.
    func along(_ count: Int, _ before: Int) -> (now: Tensor, then: Tensor) {
      let now = (0..<count).map { Float($0) }
      let scale = Float(max(1, before - 1)) / Float(max(1, count - 1))
      return (Tensor(now), Tensor(now.map { ($0 * scale).rounded() }))
    }
    let down = along(shape[0], places.y.size(0)), across = along(shape[1], places.y.size(1))
    func taken(_ x: Tensor) -> Tensor {
      x.indexSelected(dim: 0, indices: down.then.to(.int64).to(x.device))
        .indexSelected(dim: 1, indices: across.then.to(.int64).to(x.device))
    }
    func moved(_ x: Tensor, _ old: Int, _ new: Int, _ rest: Tensor) -> Tensor {
      let scale = Double(max(1, new - 1)) / Double(max(1, old - 1))
      return clamp(round(taken(x) * scale + rest.to(x.device)), min: 0, max: Double(new - 1))
    }
    // What the partner's rounding took away.
    let restY = down.now - down.then * (Double(max(1, shape[0] - 1)) / Double(max(1, places.y.size(0) - 1)))
    let restX = across.now - across.then * (Double(max(1, shape[1] - 1)) / Double(max(1, places.y.size(1) - 1)))
    return Places(
      y: moved(places.y, places.rows, rows, restY.unsqueezed(1)),
      x: moved(places.x, places.columns, columns, restX.unsqueezed(0)), rows: rows, columns: columns)
  }

  /// Looks for nearer patches where the neighbours' are, and by chance around one's own.
  private func refine(
    _ places: inout Places, _ queries: Tensor, _ keys: Tensor, spread: Int, _ noise: inout Noise
  ) {
    let (bottom, right) = (Double(places.rows - 1), Double(places.columns - 1))
    func distance(_ y: Tensor, _ x: Tensor) -> Tensor {
      let index = (y * Double(places.columns) + x).to(.int64).flattened()
      return square(queries - keys.indexSelected(dim: 0, indices: index)).mean(dims: [1]).reshaped(y.shape)
    }
    var (y, x) = (places.y, places.x)
    var best = distance(y, x)
    func look(_ otherY: Tensor, _ otherX: Tensor) {
      let (otherY, otherX) = (clamp(otherY, min: 0, max: bottom), clamp(otherX, min: 0, max: right))
      let found = distance(otherY, otherX)
      let isNearer = found.less(than: best)
      (y, x) = (whereTrue(isNearer, otherY, y), whereTrue(isNearer, otherX, x))
      best = whereTrue(isNearer, found, best)
    }
    for (dy, dx) in [(0, 1), (0, -1), (1, 0), (-1, 0)] {
      // Patches wrapped around from the other edge are just looked at in vain.
      let (fromY, fromX) = (
        y.rolled(by: [dy * spread, dx * spread], dims: [0, 1]), x.rolled(by: [dy * spread, dx * spread], dims: [0, 1])
      )
      look(fromY + Double(dy * spread), fromX + Double(dx * spread))
    }
    for _ in 0..<2 {
      let chance = round(noise.uniform([2] + y.shape, from: -Double(spread), to: Double(spread)).to(y.device))
      look(y + chance[0], x + chance[1])
    }
    (places.y, places.x) = (y, x)
  }
}

/// [1, C, H, W] at [height, width].
private func scaled(_ x: Tensor, _ size: [Int]) -> Tensor {
  guard [x.size(2), x.size(3)] != size else { return x }
  let isSmaller = size[0] < x.size(2) || size[1] < x.size(3)
  return interpolate(x, size: size, mode: .bicubic, antialias: isSmaller)
}
