import ArgumentParser
import Foundation
import Workshop

struct ProjectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project",
    abstract: "Find your own pictures in a generator.",
    discussion: """
      With a run of the recipe r3gan, projected or stylegan2: styles that make each picture, then a copy of the generator tuned to it. The \
      sheet has the pictures, what their styles make, and what the tuned generators make:
        atelier project RUN PICTURES --out DIR
      A tuned generator is for its picture: what it makes of seeds is held near what it was, but not quite kept.
      """)

  @Argument(help: "A run, checkpoint or model of the recipe r3gan, projected or stylegan2.")
  var source: String

  @Argument(help: "A folder, a zip file or a picture.")
  var pictures: String

  @Option(help: ArgumentHelp("The folder for what is found.", valueName: "dir"))
  var out: String

  @Option(help: ArgumentHelp("At most so many pictures are taken.", valueName: "n"))
  var count = 10

  @Option(help: ArgumentHelp("Steps on a picture's styles.", valueName: "n"))
  var steps = 400

  @Option(help: ArgumentHelp("Steps on the generator's weights; 0 for none.", valueName: "n"))
  var tuning = 250

  @Flag(help: "Replace files that are there.")
  var force = false

  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if !(0...10_000).contains(tuning) { throw ValidationError("--tuning must be 0 to 10000 steps.") }
  }

  func run() throws {
    let teller = common.teller(stops: .fromTheStart)
    var request = ProjectRequest(run: source, pictures: pictures, out: out)
    (request.count, request.tunes, request.force) = (count, tuning > 0, force)
    (request.projection.steps, request.projection.tuningSteps) = (steps, tuning)
    teller.finish(
      .project(
        try project(request, in: common.place, on: device.resolved(), tell: teller.tell) { Interruption.isRequested }))
  }
}
