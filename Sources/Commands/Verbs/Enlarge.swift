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
      A large model draws finer detail by words, from a part of the noise:
        atelier enlarge drawn.png --with v1-5.safetensors --prompt "a lighthouse at dusk" --scale 2 --out large.png

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

  @Option(
    name: .customLong("with"),
    help: ArgumentHelp("A large model, which draws the detail of pictures by --prompt.", valueName: "run"))
  var drawer: String?

  @Option(
    help: ArgumentHelp(
      "With a large model: how far the picture is taken back towards noise, above 0 to 1. (default: 0.3)",
      valueName: "x"))
  var strength: Double?

  @Option(help: ArgumentHelp("With a large model, denoising steps, of which --strength takes a part.", valueName: "n"))
  var steps = Asked(20)

  @Option(
    help: ArgumentHelp(
      "With a large model, classifier-free guidance towards --prompt. (default: 7.5, or what the model's file says)",
      valueName: "x"))
  var guidance: Double?

  @Option(help: ArgumentHelp("With a large model, random seed of the noise.", valueName: "n"))
  var seed = Asked<UInt64>(0)

  @Option(help: ArgumentHelp("Number format: auto, bfloat16 or float32.", valueName: "name"))
  var precision = "auto"

  @Option(
    help: ArgumentHelp(
      "Memory limit in gigabytes; larger pictures are processed in tiles, a large model's parts loaded in turn. (default: half of the machine's)",
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

  @OptionGroup var large: LargeArguments
  @OptionGroup var sharing: ShardOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    if let drawer { return try draw(with: drawer) }
    try refuse(
      large.given + [
        ("strength", strength != nil), ("steps", steps.isGiven), ("guidance", guidance != nil), ("seed", seed.isGiven),
      ], "without --with and a model that draws by words")
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

  /// By a large model.
  private func draw(with name: String) throws {
    if pictures.count == 1, try makesFilm(of: pictures[0], out: out) {
      throw ValidationError("\(name) draws pictures by words, and no films: leave --with out, or name pictures.")
    }
    try refuse(
      [
        ("model", model != nil), ("codec", codec != nil), ("rate", rate != nil), ("resume", resume),
        ("shard", sharing.shard != nil),
      ], "with --with, a model that draws by words")
    let settings = try large.settings(
      steps: steps.value, guidance: guidance, precision: largePrecision(precision), memory: memory)
    let editing = try large.editing(with: name, settings, strength: strength, size: nil)
    var request = EnlargeRequest(pictures: pictures, out: out)
    (request.settings.scale, request.quality, request.force) = (scale, output.quality, force)
    let teller = common.teller(stops: .onceItWorks)
    teller.finish(
      .enlarge(
        try enlarge(
          request, with: editing, seed: seed.value, in: common.place, on: device.resolved(),
          shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }
}
