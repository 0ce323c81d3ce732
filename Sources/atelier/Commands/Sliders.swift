import ArgumentParser
import Foundation
import Models
import Workshop

struct SlidersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sliders",
    abstract: "Find and name what a generator's pictures can be changed by.",
    discussion: """
      With a run of the recipe r3gan, projected or stylegan2. The sheet has a row for each slider, from -3 to 3. Name those that are of use, \
      then move them in `generate` and as tracks of a `film`:
        atelier sliders RUN --out sheet.png
        atelier sliders RUN --rename pca-2=age --drop pca-5
        atelier generate RUN --slide age=2 --out DIR
      """)

  @Argument(help: "A run, checkpoint or model of the recipe r3gan, projected or stylegan2.")
  var source: String

  @Option(
    name: .customLong("find"),
    help: ArgumentHelp(
      "Look for more: ganspace, where pictures differ most (done unasked when there are none), or sefa, what moves "
        + "the layers most.", valueName: "how"))
  var method: DirectionMethod?

  @Option(help: ArgumentHelp("How many to look for.", valueName: "n"))
  var count = 6

  @Option(help: ArgumentHelp("Move only these layers, from 0, coarse ones first, such as 0-2.", valueName: "a-b"))
  var layers: String?

  @Option(parsing: .singleValue, help: ArgumentHelp("Give a slider another name.", valueName: "old=new"))
  var rename: [String] = []

  @Option(parsing: .singleValue, help: ArgumentHelp("Take a slider away.", valueName: "name"))
  var drop: [String] = []

  @Option(help: ArgumentHelp("The seed whose picture the sheet changes.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("A PNG with all sliders, a row each.", valueName: "file"))
  var out: String?

  @Flag(help: "Replace a file that is there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller()
    var request = SlidersRequest(run: source)
    (request.method, request.count, request.layers) = (method, count, layers)
    (request.seed, request.sheet, request.force, request.dropped) = (seed, out, force, drop)
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
