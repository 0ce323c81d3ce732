import Foundation
import Networks
import Torch

/// Fills holes of a picture with what a Gaussian process over the plane expects there, given the pixels around each (kriging;
/// R&W equation 2.25).
///
/// Its kernel is a rough part, a smooth part and noise, whose lengths and variances are those under which pixels around the
/// holes are most likely. A hole is filled in pieces, each told by all known pixels near it, and where these are few by the
/// hole's whole rim as well, so that pieces of a large hole agree. Nothing is invented: scratches, dust and writing go, and what a large hole hid comes back as the
/// colours around it, softly.
public struct PixelFill {
  /// Side of the squares that a hole is cut into.
  private static let piece = 12
  /// How far around a piece pixels are looked at, and how many of them and of the rim at most.
  private static let reach = 4, mostNear = 220, mostRim = 120
  /// Places around holes that the kernel is fitted to, and known pixels near each.
  private static let fitted = (places: 8, pixels: 120)

  public let kernel: Kernel
  private let picture: Tensor
  private let width: Int, height: Int
  private let holes: [Hole]
  private let isKnown: [Bool]

  /// One hole and the known pixels that touch it, as places in the picture, row by row.
  private struct Hole { let inside: [Int], rim: [Int] }

  /// - Parameters:
  ///   - picture: [C, H, W] in 0...1, on the CPU.
  ///   - isHole: for each place, row by row, whether it is to be filled.
  ///   - isKnown: whether it is to be trusted; a place may be neither.
  ///   - kernel: nil fits one.
  /// - Returns: nil where a hole has nothing around it.
  public init?(_ picture: Tensor, isHole: [Bool], isKnown: [Bool], kernel: Kernel? = nil) {
    (self.picture, width, height) = (picture.to(.float64), picture.size(2), picture.size(1))
    let size = (width: width, height: height)
    self.isKnown = isKnown
    holes = Self.regions(isHole, size).map { inside in
      let rim = Set(inside.flatMap { Self.neighbours(of: $0, size, reach: 1) }).filter { isKnown[$0] }
      return Hole(inside: inside, rim: rim.sorted())
    }
    guard holes.allSatisfy({ !$0.rim.isEmpty }) else { return nil }
    self.kernel = kernel ?? Self.fittedKernel(self.picture, holes, isKnown, size)
  }

  /// The picture with its holes filled, [C, H, W], float32; `progress` is told how much is done, and stops it by false.
  public func filled(progress: (Double) -> Bool = { _ in true }) -> Tensor? {
    let channels = picture.size(0)
    var flat = picture.reshaped([channels, -1])
    let whole = Double(holes.reduce(0) { $0 + $1.inside.count })
    var done = 0
    flat = flat.cloned()
    for hole in holes {
      let pieces = pieces(of: hole), near = pieces.map { nearest(to: $0) }
      // Pieces in the middle of a wide hole know nothing near, so that all of its pieces go by its rim, too.
      let isWide = pieces.count > 1 && near.contains { $0.count < Self.mostRim }
      let step = max(1, hole.rim.count / Self.mostRim)
      let rim = isWide ? stride(from: 0, to: hole.rim.count, by: step).map { hole.rim[$0] } : []
      let middle =
        isWide ? flat.indexSelected(dim: 1, indices: Tensor(hole.rim)).T.mean(dims: [0], keepDims: true) : nil
      for (piece, near) in zip(pieces, near) {
        let around = isWide ? Array(Set(near).union(rim)).sorted() : near
        let known = places(around), values = flat.indexSelected(dim: 1, indices: Tensor(around)).T
        let mean = middle ?? values.mean(dims: [0], keepDims: true)
        let factor = jitteredCholesky(kernel.covariance(ofPlaces: known, known))
        let weights = solveTriangular(
          factor.T, solveTriangular(factor, values - mean, upper: false), upper: true)
        let found = matmul(kernel.covariance(ofPlaces: places(piece), known), weights) + mean
        flat.copyColumns(piece, from: clamp(found, min: 0, max: 1).T)
        done += piece.count
        guard progress(Double(done) / whole) else { return nil }
      }
    }
    return flat.reshaped([channels, height, width]).to(.float32)
  }

  private func pieces(of hole: Hole) -> [[Int]] {
    let columns = (width + Self.piece - 1) / Self.piece
    let cells = Dictionary(grouping: hole.inside) { $0 / width / Self.piece * columns + $0 % width / Self.piece }
    return cells.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Known places near a piece, the nearest where they are many.
  private func nearest(to piece: [Int]) -> [Int] {
    let size = (width: width, height: height)
    var near: [Int] = [], seen = Set(piece), front = piece
    for _ in 0..<Self.reach {
      front = front.flatMap { Self.neighbours(of: $0, size, reach: 1) }.filter { seen.insert($0).inserted }
      near += front.filter { isKnown[$0] }
      if near.count >= Self.mostNear { break }
    }
    return Array(near.prefix(Self.mostNear))
  }

  /// [N, 2], in pixels.
  private func places(_ numbers: [Int]) -> Tensor { Self.places(numbers, width) }
  private static func places(_ numbers: [Int], _ width: Int) -> Tensor {
    Tensor(numbers.flatMap { [Double($0 / width), Double($0 % width)] }, shape: [numbers.count, 2])
  }

  /// The places of each hole whose pixels touch, at sides or corners.
  private static func regions(_ isHole: [Bool], _ size: (width: Int, height: Int)) -> [[Int]] {
    var isLeft = isHole, found: [[Int]] = []
    for start in isLeft.indices where isLeft[start] {
      var region = [start], next = 0
      isLeft[start] = false
      while next < region.count {
        for neighbour in neighbours(of: region[next], size, reach: 1) where isLeft[neighbour] {
          isLeft[neighbour] = false
          region.append(neighbour)
        }
        next += 1
      }
      found.append(region.sorted())
    }
    return found
  }

  private static func neighbours(of place: Int, _ size: (width: Int, height: Int), reach: Int) -> [Int] {
    let (x, y) = (place % size.width, place / size.width)
    return (max(0, y - reach)...min(size.height - 1, y + reach)).flatMap { row in
      (max(0, x - reach)...min(size.width - 1, x + reach)).map { row * size.width + $0 }
    }
  }

  /// The most likely lengths and variances for known pixels around some places at holes' rims.
  private static func fittedKernel(
    _ picture: Tensor, _ holes: [Hole], _ isKnown: [Bool], _ size: (width: Int, height: Int)
  ) -> Kernel {
    var noise = Noise(seed: 0)
    let rims = holes.flatMap(\.rim)
    let flat = picture.reshaped([picture.size(0), -1])
    let windows = noise.integers(below: rims.count, count: fitted.places).map { number -> (x: Tensor, y: Tensor) in
      let near = neighbours(of: rims[number], size, reach: 9).filter { isKnown[$0] }
      let step = max(1, near.count / fitted.pixels)
      let chosen = stride(from: 0, to: near.count, by: step).map { near[$0] }
      let values = flat.indexSelected(dim: 1, indices: Tensor(chosen)).T
      return (places(chosen, size.width), values - values.mean(dims: [0], keepDims: true))
    }
    let power = windows.reduce(0) { $0 + square($1.y).mean().item() } / Double(windows.count)
    let variance = max(power, 1e-6)
    let start: Kernel =
      .scaled(.matern32(length: 3), by: variance / 2) + .scaled(.matern52(length: 12), by: variance)
      + .scaled(.white, by: max(variance / 100, 1e-6))
    let logs = Tensor(start.parameters.map { Foundation.log($0) }).requiringGradient()
    let optimizer = Adam([logs], rate: 0.1, betas: (0.9, 0.99))
    let steps = 60, fall = Schedule.cosine(from: 0.15, to: 0)
    for step in 0..<steps {
      optimizer.rate = fall(Double(step) / Double(steps))
      let values = exp(clamp(logs, min: -14, max: 8))
      let losses = windows.map { x, y -> Tensor in
        let factor = jitteredCholesky(start.covariance(ofPlaces: x, x, parameters: values))
        let white = solveTriangular(factor, y, upper: false)
        return square(white).sum() * 0.5 + log(factor.diagonal()).sum() * Double(y.size(1))
      }
      optimizer.step(minimizing: losses.dropFirst().reduce(losses[0]) { $0 + $1 })
    }
    return start.with(logs.detached().doubles.map { Foundation.exp(min(max($0, -14), 8)) })
  }
}

extension Tensor {
  /// Columns of [C, N] replaced by those of `source`, [C, count], in place.
  fileprivate func copyColumns(_ numbers: [Int], from source: Tensor) {
    withoutGradients {
      // Runs of neighbours are one copy.
      var start = 0
      while start < numbers.count {
        var end = start + 1
        while end < numbers.count, numbers[end] == numbers[end - 1] + 1 { end += 1 }
        narrowed(dim: 1, from: numbers[start], count: end - start)
          .copy(from: source.narrowed(dim: 1, from: start, count: end - start))
        start = end
      }
    }
  }
}
