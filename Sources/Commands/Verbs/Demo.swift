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
    let teller = common.teller(stops: .onceItWorks)
    let device = try device.resolved()
    let pictures = try Demo.pictures()
    teller.line("1. The bundled pictures: \(pictures)")
    let found = try inspect(
      pictures, advise: { advice(on: $0, gigaflops: measuredGigaflops(on: device), device: device) })
    if let first = found.report.first { teller.tell(.note(first)) }

    let demo = try Demo(in: common.place)
    if let shipped = Demo.shipped {
      teller.line("\n2. Samples of the bundled generator, which was trained on emoji for longer:")
      let sheet = try demo.makeShipped(shipped, on: device)
      teller.tell(.made(MadeFile(.sheet, sheet)))
      show(sheet, on: teller.console)
      teller.line("   \(sheet)")
    }

    teller.line("\n3. Training a generator of your own. Ctrl-C stops earlier and saves it.")
    var request = TrainRequest(pictures: pictures)
    (request.run, request.length, request.seed, request.device) = (demo.run, .minutes(minutes), seed, device)
    let trained = try train(request, in: common.place, tell: teller.tell) { Interruption.isRequested }
    teller.endPart(trained)

    try demo.writeSheet(shipped: Demo.shipped, minutes: trained.seconds / 60, on: device)
    teller.finish(.demo(Demonstrated(pictures: pictures, sheet: demo.sheet, training: trained)))
  }
}
