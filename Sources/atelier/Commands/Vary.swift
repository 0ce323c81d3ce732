import ArgumentParser
import Foundation
import Media
import Models
import Workshop

struct VaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vary",
    abstract: "Make pictures or films like one, of its own patches; nothing is trained.",
    discussion: """
      The layout is disturbed at a small size, then each patch is replaced by its nearest in the picture, up to the \
      full size:
        atelier vary meadow.jpg --seeds 0-8 --out meadows
        atelier vary meadow.jpg --shape 21:9 --diversity 0 --out wide.png
        atelier vary pebbles.jpg --structure face.jpg --out pebble-face.png
      With a run that was trained by diffusion, drawn anew from a part of the noise:
        atelier vary sketch.png --with RUN --strength 0.5 --seeds 0-8 --out drawn
      A film of smoke, fire or water, say; without its sound:
        atelier vary fire.mp4 --seeds 0-4 --out fires
        atelier vary fire.mp4 --seconds 20 --loop --out long.mp4
      """)

  @Argument(help: "The picture or film whose patches are used.")
  var picture: String

  @Option(help: ArgumentHelp("The new PNG file, or film; a folder for several seeds.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("What chance is drawn from, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Option(help: ArgumentHelp("Another shape, width:height: one side stays, the other grows.", valueName: "w:h"))
  var shape: String?

  @Option(help: ArgumentHelp("A picture whose layout is filled with the patches.", valueName: "picture"))
  var structure: String?

  @Option(
    help: ArgumentHelp("Draw it anew with a run of the recipe diffusion, at that run's size.", valueName: "run"))
  var with: String?

  @Option(help: ArgumentHelp("With a run: 0 changes nothing, 1 leaves nothing of it. (default: 0.6)", valueName: "x"))
  var strength: Double?

  @Option(help: ArgumentHelp("Pixels of the picture's longer side.", valueName: "n"))
  var size = 256

  @Option(
    help: ArgumentHelp(
      "How much the layout is disturbed; 0 leaves it, 6 makes another. (default: 6; of films 8)", valueName: "x"))
  var diversity: Double?

  @Option(
    help: ArgumentHelp("The smaller, the more of the picture must show up; large for free repetition.", valueName: "x"))
  var completeness = 0.005

  @Option(help: ArgumentHelp("Of a film, how long it becomes.", valueName: "s"))
  var seconds: Double?

  @Flag(help: "A film's first frame follows its last.")
  var loop = false

  @Option(help: ArgumentHelp("Of a film: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    // Of an animation, a PNG is made from its first frame.
    let isOfFilm = isFilm(picture) && !out.lowercased().hasSuffix(".png")
    if with == nil, strength != nil || drawing.value != Drawing() { throw RedrawError.needsRun }
    let made: FilesMade
    if let with {
      var request = RedrawRequest(picture: picture, run: with, out: out)
      (request.seeds, request.drawing, request.force) = (try Seeds(seeds), drawing.value, force)
      if let strength { request.strength = strength }
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

  private func request() throws -> VaryRequest {
    for (name, isThere) in [("seconds", seconds != nil), ("loop", loop), ("codec", codec != nil)] where isThere {
      throw VaryError.option(name, isForFilms: true)
    }
    var request = VaryRequest(picture: picture, out: out)
    (request.seeds, request.structure, request.force) = (try Seeds(seeds), structure, force)
    request.shape = try ratio()
    (request.settings.size, request.settings.completeness) = (size, completeness)
    if let diversity { request.settings.diversity = diversity }
    return request
  }

  private func clipRequest() throws -> ClipVaryRequest {
    for (name, isThere) in [("shape", shape != nil), ("structure", structure != nil)] where isThere {
      throw VaryError.option(name, isForFilms: false)
    }
    var request = ClipVaryRequest(clip: picture, out: out)
    (request.seeds, request.seconds, request.loops) = (try Seeds(seeds), seconds, loop)
    (request.codec, request.force) = (codec, force)
    (request.settings.size, request.settings.completeness) = (size, completeness)
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
