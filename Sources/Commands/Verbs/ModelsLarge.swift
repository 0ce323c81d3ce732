import ArgumentParser
import Foundation
import Workshop

extension ModelsCommand {
  struct InspectModel: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Say what a large model's file or folder is: Stable Diffusion 1.x, 2.x, SDXL, or a LoRA for one.",
      discussion: """
        It is read where it lies, and compared tensor by tensor with the network that it is for: a missing tensor is \
        named. Memory is arithmetic. Seconds a step are arithmetic at a rate that is measured for a moment.
        """)
    @Argument(
      help: ArgumentHelp("A diffusers folder, a single file, or the name of one that was added.", valueName: "file"))
    var path: String
    @Option(help: "What its network answers: epsilon (noise) or v, where the file says it wrongly or not at all.")
    var prediction: PredictionName?
    @OptionGroup var device: DeviceOption
    @OptionGroup var common: Common

    func run() throws {
      let teller = common.teller()
      teller.finish(
        .modelsInspect(
          try inspectLargeModel(path, prediction: prediction?.value, in: common.place, on: device.resolved())))
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Register a large model where it lies, without a copy, under a name for --with and generate.",
      discussion: """
        A small file, NAME.json in the workspace's models, has its place. To remove the model from the list, delete \
        that file; the model itself stays.
        """)
    @Argument(help: ArgumentHelp("A diffusers folder or a single file.", valueName: "file"))
    var path: String
    @Option(help: "The model's name. (default: the file's or folder's)")
    var name: String?
    @Option(help: "What its network answers: epsilon (noise) or v, where the file says it wrongly or not at all.")
    var prediction: PredictionName?
    @Option(help: "The licence that the author gave the weights.")
    var licence: String?
    @Flag(help: "Replace a model that was added under that name.")
    var force = false
    @OptionGroup var common: Common

    func run() throws {
      let teller = common.teller()
      teller.finish(
        .modelsAdd(
          try addModel(
            path, named: name, prediction: prediction?.value, licence: licence, force: force, in: common.place,
            tell: teller.tell)))
    }
  }
}

extension LargeInspection {
  /// For people.
  var lines: [String] {
    var lines = ["\(path): \(family), \(task)"]
    let weights = [precision, parameters.map { "\(grouped($0)) parameters" }, spoken(bytes: bytes)].compactMap { $0 }
    lines.append("  weights      \(weights.joined(separator: ", "))")
    if let layers { lines.append("  changes      \(counted(layers, "layer"))") }
    if let prediction {
      lines.append("  prediction   \(prediction == "velocity" ? "v (velocity)" : "epsilon (noise)")")
    }
    if let side { lines.append("  trained at   \(side) × \(side) px") }
    if let memory, let memoryInTurn {
      lines.append(
        "  memory       about \(spoken(bytes: memory)), or \(spoken(bytes: memoryInTurn)) with one part at a time (arithmetic)"
      )
    }
    if let secondsAStep {
      lines.append(
        "  a step here  about \(spoken(secondsAStep)) s with guidance (arithmetic, at a rate measured now; real steps take longer)"
      )
    }
    return lines + notes.map { "  \($0)" }
  }
}
