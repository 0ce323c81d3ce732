import Foundation
import Media
import Torch

/// The shape that most of some pictures have, where that isn't about a square.
public struct UsualShape: Codable, Hashable, Sendable {
  /// Width divided by height of the middle one: above 1 for wide pictures.
  public let aspect: Double

  /// Shapes within this factor of each other are the same; those that are as near to a square are squares.
  private static let alike = 1.2
  /// The part of the pictures that must have the shape.
  private static let most = 2.0 / 3
  /// - Returns: nil where most are about square, or too few have the same shape.
  public init?(of sizes: [PictureSize]) {
    guard !sizes.isEmpty else { return nil }
    let aspects = sizes.map(\.aspect).sorted()
    aspect = aspects[aspects.count / 2]
    let aspect = aspect, limit = log(Self.alike)
    guard abs(log(aspect)) > limit else { return nil }
    guard Double(aspects.count { abs(log($0 / aspect)) <= limit }) >= Self.most * Double(aspects.count) else {
      return nil
    }
  }

  /// "3:2", or "1.37:1".
  public var words: String {
    let known = [(5, 4), (4, 3), (3, 2), (16, 9), (2, 1), (3, 1)].flatMap { [$0, ($0.1, $0.0)] }
    let near = known.first { abs(log(aspect * Double($0.1) / Double($0.0))) < 0.02 }
    return near.map { "\($0.0):\($0.1)" }
      ?? (aspect > 1 ? String(format: "%.2f:1", aspect) : String(format: "1:%.2f", 1 / aspect))
  }
}

/// How large some pictures are, and of which shape.
struct TypicalSize {
  /// Files that look like pictures.
  let pictures: Int
  /// The shorter side of the middle one, in pixels; 0 where none can be read.
  let side: Int
  let shape: UsualShape?

  /// Pictures whose headers tell of a large set.
  private static let sample = 96

  /// Looks at the headers of at most a hundred pictures, from all over a folder or a zip file.
  ///
  /// - Throws: `GalleryError`, `ArchiveError`.
  init(ofPicturesIn path: String) throws {
    let gallery = try Gallery(path), count = min(Self.sample, gallery.count)
    var sizes: [PictureSize] = []
    try gallery.keeping((0..<count).map { $0 * gallery.count / count }).forEach { _, name, bytes in
      // What is damaged is told of when it is packed.
      (try? bytes.get()).flatMap { try? Picture.facts($0, named: name) }
    } collect: { _, facts in
      if let facts { sizes.append(PictureSize(facts.width, facts.height)) }
    }
    let sides = sizes.map(\.shorter).sorted()
    (pictures, side, shape) = (gallery.count, sides.isEmpty ? 0 : sides[sides.count / 2], UsualShape(of: sizes))
  }
}
