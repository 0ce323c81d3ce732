import ArgumentParser
import Foundation
import Media
import Workshop

struct InbetweenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inbetween",
    abstract: "Give a film more frames, or make it slow: what is between its frames is drawn.",
    discussion: """
      Frames that it has stay as they are; over cuts nothing is drawn:
        atelier inbetween walk.mp4 --out smooth.mp4
        atelier inbetween dance.mp4 --slow 4 --out slow.mp4
        atelier inbetween old.mp4 --rate 60 --out sixty.mp4
      Drawings that are held for two frames or three are held still, unless it is to draw between them, too:
        atelier inbetween cartoon.gif --times 1 --twos --out ones.mp4

      Without --model the network that comes with Atelier is used. Train your own on still pictures:
        atelier train PICTURES --recipe inbetween
      """)

  @Argument(help: "The film.")
  var clip: String

  @Option(help: ArgumentHelp("The new film; a folder ending in / for PNGs.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Frames for each that there is. (default: 2; with --slow 1)", valueName: "n"))
  var times: Int?

  @Option(help: ArgumentHelp("How many times as slow it becomes; without its sound.", valueName: "x"))
  var slow: Double?

  @Option(help: ArgumentHelp("Frames a second, in place of --times.", valueName: "n"))
  var rate: String?

  @Flag(help: "Draw between drawings that are held, in place of holding them.")
  var twos = false

  @Flag(help: "By the network alone, without optical flow: faster, and not quite as good.")
  var quick = false

  @Option(help: ArgumentHelp("A run of the recipe inbetween, or a model.", valueName: "name"))
  var model = "inbetween"

  @Option(help: ArgumentHelp("Pixels of the longer side. (default: the film's)", valueName: "n"))
  var size: Int?

  @Option(help: ArgumentHelp("h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Flag(help: "Go on with work that was stopped.")
  var resume = false

  @Flag(help: "Replace files that are there.")
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
