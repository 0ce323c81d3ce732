import ArgumentParser
import Foundation
import Workshop

struct ProjectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project",
    abstract: "GAN inversion: find the latent of your own picture, to edit it.",
    discussion: """
      It needs a run of the recipe r3gan, projected or stylegan2. For each picture it optimises the styles (latents in \
      W+), then fine-tunes a copy of the generator (pivotal tuning). The sheet has the pictures, the inversions by \
      styles alone, and those by the tuned generators:
        atelier project RUN PICTURES --out DIR
      A tuned generator is for its own picture: its pictures of other seeds stay near the original's, but change a little.
      """)

  @Argument(help: "A run, checkpoint or model of the recipe r3gan, projected or stylegan2.")
  var source: String

  @Argument(help: "A folder, a zip file or a picture.")
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
    let console = common.console
    var request = ProjectRequest(run: source, pictures: pictures, out: out)
    (request.count, request.tunes, request.force) = (count, tuning > 0, force)
    (request.projection.steps, request.projection.tuningSteps) = (steps, tuning)
    Interruption.watch()
    var bar = Bar(console, interval: 5)
    let begun = ProcessInfo.processInfo.systemUptime
    let found = try project(request, in: common.place, on: device.resolved()) { event in
      switch event {
      case .note(let sentence):
        bar.interrupt()
        console.line(sentence)
        console.event("note", ["text": sentence])
      case .progress(let fraction, let words):
        let left = (ProcessInfo.processInfo.systemUptime - begun) * (1 / max(fraction, 1e-9) - 1)
        bar.show(fraction, [words, "\(spoken(seconds: left)) left"])
      case .projected(let one):
        bar.interrupt()
        console.event("projected", encoding: one)
        let tuned = one.tunedDistance.map { ", tuned \(spoken($0))" } ?? ""
        console.line("\(one.picture): distance \(spoken(one.distance)) by its styles\(tuned)")
      case .sheet(let path):
        bar.close()
        show(path, on: console)
        console.event("sheet", ["path": path])
        console.line(path)
      }
    } shouldStop: {
      Interruption.isRequested
    }
    bar.close()
    if found.count > 1 {
      let mean = found.reduce(0) { $0 + $1.distance } / Double(found.count)
      let tuned = found.compactMap(\.tunedDistance).reduce(0, +) / Double(found.count)
      console.line(
        "\(counted(found.count, "picture")): mean distance \(spoken(mean)) by styles"
          + (request.tunes ? ", \(spoken(tuned)) tuned" : ""))
    }
    if Interruption.isRequested { console.line("Stopped after \(counted(found.count, "picture")).") }
    Interruption.leaveIfRequested()
  }
}
