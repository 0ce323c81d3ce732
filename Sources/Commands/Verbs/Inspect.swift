import ArgumentParser
import Foundation
import Workshop

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Dataset check: what is in a folder of pictures, what is wrong with it, and what it would train.")

  @Argument(help: ArgumentHelp("A folder, a zip file or a picture.", valueName: "pictures"))
  var path: String

  @Option(help: ArgumentHelp("Side of the pictures in training, in pixels.", valueName: "px"))
  var size = 64

  @Option(help: ArgumentHelp("Write a contact sheet, a PNG file.", valueName: "file"))
  var sheet: String?

  @Flag(help: "Overwrite an existing contact sheet.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    guard (1...4096).contains(size) else { throw ValidationError("--size must be 1 to 4096 pixels.") }
  }

  func run() throws {
    let teller = common.teller()
    let device = try device.resolved()
    teller.finish(
      .inspect(
        try inspect(
          path, InspectRequest(size: size, sheet: sheet, force: force), in: common.place,
          advise: { advice(on: $0, gigaflops: measuredGigaflops(on: device), device: device) }, tell: teller.tell)))
  }
}
