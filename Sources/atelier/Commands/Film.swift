import ArgumentParser
import Foundation
import Media
import Models
import Workshop

struct FilmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "film",
    abstract: "Make a film of a walk through a generator's pictures.",
    discussion: """
      A loop by chance, and one through three seeds' pictures:
        atelier film emoji --out loop.mp4
        atelier film RUN --seeds 3,41,7 --seconds 12 --out walk.mp4
      It can hear: at each onset of a song the path goes on by half a second:
        atelier film RUN --sound song.flac --react onset:path:0.5 --out song.mp4
      A timeline, in YAML, says when what happens (docs/film.md).
      """)

  @Argument(help: ArgumentHelp("A run's folder, a checkpoint's file, or the name of a run or model.", valueName: "run"))
  var source: String

  @Option(help: ArgumentHelp("Seeds whose pictures it passes, in this order: 3,41,7.", valueName: "list"))
  var seeds: String?

  @Option(help: ArgumentHelp("How long it is. (default: 10, or as its sound)", valueName: "s"))
  var seconds: Double?

  @Option(help: ArgumentHelp("Frames a second, such as 24 or 30000/1001. (default: 24)", valueName: "n"))
  var rate: String?

  @Option(
    help: ArgumentHelp(
      "How it goes: sphere (straight on), spline (without bends), process (by chance, through the seeds if any), fade.",
      valueName: "shape"))
  var path: LatentPath.Shape?

  @Option(help: ArgumentHelp("Between seeds: linear, smooth (from rest to rest) or hold.", valueName: "how"))
  var ease: LatentPath.Ease?

  @Option(help: ArgumentHelp("Of a process: seconds that it remembers; less is livelier. (default: 2)", valueName: "s"))
  var wave: Double?

  @Flag(help: "It doesn't end where it began.")
  var once = false

  @Option(help: ArgumentHelp("From 1 down to 0: less variety, fewer failures.", valueName: "x"))
  var truncation: Double?

  @Option(help: ArgumentHelp("A sound file, or a film's sound, that is laid under.", valueName: "file"))
  var sound: String?

  @Option(
    help: ArgumentHelp(
      "What is heard, what moves, by how much: onset:path:0.5, low:zoom:0.2, loudness:truncation:-0.5.",
      valueName: "a:b:x"))
  var react: [String] = []

  @Option(help: ArgumentHelp("A YAML file that says all of it; options beat it.", valueName: "file"))
  var timeline: String?

  @Option(help: ArgumentHelp("Pixels of the longer side.", valueName: "n"))
  var size = 512

  @Flag(help: "Enlarge by whole squares, as pixel art wants it.")
  var pixels = false

  @Option(help: ArgumentHelp("h264, hevc, vp9, av1 or prores; the file's ending says the rest.", valueName: "name"))
  var codec: ClipCodec?

  @Option(help: ArgumentHelp("What chance is drawn from. (default: 0)", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("The new file: .mp4, .mov, .mkv, .webm, .gif, .apng, .webp, or a folder/.", valueName: "file"))
  var out: String

  @Flag(help: "Write a sheet of 24 frames, a PNG, in place of the film.")
  var preview = false

  @Flag(help: "Go on with what was stopped or killed.")
  var resume = false

  @Flag(help: "Replace a file that is there, and begin anew.")
  var force = false

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = FilmRequest(try settled(), out: out)
    (request.codec, request.size, request.keepsPixels) = (codec, size, pixels)
    (request.previews, request.force, request.resume) = (preview, force, resume)
    var generator = try Generator(source, in: common.place, on: device.resolved()) { teller.tell(.note($0.sentence)) }
    try generator.draw(drawing.value)
    teller.finish(
      .film(
        try film(
          request, with: generator, in: common.place, shouldStop: { Interruption.isRequested }, tell: teller.tell)))
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
    if let ease { settled.keys = settled.keys?.map { FilmTimeline.Key(seed: $0.seed, at: $0.at, ease: ease) } }
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
