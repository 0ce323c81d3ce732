import ArgumentParser
import Foundation
import Workshop
import struct Torch.PictureSize

struct TextureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "texture",
    abstract: "Texture synthesis: a seamless texture like a picture's, of any size, in a second.",
    discussion: """
      A Gaussian random field with the picture's mean and autocovariance (random phase noise). It suits grain without \
      edges or objects: sand, cloth, paper, clouds, water. For other pictures use `atelier vary`.
        atelier texture sand.jpg --out ground.png
        atelier texture paper.jpg --size 3840x2160 --seeds 0-3 --out papers
      Textures tile: laid side by side, they show no seams.
      """)

  @Argument(help: "The example: a picture of one material, without objects.")
  var picture: String

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif or .avif; for several seeds a folder of PNGs.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Random seeds, a texture each, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Option(help: ArgumentHelp("Width and height in pixels.", valueName: "1024x1024"))
  var size = PictureSize(1024, 1024)

  @Option(help: ArgumentHelp("Longer side of the example in pixels; smaller gives a finer grain.", valueName: "n"))
  var grain: Int?

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws { try check(size) }

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = TextureRequest(picture: picture, out: out)
    (request.seeds, request.size, request.grain, request.force) = (try Seeds(seeds), size, grain, force)
    request.quality = output.quality
    teller.finish(
      .texture(
        try texture(
          request, on: device.resolved(), shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }
}
