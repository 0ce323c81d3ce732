import ArgumentParser
import Foundation
import Workshop
import struct Torch.PictureSize

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare generators side by side: a sheet of samples and a table of measures.",
    discussion: """
      All are measured (KID, precision, recall) against the same pictures at one size, and show the same random seeds, \
      none picked:
        atelier compare first second third --against PICTURES --out sheet.png
      For a diffusion model, name the sampler after an @:
        atelier compare RUN@heun:40 RUN@quick:4 --against PICTURES --out sheet.png
      """)

  @Argument(help: "Two or more runs, checkpoints or models.")
  var subjects: [String]

  @Option(help: ArgumentHelp("Real pictures: a folder or a zip file.", valueName: "pictures"))
  var against: String

  @Option(help: ArgumentHelp("The sheet to write, a PNG file.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Samples that each generator makes.", valueName: "n"))
  var samples = 1000

  @Option(help: ArgumentHelp("The most real pictures to measure KID, precision and recall against.", valueName: "n"))
  var real = SetFeatures.most

  @Option(
    help: ArgumentHelp("Size at which to compare, in pixels. (default: the smallest generator's)", valueName: "px"))
  var size: PictureSize?

  @Option(help: ArgumentHelp("Pictures of each generator on the sheet.", valueName: "n"))
  var columns = 12

  @OptionGroup var enlarging: EnlargingOptions

  @Flag(help: "Overwrite an existing file.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    guard (16...1_000_000).contains(real) else { throw ValidationError("--real must be 16 to 1000000.") }
    guard (16...100_000).contains(samples) else { throw ValidationError("--samples must be 16 to 100000.") }
    try check(size)
  }

  func run() throws {
    let teller = common.teller()
    var request = CompareRequest(subjects, against: against, out: out)
    (request.samples, request.size, request.columns, request.force) = (samples, size, columns, force)
    (request.real, request.enlarging) = (real, try enlarging.settings())
    teller.finish(.compare(try compare(request, in: common.place, on: device.resolved(), tell: teller.tell)))
  }
}
