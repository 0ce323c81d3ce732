import ArgumentParser
import Foundation
import Workshop

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare generators side by side: a sheet of samples and a table of measures.",
    discussion: """
      All are measured (KID, precision, recall) against the same pictures at one size, and show the same random seeds, \
      none picked:
        atelier compare gan vae diffusion --against PICTURES --out sheet.png
      For a diffusion model, name the sampler after an @:
        atelier compare RUN@heun:40 RUN@quick:4 --against PICTURES --out sheet.png
      """)

  @Argument(help: "Two or more runs, checkpoints or models.")
  var subjects: [String]

  @Option(help: ArgumentHelp("Real pictures: a folder or a zip file.", valueName: "pictures"))
  var against: String

  @Option(help: ArgumentHelp("The sheet to write, a PNG file.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Samples that each generator makes.", valueName: "n"))
  var samples = 1000

  @Option(help: ArgumentHelp("The most real pictures to measure KID, precision and recall against.", valueName: "n"))
  var real = SetFeatures.most

  @Option(
    help: ArgumentHelp("Side at which to compare, in pixels. (default: the smallest generator's)", valueName: "px"))
  var size: Int?

  @Option(help: ArgumentHelp("Pictures of each generator on the sheet.", valueName: "n"))
  var columns = 12

  @Flag(help: "Overwrite an existing file.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    guard (16...1_000_000).contains(real) else { throw ValidationError("--real must be 16 to 1000000.") }
    guard (16...100_000).contains(samples) else { throw ValidationError("--samples must be 16 to 100000.") }
    if let size, !(1...4096).contains(size) { throw ValidationError("--size must be 1 to 4096 pixels.") }
  }

  func run() throws {
    let console = common.console
    var request = CompareRequest(subjects, against: against, out: out)
    (request.samples, request.size, request.columns, request.force) = (samples, size, columns, force)
    request.real = real
    var bar = Bar(console), pace = Pace()
    let found = try compare(
      request, in: common.place, on: device.resolved(),
      say: { sentence in
        bar.interrupt()
        console.line(sentence)
        console.event("note", ["text": sentence])
      }, progress: { bar.show(Double($0) / Double(max(1, $1)), pace.words($0, of: $1)) })
    bar.close()
    console.event("comparison", encoding: found)
    let heading = [
      "", "recipe", "KID × 1000", "precision", "recall", "coverage", "sharpness", "trained", "pictures/s",
      "ms a picture",
    ]
    let rows = found.rows.map { row in
      let measured = row.measurement
      let error = measured.kidError.map { " ± \(spoken($0))" } ?? ""
      return [
        (row.name as NSString).lastPathComponent, row.recipe, spoken(measured.kid) + error, spoken(measured.precision),
        spoken(measured.recall), spoken(measured.coverage), spoken(measured.sharpness), "\(spoken(row.minutes)) min",
        spoken(row.picturesPerSecond), measured.millisecondsAPicture.map { spoken($0) } ?? "",
      ]
    }
    console.line(
      "\(counted(request.samples, "picture")) of each against \(grouped(found.rows[0].measurement.real)) real ones, "
        + "at \(found.size) px:")
    let table = [heading] + rows
    let widths = heading.indices.map { column in table.map { $0[column].count }.max()! }
    for row in table {
      let cells = zip(row, widths).enumerated().map { i, cell in
        let space = String(repeating: " ", count: cell.1 - cell.0.count)
        return i < 2 ? cell.0 + space : space + cell.0
      }
      console.line("  " + cells.joined(separator: "  "))
    }
    show(found.sheet, on: console)
    console.line(found.sheet)
  }
}
