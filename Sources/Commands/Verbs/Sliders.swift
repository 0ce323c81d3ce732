import ArgumentParser
import Foundation
import Models
import Workshop

struct SlidersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sliders",
    abstract: "Latent directions: discover directions in a generator's latent space, and name them as sliders.",
    discussion: """
      It needs a run of the recipe \(RecipesThat.haveStyles). The sheet has a row for each slider, from -3 to 3 \
      standard deviations. Rename the useful ones, then use them in `generate --slide` and as tracks of a `film`:
        atelier sliders RUN --out sheet.png
        atelier sliders RUN --rename pca-2=age --drop pca-5
        atelier generate RUN --slide age=2 --out DIR
      """)

  @Argument(help: "A run, checkpoint or model of the recipe \(RecipesThat.haveStyles).")
  var source: String

  @Option(
    name: .customLong("find"),
    help: ArgumentHelp(
      "Find more: ganspace (principal components of w; the default when there are none) or sefa (the eigenvectors of "
        + "the style layers' weights).", valueName: "how"))
  var method: DirectionMethod?

  @Option(help: ArgumentHelp("How many directions to find.", valueName: "n"))
  var count = Asked(6)

  @Option(help: ArgumentHelp("Only for these layers, coarse ones first from 0, such as 0-2.", valueName: "a-b"))
  var layers: String?

  @Option(parsing: .singleValue, help: ArgumentHelp("Rename a slider.", valueName: "old=new"))
  var rename: [String] = []

  @Option(parsing: .singleValue, help: ArgumentHelp("Delete a slider.", valueName: "name"))
  var drop: [String] = []

  @Option(help: ArgumentHelp("Random seed of the picture on the sheet.", valueName: "n"))
  var seed = Asked<UInt64>(0)

  @Option(help: ArgumentHelp("A PNG file to write, with a row for each slider.", valueName: "file"))
  var out: String?

  @Flag(help: "Overwrite an existing file.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller()
    if out == nil { try refuse([("seed", seed.isGiven)], "without --out, the sheet whose picture it is") }
    var request = SlidersRequest(run: source)
    (request.method, request.count, request.layers) = (method, count.given, layers)
    (request.seed, request.sheet, request.force, request.dropped) = (seed.value, out, force, drop)
    request.renamed = try rename.map { word in
      let parts = word.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw ValidationError("--rename takes old=new, such as pca-2=age.") }
      return (parts[0], parts[1])
    }
    let found = try sliders(request, in: common.place, on: device.resolved(), tell: teller.tell)
    for slider in found.sliders {
      teller.tell(.slider(name: slider.name, method: slider.method.rawValue, layers: slider.layers))
    }
    let sheet = found.sliders.isEmpty ? nil : out
    if let sheet { teller.tell(.made(MadeFile(.sheet, sheet))) }
    teller.finish(
      .sliders(
        FoundSliders(
          sliders: found.sliders.count, sheet: sheet,
          next: found.sliders.first.map { "atelier generate \(source) --slide \($0.name)=2 --out pictures" })))
  }
}

extension DirectionMethod: ExpressibleByArgument {}
