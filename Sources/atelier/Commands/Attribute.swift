import ArgumentParser
import Foundation
import Workshop

struct AttributeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attribute",
    abstract: "Give pictures more or less of what some have and others don't.",
    discussion: """
      With a run of the recipe vae; the sheet has a row for each picture and a column for each amount:
        atelier attribute RUN FACES --with SMILING --without SERIOUS --amounts -1,0,1,2 --out sheet.png
      """)

  @Argument(help: "A run, checkpoint or model of the recipe vae.")
  var source: String

  @Argument(help: "Pictures to change: a folder, a zip file or a picture.")
  var pictures: String

  @Option(help: ArgumentHelp("Pictures that have it.", valueName: "pictures"))
  var with: String

  @Option(help: ArgumentHelp("Pictures that don't.", valueName: "pictures"))
  var without: String

  @Option(
    parsing: .unconditional, help: ArgumentHelp("How much is added, a column each; 0 adds none.", valueName: "list"))
  var amounts = "-1,0,1,2"

  @Option(help: ArgumentHelp("Pictures changed, a row each.", valueName: "n"))
  var count = 6

  @Option(help: ArgumentHelp("The sheet, a new PNG file.", valueName: "file"))
  var out: String

  @Flag(help: "Replace a sheet that is there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller()
    var request = AttributeRequest(run: source, pictures: pictures, with: with, without: without, out: out)
    let numbers = amounts.split(separator: ",").map { Double($0.trimmingCharacters(in: .whitespaces)) }
    guard !numbers.isEmpty, !numbers.contains(nil) else { throw EncodingError.badAmounts(amounts) }
    (request.amounts, request.count, request.force) = (numbers.map { $0! }, count, force)
    try attribute(request, in: common.place, on: device.resolved(), tell: teller.tell)
    teller.finish(.attribute(Attributed(sheet: out)))
  }
}
