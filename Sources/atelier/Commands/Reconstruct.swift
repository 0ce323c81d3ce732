import ArgumentParser
import Foundation
import Workshop

struct ReconstructCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct",
    abstract: "Encode pictures with a run, and make them again.",
    discussion: """
      A run of the recipe vae says of each picture which latents it is made from. The sheet has pictures above what \
      became of them:
        atelier reconstruct RUN PICTURES --out sheet.png
      """)

  @Argument(help: "A run, checkpoint or model of the recipe vae.")
  var source: String

  @Argument(help: "A folder, a zip file or a picture.")
  var pictures: String

  @Option(help: ArgumentHelp("The sheet, a new PNG file.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Pictures on the sheet; all are measured.", valueName: "n"))
  var count = 12

  @Flag(help: "Replace a sheet that is there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller()
    var request = ReconstructRequest(run: source, pictures: pictures, out: out)
    (request.count, request.force) = (count, force)
    teller.finish(.reconstruct(try reconstruct(request, in: common.place, on: device.resolved(), tell: teller.tell)))
  }
}
