import ArgumentParser
import Foundation
import Workshop

struct ReconstructCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct",
    abstract: "Autoencoder reconstruction: encode pictures to latents, and decode them again.",
    discussion: """
      It needs a run of the recipe \(RecipesThat.reconstruct). The sheet has the pictures above their reconstructions; the \
      error is told as PSNR and SSIM (structure):
        atelier reconstruct RUN PICTURES --out sheet.png
      """)

  @Argument(help: "A run, checkpoint or model of the recipe \(RecipesThat.reconstruct).")
  var source: String

  @Argument(help: "A folder, a zip or tar file, or a picture.")
  var pictures: String

  @Option(help: ArgumentHelp("The sheet to write, a PNG file.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Number of pictures on the sheet; all are measured.", valueName: "n"))
  var count = 12

  @Flag(help: "Overwrite an existing file.")
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
