import ArgumentParser
import Foundation
import Workshop

extension RestyleCommand {
  /// `restyle --with` a large model.
  func drawByWords(with model: String) throws {
    guard try !makesFilm(of: content, out: out) else {
      throw ValidationError(
        "\(model) draws pictures by words, and no films: name a picture, and let --out end in .png, say.")
    }
    try refuse(
      ofSteps.filter { $0.name != "seed" } + [
        ("style", !style.isEmpty), ("method", method != nil), ("back", back), ("weights", weights != nil),
        ("mask", !mask.isEmpty), ("mask-fit", masking.maskFit != nil), ("quick", quick), ("keep-frame", keepFrame),
        ("strokes", strokes != nil), ("style-scale", styleScale.isGiven), ("colours", colours.isGiven),
        ("smoothness", smoothness != nil), ("start", start != nil), ("network", network.isGiven), ("resume", resume),
        ("steadiness", clip.steadiness != nil), ("masks-follow", clip.masksFollow), ("codec", clip.codec != nil),
        ("rate", clip.rate != nil),
      ], "for \(model), a model that draws by words")
    var settings = try large.settings(
      steps: steps, guidance: guidance, precision: largePrecision(precision.value), memory: memory)
    settings.controls = try control.choices()
    let editing = try large.editing(with: model, settings, strength: strength.given, size: size)
    var request = RedrawRequest(picture: content, run: model, out: out)
    (request.seeds, request.quality, request.force) = (Seeds([seed.value]), output.quality, force)
    let teller = common.teller(stops: .fromTheStart)
    teller.finish(
      .restyle(
        try restyle(
          request, with: editing, in: common.place, on: device.resolved(),
          shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }
}
