import ArgumentParser
import Foundation
import Workshop

struct VaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vary",
    abstract: "Make pictures like one, of its own patches; nothing is trained.",
    discussion: """
      The layout is disturbed at a small size, then each patch is replaced by its nearest in the picture, up to the \
      full size:
        atelier vary meadow.jpg --seeds 0-8 --out meadows
        atelier vary meadow.jpg --shape 21:9 --diversity 0 --out wide.png
        atelier vary pebbles.jpg --structure face.jpg --out pebble-face.png
      """)

  @Argument(help: "The picture whose patches are used.")
  var picture: String

  @Option(help: ArgumentHelp("The new PNG file; a folder for several seeds.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("What chance is drawn from, such as 0-8.", valueName: "list"))
  var seeds = "0"

  @Option(help: ArgumentHelp("Another shape, width:height: one side stays, the other grows.", valueName: "w:h"))
  var shape: String?

  @Option(help: ArgumentHelp("A picture whose layout is filled with the patches.", valueName: "picture"))
  var structure: String?

  @Option(help: ArgumentHelp("Pixels of the picture's longer side.", valueName: "n"))
  var size = 256

  @Option(help: ArgumentHelp("How much the layout is disturbed; 0 leaves it, 6 makes another.", valueName: "x"))
  var diversity = 6.0

  @Option(
    help: ArgumentHelp("The smaller, the more of the picture must show up; large for free repetition.", valueName: "x"))
  var completeness = 0.005

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    var request = VaryRequest(picture: picture, out: out)
    (request.seeds, request.structure, request.force) = (try Seeds(seeds), structure, force)
    request.shape = try ratio()
    (request.settings.size, request.settings.diversity) = (size, diversity)
    request.settings.completeness = completeness
    let console = common.console
    var bar = Bar(console, interval: 5)
    var made: [String] = []
    Interruption.watch()
    let isWhole = try vary(request, on: device.resolved(), shouldStop: { Interruption.isRequested }) { event in
      switch event {
      case .progress(let picture, let count, let fraction, let secondsLeft):
        console.event(
          "progress", ["picture": picture, "of": count, "fraction": fraction, "secondsLeft": secondsLeft])
        bar.show(
          fraction,
          ["\(spoken(seconds: secondsLeft)) left"] + (count > 1 ? ["picture \(picture) of \(count)"] : []))
      case .picture(let picture):
        bar.interrupt()
        made.append(picture.path)
        console.event("picture", encoding: picture)
        console.line(
          "\(picture.path): \(picture.width) × \(picture.height) px in \(spoken(seconds: picture.seconds))")
      }
    }
    bar.close()
    console.event("finished", ["pictures": made.count, "isStopped": !isWhole])
    if made.count == 1 { show(made[0], on: console) }
    guard !isWhole else { return }
    console.line("Stopped after \(counted(made.count, "picture")).")
    Interruption.leaveIfRequested()
  }

  private func ratio() throws -> Double? {
    guard let shape else { return nil }
    let sides = shape.split(separator: ":").map { Double($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0 else {
      throw ValidationError("--shape can't be '\(shape)': give width and height, such as 21:9.")
    }
    return width / height
  }
}
