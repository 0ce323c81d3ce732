import Networks
import Torch

/// A picture that is made larger by a network, tile by tile.
///
/// A sequence of tiles: go through it, and show or stop when you like; `picture` is whole at its end.
///
/// ```swift
/// let network = try enlargingNetwork(weights)
/// let work = Enlargement(photo, by: 4, network: network)
/// for fraction in work { print(fraction) }
/// let large = work.picture
/// ```
public final class Enlargement: Sequence, IteratorProtocol {
  /// Interface of any super-resolution network.
  public static let scales = 2...4

  /// uint8 [3, H · scale, W · scale].
  public private(set) var picture: Tensor

  private let network: any EnlargingNetwork
  private let usesBFloat16: Bool
  private let side: Int
  /// Passes through the network that are to come: the picture's size before and after each, as multiples of the given.
  private var waiting: [(before: Int, after: Int)] = []
  private let size: (height: Int, width: Int)
  private let work: Double
  private var worked = 0.0

  /// The pass that is going on: what goes in, and its tiles that are to come.
  private var input: Tensor
  private var step = (before: 1, after: 1)
  private var tiles: [StyleTiles.Tile] = []

  /// - Parameters:
  ///   - picture: uint8 [3, H, W].
  ///   - scale: of `scales`. The network is used until the picture is as large or larger; what is too large then is
  ///     made smaller bicubically, as Real-ESRGAN's authors do for their 2 and 3.
  ///   - tile: pixels a side that the network sees at once, margins and all.
  ///   - usesBFloat16: computes convolutions in bfloat16.
  public init(
    _ picture: Tensor, by scale: Int, network: any EnlargingNetwork, tile: Int = 256, usesBFloat16: Bool = false
  ) {
    precondition(Self.scales.contains(scale), "pictures are enlarged by 2 to 4, not \(scale)")
    (self.network, self.usesBFloat16, side) = (network, usesBFloat16, tile)
    (self.picture, input, size) = (picture, picture, (picture.size(1), picture.size(2)))
    var (before, work) = (1, 0.0)
    while before < scale {
      let after = Swift.min(before * network.scale, scale)
      waiting.append((before, after))
      work += Self.tiles(size.height * before, size.width * before, tile, network.margin).reduce(0) { $0 + $1.cost }
      before = after
    }
    self.work = work
  }

  /// How much of the work is done, in 0...1.
  public var fraction: Double { worked / work }

  /// Works on one tile.
  ///
  /// - Returns: how much of the work is done; nil when there is no more.
  public func next() -> Double? {
    if tiles.isEmpty {
      guard !waiting.isEmpty else { return nil }
      (step, input) = (waiting.removeFirst(), picture)
      tiles = Self.tiles(input.size(1), input.size(2), side, network.margin)
      picture = Tensor.empty([3, size.height * step.after, size.width * step.after], dtype: .uint8)
    }
    let tile = tiles.removeFirst()
    withoutGradients { enlarge(tile) }
    worked += tile.cost
    return fraction
  }

  private func enlarge(_ tile: StyleTiles.Tile) {
    let device = network.state.first!.tensor.device
    let x = (input.unsqueezed(0).cut(tile.outer).to(device).to(.float32) / 255).channelsLast()
    var y = withAutocast(usesBFloat16, on: device) { network(x) }.to(.float32)
    if step.before * network.scale != step.after {
      let sides = [scaled(x.size(2)), scaled(x.size(3))]
      y = interpolate(y, size: sides, mode: .bicubic)
    }
    let inner = tile.inner.relative(to: tile.outer)
    let part = y.cut(StyleTiles.Rectangle(y: scaled(inner.y), x: scaled(inner.x)))
    let bytes = clamp(part * 255 + 0.5, min: 0, max: 255).to(.uint8)  // to(.uint8) cuts off.
    let target = StyleTiles.Rectangle(y: scaled(tile.inner.y), x: scaled(tile.inner.x))
    picture.unsqueezed(0).cut(target).copy(from: bytes)
  }

  /// Exact, since tiles begin at multiples of 4.
  private func scaled(_ length: Int) -> Int { length * step.after / step.before }
  private func scaled(_ range: Range<Int>) -> Range<Int> { scaled(range.lowerBound)..<scaled(range.upperBound) }

  private static func tiles(_ height: Int, _ width: Int, _ side: Int, _ margin: Int) -> [StyleTiles.Tile] {
    StyleTiles(height: height, width: width, side: side, margin: margin, step: 4).tiles
  }
}

extension StyleTiles.Tile {
  /// Pixels that the network sees.
  fileprivate var cost: Double { Double(outer.y.count * outer.x.count) }
}
