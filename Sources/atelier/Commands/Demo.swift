import ArgumentParser
import Foundation
import Workshop

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Demonstration: train a small generator on the bundled emoji, in a few minutes.")

  @Option(help: ArgumentHelp("Minutes to train.", valueName: "n"))
  var minutes = 4.0

  @Option(help: ArgumentHelp("Random seed.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if !(minutes > 0 && minutes < 1e6) { throw ValidationError("--minutes must be more than 0.") }
  }

  func run() throws {
    let console = common.console
    let device = try device.resolved()
    let pictures = try Demo.pictures()
    console.line("1. The bundled pictures: \(pictures)")
    let found = try inspect(
      pictures, advise: { advice(on: $0, gigaflops: measuredGigaflops(on: device), device: device) })
    console.event("inspection", encoding: found)
    console.line("   " + (found.report.first ?? ""))

    let demo = try Demo(in: common.place)
    if let shipped = Demo.shipped {
      console.line("\n2. Samples of the bundled generator, which was trained on emoji for longer:")
      let sheet = try demo.makeShipped(shipped, on: device)
      console.event("sheet", ["path": sheet])
      show(sheet, on: console)
      console.line("   \(sheet)")
    }

    console.line("\n3. Training a generator of your own. Ctrl-C stops earlier and saves it.")
    var request = TrainRequest(pictures: pictures)
    (request.run, request.length, request.seed, request.device) = (demo.run, .minutes(minutes), seed, device)
    var narrator = Narrator(console, saysNext: false)
    try train(request, in: common.place) {
      narrator.tell($0)
    } shouldStop: {
      Interruption.isRequested
    }

    try demo.writeSheet(shipped: Demo.shipped, minutes: narrator.seconds / 60, on: device)
    console.event("sheet", ["path": demo.sheet])
    show(demo.sheet, on: console)
    console.line(
      """

      Both on one page: \(demo.sheet)

      Next:
        ./atelier train --resume --run \(demo.run) --minutes 20      # train yours further
        ./atelier generate \(demo.run) --seeds 0-63 --grid --out pictures
        ./atelier inspect YOUR-PICTURES                              # a folder or a zip, 30 pictures or more
        ./atelier train YOUR-PICTURES --minutes 20
      """)
    Interruption.leaveIfRequested()
  }
}
