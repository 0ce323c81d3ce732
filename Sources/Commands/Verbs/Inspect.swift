import ArgumentParser
import Foundation
import Workshop
import struct Torch.PictureSize

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Dataset check: what is in a folder of pictures, what is wrong with it, and what it would train.",
    discussion: """
      Of a single picture, film or sound: what the file is, how it is read, and what is lost, in one table.
      """)

  @Argument(help: ArgumentHelp("A folder, a zip or tar file, a picture, a film or a sound.", valueName: "pictures"))
  var path: String

  @Option(
    help: ArgumentHelp(
      "Size of the pictures in training, in pixels: 64 for squares, or 192x128. (default: as `train` would)",
      valueName: "px"))
  var size: PictureSize?

  @Option(help: ArgumentHelp("Write a contact sheet, a PNG file.", valueName: "file"))
  var sheet: String?

  @Option(
    help: ArgumentHelp(
      "Write a small copy of each picture, 256 px at most, as PNG files named by the SHA-256 of the picture's name; of larger pictures one of up to 1,024 px, too, as WebP files.",
      valueName: "dir"))
  var thumbnails: String?

  @Flag(help: "Overwrite an existing contact sheet.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    try check(size)
  }

  func run() throws {
    if isFilmOrSound(path) {
      try refuse(
        [("size", size != nil), ("sheet", sheet != nil), ("thumbnails", thumbnails != nil), ("force", force)],
        "for a film or a sound")
    }
    let teller = common.teller()
    let device = try device.resolved()
    var request = InspectRequest(size: size, sheet: sheet, force: force)
    request.thumbnails = thumbnails
    teller.finish(
      .inspect(
        try inspect(
          path, request, in: common.place,
          advise: { advice(on: $0, size: size, gigaflops: measuredGigaflops(on: device), device: device) },
          tell: teller.tell)))
  }
}
