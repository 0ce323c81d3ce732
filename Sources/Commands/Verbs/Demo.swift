import ArgumentParser
import Foundation
import Workshop

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Demonstration: one page of what Atelier makes, in about five minutes.",
    discussion: """
      Pictures of the bundled generator, a generator trained on bundled faces, a painted photograph and a film: on \
      index.html, which opens in a browser, and on page.png. Each demo has a new folder in the workspace. Ctrl-C stops, \
      and the page shows what was made by then.
      """)

  @Option(help: ArgumentHelp("About how many minutes it takes on two cores; with fewer it shows less.", valueName: "n"))
  var minutes = 5.0

  @Option(help: ArgumentHelp("Random seed of the training.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if !(minutes > 0 && minutes < 1e6) { throw ValidationError("--minutes must be more than 0.") }
  }

  func run() throws {
    let teller = common.teller(stops: .onceItWorks)
    var demo = try Demo(in: common.place, minutes: minutes, on: device.resolved())
    let shouldStop = { Interruption.isRequested }
    try demo.prepare(tell: teller.tell)
    try demo.copyPictures()

    teller.line("1. Pictures of the bundled generator")
    try demo.makePictures(tell: teller.tell, shouldStop: shouldStop)
    if !demo.isStopped {
      teller.line("2. A generator of your own, trained on 56 faces")
      try demo.train(seed: seed, tell: teller.tell, shouldStop: shouldStop)
      if let training = demo.training { teller.endPart(training) }
    }
    if !demo.isStopped {
      teller.line("3. A photograph in the style of a painting")
      try demo.paint(tell: teller.tell, shouldStop: shouldStop)
    }
    if !demo.isStopped {
      teller.line("4. A film that loops")
      try demo.makeFilm(tell: teller.tell, shouldStop: shouldStop)
    }
    teller.finish(.demo(try demo.writePage()))
  }
}
