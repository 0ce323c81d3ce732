import ArgumentParser
import Foundation
import Workshop

struct FillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fill",
    abstract: "Fill scratches, writing or things that a mask covers; all other pixels stay.",
    discussion: """
      White in the mask is filled with what the pixels around let expect: a Gaussian process over the plane, fitted to \
      the picture. It takes away scratches, dust and thin things:
        atelier fill photo.jpg --mask scratches.png --out mended.png
      Larger holes are drawn anew by a run that was trained by diffusion, another for each seed:
        atelier fill face.png --mask mouth.png --with RUN --seeds 0-8 --out faces
      """)

  @Argument(help: "The picture.")
  var picture: String

  @Option(help: ArgumentHelp("A picture that is white where it is to be filled.", valueName: "picture"))
  var mask: String

  @Option(help: ArgumentHelp("The new PNG file; a folder for several seeds.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("A run of the recipe diffusion that draws what is to be there.", valueName: "run"))
  var with: String?

  @Option(help: ArgumentHelp("With a run, what chance is drawn from, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = FillRequest(picture: picture, mask: mask, out: out)
    (request.run, request.seeds, request.drawing, request.force) = (with, try Seeds(seeds), drawing.value, force)
    teller.finish(
      .fill(
        try fill(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
