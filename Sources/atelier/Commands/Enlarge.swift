import ArgumentParser
import Foundation
import Workshop

struct EnlargeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enlarge",
    abstract: "Make pictures larger than they are, and sharp.",
    discussion: """
      A network that has seen many pictures fills in what is between the pixels. Transparency is kept:
        atelier enlarge photo.jpg --out large.png
        atelier enlarge generated/ --scale 4 --model realesrgan-drawing --out large/

      Models: waifu2x-photo and waifu2x-drawing are faithful and fast; realesrgan-photo and realesrgan-drawing invent \
      fine detail, and take longer; realesrgan-quick does so for drawings, soon. Each is fetched when it is first used.
      """)

  @Argument(help: "Pictures, or folders of them.")
  var pictures: [String]

  @Option(help: ArgumentHelp("The new PNG file; a folder for several pictures.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("How many times as wide and as high: 2, 3 or 4.", valueName: "n"))
  var scale = 2

  @Option(
    help: ArgumentHelp("One of those above, an imported one's name, or a run of the recipe enlarge.", valueName: "name")
  )
  var model = "waifu2x-photo"

  @Option(help: ArgumentHelp("auto, bfloat16 or float32.", valueName: "name"))
  var precision = "auto"

  @Option(help: ArgumentHelp("Gigabytes to keep to, by tiles. (default: half of the machine's)", valueName: "n"))
  var memory: Double?

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .onceItWorks)
    var request = EnlargeRequest(pictures: pictures, out: out)
    (request.scale, request.model, request.precision) = (scale, model, precision)
    (request.memory, request.force) = (memory, force)
    teller.finish(
      .enlarge(
        try enlarge(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
