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
  var real = Asked(SetFeatures.most)

  @Option(help: ArgumentHelp("Side of the pictures compared; the generator's when left out.", valueName: "px"))
  var size: Int?

  @Option(help: "How real pictures become squares, centre, fit or pieces; as the run's did when left out.")
  var crop: Decoding.Crop?

  @Option(
    help: ArgumentHelp("For motion, --against names sheets of sprites with frames of this size.", valueName: "72x72"))
  var frame: FrameSize?

  @Option(help: "What sees the pictures: efficientnet-lite0 or vgg16. (default: efficientnet-lite0)")
  var features = Asked(FeatureNetwork.efficientnetLite0)

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
    console.line("  KID × 1000  \(spoken(found.kid))\(error)   (0 is like the real ones; \(found.features) features)")
    console.line("  FID         \(spoken(found.fid))   (not comparable with papers: other features)")
    console.line("  precision   \(spoken(found.precision))   recall \(spoken(found.recall))")
    console.line("  density     \(spoken(found.density))   coverage \(spoken(found.coverage))")
    console.line("  sharpness   \(spoken(found.sharpness)) of the real ones'")
    if let seam = found.seam {
      console.line("  seams       \(spoken(seam)) of the steps inside (1: none to be seen)")
    }
    if let length = found.pathLength {
      console.line(
        "  path length \(spoken(length))   (smaller is smoother; VGG16's features, not comparable with papers)")
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
    if let nearest { console.line("Those most like real ones, above these: \(nearest)") }
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
    console.line("  content     \(spoken(found.contentDistance))   (restyle's loss; 0 shows the same things)")
    console.line("  style       \(spoken(found.styleDistance))   (restyle's loss; 0 is painted as the style is)")
    console.line("  structure   \(spoken(found.structure))   (SSIM with the content; 1 is the same)")
    console.line("  perceptual  \(spoken(found.perceptualDistance))   (distance to the content on VGG16's features)")
    if let artFID = found.artFID { console.line("  ArtFID      \(spoken(artFID))   (other features than the paper's)") }
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
    console.line("First pictures moved to the poses of their sequences' other frames:")
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
    console.line("  distance × 1000  \(spoken(found.distance))\(error)   (0 looks and moves like the real ones)")
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
      "  closure     \(spoken(found.closure))   (from the last frame to the first, in steps; 1 or less loops)")
    if let error = found.warpError, let own = found.contentWarpError {
      console.line(
        "  warp error  \(spoken(1000 * error)) / 1000   (paint that doesn't move with things; the film's own: \(spoken(1000 * own)))"
      )
    }
    if let style = found.styleDistance, let content = found.contentDistance {
      console.line("  style       \(spoken(style))   content \(spoken(content))   (restyle's losses)")
    }
  }
}

extension FeatureNetwork: ExpressibleByArgument {}
