import Foundation
import LargeModels
import Media
import Torch

/// A ControlNet, what it is shown, how much it counts and in which part of the steps, as written on a command line:
/// `canny.safetensors:edges:0.8:0-0.6`.
public struct ControlChoice: Sendable, Equatable {
  public enum Map: Sendable, Equatable {
    /// The edges of the picture that is redrawn, which are found here.
    case edges
    /// A file.
    case picture(String)
  }
  public let path: String
  public let map: Map
  public let strength: Double
  /// In 0...1 of the steps.
  public let span: ClosedRange<Double>

  /// - Parameter words: a ControlNet's file or folder, a picture or the word "edges", and perhaps a number and two with a hyphen between.
  /// - Throws: `LargeError.badControl`.
  public init(_ words: String) throws(LargeError) {
    var parts = words.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    var (strength, span) = (1.0, 0.0...1.0)
    if parts.count > 3, let match = parts.last!.wholeMatch(of: #/([0-9.]+)-([0-9.]+)/#) {
      guard let from = Double(match.1), let to = Double(match.2), from >= 0, from < to, to <= 1 else {
        throw .badControl(words)
      }
      span = from...to
      parts.removeLast()
    }
    if parts.count > 2, let number = Double(parts.last!) {
      guard number > 0, number <= 10 else { throw .badControl(words) }
      strength = number
      parts.removeLast()
    }
    guard parts.count >= 2, let map = parts.popLast(), !map.isEmpty else { throw .badControl(words) }
    path = parts.joined(separator: ":")
    guard !path.isEmpty else { throw .badControl(words) }
    (self.map, self.strength, self.span) = (map == "edges" ? .edges : .picture(map), strength, span)
  }

  /// What a file says of it; where pictures and ControlNets lie stays the artist's.
  func words(hash: String) -> String {
    let name =
      switch map {
      case .edges: "edges"
      case .picture(let path): path.shownName
      }
    return "\(path.shownName):\(name):\(strength):\(span.lowerBound)-\(span.upperBound) sha256:\(hash)"
  }

  /// As AUTOMATIC1111's web interface writes it.
  var setting: String {
    "Module: \(map == .edges ? "canny" : "none"), Model: \(path.shownName.withoutWeightsEnding), Weight: \(strength), "
      + "Guidance Start: \(span.lowerBound), Guidance End: \(span.upperBound)"
  }
}

extension [ControlChoice] {
  /// What the pipeline's ControlNets are shown, in their order.
  ///
  /// - Parameters:
  ///   - size: that is drawn.
  ///   - photo: that is redrawn; nil where there is none.
  ///   - tell: told of maps that are cut.
  /// - Throws: `LargeError.edgesOfNothing`, `PictureError`.
  func pictures(_ size: PictureSize, photo: Picture?, tell: (Event) -> Void) throws -> [ControlPicture] {
    try enumerated().map { i, choice in
      let picture: Tensor
      switch choice.map {
      case .edges:
        guard let photo else { throw LargeError.edgesOfNothing }
        picture = edges(
          of: photo.resampled(width: size.width, height: size.height).flattened(on: .white).colours(on: .cpu))
      case .picture(let path):
        let map = try Picture.load(path, Decoding(ground: .black), tell: tell)
        if !map.size.hasShape(of: size, within: 8) {
          tell(.note("\(path) has another shape than what is drawn: the ControlNet is shown its middle."))
        }
        picture = map.resampled(width: size.width, height: size.height).colours(on: .cpu)
      }
      return ControlPicture(network: i, picture: picture, strength: choice.strength, span: choice.span)
    }
  }
}

extension PictureSize {
  /// Whether it is another size's shape, but for sides that were rounded to multiples of `step` pixels.
  func hasShape(of other: PictureSize, within step: Int) -> Bool {
    abs(width * other.height - height * other.width) <= step * Swift.max(longer, other.longer)
  }
}
