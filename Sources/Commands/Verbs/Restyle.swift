import ArgumentParser
import Foundation
import Models
import enum Media.PictureFormat
import Workshop

struct RestyleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restyle",
    abstract: "Style transfer: paint a picture or a film in the style of another picture.",
    discussion: """
      A trained network paints the content in one pass. Then the pixels change for 40 steps of optimisation, until \
      another network (VGG16) sees the content in the style's colours and strokes:
        atelier restyle photo.jpg --style painting.jpg --out painted.png
      In seconds, at 512 px or less with 8 steps (--steps 0: the pass alone, at any size):
        atelier restyle photo.jpg --style painting.jpg --quick --out painted.png
      By optimisation alone, from a small size to a large one, with whole strokes. It takes many minutes and paints \
      over more of the content:
        atelier restyle photo.jpg --style painting.jpg --method optimise --out painted.png
      Image-to-image translation, with a run that learned it (train --towards), in seconds:
        atelier restyle photo.jpg --with RUN --out painted.png
      By words, with a large model, along the photo's edges, which a ControlNet is shown:
        atelier restyle photo.jpg --with v1-5.safetensors --prompt "an ink drawing" --control canny.safetensors:edges --out ink.png
      A film is painted frame by frame, in one pass, and the paint follows what moves:
        atelier restyle clip.mp4 --style painting.jpg --out painted.mp4
      """)

  @Argument(help: "The content: the picture or film to paint.")
  var content: String

  @Option(help: ArgumentHelp("The style picture, such as a painting; several are mixed.", valueName: "picture"))
  var style: [String] = []

  @Option(
    help: ArgumentHelp(
      "instant: one pass, and 40 steps up to 1,024 px; for films the pass alone. Or optimise. (default: instant)",
      valueName: "how"))
  var method: Method?

  @Option(
    name: .customLong("with"),
    help: ArgumentHelp(
      "A trained run or model, of translation (without --style) or of styles, or a large model; --strength is 0 to 1.",
      valueName: "run"))
  var learned: String?

  @Flag(help: "With --with: translate the other way, from the second set to the first.")
  var back = false

  @Option(help: ArgumentHelp("Weights of the styles, such as 2,1.", valueName: "list"))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "A mask for each style, a picture or for a film a film: white where to paint; what is black or transparent stays.",
      valueName: "picture"))
  var mask: [String] = []

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif or .avif; for a film .mp4, .mov, .mkv, .webm, .gif, .apng, or a folder/ of PNGs.",
      valueName: "file"
    ))
  var out: String

  @Flag(help: "A first look: 8 steps, and at most 512 pixels unless --size says otherwise.")
  var quick = false

  @Flag(help: "Paint a frame or border around the style picture, too; else it is left out where it is found.")
  var keepFrame = false

  @Option(
    help: ArgumentHelp(
      "Longer side in pixels. (default: the content's, at most 1,024; in one pass the content's; with optimise 512)",
      valueName: "n"))
  var size: Int?

  @Option(
    help: ArgumentHelp(
      "Strength of the style: 0.01 to 100; up to 1 for films and for --steps 0. With a large model, how far the content is forgotten, above 0 to 1 (default: 0.75).",
      valueName: "x"))
  var strength = Asked(1.0)

  @Option(
    help: ArgumentHelp(
      "With optimise, weight of whole strokes (nearest-neighbour loss), up to 1,024 px; 0 for none, nearer to the content. (default: 2.0)",
      valueName: "x"))
  var strokes: Double?

  @Option(help: ArgumentHelp("Size of the strokes relative to the painting's own.", valueName: "x"))
  var styleScale = Asked(1.0)

  @Option(
    help: ArgumentHelp(
      "Colours to use: style, content, or matched (the style recoloured with the content's colours).",
      valueName: "whose"))
  var colours = Asked(RestyleRequest.Colours.style)

  @Option(
    help: ArgumentHelp(
      "Optimisation steps after the pass; with optimise, at each size (the first has twice as many); with a large model, denoising steps. (default: 40; with optimise 250; with a large model 20)",
      valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "With optimise, weight of the total variation loss: more is smoother. (default: 2)", valueName: "x"))
  var smoothness: Double?

  @Option(
    help: ArgumentHelp("With optimise, style loss: wasserstein, or gram (Gatys et al. 2015).", valueName: "loss"))
  var loss = Asked(StyleSettings.Loss.wasserstein)

  @Option(
    help: ArgumentHelp(
      "With optimise: adam; lbfgs (Gatys et al. 2015), which takes fewer steps; or descent, for a few steps from a painted start.",
      valueName: "how"))
  var optimizer = Asked(StyleSettings.Method.adam)

  @Option(
    help: ArgumentHelp(
      "With optimise, start from content, noise, instant (that method's pass) or a picture's file. (default: content)",
      valueName: "what"))
  var start: String?

  @Option(
    help: ArgumentHelp(
      "Feature network: vgg16, the name of an imported VGG19, or random (untrained, no download).", valueName: "name")
  )
  var network = Asked("vgg16")

  @Option(help: ArgumentHelp("Random seed of the starting noise, also a large model's.", valueName: "n"))
  var seed = Asked<UInt64>(0)

  @Option(help: ArgumentHelp("Number format: auto, bfloat16 or float32.", valueName: "name"))
  var precision = Asked("auto")

  @Option(
    help: ArgumentHelp(
      "Memory limit in gigabytes; larger pictures are processed in tiles, a large model's parts loaded in turn. (default: half of the machine's)",
      valueName: "n"))
  var memory: Double?

  @Option(help: ArgumentHelp("Seconds between saves of unfinished work.", valueName: "n"))
  var saveEvery = Asked(60.0)

  @Flag(help: "Continue work that was stopped or killed.")
  var resume = false

  @Flag(help: "Overwrite an existing file, and start again.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "With a large model, classifier-free guidance towards --prompt. (default: 7.5, or what the model's file says)",
      valueName: "x"))
  var guidance: Double?

  @OptionGroup var large: LargeArguments
  @OptionGroup var control: ControlArguments
  @OptionGroup var clip: RestyleClipOptions
  @OptionGroup var masking: MaskOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    if let learned, isLargeModel(learned, in: common.place) { return try drawByWords(with: learned) }
    try refuse(
      large.given + control.given + [("guidance", guidance != nil)],
      learned.map(notByWords) ?? "without --with and a model that draws by words")
    if mask.isEmpty { try refuse([("mask-fit", masking.maskFit != nil)], "without --mask") }
    // WebP is a picture's format and a film's: what is painted decides.
    let isForFilms = isClip(out) && !PictureFormat.extensions.contains((out as NSString).pathExtension.lowercased())
    if try isForFilms || makesFilm(of: content, out: out) { return try paintClip() }
    guard !clip.areGiven else {
      throw ValidationError(
        "--steadiness, --masks-follow, --codec and --rate are for films: let --out end in .mp4, say.")
    }
    guard method != .optimise || learned == nil else {
      throw ValidationError("Give --method optimise or --with, not both: what was learned paints in one pass.")
    }
    if let learned, style.isEmpty { return try change(with: learned) }
    guard !back else { throw ValidationError("Give --back with --with: styles go one way.") }
    if method != .optimise { return try paintInstantly(by: learned ?? "instant") }
    try refuse([("quick", quick)], "with --method optimise, which --steps shortens")
    try refuseSeed()
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
    (request.colours, request.network, request.masks) = (colours.value, network.value, mask)
    request.keepsFrame = keepFrame
    (request.memory, request.force, request.resume) = (memory, force, resume)
    (request.saveEvery, request.quality) = (saveEvery.value, output.quality)
    request.maskFit = masking.maskFit
    var settings = StyleSettings()
    if let size { settings.size = size }
    if let steps { (settings.firstSteps, settings.steps) = (2 * steps, steps) }
    if let smoothness { settings.smoothness = smoothness }
    (settings.strength, settings.styleScale, settings.loss) = (strength.value, styleScale.value, loss.value)
    let start = start ?? "content"
    settings.start = start == "instant" ? .picture : StyleSettings.Start(rawValue: start) ?? .picture
    if settings.start == .picture { request.start = start }
    if let strokes { settings.strokes = strokes }
    (settings.seed, settings.precision, settings.optimizer) = (seed.value, precision.value, optimizer.value)
    request.settings = settings
    return request
  }

  /// Options of the optimisation, which one pass has no use for.
  var ofSteps: [(name: String, isGiven: Bool)] {
    [
      ("loss", loss.isGiven), ("optimizer", optimizer.isGiven), ("seed", seed.isGiven),
      ("save-every", saveEvery.isGiven),
    ]
  }

  func refuseSeed() throws {
    guard start != "noise" else { return }
    try refuse([("seed", seed.isGiven)], "without --start noise, which is all that is drawn by chance")
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
