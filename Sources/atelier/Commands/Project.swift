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
