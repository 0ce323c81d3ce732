import ArgumentParser
import Foundation
import Models
import Workshop

struct RestyleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restyle",
    abstract: "Carry a painter's hand to another picture.",
    discussion: """
      The content's things are painted anew until a network sees them made of the style's colours and strokes, from a \
      small picture to a large one:
        atelier restyle photo.jpg --style painting.jpg --out painted.png
      The same by one pass and eight steps from there, at the picture's own size, or with --steps 0 at once:
        atelier restyle photo.jpg --method instant --style painting.jpg --out painted.png
      Or they are changed by what a run has learned (train --towards), in seconds and at their own size:
        atelier restyle photo.jpg --with RUN --out painted.png
      A film is painted frame by frame, and paint stays on what moves; instant, unless --method says otherwise:
        atelier restyle clip.mp4 --style painting.jpg --out painted.mp4
      """)

  @Argument(help: "The picture or the film whose things are kept.")
  var content: String

  @Option(help: ArgumentHelp("A painting whose style is carried over; several are mixed.", valueName: "picture"))
  var style: [String] = []

  @Option(
    help: ArgumentHelp(
      "optimise, or instant: one pass, and 8 steps up to 768 px; strength 0.01 to 1. (default: optimise; for films instant, in one pass)",
      valueName: "how"))
  var method: Method?

  @Option(
    name: .customLong("with"),
    help: ArgumentHelp(
      "A run or a model that has learned the change, in place of a style, or any style; strength is 0 to 1.",
      valueName: "run"))
  var learned: String?

  @Flag(help: "With what was learned: the other way, from the second set to the first.")
  var back = false

  @Option(help: ArgumentHelp("How much each style counts, such as 2,1.", valueName: "list"))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "A picture, or for a film a film, for each style: white where it is painted; the rest stays.",
      valueName: "picture"))
  var mask: [String] = []

  @Option(
    help: ArgumentHelp(
      "The new PNG file; of a film .mp4, .mov, .mkv, .webm, .gif, .apng, or a folder/ of PNGs.", valueName: "file"))
  var out: String

  @Flag(help: "24 steps from what instant paints, and 384 pixels, for a first look.")
  var quick = false

  @Option(
    help: ArgumentHelp(
      "Pixels of the longer side. (default: 512; in one pass: the content's)", valueName: "n"))
  var size: Int?

  @Option(help: ArgumentHelp("How strongly the style is painted: 0.01 to 100.", valueName: "x"))
  var strength = 1.0

  @Option(
    help: ArgumentHelp(
      "Weight of whole strokes, up to 1,024 px; 0 for none: nearer to the content. (default: 2.0)", valueName: "x"))
  var strokes: Double?

  @Option(help: ArgumentHelp("Size of the strokes beside the painting's own.", valueName: "x"))
  var styleScale = 1.0

  @Option(
    help: ArgumentHelp(
      "Colours of the style, of the content, or matched: the style in the content's.", valueName: "whose"))
  var colours = RestyleRequest.Colours.style

  @Option(
    help: ArgumentHelp(
      "Steps at each size but the first, which has twice as many; with instant, after the pass. (default: 250; 8)",
      valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("Weight of the total variation: more is smoother. (default: 2)", valueName: "x"))
  var smoothness: Double?

  @Option(help: ArgumentHelp("What is called style: wasserstein, or gram as in 2015.", valueName: "loss"))
  var loss = StyleSettings.Loss.wasserstein

  @Option(
    help: ArgumentHelp(
      "adam; lbfgs as in 2015: fewer steps, no memory between sizes; or descent: for few steps from what is painted.",
      valueName: "how"))
  var optimizer = StyleSettings.Method.adam

  @Option(
    help: ArgumentHelp(
      "Begin with content, noise, instant (what that method paints) or a picture, which needs few steps. (default: content)",
      valueName: "what"))
  var start: String?

  @Option(
    help: ArgumentHelp("vgg16, an imported VGG19's name, or random: untrained, nothing to download.", valueName: "name")
  )
  var network = "vgg16"

  @Option(help: ArgumentHelp("Of the noise to begin with.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("auto, bfloat16 or float32.", valueName: "name"))
  var precision = "auto"

  @Option(help: ArgumentHelp("Gigabytes to keep to, by tiles. (default: half of the machine's)", valueName: "n"))
  var memory: Double?

  @Option(help: ArgumentHelp("Seconds between savings of what isn't done.", valueName: "n"))
  var saveEvery = 60.0

  @Flag(help: "Go on with what was stopped or killed.")
  var resume = false

  @Flag(help: "Replace a file that is there, and begin anew.")
  var force = false

  @OptionGroup var clip: RestyleClipOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    if isClip(out) { return try paintClip() }
    guard !clip.areGiven else {
      throw ValidationError("--steadiness, --masks-follow and --codec are for films: let --out end in .mp4, say.")
    }
    if method == .instant || learned != nil && !style.isEmpty { return try paintInstantly(by: learned ?? "instant") }
    if let learned { return try change(with: learned) }
    let teller = common.teller(stops: .onceItWorks)
    teller.finish(
      .restyle(
        try restyle(
          request(), in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }

  func request() throws -> RestyleRequest {
    var request = RestyleRequest(content: content, styles: style, out: out)
    request.weights = try numbers(weights)
    (request.colours, request.network, request.masks) = (colours, network, mask)
    (request.memory, request.force, request.resume) = (memory, force, resume)
    request.saveEvery = saveEvery
    var settings = quick ? StyleSettings.quick : StyleSettings()
    if let size { settings.size = size }
    if let steps { (settings.firstSteps, settings.steps) = (2 * steps, steps) }
    if let smoothness { settings.smoothness = smoothness }
    (settings.strength, settings.styleScale, settings.loss) = (strength, styleScale, loss)
    let start = start ?? (quick ? "instant" : "content")
    settings.start = start == "instant" ? .picture : StyleSettings.Start(rawValue: start) ?? .picture
    if settings.start == .picture { request.start = start }
    if let strokes { settings.strokes = strokes }
    (settings.seed, settings.precision, settings.optimizer) = (seed, precision, optimizer)
    request.settings = settings
    return request
  }

  private func numbers(_ text: String?) throws -> [Double] {
    try (text ?? "").split(separator: ",").map { part in
      guard let number = Double(part.trimmingCharacters(in: .whitespaces)) else {
        throw ValidationError("--weights can't be '\(text ?? "")': give numbers with commas between, such as 2,1.")
      }
      return number
    }
  }
}

enum Method: String, ExpressibleByArgument, CaseIterable { case optimise, instant }

extension RestyleRequest.Colours: ExpressibleByArgument {}
extension StyleSettings.Loss: ExpressibleByArgument {}
extension StyleSettings.Method: ExpressibleByArgument {}
