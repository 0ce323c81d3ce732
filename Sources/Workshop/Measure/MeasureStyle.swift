import Foundation
import Media
import Evaluation
import Models
import Torch

/// How well pictures were painted: how much of their content is there, and how much of the style.
public struct StyleMeasurement: Codable, Hashable, Sendable {
  /// One painted picture. Content and style are the losses of `restyle` without their weights; less is nearer.
  public struct Painted: Codable, Hashable, Sendable {
    public let picture: String, content: String
    public let contentDistance: Double, styleDistance: Double
    /// Between picture and content, as a network sees them; 0 is the same.
    public let perceptualDistance: Double
    /// Of the brightness's structure; 1 is the same.
    public let structure: Double
  }
  public let pictures: [Painted]
  public let styles: Int
  /// (1 + perceptual distance) · (1 + FID to the styles) (Wright and Ommer 2022, equation 3) on features of ours; nil
  /// under 16 pictures on a side, and unreliable under some hundreds.
  public let artFID: Double?

  /// Means over the pictures.
  public var contentDistance: Double { mean(\.contentDistance) }
  public var styleDistance: Double { mean(\.styleDistance) }
  public var perceptualDistance: Double { mean(\.perceptualDistance) }
  public var structure: Double { mean(\.structure) }
  private func mean(_ part: (Painted) -> Double) -> Double {
    pictures.reduce(0) { $0 + part($1) } / Double(pictures.count)
  }
}

/// Longer side at which pictures are looked at, at most, in pixels.
private let seenSide = 512

/// Measures painted pictures against what they were made from.
///
/// - Parameters:
///   - painted: a picture, or a folder of them.
///   - content: the picture that was painted, or a folder with those of the same names.
///   - style: a painting, or a folder of them: each picture is compared with all, and the nearest counts.
///   - tell: told how many pictures are done.
/// - Throws: `StyleMeasureError`, `GalleryError`, `PictureError`, and as `installModel`.
public func measureStyle(
  _ painted: String, content: String, style: String, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }
) throws -> StyleMeasurement {
  let pictures = try files(painted), contents = try files(content), styles = try files(style)
  let byName = Dictionary(contents.map { (stem($0), $0) }) { first, _ in first }
  let pairs = try pictures.map { path -> (String, String) in
    guard let partner = contents.count == 1 ? contents[0] : byName[stem(path)] else {
      throw StyleMeasureError.noContent(path, folder: content)
    }
    return (path, partner)
  }
  let perceptualNetwork = try styleNetwork("vgg16", in: workspace, on: device) { tell(.note($0)) }
  let paintings = try styles.map { try seen($0, withoutFrame: true, on: device) }
  var found: [StyleMeasurement.Painted] = []
  var pace = Pace(.pictures)
  for (i, (path, partner)) in pairs.enumerated() {
    let picture = try seen(path, on: device)
    let size = [picture.size(2), picture.size(3)]
    let kept = try clamp(
      interpolate(seen(partner, on: device), size: size, mode: .bicubic, antialias: true), min: 0, max: 1)
    let each = paintings.map {
      paintingDistances(picture, content: kept, style: asLarge($0, as: picture), by: perceptualNetwork)
    }
    let nearest = each.min { $0.style < $1.style }!
    found.append(
      StyleMeasurement.Painted(
        picture: path, content: partner, contentDistance: nearest.content, styleDistance: nearest.style,
        perceptualDistance: perceptualDistance(picture, kept, by: perceptualNetwork),
        structure: structuralSimilarity(luma(picture), luma(kept)).item()))
    tell(pace.at(i + 1, of: pairs.count))
  }
  let mean = found.reduce(0) { $0 + $1.perceptualDistance } / Double(found.count)
  let fid =
    try min(pictures.count, styles.count) < MeasureError.least
    ? nil : frechetDistance(pictures, styles, in: workspace, on: device) { tell(.note($0)) }
  return StyleMeasurement(pictures: found, styles: styles.count, artFID: fid.map { (1 + mean) * (1 + $0) })
}

/// [1, 3, H, W] in 0...1, at most as large as is looked at.
///
/// - Parameter withoutFrame: leaves a frame out, as `restyle` does with a style.
private func seen(_ path: String, withoutFrame: Bool = false, on device: Device) throws -> Tensor {
  var picture = try Picture.load(path, Decoding())
  if withoutFrame, let frame = PaintingFrame(around: picture) { picture = frame.cutOff(picture) }
  guard min(picture.width, picture.height) >= RestyleError.smallest else {
    throw RestyleError.tooSmall(path, width: picture.width, height: picture.height)
  }
  let scale = min(1, Double(seenSide) / Double(max(picture.width, picture.height)))
  let sides = [picture.width, picture.height].map { max(16, Int((Double($0) * scale).rounded())) }
  return (scale < 1 ? picture.resampled(width: sides[0], height: sides[1]) : picture).colours(on: device)
}

/// A painting whose longer side is at most as long as a picture's, as `restyle` looks at it: strokes of another size are
/// another style.
func asLarge(_ painting: Tensor, as picture: Tensor) -> Tensor {
  let longer = { (x: Tensor) in Double(max(x.size(2), x.size(3))) }
  let scale = longer(picture) / longer(painting)
  guard scale < 1 else { return painting }
  let size = [painting.size(2), painting.size(3)].map { max(16, Int((Double($0) * scale).rounded())) }
  return resized(painting, size)
}

private func frechetDistance(
  _ pictures: [String], _ styles: [String], in workspace: Workspace, on device: Device, say: (String) -> Void
) throws -> Double {
  let net = try featureNet(in: workspace, on: device, say: say)
  func features(_ paths: [String]) throws -> Tensor {
    let packed = try paths.map { try Picture.load($0, Decoding(size: PictureSize(FeatureNet.size))).tensor }
    return net.features(of: Tensor.stacked(packed))
  }
  return try Evaluation.frechetDistance(features(pictures), features(styles))
}

/// A picture, or those of a folder.
private func files(_ path: String) throws -> [String] {
  let found = try Gallery(path).candidates.map(\.path)
  guard !found.isEmpty, found.allSatisfy({ !$0.isEmpty }) else { throw StyleMeasureError.noFiles(path) }
  return found
}

private func stem(_ path: String) -> String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }

/// Why there is nothing to measure.
public enum StyleMeasureError: Explained, Equatable {
  case noFiles(String)
  case noContent(String, folder: String)

  public var sentence: String {
    switch self {
    case .noFiles(let path): "There are no picture files in \(path): name a picture or a folder of them."
    case .noContent(let path, let folder):
      "There is no picture in \(folder) with the name of \(path): give what belongs together the same name."
    }
  }
  public var exit: Exit { .missingInput }
}
