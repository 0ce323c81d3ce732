import ArgumentParser
import Foundation
import Media
import Models
import Workshop

struct VaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vary",
    abstract: "Variations: new pictures or films made of one picture's patches, without training.",
    discussion: """
      Patch-based synthesis (GPNN): noise changes the layout at a small size, then each patch is replaced by its nearest \
      neighbour in the picture, up to the full size:
        atelier vary meadow.jpg --seeds 0-8 --out meadows
        atelier vary meadow.jpg --shape 21:9 --diversity 0 --out wide.png
        atelier vary pebbles.jpg --structure face.jpg --out pebble-face.png
      With a run of a diffusion model, image-to-image: noise is added, then removed (SDEdit):
        atelier vary sketch.png --with RUN --strength 0.5 --seeds 0-8 --out drawn
      With a large model, the same by words:
        atelier vary sketch.png --with v1-5.safetensors --prompt "a harbour in ink" --strength 0.6 --out drawn.png
      Films, such as smoke, fire or water; without sound:
        atelier vary fire.mp4 --seeds 0-4 --out fires
        atelier vary fire.mp4 --seconds 20 --loop --out long.mp4
      """)

  @Argument(help: "The example: a picture or a film.")
  var picture: String

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif, .avif or a film; for several seeds a folder of PNGs.",
      valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Random seeds, a variation each, such as 0-8.", valueName: "list"))
  var seeds = Asked("0")

  @Option(help: ArgumentHelp("Another aspect ratio, width:height: one side stays, the other grows.", valueName: "w:h"))
  var shape: String?

  @Option(help: ArgumentHelp("A picture whose layout to use, filled with the example's patches.", valueName: "picture"))
  var structure: String?

  @Option(
    help: ArgumentHelp("A run of a diffusion model, whose size the result has, or a large model.", valueName: "run"))
  var with: String?

  @Option(
    help: ArgumentHelp(
      "With --with: 0 changes nothing, 1 keeps nothing. (default: 0.6; 0.75 with a large model)", valueName: "x"))
  var strength: Double?

  @Option(help: ArgumentHelp("With a large model, denoising steps, of which --strength takes a part.", valueName: "n"))
  var steps = Asked(20)

  @Option(
    help: ArgumentHelp(
      "Longer side of the example in pixels. (default: 256; with a large model, as many pixels as it was trained on)",
      valueName: "n"))
  var size: Int?

  @Option(
    help: ArgumentHelp(
      "How much the layout changes; 0 keeps it, 6 makes another. (default: 6; for films 8)", valueName: "x"))
  var diversity: Double?

  @Option(
    help: ArgumentHelp(
      "The smaller, the more of the example must appear; larger values allow repetition.", valueName: "x"))
  var completeness = Asked(0.005)

  @Option(help: ArgumentHelp("For a film: length in seconds.", valueName: "s"))
  var seconds: Double?

  @Flag(help: "For a film: make it loop.")
  var loop = false

  @Option(help: ArgumentHelp("For a film, the video codec: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Option(
    help: ArgumentHelp(
      "For a film: frames a second at an even rate, by repeating and leaving out. (default: the film's own times)",
      valueName: "n"))
  var rate: String?

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var large: LargeArguments
  @OptionGroup var computing: LargeComputing
  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    let isOfFilm = try with == nil && makesFilm(of: picture, out: out)
    if let with, isLargeModel(with, in: common.place) { return try drawByWords(with, teller) }
    try refuse(
      large.given + computing.given + [("steps", steps.isGiven)],
      with.map(notByWords) ?? "without --with and a model that draws by words")
    if with != nil {
      try refuse(
        [
          ("shape", shape != nil), ("structure", structure != nil), ("size", size != nil),
          ("diversity", diversity != nil), ("completeness", completeness.isGiven), ("seconds", seconds != nil),
          ("loop", loop), ("codec", codec != nil), ("rate", rate != nil),
        ], "with --with, which draws a picture at the run's own size")
    }
    if with == nil, strength != nil || drawing.value != SamplingOptions() { throw RedrawError.needsRun }
    let made: FilesMade
    if let with {
      var request = RedrawRequest(picture: picture, run: with, out: out)
      (request.seeds, request.samplingOptions, request.force) = (try Seeds(seeds.value), drawing.value, force)
      if let strength { request.strength = strength }
      request.quality = output.quality
      made = try redraw(
        request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested }, tell: teller.tell)
    } else if isOfFilm {
      made = try vary(
        clipRequest(), on: device.resolved(), shouldStop: { Interruption.isRequested }, tell: teller.tell)
    } else {
      made = try vary(request(), on: device.resolved(), shouldStop: { Interruption.isRequested }, tell: teller.tell)
    }
    teller.finish(.vary(made))
  }

  /// With a large model.
  private func drawByWords(_ model: String, _ teller: Teller) throws {
    try refuse(
      [
        ("shape", shape != nil), ("structure", structure != nil), ("diversity", diversity != nil),
        ("completeness", completeness.isGiven), ("seconds", seconds != nil), ("loop", loop), ("codec", codec != nil),
        ("rate", rate != nil), ("sampling", drawing.sampling != nil), ("class", drawing.className != nil),
      ], "for \(model), a model that draws by words")
    let settings = try large.settings(
      steps: steps.value, guidance: drawing.guidance, precision: computing.precision?.value, memory: computing.memory)
    let editing = try large.editing(with: model, settings, strength: strength, size: size)
    var request = RedrawRequest(picture: picture, run: model, out: out)
    (request.seeds, request.quality, request.force) = (try Seeds(seeds.value), output.quality, force)
    teller.finish(
      .vary(
        try redraw(
          request, with: editing, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }

  private func request() throws -> VaryRequest {
    let ofFilms = [("seconds", seconds != nil), ("loop", loop), ("codec", codec != nil), ("rate", rate != nil)]
    for (name, isThere) in ofFilms where isThere {
      throw VaryError.option(name, isForFilms: true)
    }
    if structure != nil {
      try refuse(
        [("seeds", seeds.isGiven), ("diversity", diversity != nil)], "with --structure, which leaves nothing to chance")
    }
    var request = VaryRequest(picture: picture, out: out)
    (request.seeds, request.structure, request.force) = (try Seeds(seeds.value), structure, force)
    (request.shape, request.quality) = (try ratio(), output.quality)
    request.settings.completeness = completeness.value
    if let size { request.settings.size = size }
    if let diversity { request.settings.diversity = diversity }
    return request
  }

  private func clipRequest() throws -> ClipVaryRequest {
    for (name, isThere) in [("shape", shape != nil), ("structure", structure != nil)] where isThere {
      throw VaryError.option(name, isForFilms: false)
    }
    try refuse([("quality", output.quality != nil)], "for a film")
    var request = ClipVaryRequest(clip: picture, out: out)
    (request.seeds, request.seconds, request.loops) = (try Seeds(seeds.value), seconds, loop)
    (request.codec, request.force) = (codec, force)
    if let rate { request.rate = try FrameRate(rate) }
    request.settings.completeness = completeness.value
    if let size { request.settings.size = size }
    if let diversity { request.settings.diversity = diversity }
    return request
  }

  private func ratio() throws -> Double? {
    guard let shape else { return nil }
    let sides = shape.split(separator: ":").map { Double($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0 else {
      throw ValidationError("--shape can't be '\(shape)': give width and height, such as 21:9.")
    }
    return width / height
  }
}
