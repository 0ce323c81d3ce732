import LargeModels
import Media
import Torch

/// How many pixels a picture grows on each side.
public struct CanvasSides: Sendable, Equatable {
  static let most = 8192
  public var left = 0
  public var right = 0
  public var top = 0
  public var bottom = 0

  /// - Parameter words: "left:256,top:64".
  /// - Throws: `FillError.badSides`.
  public init(_ words: String) throws(FillError) {
    var met: Set<String> = []
    for part in words.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard pair.count == 2, let pixels = Int(pair[1]), (1...Self.most).contains(pixels), met.insert(pair[0]).inserted
      else { throw .badSides(words) }
      switch pair[0] {
      case "left": left = pixels
      case "right": right = pixels
      case "top": top = pixels
      case "bottom": bottom = pixels
      default: throw .badSides(words)
      }
    }
  }

  /// "left:256,top:64".
  var words: String {
    [("left", left), ("right", right), ("top", top), ("bottom", bottom)].filter { $0.1 > 0 }
      .map { "\($0.0):\($0.1)" }.joined(separator: ",")
  }
}

extension Picture {
  /// On a larger canvas, whose new parts repeat the picture's edges and are opaque; and what is new, [1, H, W] of 0 and 1.
  func extended(by sides: CanvasSides) -> (picture: Picture, cover: Tensor) {
    let (canvas, mask) = LargeModels.extended(
      tensor.to(.float32).unsqueezed(0), left: sides.left, right: sides.right, top: sides.top, bottom: sides.bottom)
    var pixels = canvas[0]
    if channels == 4 {
      let alpha = whereTrue(mask[0].equal(to: 1), mask[0] * 255, pixels[3..<4])
      pixels = Tensor.concatenated([pixels[0..<3], alpha])
    }
    return (Picture(pixels.to(.uint8)), mask[0])
  }
}
