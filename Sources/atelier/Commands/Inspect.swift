import ArgumentParser
import Foundation
import Workshop

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look at a folder of pictures: what is in it, what is wrong with it, what it would train.")

  @Argument(help: ArgumentHelp("A folder, a zip file or a picture.", valueName: "pictures"))
  var path: String

  @Option(help: ArgumentHelp("Side of the pictures that would be trained, in pixels.", valueName: "px"))
  var size = 64

  @Option(help: ArgumentHelp("Draw a contact sheet into this PNG file.", valueName: "file"))
  var sheet: String?

  @Flag(help: "Replace a contact sheet that is there.")
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
