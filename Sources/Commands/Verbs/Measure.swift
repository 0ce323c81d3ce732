import ArgumentParser
import Foundation
import Media
import Workshop
import struct Torch.PictureSize

struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Evaluation: KID, FID, precision and recall of a generator's or a folder's pictures.",
    discussion: """
      KID × 1000 falls towards 0 as the pictures become like the real ones. Precision is the share that looks real;
      recall is the share of the real variety that is covered.
      Style transfer is measured by its distance to the content and to the style:
        atelier measure painted.png --content photo.jpg --style painting.jpg
      A film: how steady it is (warp error), and how well it loops:
        atelier measure painted.mp4 --content clip.mp4 --style painting.jpg
      A run of the recipe motion: how much of the motion of sequences it transfers:
        atelier measure RUN --against SEQUENCES
      A run of the recipe \(RecipesThat.makeFilms): how much its films look and move like clips:
        atelier measure RUN --against CLIPS
      """)

  @Argument(help: "A run, checkpoint or model, or a folder of pictures.")
  var subject: String

  @Option(help: ArgumentHelp("Real pictures: a folder or a zip file.", valueName: "pictures"))
  var against: String?

  @Option(help: ArgumentHelp("For style transfer: the content picture, or a folder of them.", valueName: "pictures"))
  var content: String?

  @Option(help: ArgumentHelp("For style transfer: the style picture, or a folder of them.", valueName: "pictures"))
  var style: String?

  @Option(
    help: ArgumentHelp("Samples to generate. (default: 2000; for films 256)", valueName: "n"))
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "The most real pictures to measure KID, FID, precision and recall against; copies are searched among all.",
      valueName: "n"))
  var real = Asked(SetFeatures.most)

  @Option(help: ArgumentHelp("Size at which to compare, in pixels. (default: the generator's)", valueName: "px"))
  var size: PictureSize?

  @Option(help: "How real pictures come to that size: centre, fit or pieces. (default: as in the run)")
  var crop: Decoding.Crop?

  @Option(
    help: ArgumentHelp(
      "For a run of motion: --against names sprite sheets with frames of this size.", valueName: "72x72"))
  var frame: PictureSize?

  @Option(
    help:
      "Feature network: efficientnet-lite0 or vgg16. (default: efficientnet-lite0, and vgg16 too where a run learned by that)"
  )
  var features: FeatureNetwork?

  @Option(
    help: ArgumentHelp(
      "A PNG file to write: the samples nearest to real pictures, above those pictures.", valueName: "file"))
  var nearest: String?

  @Option(
    help: ArgumentHelp(
      "A PNG file to write: 8 real and 8 made pictures, shuffled; the answers are in a text file beside it.",
      valueName: "file"))
  var blind: String?

  @Flag(help: "Also measure the perceptual path length of a generator with styles.")
  var pathLength = false

  @Flag(help: "Overwrite an existing file.")
  var force = false

  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    try check(size)
    try check(frame, option: "frame")
    if isClip(subject) || isFilm(subject), against == nil { return }
    guard (against != nil) != (content != nil && style != nil), (content == nil) == (style == nil) else {
      throw ValidationError("Give --against for made pictures, or --content and --style for painted ones.")
    }
    guard (16...1_000_000).contains(real.value) else { throw ValidationError("--real must be 16 to 1000000.") }
    guard (16...100_000).contains(samples ?? 2000) else { throw ValidationError("--samples must be 16 to 100000.") }
  }

  func run() throws {
    let teller = common.teller()
    if let result = try result(teller.tell) { teller.finish(result) }
  }

  private func result(_ tell: (Event) -> Void) throws -> Event.Result? {
    let (place, device) = (common.place, try device.resolved())
    if isClip(subject) || isFilm(subject), against == nil {
      try refuse(ofGenerators + [samplesOption, frameOption], "for a film")
      return .measureClip(
        try measureClip(subject, content: content, style: style, in: place, on: device, tell: tell))
    }
    if let content, let style {
      try refuse(ofGenerators + [samplesOption, frameOption], "for painted pictures")
      return .measureStyle(
        try measureStyle(subject, content: content, style: style, in: place, on: device, tell: tell))
    }
    guard let against else { return nil }
    if hasLearnedMotion(subject, in: place) {
      try refuse(ofGenerators + [samplesOption], "for a run that moves pictures")
      return .measureMotion(
        try measureMotion(subject, against: against, frame: frame, in: place, on: device, tell: tell))
    }
    try refuse([frameOption], "unless a run that moves pictures is measured")
    if makesFilms(subject, in: place) {
      try refuse(ofGenerators, "for a run that makes films")
      return .measureFilms(
        try measureFilms(subject, against: against, samples: samples ?? 256, in: place, on: device, tell: tell))
    }
    return .measure(
      try measure(
        subject, against: against, samples: samples, real: real.value, size: size, crop: crop,
        samplingOptions: drawing.value, features: features, nearest: nearest, blind: blind, pathLength: pathLength,
        force: force,
        in: place, on: device, tell: tell))
  }

  /// Options of what is measured of pictures that a generator makes, or that are like such.
  private var ofGenerators: [(name: String, isGiven: Bool)] {
    [
      ("real", real.isGiven), ("size", size != nil), ("crop", crop != nil), ("features", features != nil),
      ("nearest", nearest != nil), ("blind", blind != nil), ("path-length", pathLength),
      ("sampling", drawing.sampling != nil),
      ("class", drawing.className != nil), ("guidance", drawing.guidance != nil),
    ]
  }
  private var samplesOption: (name: String, isGiven: Bool) { ("samples", samples != nil) }
  private var frameOption: (name: String, isGiven: Bool) { ("frame", frame != nil) }
}

extension FeatureNetwork: ExpressibleByArgument {}
