import ArgumentParser
import Foundation
import Media
import Training
import Workshop

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make pictures from a trained generator.",
    discussion: """
      A seed's picture is always the same, whatever else is made with it. Each PNG says in its metadata how it was made.
      """)

  @Argument(help: ArgumentHelp("A run's folder, a checkpoint's file, or the name of a run or model.", valueName: "run"))
  var source: String

  @Option(help: ArgumentHelp("Which pictures to make: numbers and ranges, such as 0-63,80.", valueName: "list"))
  var seeds = "0-15"

  @Option(help: ArgumentHelp("The folder for the pictures; made when it isn't there.", valueName: "dir"))
  var out: String

  @Flag(help: "Write all of them on sheet.png, too.")
  var grid = false

  @Option(
    help: ArgumentHelp("Walk from one seed to another, on interpolation.png: 3-7, or 3-7,7-12.", valueName: "a-b"))
  var interpolate: String?

  @Option(
    help: ArgumentHelp("Of a map (gplvm): the whole plane on map.png, so many pictures a side.", valueName: "n"))
  var map: Int?

  @Option(help: ArgumentHelp("Pictures of a walk.", valueName: "n"))
  var steps = 8

  @Option(help: ArgumentHelp("From 1, which changes nothing, down to 0: less variety, fewer failures.", valueName: "x"))
  var truncation: Double?

  @Option(
    name: .customLong("slide"), parsing: .singleValue,
    help: ArgumentHelp("Move a slider that `sliders` found, by deviations; again for others.", valueName: "name=x"))
  var slides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Coarse layers of these seeds, on mixing.png, with the fine ones of --with.", valueName: "list"))
  var mix: String?

  @Option(help: ArgumentHelp("The seeds whose fine layers are mixed in.", valueName: "list"))
  var with: String?

  @Option(help: ArgumentHelp("The first fine layer; the middle one when left out.", valueName: "n"))
  var mixAt: Int?

  @Option(
    help: ArgumentHelp("The colour of sheets, under what is transparent: white, black or ff8800.", valueName: "colour"))
  var ground: Ground = .white

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if (mix == nil) != (with == nil) { throw ValidationError("Give --mix and --with together: --mix 0-3 --with 8-15.") }
  }

  func run() throws {
    let teller = common.teller()
    var request = GenerateRequest(seeds: try Seeds(seeds), out: out)
    (request.grid, request.steps, request.truncation, request.force) = (grid, steps, truncation, force)
    (request.map, request.ground) = (map, ground)
    request.slides = try SliderPositions(slides)
    if let mix, let with { request.mix = (try Seeds(mix), try Seeds(with)) }
    request.mixAt = mixAt
    request.interpolate = try interpolate.map(SeedPairs.init)
    var generator = try Generator(source, in: common.place, on: device.resolved()) { teller.tell(.note($0.sentence)) }
    try generator.draw(drawing.value)
    teller.finish(.generate(try generate(request, with: generator, copiesIn: common.place, tell: teller.tell)))
  }
}
