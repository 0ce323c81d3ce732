import ArgumentParser
import Foundation
import Workshop

struct ProjectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project",
    abstract: "GAN inversion: find the latent of your own picture, to edit it.",
    discussion: """
      It needs a run of the recipe \(RecipesThat.haveStyles). For each picture it optimises the styles (latents in \
      W+), then fine-tunes a copy of the generator (pivotal tuning). The sheet has the pictures, the inversions by \
      styles alone, and those by the tuned generators:
        atelier project RUN PICTURES --out DIR
      A tuned generator is for its own picture: its pictures of other seeds stay near the original's, but change a little.
      """)

  @Argument(help: "A run, checkpoint or model of the recipe \(RecipesThat.haveStyles).")
  var source: String

  @Argument(help: "A folder, a zip or tar file, or a picture.")
  var pictures: String

  @Option(help: ArgumentHelp("The folder for the results.", valueName: "dir"))
  var out: String

  @Option(help: ArgumentHelp("The most pictures to invert.", valueName: "n"))
  var count = 10

  @Option(help: ArgumentHelp("Optimisation steps on a picture's styles.", valueName: "n"))
  var steps = 400

  @Option(help: ArgumentHelp("Tuning steps on the generator's weights; 0 for none.", valueName: "n"))
  var tuning = 250

  @Flag(help: "Overwrite existing files.")
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
