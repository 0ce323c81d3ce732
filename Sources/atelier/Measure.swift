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
      """)

  @Argument(help: "A run, checkpoint or model, or a folder of pictures.")
  var subject: String

  @Option(help: ArgumentHelp("Real pictures: a folder or a zip file.", valueName: "pictures"))
  var against: String

  @Option(help: ArgumentHelp("How many pictures a generator makes for it.", valueName: "n"))
  var samples = 2000

  @Option(help: ArgumentHelp("Side of the pictures compared; the generator's when left out.", valueName: "px"))
  var size: Int?

  @Option(help: "How real pictures become squares, centre or fit; as the run's did when left out.")
  var crop: Decoding.Crop?

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    guard (16...100_000).contains(samples) else { throw ValidationError("--samples must be 16 to 100000.") }
    if let size, !(1...4096).contains(size) { throw ValidationError("--size must be 1 to 4096 pixels.") }
  }

  func run() throws {
    let console = common.console
    var bar = Bar(console)
    let found = try measure(
      subject, against: against, samples: samples, size: size, crop: crop, in: common.place, on: device.resolved(),
      say: { sentence in
        bar.interrupt()
        console.line(sentence)
        console.event("note", ["text": sentence])
      }, progress: { bar.show($0, ["looking at pictures"]) })
    bar.close()
    console.event("measurement", encoding: found)
    let error = found.kidError.map { " ± \(spoken($0))" } ?? ""
    console.line("\(counted(found.samples, "picture")) against \(grouped(found.real)) real ones, at \(found.size) px:")
    console.line("  KID × 1000  \(spoken(found.kid))\(error)   (0 is like the real ones; \(found.features) features)")
    console.line("  FID         \(spoken(found.fid))   (not comparable with papers: other features)")
    console.line("  precision   \(spoken(found.precision))   recall \(spoken(found.recall))")
    console.line("  density     \(spoken(found.density))   coverage \(spoken(found.coverage))")
    console.line("  likely copies of real pictures: \(found.copies.count)")
    for copy in found.copies.prefix(5) { console.line("    \(copy.picture) is very like \(copy.of)") }
  }
}
