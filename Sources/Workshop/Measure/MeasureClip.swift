import Foundation
import Media
import Models
import Torch

/// How steady a film is, and how well it was painted.
public struct ClipMeasurement: Codable, Hashable, Sendable {
  public let frames: Int
  /// Mean absolute difference of the colours, 0...1, from a frame to the next: the median.
  public let step: Double
  /// The same from the last frame to the first, over `step`: at most about 1 for a film that loops.
  public let closure: Double
  /// Mean square of the difference, 0...1, between each frame and the one before as the content moves it, where the
  /// content shows the same (Lai et al. 2018, equation 11); nil without a content.
  public let warpError: Double?
  /// That of the content itself: what is due to the flow.
  public let contentWarpError: Double?
  /// `restyle`'s losses, means over some frames; nil without a style.
  public let styleDistance: Double?, contentDistance: Double?
}

/// Measures a film, and against the film that it was painted from.
///
/// - Parameters:
///   - content: the film that was painted; nil for what is none.
///   - style: a painting.
///   - tell: told how many frames are done.
/// - Throws: `ClipError`, `ClipMeasureError`, `PictureError`, and as `installModel`.
public func measureClip(
  _ path: String, content: String? = nil, style: String? = nil, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }
) throws -> ClipMeasurement {
  let reader = try ClipReader(path)
  let source = try content.map { try ClipReader($0) }
  let perceptualNetwork = try style == nil ? nil : styleNetwork("vgg16", in: workspace, on: device) { tell(.note($0)) }
  let painting = try style.map { try Picture.load($0, Decoding(size: nil)).colours(on: device) }
  var (steps, errors, own, distances): ([Double], [Double], [Double], [(content: Double, style: Double)]) = (
    [], [], [], []
  )
  var first: Tensor?
  var last: (painted: Tensor, content: Tensor?)?
  var count = 0
  var pace = Pace(.frames)
  while let frame = reader.next() {
    let painted = frame.picture.colours(on: device)
    let size = [painted.size(2), painted.size(3)]
    var shown: Tensor?
    if let source {
      // Some files' times are milliseconds, which round.
      guard let own = source.shown(at: frame.time + 0.002) else {
        throw ClipMeasureError.differentLengths(path, content ?? "")
      }
      shown = resized(own.colours(on: device), size)
    }
    if let last {
      steps.append(abs(painted - last.painted).mean().item())
      if let shown, let before = last.content {
        let flow = OpticalFlow()
        let back = flow.flow(from: shown, to: before), forth = flow.flow(from: before, to: shown)
        let isSame = 1 - occlusions(forward: back, backward: forth)
        let sum = max(1, isSame.sum().item())
        func error(_ now: Tensor, _ earlier: Tensor) -> Double {
          (square(now - warped(earlier, by: back)).mean(dims: [1], keepDims: true) * isSame).sum().item() / sum
        }
        errors.append(error(painted, last.painted))
        own.append(error(shown, before))
      }
    }
    // A second's worth is enough for what changes slowly.
    if let perceptualNetwork, let painting, let shown, count % 8 == 0 {
      distances.append(
        paintingDistances(painted, content: shown, style: asLarge(painting, as: painted), by: perceptualNetwork))
    }
    if first == nil { first = painted }
    last = (painted, shown)
    count += 1
    tell(pace.at(count, of: max(count, reader.facts.count)))
  }
  guard let first, let last, count > 2 else { throw ClipMeasureError.tooShort(path) }
  let step = steps.sorted()[steps.count / 2]
  func mean(_ x: [Double]) -> Double? { x.isEmpty ? nil : x.reduce(0, +) / Double(x.count) }
  return ClipMeasurement(
    frames: count, step: step, closure: abs(first - last.painted).mean().item() / max(step, 1e-6),
    warpError: mean(errors), contentWarpError: mean(own), styleDistance: mean(distances.map(\.style)),
    contentDistance: mean(distances.map(\.content)))
}

/// Why a film can't be measured.
public enum ClipMeasureError: Explained, Equatable {
  case tooShort(String)
  case differentLengths(String, String)

  public var sentence: String {
    switch self {
    case .tooShort(let path): "\(path) has fewer than three frames: there is no motion to measure."
    case .differentLengths(let path, let content):
      "\(content) has fewer frames than \(path): name the film that it was painted from."
    }
  }
  public var exit: Exit { .data }
}
