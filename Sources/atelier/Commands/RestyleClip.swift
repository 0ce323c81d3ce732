import ArgumentParser
import Foundation
import Media
import Models
import Workshop

/// What `restyle` takes for films alone.
struct RestyleClipOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of a film, how much of the frame before stays on what moves; 0 paints each by itself. (default: 0.8)",
      valueName: "x"))
  var steadiness: Double?

  @Flag(help: "Masks fit a film's first frame, and go where its things go.")
  var masksFollow = false

  @Option(help: ArgumentHelp("Of a film: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  var areGiven: Bool { steadiness != nil || masksFollow || codec != nil }
}

extension RestyleCommand {
  /// `restyle FILM --out FILM`.
  func paintClip() throws {
    let teller = common.teller(stops: .fromTheStart)
    var look = try self.request()
    let kind = method ?? .instant
    let onePass = learned != nil || kind == .instant
    if onePass && (quick || steps != nil || strokes != nil || smoothness != nil || start != nil) {
      throw ValidationError(
        "A film is painted in one pass: leave out --quick, --steps, --strokes, --smoothness and --start, or use --method "
          + "optimise.")
    }
    guard learned != nil || !back else { throw ValidationError("Give --back with --with: styles go one way.") }
    guard learned == nil || !style.isEmpty || mask.count <= 1 else {
      throw ValidationError("Give one --mask with --with: white where the picture changes.")
    }
    // Frames after the first begin with the one before, and need no more.
    if !onePass && steps == nil { (look.settings.firstSteps, look.settings.steps) = (200, 100) }
    let method: ClipRestyleRequest.Method = onePass ? .model(learned ?? "instant", back: back) : .optimise
    var request = ClipRestyleRequest(look, method: method)
    (request.size, request.codec, request.masksFollow) = (size, clip.codec, clip.masksFollow)
    if let steadiness = clip.steadiness { request.steadiness = steadiness }
    teller.finish(
      .restyleClip(
        try restyle(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
