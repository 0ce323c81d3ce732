import ArgumentParser
import Foundation
import Media
import Workshop

struct EnlargeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enlarge",
    abstract: "Super-resolution: enlarge pictures and films 2 to 4 times.",
    discussion: """
      A trained network adds the missing pixels. Transparency is kept:
        atelier enlarge photo.jpg --out large.png
        atelier enlarge generated/ --scale 4 --model realesrgan-drawing --out large/
        atelier enlarge clip.mp4 --out large.mp4
      Without --model, waifu2x-drawing enlarges what looks drawn, and waifu2x-photo all else. Seamless textures stay \
      seamless.

      Models: waifu2x-photo and waifu2x-drawing are faithful and fast. realesrgan-photo and realesrgan-drawing invent \
      fine detail and are slower; realesrgan-quick is a fast one for drawings. Each is downloaded when first used.
      """)

  @Argument(help: "Pictures, or folders of them; or a film.")
  var pictures: [String]

  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .jpg, .webp, .tif or .avif, or a film; for several pictures a folder of PNGs.",
      valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Enlargement factor: 2, 3 or 4.", valueName: "n"))
  var scale = 2

  @Option(
    help: ArgumentHelp(
      "A model named above, an imported model, or a run of the recipe enlarge. (default: by how the picture looks)",
      valueName: "name"))
  var model: String?

  @Option(help: ArgumentHelp("Number format: auto, bfloat16 or float32.", valueName: "name"))
  var precision = "auto"

  @Option(
    help: ArgumentHelp(
      "Memory limit in gigabytes; larger pictures are processed in tiles. (default: half of the machine's)",
      valueName: "n"))
  var memory: Double?

  @Option(help: ArgumentHelp("For a film, the video codec: h264, hevc, vp9, av1 or prores.", valueName: "name"))
  var codec: ClipCodec?

  @Option(
    help: ArgumentHelp(
      "For a film: frames a second at an even rate, by repeating and leaving out. (default: the film's own times)",
      valueName: "n"))
  var rate: String?

  @Flag(help: "For a film: continue work that was stopped.")
  var resume = false

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var sharing: ShardOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    var settings = EnlargeSettings()
    settings.scale = scale
    (settings.model, settings.precision, settings.memory) = (model, precision, memory)
    if pictures.count == 1, try makesFilm(of: pictures[0], out: out) {
      try refuse([("quality", output.quality != nil), ("shard", sharing.shard != nil)], "for a film")
      let teller = common.teller(stops: .fromTheStart)
      var request = ClipEnlargeRequest(clip: pictures[0], out: out)
      (request.settings, request.codec, request.force, request.resume) = (settings, codec, force, resume)
      if let rate { request.rate = try FrameRate(rate) }
      return teller.finish(
        .enlarge(
          try enlarge(
            request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
            tell: teller.tell)))
    }
    try refuse([("codec", codec != nil), ("rate", rate != nil), ("resume", resume)], "for pictures: name one film")
    let shard = try sharing.value()
    if shard != nil { try refuse([("force", force)], "with --shard, which passes over what is done") }
    let teller = common.teller(stops: .onceItWorks)
    var request = EnlargeRequest(pictures: pictures, out: out)
    (request.settings, request.quality, request.force, request.shard) = (settings, output.quality, force, shard)
    teller.finish(
      .enlarge(
        try enlarge(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
