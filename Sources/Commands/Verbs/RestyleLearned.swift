import ArgumentParser
import Foundation
import Models
import Workshop

extension RestyleCommand {
  /// `restyle --with`: by what a run has learned.
  func change(with model: String) throws {
    guard weights == nil else { throw ValidationError("Give --weights with --style: what was learned has its style.") }
    guard mask.count <= 1 else {
      throw ValidationError("Give one --mask with --with: white where the picture changes.")
    }
    guard !resume && !quick && steps == nil && strokes == nil && smoothness == nil && start == nil else {
      throw ValidationError(
        "--with takes one pass: leave out --resume, --quick, --steps, --strokes, --smoothness and --start.")
    }
    try refuse(
      ofSteps + [
        ("network", network.isGiven), ("precision", precision.isGiven), ("style-scale", styleScale.isGiven),
        ("keep-frame", keepFrame),
      ], "with --with, which takes one pass without a style")
    var request = LearnedRequest(content: content, model: model, out: out)
    (request.back, request.size, request.strength) = (back, size, strength.value)
    (request.colours, request.mask, request.memory, request.force) = (colours.value, mask.first, memory, force)
    (request.maskFit, request.quality) = (masking.maskFit, output.quality)
    let teller = common.teller(stops: .onceItWorks)
    teller.finish(
      .restyle(
        try restyle(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }

  /// `restyle` by default, and `--with` a run of the recipe instant.
  func paintInstantly(by model: String) throws {
    try refuse(
      ofSteps + [
        ("strokes", strokes != nil), ("smoothness", smoothness != nil), ("start", start != nil), ("resume", resume),
      ], "without --method optimise")
    try refuse([("quick", quick && steps != nil)], "with --steps, whose number it chooses")
    if let steps, steps < 0 { throw RestyleError.badNumber(option: "steps", value: Double(steps), range: "from 0 on") }
    var request = try request()
    // They are steps of another kind here, and may be none.
    request.settings.steps = StyleSettings().steps
    let teller = common.teller(stops: .onceItWorks)
    teller.finish(
      .restyle(
        try restyleInstantly(
          request, by: model, size: size, longest: quick ? StyleSettings.quickSide : StyleSettings.largestFinishedSide,
          finishingSteps: steps ?? (quick ? StyleSettings.quickSteps : nil), in: common.place, on: device.resolved(),
          shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }
}
