import ArgumentParser
import Foundation
import Media
import Models
import Workshop

/// Options of `restyle` for films.
struct RestyleClipOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "For a film: temporal consistency, the share of the previous frame's paint that is kept; 0 paints each frame by itself. (default: 0.8)",
      valueName: "x"))
  var steadiness: Double?

  @Flag(help: "For a film: masks fit the first frame and follow the motion.")
  var masksFollow = false

  @Option(help: ArgumentHelp("For a film, the video codec: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Option(
    help: ArgumentHelp(
      "For a film: frames a second at an even rate, by repeating and leaving out. (default: the film's own times)",
      valueName: "n"))
  var rate: String?

  var areGiven: Bool { steadiness != nil || masksFollow || codec != nil || rate != nil }
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
    guard self.method != .optimise || learned == nil else {
      throw ValidationError("Give --method optimise or --with, not both: what was learned paints in one pass.")
    }
    try refuse([("quality", output.quality != nil)], "for a film")
    try refuse([("save-every", saveEvery.isGiven)], "for a film, which is saved every two seconds of it")
    if onePass {
      try refuse(ofSteps + [("network", network.isGiven)], "for a film that is painted in one pass")
      if style.isEmpty {
        try refuse(
          [
            ("weights", weights != nil), ("precision", precision.isGiven), ("style-scale", styleScale.isGiven),
            ("keep-frame", keepFrame),
          ],
          "with --with and no --style")
      } else {
        try refuse([("back", back)], "with --style, which goes one way")
      }
    } else {
      try refuseSeed()
      try refuse([("memory", memory != nil)], "for a film that is optimised, whose frames are painted whole")
      try refuse(
        [("start", start.map { StyleSettings.Start(rawValue: $0) == nil || $0 == "picture" } ?? false)],
        "for a film unless it is content or noise, since each frame begins with the one before")
    }
    // Frames after the first begin with the one before, and need no more.
    if !onePass && steps == nil { (look.settings.firstSteps, look.settings.steps) = (200, 100) }
    let method: ClipRestyleRequest.Method = onePass ? .model(learned ?? "instant", back: back) : .optimise
    var request = ClipRestyleRequest(look, method: method)
    (request.size, request.codec, request.masksFollow) = (size, clip.codec, clip.masksFollow)
    if let rate = clip.rate { request.rate = try FrameRate(rate) }
    if let steadiness = clip.steadiness { request.steadiness = steadiness }
    teller.finish(
      .restyleClip(
        try restyle(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
