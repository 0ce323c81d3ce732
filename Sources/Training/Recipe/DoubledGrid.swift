import Foundation
import Torch

/// The sizes of pictures that networks make which double a small grid of features: "192x128" is a grid of 6 × 4, doubled
/// five times.
public struct DoubledGrid: Sendable {
  /// The shorter side of the grid. From 4 on: it is doubled as often as it can be.
  public let least: ClosedRange<Int>
  /// The shorter side of pictures, in pixels.
  public let sides: ClosedRange<Int>
  /// How often the grid is doubled at least.
  public let doublings: Int
  /// A picture is at most so many times as long as it is short.
  public static let longest = 4

  public init(least: ClosedRange<Int> = 4...7, sides: ClosedRange<Int>, doublings: Int = 1) {
    (self.least, self.sides, self.doublings) = (least, sides, doublings)
  }

  /// The grid of pictures, and how often it is doubled; nil where they can't be made.
  public func grid(of size: PictureSize) -> (least: PictureSize, doublings: Int)? {
    guard sides.contains(size.shorter), size.longer <= Self.longest * size.shorter else { return nil }
    var (grid, count) = (size, 0)
    while grid.width % 2 == 0, grid.height % 2 == 0, grid.shorter / 2 >= least.lowerBound {
      (grid, count) = (grid / 2, count + 1)
    }
    return least.contains(grid.shorter) && count >= doublings ? (grid, count) : nil
  }

  /// All that can be made.
  private var all: [PictureSize] {
    least.flatMap { shorter in
      (shorter...Self.longest * shorter).flatMap { longer -> [PictureSize] in
        (doublings...16).lazy.map { PictureSize(longer, shorter) << $0 }.prefix { $0.shorter <= sides.upperBound }
          .filter { grid(of: $0) != nil }.flatMap { [$0, PictureSize($0.height, $0.width)] }
      }
    }
  }

  /// How much worse a size is than another one. What is cut off costs more than a few pixels more or less.
  private static func cost(_ size: PictureSize, aspect: Double, pixels: Int) -> Double {
    2 * abs(log(size.aspect / aspect)) + 0.5 * abs(log(Double(size.pixels) / Double(pixels)))
  }

  /// The size that can be made whose shape is most like a picture's, of about as many pixels as another size.
  ///
  /// - Parameter aspect: width divided by height.
  public func size(aspect: Double, like other: PictureSize) -> PictureSize {
    // The smaller the grid, the more often what is seen at each size is refined.
    func cost(_ size: PictureSize) -> Double {
      Self.cost(size, aspect: aspect, pixels: other.pixels) + 0.02 * Double(grid(of: size)!.least.longer)
    }
    return all.min { cost($0) < cost($1) }!
  }

  /// - Throws: `RecipeError.impossibleSize`, which names the nearest sizes that can be made.
  @discardableResult
  public func expect(_ size: PictureSize, recipe: String) throws(RecipeError) -> (least: PictureSize, doublings: Int) {
    if let found = grid(of: size) { return found }
    let wanted = PictureSize(max(1, size.width), max(1, size.height))
    func cost(_ size: PictureSize) -> Double { Self.cost(size, aspect: wanted.aspect, pixels: wanted.pixels) }
    let known = Set(all).filter { $0.isSquare == size.isSquare }.sorted { (cost($0), $0.width) < (cost($1), $1.width) }
    // Of squares the next smaller and the next larger one.
    let near =
      size.isSquare
      ? [known.first { $0.width < size.width }, known.first { $0.width > size.width }].compactMap { $0 }
      : Array(known.prefix(2))
    throw .impossibleSize(size, recipe: recipe, reason: "use " + near.map(\.description).joined(separator: " or "))
  }
}
