import ArgumentParser
import Foundation
import Workshop

struct TextureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "texture",
    abstract: "Make a texture like a picture's, of any size and without seams, in a second.",
    discussion: """
      What is by chance in a picture's grain is drawn anew: sand, cloth, paper, clouds, water. Edges and things have no \
      place in it; for these use `atelier vary`.
        atelier texture sand.jpg --out ground.png
        atelier texture paper.jpg --size 3840x2160 --seeds 0-3 --out papers
      Textures close at their edges: laid side by side, nobody sees where one ends.
      """)

  @Argument(help: "The picture whose grain is taken: of one material, without things.")
  var picture: String

  @Option(help: ArgumentHelp("The new PNG file; a folder for several seeds.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("What chance is drawn from, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Option(help: ArgumentHelp("Width and height.", valueName: "1024x1024"))
  var size = FrameSize(1024, 1024)

  @Option(help: ArgumentHelp("Pixels of the picture's longer side: fewer make a finer grain.", valueName: "n"))
  var grain: Int?

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = TextureRequest(picture: picture, out: out)
    (request.seeds, request.size, request.grain, request.force) = (try Seeds(seeds), size, grain, force)
    teller.finish(
      .texture(
        try texture(
          request, on: device.resolved(), shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }
}
