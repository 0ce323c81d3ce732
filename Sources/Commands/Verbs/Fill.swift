import ArgumentParser
import Foundation
import Workshop

struct FillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fill",
    abstract: "Inpainting: fill what a mask covers; all other pixels stay unchanged.",
    discussion: """
      White in the mask is filled. Without --with, the fill is predicted from the surrounding pixels by a Gaussian \
      process (kriging). It removes scratches, dust, writing and thin objects:
        atelier fill photo.jpg --mask scratches.png --out mended.png
      A run of a diffusion model fills larger holes, with another result for each random seed:
        atelier fill face.png --mask mouth.png --with RUN --seeds 0-8 --out faces
      """)

  @Argument(help: "The picture to fill.")
  var picture: String

  @Option(
    help: ArgumentHelp(
      "The mask: a picture that is white where to fill; what is black or transparent stays, and grey is filled partly.",
      valueName: "picture"))
  var mask: String

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif or .avif; for several seeds a folder of PNGs.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("A run of a diffusion model that generates the filling.", valueName: "run"))
  var with: String?

  @Option(help: ArgumentHelp("Random seeds, with --with, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var masking: MaskOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = FillRequest(picture: picture, mask: mask, out: out)
    (request.run, request.seeds, request.samplingOptions, request.force) = (
      with, try Seeds(seeds), drawing.value, force
    )
    (request.maskFit, request.quality) = (masking.maskFit, output.quality)
    teller.finish(
      .fill(
        try fill(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
