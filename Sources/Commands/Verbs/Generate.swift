import ArgumentParser
import Foundation
import Media
import Training
import Workshop

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generate pictures from a trained model (sampling).",
    discussion: """
      A random seed always gives the same picture. Each PNG records in its metadata how it was made.
      """)

  @Argument(help: ArgumentHelp("A run's folder, a checkpoint's file, or the name of a run or model.", valueName: "run"))
  var source: String

  @Option(help: ArgumentHelp("Random seeds, a picture each: numbers and ranges, such as 0-63,80.", valueName: "list"))
  var seeds = "0-15"

  @Option(help: ArgumentHelp("The folder for the pictures; it is created if missing.", valueName: "dir"))
  var out: String

  @Flag(help: "Also write all pictures on one sheet, sheet.png.")
  var grid = false

  @Flag(
    help:
      "Also write classes.png: a row for each class that the generator knows, with the pictures of the first 8 seeds.")
  var eachClass = false

  @Option(
    help: ArgumentHelp(
      "Latent interpolation from one seed to another, on interpolation.png: 3-7, or 3-7,7-12.", valueName: "a-b"))
  var interpolate: String?

  @Option(
    help: ArgumentHelp(
      "With two-dimensional latents: the whole plane on map.png, with this many pictures a side.", valueName: "n"))
  var map: Int?

  @Option(help: ArgumentHelp("Pictures in each interpolation.", valueName: "n"))
  var steps = Asked(8)

  @Option(help: ArgumentHelp("Truncation, from 1 (none) down to 0: less variety, fewer failures.", valueName: "x"))
  var truncation: Double?

  @Option(
    name: .customLong("slide"), parsing: .singleValue,
    help: ArgumentHelp(
      "Move along a latent direction that `sliders` found, in standard deviations; repeat for others.",
      valueName: "name=x"))
  var slides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Style mixing, on mixing.png: coarse layers of these seeds, fine layers of those of --with.", valueName: "list"))
  var mix: String?

  @Option(help: ArgumentHelp("Seeds whose fine layers are mixed in, with --mix.", valueName: "list"))
  var with: String?

  @Option(help: ArgumentHelp("The first fine layer. (default: the middle one)", valueName: "n"))
  var mixAt: Int?

  @Option(
    help: ArgumentHelp(
      "Background colour of sheets, under transparent pictures: white, black or ff8800.", valueName: "colour"))
  var ground = Asked(Ground.white)

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var enlarging: EnlargingOptions
  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if (mix == nil) != (with == nil) { throw ValidationError("Give --mix and --with together: --mix 0-3 --with 8-15.") }
    if interpolate == nil { try refuse([("steps", steps.isGiven)], "without --interpolate, whose pictures they are") }
    if mix == nil { try refuse([("mix-at", mixAt != nil)], "without --mix") }
    if !grid && !eachClass && interpolate == nil && mix == nil {
      try refuse([("ground", ground.isGiven)], "without a sheet, such as --grid writes")
    }
  }

  func run() throws {
    let teller = common.teller(stops: enlarging.enlarge == nil ? .never : .onceItWorks)
    var request = GenerateRequest(seeds: try Seeds(seeds), out: out)
    (request.grid, request.steps, request.truncation, request.force) = (grid, steps.value, truncation, force)
    request.eachClass = eachClass
    (request.map, request.ground) = (map, ground.value)
    request.enlarging = try enlarging.settings()
    request.slides = try SliderPositions(slides)
    if let mix, let with { request.mix = (try Seeds(mix), try Seeds(with)) }
    request.mixAt = mixAt
    request.interpolate = try interpolate.map(SeedPairs.init)
    var generator = try Generator(source, in: common.place, on: device.resolved()) { teller.tell(.note($0.sentence)) }
    try generator.draw(drawing.value)
    teller.finish(
      .generate(
        try generate(
          request, with: generator, copiesIn: common.place, tell: teller.tell,
          shouldStop: { Interruption.isRequested })))
  }
}
