import ArgumentParser
import Foundation
import Media
import Workshop

struct InbetweenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inbetween",
    abstract: "Frame interpolation: more frames a second, or slow motion.",
    discussion: """
      The film's own frames stay as they are. No frames are made across a cut:
        atelier inbetween walk.mp4 --out smooth.mp4
        atelier inbetween dance.mp4 --slow 4 --out slow.mp4
        atelier inbetween old.mp4 --rate 60 --out sixty.mp4
      Drawings held for two or three frames ("on twos") stay held, unless --twos asks for frames between them:
        atelier inbetween cartoon.gif --times 1 --twos --out ones.mp4

      Without --model, the bundled network is used. To train your own on still pictures:
        atelier train PICTURES --recipe inbetween
      """)

  @Argument(help: "The film.")
  var clip: String

  @Option(help: ArgumentHelp("The film to write; a folder ending in / for PNGs.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Frames to write for each frame of the film. (default: 2; with --slow 1)", valueName: "n"))
  var times: Int?

  @Option(help: ArgumentHelp("Slow motion: this many times slower, without sound.", valueName: "x"))
  var slow: Double?

  @Option(help: ArgumentHelp("Frames a second at an even rate, instead of --times.", valueName: "n"))
  var rate: String?

  @Flag(help: "Interpolate between held drawings, instead of holding them.")
  var twos = false

  @Flag(help: "Use the network alone, without variational optical flow: faster, slightly less accurate.")
  var quick = false

  @Option(help: ArgumentHelp("A run of the recipe inbetween, or a model.", valueName: "name"))
  var model = "inbetween"

  @Option(help: ArgumentHelp("Longer side in pixels. (default: the film's)", valueName: "n"))
  var size: Int?

  @Option(help: ArgumentHelp("Video codec: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Flag(help: "Continue work that was stopped.")
  var resume = false

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if times != nil && rate != nil { throw ValidationError("Give --times or --rate, not both.") }
  }

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = InbetweenRequest(clip: clip, out: out)
    (request.model, request.fillsHolds, request.size, request.codec) = (model, twos, size, codec)
    (request.times, request.slowness) = (times ?? (slow == nil ? 2 : 1), slow ?? 1)
    (request.resume, request.force, request.isQuick) = (resume, force, quick)
    if let rate { request.rate = try FrameRate(rate) }
    teller.finish(
      .inbetween(
        try inbetween(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
