import Foundation
import Media
import Models
import Networks
import Torch

/// Paints a film's frames one after another, so that paint stays on what moves.
final class FramePainter {
  /// What paints one frame.
  private enum Painting {
    case onePass([any PictureTransfer], ground: Ground)
    case optimised(VGG, styles: [Tensor])
  }

  private let request: ClipRestyleRequest
  private var look: RestyleRequest { request.look }
  private let painting: Painting
  private let steadying: Steadying?
  private let device: Device
  /// What a made file says about it.
  let words: [(key: String, value: String)]

  /// The frame before, as it was and as it was given out before colours and masks: [1, 3, H, W] in 0...1.
  private var last: (frame: Tensor, painted: Tensor)?
  /// [1, 1, H, W] of the frame before.
  private var masks: [Tensor] = []
  private let maskReaders: [ClipReader?]

  /// Seconds by which the times of a film and of its mask may differ: some files' are milliseconds.
  private static let rounding = 0.002
  /// Steps that a frame takes after the first, which begins from nothing.
  private static let laterSteps = 24

  /// - Parameter first: the first frame.
  /// - Throws: `RestyleError`, `TransferModelError`, `PictureError`, `ClipError`, and as `Generator`.
  init(_ request: ClipRestyleRequest, first: Picture, in workspace: Workspace, on device: Device, say: (String) -> Void)
    throws
  {
    (self.request, self.device) = (request, device)
    let look = request.look
    let readers = try look.masks.map(maskReader)
    for (path, reader) in zip(look.masks, readers) where look.maskFit == nil {
      guard let facts = reader?.facts else { continue }
      try checkShape(PictureSize(facts.width, facts.height), path, of: first.size, look.content)
    }
    maskReaders = readers
    masks = try zip(look.masks, readers).map { path, reader in
      reader != nil
        ? Tensor.zeros([1, 1, first.height, first.width], on: device)
        : try mask(path, of: first, named: look.content, fit: look.maskFit, on: device)
    }
    let colours = first.colours(on: device)
    switch request.method {
    case .model(let name, _) where !look.styles.isEmpty:
      let model = try PaintingModel(name, in: workspace, on: device, say: say)
      painting = .onePass(try model.painters(look, colours: colours, masks: masks).map(\.painter), ground: .white)
      words = [("Model", "\(model.name.shownName), sha256:\(model.hash)")]
    case .model(let name, let back):
      let model = try TransferModel(name, back: back, in: workspace, on: device, say: say)
      painting = .onePass([model.network], ground: model.ground)
      words = model.words
    case .optimise:
      let network = try styleNetwork(look.network, in: workspace, on: device, say: say)
      let styles = try look.styles.map { path in
        let style = try look.stylePicture(path).colours(on: device)
        return look.colours == .matched ? matchingColours(of: colours, in: style) : style
      }
      painting = .optimised(network, styles: styles)
      words = [("Network", look.network), ("Settings", look.settings.json)]
    }
    var steadying = Steadying()
    steadying.strength = request.steadiness
    self.steadying = request.steadiness > 0 ? steadying : nil
    follow()
  }

  private func follow() {
    guard case .onePass(let painters, _) = painting, request.steadiness > 0 else { return }
    for painter in painters { painter.follow() }
  }

  /// What the next frame depends on.
  var state: [String: Tensor] {
    var state: [String: Tensor] = [:]
    if let last { (state["frame"], state["painted"]) = (last.frame, last.painted) }
    for (i, mask) in masks.enumerated() { state["mask.\(i)"] = mask }
    guard case .onePass(let painters, _) = painting else { return state }
    for (i, painter) in painters.enumerated() {
      for (j, pair) in painter.followed.enumerated() {
        (state["followed.\(i).\(j).0"], state["followed.\(i).\(j).1"]) = pair
      }
    }
    return state
  }

  /// Goes on from what `state` was after some frames.
  func restore(_ state: [String: Tensor]) throws {
    if let frame = state["frame"], let painted = state["painted"] { last = (frame.to(device), painted.to(device)) }
    masks = masks.indices.map { state["mask.\($0)"]?.to(device) ?? masks[$0] }
    guard case .onePass(let painters, _) = painting else { return }
    for (i, painter) in painters.enumerated() {
      var found: [(Tensor, Tensor)] = []
      while let a = state["followed.\(i).\(found.count).0"], let b = state["followed.\(i).\(found.count).1"] {
        found.append((a.to(device), b.to(device)))
      }
      painter.followed = found
    }
  }

  /// - Parameters:
  ///   - frame: of the size that is painted.
  ///   - time: at which it is shown, in seconds.
  /// - Returns: nil when it was stopped.
  /// - Throws: `TransferError`, `RestyleError`.
  func painted(_ frame: Picture, at time: Double, shouldStop: () -> Bool) throws -> Picture? {
    let ground: Ground = if case .onePass(_, let ground) = painting { ground } else { .white }
    // Under transparency, films have any colour.
    let colours = (frame.channels == 4 ? frame.flattened(on: ground) : frame).colours(on: device)
    var motion: Steadying.Motion?
    if let last, steadying != nil || request.masksFollow {
      let found = (steadying ?? Steadying()).motion(of: colours, after: last.frame)
      if found.isCut { follow() } else { motion = found }
    }
    moveMasks(motion, to: time, size: [frame.height, frame.width])
    let moved = last.flatMap { last in motion.map { warped(last.painted, by: $0.flow, mode: .bicubic) } }
    guard var made = try paint(colours, moved, motion, shouldStop) else { return nil }
    if request.usesModel, look.settings.strength < 1 { made = colours + (made - colours) * look.settings.strength }
    if let steadying, let motion, let moved { made = steadying.mixed(made, with: moved, motion) }
    last = (colours, made)
    let dressed =
      request.usesModel && look.colours == .matched && look.styles.isEmpty
      ? matchingColours(of: colours, in: made) : made
    return finished(clamp(dressed, min: 0, max: 1), frame, colours, look.colours, masks)
  }

  private func paint(_ colours: Tensor, _ moved: Tensor?, _ motion: Steadying.Motion?, _ shouldStop: () -> Bool) throws
    -> Tensor?
  {
    switch painting {
    case .onePass(let painters, _):
      let pairs = painters.enumerated().map { i, painter in
        (painter: painter, mask: painters.count > 1 ? Optional(masks[i]) : nil)
      }
      return try Workshop.painted(colours, by: pairs, look, shouldStop: shouldStop)
    case .optimised(let network, let styles):
      var settings = look.settings
      var start: Tensor?, anchor: StyleOptimization.Anchor?
      if let moved, let motion {
        // What comes into sight begins as the film shows it.
        start = clamp(colours + (moved - colours) * motion.trust, min: 0, max: 1)
        anchor = StyleOptimization.Anchor(picture: clamp(moved, min: 0, max: 1), trust: motion.trust)
        (settings.start, settings.steps) = (.picture, min(settings.steps, Self.laterSteps))
        settings.rate *= 0.5
      } else {
        settings.start = look.settings.start == .noise ? .noise : .content
      }
      let work = try StyleOptimization(
        content: colours, regions: regions(styles, look.weights, masks), network: network, settings: settings,
        start: start, anchor: anchor)
      for step in work {
        if shouldStop() { return nil }
        guard step.number < work.total || step.loss().isFinite else { throw RestyleError.diverged(step: step.number) }
      }
      return resized(work.picture, [colours.size(2), colours.size(3)])
    }
  }

  /// A mask that is a film is that of the frame's time, its last one staying; one that follows goes where its things went.
  private func moveMasks(_ motion: Steadying.Motion?, to time: Double, size: [Int]) {
    for (i, reader) in maskReaders.enumerated() {
      if let reader {
        if let picture = reader.shown(at: time + Self.rounding) {
          masks[i] = cover(of: picture, for: PictureSize(size[1], size[0]), fit: look.maskFit ?? .stretch, on: device)
        }
      } else if request.masksFollow, let motion {
        masks[i] = clamp(warped(masks[i], by: motion.flow), min: 0, max: 1)
      }
    }
  }
}

/// A mask that is a film; nil for a picture.
///
/// - Throws: `ClipError` for a film that isn't there or can't be read: nothing would be masked else.
private func maskReader(_ path: String) throws(ClipError) -> ClipReader? {
  let isStill = PictureFormat.extensions.contains((path as NSString).pathExtension.lowercased())
  guard ClipSignature.isClip(path) || isClip(path) && !isStill else { return nil }
  return try ClipReader(path)
}

/// Whether a name is a film's, by its ending; that of a folder of PNGs ends in a slash.
public func isClip(_ path: String) -> Bool { (try? ClipFormat(path)) != nil }
