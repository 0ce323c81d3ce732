import ArgumentParser
import Foundation
import Media
import Workshop
import struct Torch.PictureSize

struct AnimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "animate",
    abstract: "Image animation (motion transfer): move a picture as a clip or another picture sequence moves.",
    discussion: """
      The changes of pose are transferred, and the figure keeps its shape. The driving motion is a clip, a folder of \
      frames, one picture of a numbered sequence, or a sprite sheet. A clip's times and sound are kept:
        atelier animate knight.png --with orc-attack1.png --out attack.gif
        atelier animate knight.png --with walks.png --frame 64x64 --sequence walks-2 --palette --out walk.png
        atelier animate portrait.jpg --with nod.mp4 --run faces --out nod.mp4

      Without --run, the bundled model is used; it was trained on small drawn figures. To train your own on sequences \
      of pictures: atelier train SEQUENCES --recipe motion
      """)

  @Argument(help: "The picture to animate.")
  var picture: String

  @Option(
    name: .customLong("with"),
    help: ArgumentHelp(
      "The driving motion: a clip, a folder of frames, a numbered picture or a sprite sheet.", valueName: "clip"))
  var driving: String

  @Option(
    help: ArgumentHelp("The new clip; a folder ending in / for PNGs; a .png for a sprite sheet.", valueName: "file"))
  var out: String

  @Option(name: .customLong("run"), help: ArgumentHelp("A run of the recipe motion, or a model.", valueName: "name"))
  var model = "motion"

  @Option(help: ArgumentHelp("The driving motion is a sprite sheet with frames of this size.", valueName: "72x72"))
  var frame: PictureSize?

  @Option(help: ArgumentHelp("Which sequence to use, when there are several.", valueName: "name"))
  var sequence: String?

  @Option(
    help: ArgumentHelp("Strength of the motion; 1 moves as far as the driving figure, for its size.", valueName: "x"))
  var strength = 1.0

  @Option(help: ArgumentHelp("The frame of the driving motion whose pose matches the picture.", valueName: "n"))
  var begin = 1

  @Flag(help: "Use only the picture's own colours, with hard edges (for pixel art).")
  var palette = false

  @Option(
    help: ArgumentHelp(
      "Frames a second; those of a clip are repeated or left out. (default: the clip's own times, or 10)",
      valueName: "n"))
  var fps: String?

  @Option(help: ArgumentHelp("Frames in a row of a sprite sheet. (default: all)", valueName: "n"))
  var columns: Int?

  @Option(help: ArgumentHelp("Video codec: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Option(
    help: ArgumentHelp("Background colour, for formats without transparency.", valueName: "colour"))
  var ground: Ground = .white

  @Flag(help: "Continue work that was stopped.")
  var resume = false

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws { try check(frame, option: "frame") }

  func run() throws {
    if out.lowercased().hasSuffix(".png") {
      try refuse(
        [("fps", fps != nil), ("codec", codec != nil), ("resume", resume)], "for a sheet, which is written at once")
    }
    let teller = common.teller(stops: .fromTheStart)
    var request = AnimateRequest(picture: picture, driving: driving, out: out)
    (request.run, request.frame, request.sequence) = (model, frame, sequence)
    (request.strength, request.begin, request.keepsPalette) = (strength, begin, palette)
    (request.rate, request.columns, request.codec) = (try rate(), columns, codec)
    (request.ground, request.resume, request.force) = (ground, resume, force)
    teller.finish(
      .animate(
        try animate(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }

  private func rate() throws -> FrameRate? {
    guard let fps else { return nil }
    return try FrameRate(fps)
  }
}
