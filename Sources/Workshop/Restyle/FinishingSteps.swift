import Networks
import Media
import Models
import Torch

/// The few steps of the optimisation that follow one pass, which bring its strokes to the painting's.
struct FinishingSteps {
  /// How many.
  var count: Int { settings.steps }
  let settings: StyleSettings
  private let regions: [StyleOptimization.Region]
  private let network: VGG

  /// Nil where none are to follow; why is said, if that is no wish.
  ///
  /// - Parameters:
  ///   - wished: how many; nil for as many as `StyleSettings` says, where they take seconds.
  ///   - content: of the size that is painted.
  /// - Throws: `RestyleError`, `PictureError`, and, where somebody wishes for steps, as `installModel`.
  init?(
    _ wished: Int?, _ request: RestyleRequest, _ content: Picture, masks: [Tensor], in workspace: Workspace,
    on device: Device, say: (String) -> Void
  ) throws {
    let side = max(content.width, content.height)
    guard wished != 0, min(content.width, content.height) >= RestyleError.smallest else { return nil }
    guard wished != nil || side <= StyleSettings.largestFinishedSide else {
      say(
        "It is painted in one pass, being larger than \(StyleSettings.largestFinishedSide) px: --steps \(StyleSettings.finishingSteps) "
          + "paints on from there.")
      return nil
    }
    var request = request
    var settings = StyleSettings.finishing(wished ?? StyleSettings.finishingSteps, size: side)
    (settings.precision, settings.styleScale) = (request.settings.precision, request.settings.styleScale)
    // Less than 1 mixes the content in at the end.
    settings.strength = max(1, request.settings.strength)
    request.settings = settings
    do {
      settings.tile = try tile(for: content, request, on: device)
      network = try styleNetwork(request.network, in: workspace, on: device, say: say)
    } catch  where wished == nil {
      let reason = (error as? any Explained)?.sentence ?? "\(error)"
      say("The steps after the pass are left out: \(reason)")
      return nil
    }
    self.settings = settings
    let colours = content.visibleColours(on: device)
    let styles = try request.styles.map { path in
      let picture = try request.stylePicture(path).colours(on: device)
      return request.colours == .matched ? matchingColours(of: colours, in: picture) : picture
    }
    regions = Workshop.regions(styles, request.weights, masks)
  }

  /// - Parameters:
  ///   - pass: what was painted, [1, 3, H, W] in 0...1.
  ///   - content: of the same shape.
  ///   - shouldStop: asked before each step.
  ///   - report: told how many are done.
  /// - Returns: what is painted then, and after how many steps.
  /// - Throws: `RestyleError.diverged`.
  func callAsFunction(
    _ pass: Tensor, content: Tensor, shouldStop: () -> Bool, report: (Int) -> Void
  ) throws -> (picture: Tensor, done: Int) {
    // relu5_1 counts a 341st, and its roots cost as much as relu4_1's.
    let work = try StyleOptimization(
      content: content, regions: regions, network: network, settings: settings, start: pass, depth: 4)
    guard !shouldStop() else { return (pass, 0) }
    for step in work {
      guard step.loss().isFinite else { throw RestyleError.diverged(step: step.number) }
      report(step.number)
      if shouldStop() { break }
    }
    return (work.picture, work.done)
  }
}
