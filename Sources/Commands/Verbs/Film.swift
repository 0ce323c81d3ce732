import ArgumentParser
import Foundation
import Media
import Models
import struct Torch.PictureSize
import Workshop

struct FilmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "film",
    abstract: "Latent interpolation video: a film of a path through a generator's latent space, or one drawn by words.",
    discussion: """
      A loop on a random path, and one through the pictures of three random seeds:
        atelier film emoji --out loop.mp4
        atelier film RUN --seeds 3,41,7 --seconds 12 --out walk.mp4
      Audio-reactive: at each onset of a song the path advances by half a second:
        atelier film RUN --sound song.flac --react onset:path:0.5 --out song.mp4
      By a large model: words travel, and frame after frame from a picture, moved by the timeline's camera:
        atelier film v1-5.safetensors --prompts seasons.txt --seconds 8 --rate 8 --out seasons.mp4
        atelier film v1-5.safetensors --begin harbour.png --prompt "a harbour" --timeline zoom.yaml --out harbour.mp4
      A timeline in YAML sets keyframes and camera moves (docs/film.md).
      """)

  @Argument(
    help: ArgumentHelp(
      "A run's folder, a checkpoint's file, a large model's file or folder, or the name of a run or model.",
      valueName: "run"))
  var source: String

  @Option(help: ArgumentHelp("Random seeds as keyframes, in this order: 3,41,7.", valueName: "list"))
  var seeds: String?

  @Option(help: ArgumentHelp("Length in seconds. (default: 10, or the sound's length)", valueName: "s"))
  var seconds: Double?

  @Option(help: ArgumentHelp("Frames a second, such as 24 or 30000/1001. (default: 24)", valueName: "n"))
  var rate: String?

  @Option(
    help: ArgumentHelp(
      "Interpolation: sphere (spherical linear), spline (smooth), process (a random path, through the seeds if any) or fade (cross-fade).",
      valueName: "shape"))
  var path: LatentPath.Shape?

  @Option(help: ArgumentHelp("Easing between seeds: linear, smooth (slow at each seed) or hold.", valueName: "how"))
  var ease: LatentPath.Ease?

  @Option(
    help: ArgumentHelp("Correlation time of --path process in seconds; less is livelier. (default: 2)", valueName: "s"))
  var wave: Double?

  @Flag(help: "Don't loop: end elsewhere than at the beginning.")
  var once = false

  @Option(help: ArgumentHelp("Truncation, from 1 down to 0: less variety, fewer failures.", valueName: "x"))
  var truncation: Double?

  @Option(help: ArgumentHelp("The sound: an audio file, or a film with sound.", valueName: "file"))
  var sound: String?

  @Option(
    help: ArgumentHelp(
      "Audio reaction, as feature:target:amount: onset:path:0.5, low:zoom:0.2, loudness:truncation:-0.5.",
      valueName: "a:b:x"))
  var react: [String] = []

  @Option(help: ArgumentHelp("A YAML file with all of these; options override it.", valueName: "file"))
  var timeline: String?

  @Option(help: ArgumentHelp("Longer side of the film in pixels, whatever --enlarge does before.", valueName: "n"))
  var size = 512

  @Option(
    help: ArgumentHelp(
      "For a large model, a text file with a prompt a line: keyframes, with --seeds a seed for each.", valueName: "file"
    ))
  var prompts: String?

  @Option(
    help: ArgumentHelp(
      "For a large model, a picture that is the first frame: each other is drawn over the one before.",
      valueName: "picture"
    ))
  var begin: String?

  @Option(
    help: ArgumentHelp(
      "With --begin, how far the frame before is forgotten, above 0 to 1. (default: 0.45)", valueName: "x"))
  var strength: Double?

  @Option(help: ArgumentHelp("For a large model, denoising steps of a frame.", valueName: "n"))
  var steps = Asked(20)

  @Option(
    help: ArgumentHelp(
      "For a large model, width and height at which frames are drawn, such as 512x768. (default: what it was trained on)",
      valueName: "n"))
  var canvas: PictureSize?

  @Flag(help: "Enlarge without smoothing (nearest neighbour), for pixel art.")
  var pixels = false

  @Option(
    help: ArgumentHelp(
      "Video codec: h264, hevc, vp9, av1 or prores. (default: by the file's ending)", valueName: "name"))
  var codec: ClipCodec?

  @Option(help: ArgumentHelp("Random seed of the path and of motion. (default: 0)", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "The file to write: .mp4, .mov, .mkv, .webm, .gif, .apng, .webp, or a folder/.", valueName: "file"))
  var out: String

  @Flag(help: "Write a sheet of 24 frames (a PNG) instead of the film.")
  var preview = false

  @Flag(help: "Continue work that was stopped or killed.")
  var resume = false

  @Flag(help: "Overwrite an existing file, and start again.")
  var force = false

  @OptionGroup var sharing: ShardOption

  @Flag(help: "Join what --shard 1/N to N/N of the same command have made into the film.")
  var join = false

  @OptionGroup var enlarging: EnlargingOptions
  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var large: LargeArguments
  @OptionGroup var computing: LargeComputing
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if prompts != nil { try refuse([("prompt", large.prompt != nil)], "with --prompts, where each key has its own") }
    if pixels && enlarging.enlarge != nil {
      throw ValidationError("--pixels and --enlarge are two ways to enlarge: leave one of them out.")
    }
  }

  func run() throws {
    if isLargeModel(source, in: common.place) { return try drawByWords() }
    try refuse(
      large.given + computing.given + [
        ("prompts", prompts != nil), ("begin", begin != nil), ("strength", strength != nil), ("steps", steps.isGiven),
        ("canvas", canvas != nil),
      ], notByWords(source))
    if preview { try refuse([("codec", codec != nil), ("resume", resume)], "with --preview, which writes a sheet") }
    let shard = try sharing.value()
    if shard != nil {
      try refuse(
        [("resume", resume), ("force", force), ("join", join), ("preview", preview)],
        "with --shard, which goes on by itself")
    }
    if join { try refuse([("resume", resume), ("preview", preview)], "with --join, which makes no frames") }
    let teller = common.teller(stops: .fromTheStart)
    var request = FilmRequest(try settled(), out: out)
    (request.shard, request.joins) = (shard, join)
    (request.codec, request.size, request.keepsPixels) = (codec, size, pixels)
    request.enlarging = try enlarging.settings()
    (request.previews, request.force, request.resume) = (preview, force, resume)
    var generator = try Generator(source, in: common.place, on: device.resolved()) { teller.tell(.note($0.sentence)) }
    try generator.draw(drawing.value)
    teller.finish(
      .film(
        try film(
          request, with: generator, in: common.place, shouldStop: { Interruption.isRequested }, tell: teller.tell)))
  }

  /// With a large model.
  private func drawByWords() throws {
    try refuse(
      [
        ("truncation", truncation != nil), ("sampling", drawing.sampling != nil), ("class", drawing.className != nil),
        ("enlarge", enlarging.enlarge != nil), ("shard", sharing.shard != nil), ("join", join),
      ], "for \(source), a model that draws by words")
    if begin == nil {
      try refuse([("strength", strength != nil)], "without --begin, the picture that is drawn over")
    } else {
      try refuse(
        [
          ("seeds", seeds != nil), ("path", path != nil), ("wave", wave != nil), ("once", once), ("preview", preview),
        ], "with --begin, where each frame follows from the one before")
    }
    if preview { try refuse([("codec", codec != nil), ("resume", resume)], "with --preview, which writes a sheet") }
    try check(canvas, option: "canvas")
    var timeline = try settled()
    if let prompt = large.prompt { timeline.prompt = prompt }
    let teller = common.teller(stops: .fromTheStart)
    var request = LargeFilmRequest(model: source, FilmRequest(timeline, out: out))
    (request.film.codec, request.film.size, request.film.keepsPixels) = (codec, size, pixels)
    (request.film.previews, request.film.force, request.film.resume) = (preview, force, resume)
    (request.begin, request.strength, request.canvas) = (begin, strength, canvas)
    request.settings = try large.settings(
      steps: steps.value, guidance: drawing.guidance, precision: computing.precision?.value, memory: computing.memory)
    teller.finish(
      .film(
        try film(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }

  /// The prompts of a file as keys, with the seeds that were named, or with the film's own.
  private func keys(_ lines: [String]) throws -> [FilmTimeline.Key] {
    guard let seeds else { return lines.map { FilmTimeline.Key(seed: nil, prompt: $0) } }
    let named = try Seeds(seeds).values
    guard named.count == lines.count else {
      throw ValidationError(
        "--seeds names \(named.count) and --prompts has \(lines.count): give a seed for each prompt, or leave --seeds out."
      )
    }
    return zip(named, lines).map { FilmTimeline.Key(seed: $0, prompt: $1) }
  }

  /// The timeline's file with the options over it.
  private func settled() throws -> FilmTimeline {
    var settled = try timeline.map { try FilmTimeline(file: $0) } ?? FilmTimeline()
    if let seconds { settled.seconds = seconds }
    if let rate { settled.rate = rate }
    if let path { settled.path = path }
    if let wave { settled.wave = wave }
    if once { settled.loop = false }
    if let sound { settled.sound = sound }
    if let seed { settled.seed = seed }
    if let seeds { settled.keys = try Seeds(seeds).values.map { FilmTimeline.Key(seed: $0) } }
    if let prompts { settled.keys = try keys(Workshop.prompts(in: prompts)) }
    if settled.keys ?? [] == [] { try refuse([("ease", ease != nil)], "without --seeds or keys, between which it is") }
    if let shape = settled.path, shape != .process {
      try refuse([("wave", wave != nil)], "with --path \(shape.rawValue), which isn't a process")
    }
    if let ease {
      settled.keys = settled.keys?.map { FilmTimeline.Key(seed: $0.seed, prompt: $0.prompt, at: $0.at, ease: ease) }
    }
    if let truncation { settled.tracks = (settled.tracks ?? [:]).merging(["truncation": .init(truncation)]) { $1 } }
    if !react.isEmpty { settled.react = try react.map { try FilmTimeline.Reaction($0) } }
    return settled
  }
}

extension LatentPath.Shape: ExpressibleByArgument {}
extension LatentPath.Ease: ExpressibleByArgument {}
extension ClipCodec: ExpressibleByArgument {
  public static var allValueStrings: [String] { ["h264", "hevc", "vp9", "av1", "prores"] }
}
