import ArgumentParser
import Foundation
import Media
import Workshop

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
      A run of the recipe videogan: how much its films look and move like clips:
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

  @Option(help: ArgumentHelp("Side at which to compare, in pixels. (default: the generator's)", valueName: "px"))
  var size: Int?

  @Option(help: "How real pictures become squares: centre, fit or pieces. (default: as in the run)")
  var crop: Decoding.Crop?

  @Option(
    help: ArgumentHelp(
      "For a run of motion: --against names sprite sheets with frames of this size.", valueName: "72x72"))
  var frame: FrameSize?

  @Option(help: "Feature network: efficientnet-lite0 or vgg16. (default: efficientnet-lite0)")
  var features = Asked(FeatureNetwork.efficientnetLite0)

  @Option(
    help: ArgumentHelp(
      "A PNG file to write: the samples nearest to real pictures, above those pictures.", valueName: "file"))
  var nearest: String?

  @Flag(help: "Also measure the perceptual path length of a generator with styles.")
  var pathLength = false

  @Flag(help: "Overwrite an existing file.")
  var force = false

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if isClip(subject) && against == nil { return }
    guard (against != nil) != (content != nil && style != nil), (content == nil) == (style == nil) else {
      throw ValidationError("Give --against for made pictures, or --content and --style for painted ones.")
    }
    guard (16...1_000_000).contains(real.value) else { throw ValidationError("--real must be 16 to 1000000.") }
    guard (16...100_000).contains(samples ?? 2000) else { throw ValidationError("--samples must be 16 to 100000.") }
    if let size, !(1...4096).contains(size) { throw ValidationError("--size must be 1 to 4096 pixels.") }
  }

  func run() throws {
    if isClip(subject) && against == nil {
      try refuse(ofGenerators + [samplesOption, frameOption], "for a film")
      return try measureFilm()
    }
    if let content, let style {
      try refuse(ofGenerators + [samplesOption, frameOption], "for painted pictures")
      return try measurePainted(content, style)
    }
    guard let against else { return }
    if hasLearnedMotion(subject, in: common.place) {
      try refuse(ofGenerators + [samplesOption], "for a run that moves pictures")
      return try measureMoved(against)
    }
    try refuse([frameOption], "unless a run that moves pictures is measured")
    if makesFilms(subject, in: common.place) {
      try refuse(ofGenerators, "for a run that makes films")
      return try measureMade(against)
    }
    let console = common.console
    var pace = Pace()
    let found = try measuring { say, show in
      try measure(
        subject, against: against, samples: samples, real: real.value, size: size, crop: crop,
        drawing: drawing.value, features: features.value, nearest: nearest, pathLength: pathLength, force: force,
        in: common.place, on: device.resolved(), say: say,
        progress: { show(Double($0) / Double(max(1, $1)), pace.words($0, of: $1)) })
    }
    let error = found.kidError.map { " ± \(spoken($0))" } ?? ""
    let ofAll = found.real < found.realInAll ? " of \(grouped(found.realInAll))" : ""
    console.line(
      "\(counted(found.samples, "picture")) against \(grouped(found.real))\(ofAll) real ones, at \(found.size) px:")
    console.line("  KID × 1000  \(spoken(found.kid))\(error)   (0: like the real ones; \(found.features) features)")
    console.line("  FID         \(spoken(found.fid))   (not comparable with papers: other features)")
    console.line("  precision   \(spoken(found.precision))   recall \(spoken(found.recall))")
    console.line("  density     \(spoken(found.density))   coverage \(spoken(found.coverage))")
    console.line("  sharpness   \(spoken(found.sharpness)) of the real ones'")
    if let seam = found.seam {
      console.line("  seams       \(spoken(seam)) of the steps inside (1: no visible seams)")
    }
    if let length = found.pathLength {
      console.line(
        "  path length \(spoken(length))   (smaller is smoother; not comparable with papers: VGG16 features)")
    }
    if let time = found.millisecondsAPicture { console.line("  a picture takes \(spoken(time)) ms") }
    console.line(
      "  likely copies of real pictures: \(found.copies.count), \(percent(found.copies.count, of: found.samples)) "
        + "(\(spoken(100 * found.copyFalseRate)) % of the real ones are as like to others; planted copies are found "
        + "\(spoken(100 * found.copySensitivity)) % of the time)")
    if let copies = found.learnedCopies {
      var line = "  likely copies of what it learned from: \(copies), \(percent(copies, of: found.samples))"
      if copies > 0, let kid = found.kidOfOthers {
        line += "; KID × 1000 without them \(spoken(kid))" + (found.kidOfOthersError.map { " ± \(spoken($0))" } ?? "")
      }
      console.line(line)
    }
    for copy in found.copies.prefix(5) { console.line("    \(copy.picture) is very like \(copy.of)") }
    if let nearest { console.line("The samples nearest to real pictures, above those pictures: \(nearest)") }
  }

  /// Options of what is measured of pictures that a generator makes, or that are like such.
  private var ofGenerators: [(name: String, isGiven: Bool)] {
    [
      ("real", real.isGiven), ("size", size != nil), ("crop", crop != nil), ("features", features.isGiven),
      ("nearest", nearest != nil), ("path-length", pathLength), ("sampling", drawing.sampling != nil),
      ("class", drawing.kind != nil), ("guidance", drawing.guidance != nil),
    ]
  }
  private var samplesOption: (name: String, isGiven: Bool) { ("samples", samples != nil) }
  private var frameOption: (name: String, isGiven: Bool) { ("frame", frame != nil) }

  private func percent(_ part: Int, of whole: Int) -> String {
    "\(spoken(100 * Double(part) / Double(max(1, whole)))) %"
  }

  /// With a bar, and what there is to say.
  private func measuring<Found: Encodable>(
    _ doing: String, _ measure: (_ say: (String) -> Void, _ progress: (Double) -> Void) throws -> Found
  ) throws -> Found {
    try measuring { say, show in try measure(say) { show($0, [doing]) } }
  }

  private func measuring<Found: Encodable>(
    _ measure: (_ say: @escaping (String) -> Void, _ show: @escaping (Double, [String]) -> Void) throws -> Found
  ) throws -> Found {
    let console = common.console
    var bar = Bar(console)
    let found = try measure(
      { sentence in
        bar.interrupt()
        console.line(sentence)
        console.event("note", ["text": sentence])
      }, { bar.show($0, $1) })
    bar.close()
    console.event("measurement", encoding: found)
    return found
  }

  private func measurePainted(_ content: String, _ style: String) throws {
    let console = common.console
    let found = try measuring("looking at pictures") { say, progress in
      try measureStyle(
        subject, content: content, style: style, in: common.place, on: device.resolved(), say: say, progress: progress)
    }
    console.line("\(counted(found.pictures.count, "picture")) in \(counted(found.styles, "style")):")
    console.line("  content     \(spoken(found.contentDistance))   (content loss of restyle; 0: the same things)")
    console.line("  style       \(spoken(found.styleDistance))   (style loss of restyle; 0: painted like the style)")
    console.line("  structure   \(spoken(found.structure))   (SSIM with the content; 1: the same)")
    console.line("  perceptual  \(spoken(found.perceptualDistance))   (distance to the content on VGG16's features)")
    if let artFID = found.artFID {
      console.line("  ArtFID      \(spoken(artFID))   (not comparable with papers: other features)")
    }
  }

  private func measureMoved(_ against: String) throws {
    let console = common.console
    let found = try measuring("moving pictures") { say, progress in
      try measureMotion(
        subject, against: against, frame: frame, in: common.place, on: device.resolved(), say: say, progress: progress)
    }
    func line(_ part: MotionMeasurement.Part) -> String {
      "\(spoken(part.ratio)) of the error of holding the first frame (\(spoken(1000 * part.error)) for "
        + "\(spoken(1000 * part.held)) / 1000; \(counted(part.frames, "frame")) of \(counted(part.sequences, "sequence")))"
    }
    console.line("The first picture of each sequence, animated to the poses of its other frames:")
    console.line("  all              \(line(found.all))")
    if let long = found.long { console.line("  6 frames or more \(line(long))") }
    let order = found.sequences.sorted { $0.ratio < $1.ratio }
    for (words, some) in [("best", order.prefix(3)), ("worst", order.suffix(3))] {
      console.line("  \(words): " + some.map { "\($0.name) \(spoken($0.ratio))" }.joined(separator: ", "))
    }
  }

  private func measureMade(_ against: String) throws {
    let console = common.console
    let found = try measuring("looking at frames") { say, progress in
      try measureFilms(
        subject, against: against, samples: samples ?? 256, in: common.place, on: device.resolved(), say: say,
        progress: progress)
    }
    let error = found.distanceError.map { " ± \(spoken($0))" } ?? ""
    console.line("\(counted(found.clips, "clip")) of \(found.frames) frames against \(grouped(found.real)) real ones:")
    console.line("  distance × 1000  \(spoken(found.distance))\(error)   (0: looks and moves like the real ones)")
    console.line("    with its frames in any order  \(spoken(found.shuffled))")
    console.line("    real clips with theirs        \(spoken(found.realShuffled))")
    console.line(
      "  step             \(spoken(found.step))   real ones \(spoken(found.realStep)) (from frame to frame, 0 to 1)")
  }

  private func measureFilm() throws {
    let console = common.console
    let found = try measuring("looking at frames") { say, progress in
      try measureClip(
        subject, content: content, style: style, in: common.place, on: device.resolved(), say: say, progress: progress)
    }
    console.line("\(counted(found.frames, "frame")):")
    console.line("  step        \(spoken(found.step))   (difference from frame to frame, 0 to 1; median)")
    console.line(
      "  closure     \(spoken(found.closure))   (from the last frame to the first, in steps; 1 or less: it loops)")
    if let error = found.warpError, let own = found.contentWarpError {
      console.line(
        "  warp error  \(spoken(1000 * error)) / 1000   (paint that doesn't move with the picture; the film's own: \(spoken(1000 * own)))"
      )
    }
    if let style = found.styleDistance, let content = found.contentDistance {
      console.line("  style       \(spoken(style))   content \(spoken(content))   (losses of restyle)")
    }
  }
}

extension FeatureNetwork: ExpressibleByArgument {}
