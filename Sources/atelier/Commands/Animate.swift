import ArgumentParser
import Foundation
import Media
import Workshop

struct AnimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "animate",
    abstract: "Move a picture as another one moves.",
    discussion: """
      Only changes of pose are carried over, so that a figure keeps its shape. What moves it is a clip, a folder of frames, \
      one picture of a numbered sequence, or a sheet of sprites:
        atelier animate knight.png --with orc-attack1.png --out attack.gif
        atelier animate knight.png --with walks.png --frame 64x64 --sequence walks-2 --palette --out walk.png
        atelier animate portrait.jpg --with nod.mp4 --run faces --out nod.mp4

      Without --run the model that comes with Atelier is used, which learned from small drawn figures. Train your own on \
      sequences of pictures: atelier train SEQUENCES --recipe motion
      """)

  @Argument(help: "The picture that is to move.")
  var picture: String

  @Option(
    name: .customLong("with"),
    help: ArgumentHelp("What it moves like: a clip, a folder, a numbered picture or a sheet.", valueName: "clip"))
  var driving: String

  @Option(
    help: ArgumentHelp("A clip; a folder ending in / for PNGs; a .png for a sheet of sprites.", valueName: "file"))
  var out: String

  @Option(name: .customLong("run"), help: ArgumentHelp("A run of the recipe motion, or a model.", valueName: "name"))
  var model = "motion"

  @Option(help: ArgumentHelp("What moves it is a sheet with frames of this size.", valueName: "72x72"))
  var frame: FrameSize?

  @Option(help: ArgumentHelp("Which sequence, where there are several.", valueName: "name"))
  var sequence: String?

  @Option(help: ArgumentHelp("How far it moves; 1 as far as the other, for its size.", valueName: "x"))
  var strength = 1.0

  @Option(help: ArgumentHelp("The frame of what moves it, in whose pose the picture is.", valueName: "n"))
  var begin = 1

  @Flag(help: "Keep the picture's own colours, and hard edges where it has them.")
  var palette = false

  @Option(help: ArgumentHelp("Frames a second. (default: the clip's, or 10)", valueName: "n"))
  var fps: String?

  @Option(help: ArgumentHelp("Frames in a row of a sheet. (default: all)", valueName: "n"))
  var columns: Int?

  @Option(help: ArgumentHelp("Of a clip: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Option(
    help: ArgumentHelp("The colour under what is transparent, where a clip has no room for it.", valueName: "colour"))
  var ground: Ground = .white

  @Flag(help: "Go on with work that was stopped.")
  var resume = false

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
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
