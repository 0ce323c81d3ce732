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
      ], "with --with, which takes one pass without a style")
    var request = LearnedRequest(content: content, model: model, out: out)
    (request.back, request.size, request.strength) = (back, size, strength)
    (request.colours, request.mask, request.memory, request.force) = (colours, mask.first, memory, force)
    let teller = common.teller(stops: .onceItWorks)
    teller.finish(
      .restyle(
        try restyle(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }

  /// `restyle --method instant`, or `--with` a run of the recipe instant.
  func paintInstantly(by model: String) throws {
    guard !resume && !quick && !back else {
      throw ValidationError("The instant method takes one pass: leave out --resume, --quick and --back.")
    }
    guard strokes == nil && smoothness == nil && start == nil else {
      throw ValidationError(
        "The instant method has no strokes, smoothness or start: leave these out, or paint on by --start instant in "
          + "place of --method instant.")
    }
    try refuse(ofSteps, "with the instant method, which takes one pass and some steps of their own kind")
    if let steps, steps < 0 { throw RestyleError.badNumber(option: "steps", value: Double(steps), range: "from 0 on") }
    var request = try request()
    // They are steps of another kind here, and may be none.
    request.settings.steps = StyleSettings().steps
    let teller = common.teller(stops: .onceItWorks)
    teller.finish(
      .restyle(
        try restyleInstantly(
          request, by: model, size: size, finishingSteps: steps, in: common.place, on: device.resolved(),
          shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }
}
