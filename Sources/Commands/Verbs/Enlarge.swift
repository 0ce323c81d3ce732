import ArgumentParser
import Foundation
import Workshop

struct EnlargeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enlarge",
    abstract: "Super-resolution: enlarge pictures 2 to 4 times.",
    discussion: """
      A trained network adds the missing pixels. Transparency is kept:
        atelier enlarge photo.jpg --out large.png
        atelier enlarge generated/ --scale 4 --model realesrgan-drawing --out large/
      Without --model, waifu2x-drawing enlarges what looks drawn, and waifu2x-photo all else. Seamless textures stay \
      seamless.

      Models: waifu2x-photo and waifu2x-drawing are faithful and fast. realesrgan-photo and realesrgan-drawing invent \
      fine detail and are slower; realesrgan-quick is a fast one for drawings. Each is downloaded when first used.
      """)

  @Argument(help: "Pictures, or folders of them.")
  var pictures: [String]

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif or .avif; for several pictures a folder of PNGs.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Enlargement factor: 2, 3 or 4.", valueName: "n"))
  var scale = 2

  @Option(
    help: ArgumentHelp(
      "A model named above, an imported model, or a run of the recipe enlarge. (default: by how the picture looks)",
      valueName: "name"))
  var model: String?

  @Option(help: ArgumentHelp("Number format: auto, bfloat16 or float32.", valueName: "name"))
  var precision = "auto"

  @Option(
    help: ArgumentHelp(
      "Memory limit in gigabytes; larger pictures are processed in tiles. (default: half of the machine's)",
      valueName: "n"))
  var memory: Double?

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .onceItWorks)
    var request = EnlargeRequest(pictures: pictures, out: out)
    request.settings.scale = scale
    (request.settings.model, request.settings.precision, request.settings.memory) = (model, precision, memory)
    (request.quality, request.force) = (output.quality, force)
    teller.finish(
      .enlarge(
        try enlarge(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
