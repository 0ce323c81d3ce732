import ArgumentParser
import Foundation
import Media
import Workshop

struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a generator's pictures, or a folder's, with real ones.",
    discussion: """
      KID × 1000 falls towards 0 as the pictures become like the real ones. Precision says how many look real, recall how
      much of the real variety is there.
      Pictures that were painted are measured against what they were made from:
        atelier measure painted.png --content photo.jpg --style painting.jpg
      Of a film, how steady it is, and how well it loops:
        atelier measure painted.mp4 --content clip.mp4 --style painting.jpg
      Of a run that moves pictures, how much of the motion of sequences it carries over:
        atelier measure RUN --against SEQUENCES
      Of a run that makes films, how much they look and move like clips:
        atelier measure RUN --against CLIPS
      """)

  @Argument(help: "A run, checkpoint or model, or a folder of pictures.")
  var subject: String

  @Option(help: ArgumentHelp("Real pictures: a folder or a zip file.", valueName: "pictures"))
  var against: String?

  @Option(help: ArgumentHelp("For painted pictures: what was painted, or a folder of that.", valueName: "pictures"))
  var content: String?

  @Option(help: ArgumentHelp("For painted pictures: the painting, or a folder of some.", valueName: "pictures"))
  var style: String?

  @Option(
    help: ArgumentHelp("How many pictures a generator makes for it. (default: 2000; of films 256)", valueName: "n"))
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "Real pictures that KID and its like are measured against at most; copies are looked for among all.",
      valueName: "n"))
  var real = SetFeatures.most

  @Option(help: ArgumentHelp("Side of the pictures compared; the generator's when left out.", valueName: "px"))
  var size: Int?

  @Option(help: "How real pictures become squares, centre, fit or pieces; as the run's did when left out.")
  var crop: Decoding.Crop?

  @Option(
    help: ArgumentHelp("For motion, --against names sheets of sprites with frames of this size.", valueName: "72x72"))
  var frame: FrameSize?

  @Option(help: "What sees the pictures: efficientnet-lite0 or vgg16. (default: efficientnet-lite0)")
  var features: FeatureNetwork = .efficientnetLite0

  @Option(
    help: ArgumentHelp(
      "A new PNG file: the pictures that are most like real ones, above these.", valueName: "file"))
  var nearest: String?

  @Flag(help: "Measure how smooth a generator with styles is, too: its perceptual path length.")
  var pathLength = false

  @Flag(help: "Replace that file when it is there.")
  var force = false

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if isClip(subject) && against == nil { return }
    guard (against != nil) != (content != nil && style != nil), (content == nil) == (style == nil) else {
      throw ValidationError("Give --against for made pictures, or --content and --style for painted ones.")
    }
    guard (16...1_000_000).contains(real) else { throw ValidationError("--real must be 16 to 1000000.") }
    guard (16...100_000).contains(samples ?? 2000) else { throw ValidationError("--samples must be 16 to 100000.") }
    if let size, !(1...4096).contains(size) { throw ValidationError("--size must be 1 to 4096 pixels.") }
  }

  func run() throws {
    let teller = common.teller()
    if let result = try result(teller.tell) { teller.finish(result) }
  }

  private func result(_ tell: (Event) -> Void) throws -> Event.Result? {
    let (place, device) = (common.place, try device.resolved())
    if isClip(subject) && against == nil {
      return .measureClip(
        try measureClip(subject, content: content, style: style, in: place, on: device, tell: tell))
    }
    if let content, let style {
      return .measureStyle(
        try measureStyle(subject, content: content, style: style, in: place, on: device, tell: tell))
    }
    guard let against else { return nil }
    if hasLearnedMotion(subject, in: place) {
      return .measureMotion(
        try measureMotion(subject, against: against, frame: frame, in: place, on: device, tell: tell))
    }
    if makesFilms(subject, in: place) {
      return .measureFilms(
        try measureFilms(subject, against: against, samples: samples ?? 256, in: place, on: device, tell: tell))
    }
    return .measure(
      try measure(
        subject, against: against, samples: samples ?? 2000, real: real, size: size, crop: crop,
        drawing: drawing.value, features: features, nearest: nearest, pathLength: pathLength, force: force,
        in: place, on: device, tell: tell))
  }
}

extension FeatureNetwork: ExpressibleByArgument {}
