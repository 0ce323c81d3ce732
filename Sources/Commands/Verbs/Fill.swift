import ArgumentParser
import Foundation
import Workshop

struct FillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fill",
    abstract: "Inpainting: fill what a mask covers; all other pixels stay unchanged.",
    discussion: """
      White in the mask is filled. Without --with, the fill is predicted from the surrounding pixels by a Gaussian \
      process (kriging). It removes scratches, dust, writing and thin objects:
        atelier fill photo.jpg --mask scratches.png --out mended.png
      A run of a diffusion model fills larger holes, with another result for each random seed:
        atelier fill face.png --mask mouth.png --with RUN --seeds 0-8 --out faces
      A large model, of the inpainting kind or a plain one, fills by words, or goes on beyond the edges (outpainting):
        atelier fill room.jpg --mask wall.png --with v1-5.safetensors --prompt "a window" --out window.png
        atelier fill room.jpg --extend left:256,top:64 --with v1-5.safetensors --prompt "a room" --out wide.png
      """)

  @Argument(help: "The picture to fill.")
  var picture: String

  @Option(
    help: ArgumentHelp(
      "The mask: a picture that is white where to fill; what is black or transparent stays, and grey is filled partly.",
      valueName: "picture"))
  var mask: String?

  @Option(
    help: ArgumentHelp(
      "With a large model, in place of --mask: how many pixels the picture grows on which sides, such as left:256,top:64.",
      valueName: "side:px"))
  var extend: String?

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif or .avif; for several seeds a folder of PNGs.", valueName: "file"))
  var out: String

  @Option(
    help: ArgumentHelp("A run of a diffusion model, or a large model, that generates the filling.", valueName: "run"))
  var with: String?

  @Option(help: ArgumentHelp("Random seeds, with --with, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Option(
    help: ArgumentHelp(
      "With a large model: how far what is masked is forgotten, above 0 to 1. (default: 1)", valueName: "x"))
  var strength: Double?

  @Option(help: ArgumentHelp("With a large model, denoising steps, of which --strength takes a part.", valueName: "n"))
  var steps = Asked(20)

  @Option(
    help: ArgumentHelp(
      "With a large model, the longer side at which it is drawn. (default: as many pixels as it was trained on)",
      valueName: "n"))
  var size: Int?

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var large: LargeArguments
  @OptionGroup var computing: LargeComputing
  @OptionGroup var masking: MaskOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = try request()
    (request.seeds, request.force) = (try Seeds(seeds), force)
    (request.maskFit, request.quality) = (masking.maskFit, output.quality)
    let made: FilesMade
    if let with, isLargeModel(with, in: common.place) {
      try refuse(
        [("sampling", drawing.sampling != nil), ("class", drawing.className != nil)],
        "for \(with), a model that draws by words")
      let settings = try large.settings(
        steps: steps.value, guidance: drawing.guidance, precision: computing.precision?.value, memory: computing.memory)
      let editing = try large.editing(with: with, settings, strength: strength, size: size)
      made = try fill(
        request, with: editing, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
        tell: teller.tell)
    } else {
      try refuse(
        large.given + computing.given + [
          ("strength", strength != nil), ("steps", steps.isGiven), ("size", size != nil), ("extend", extend != nil),
        ],
        with.map(notByWords) ?? "without --with and a model that draws by words")
      (request.run, request.samplingOptions) = (with, drawing.value)
      made = try fill(
        request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
        tell: teller.tell)
    }
    teller.finish(.fill(made))
  }

  private func request() throws -> FillRequest {
    if let extend {
      try refuse(
        [("mask", mask != nil), ("mask-fit", masking.maskFit != nil)], "with --extend, which says what is new")
      return FillRequest(picture: picture, extending: try CanvasSides(extend), out: out)
    }
    guard let mask else {
      throw ValidationError("Give --mask, which says what is filled, or --extend with a large model.")
    }
    return FillRequest(picture: picture, mask: mask, out: out)
  }
}
