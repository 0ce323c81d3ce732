import ArgumentParser
import Foundation
import Workshop

struct AttributeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attribute",
    abstract: "Attribute editing: add or remove what one set of pictures has and another lacks.",
    discussion: """
      It needs a run of the recipe \(RecipesThat.encode). The attribute is the difference between the mean latents of the two sets. The \
      sheet has a row for each picture and a column for each amount:
        atelier attribute RUN FACES --with SMILING --without SERIOUS --amounts -1,0,1,2 --out sheet.png
      """)

  @Argument(help: "A run, checkpoint or model of the recipe \(RecipesThat.encode).")
  var source: String

  @Argument(help: "Pictures to edit: a folder, a zip file or a picture.")
  var pictures: String

  @Option(help: ArgumentHelp("Pictures that have the attribute.", valueName: "pictures"))
  var with: String

  @Option(help: ArgumentHelp("Pictures that lack the attribute.", valueName: "pictures"))
  var without: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How much of the attribute to add, a column each; 0 adds none.", valueName: "list"))
  var amounts = "-1,0,1,2"

  @Option(help: ArgumentHelp("Number of pictures to edit, a row each.", valueName: "n"))
  var count = 6

  @Option(help: ArgumentHelp("The sheet to write, a PNG file.", valueName: "file"))
  var out: String

  @Flag(help: "Overwrite an existing file.")
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
