import ArgumentParser
import struct Torch.Device
import Workshop

/// What every verb takes.
struct Common: ParsableArguments {
  @Flag(help: "Write one JSON object a line on standard output, and nothing else there.")
  var json = false

  @Option(help: ArgumentHelp("Where runs, models and packed sets are kept.", valueName: "dir"))
  var workspace: String?

  func teller(stops: Teller.Stops = .never) -> Teller { Teller(Console(json: json), stops: stops) }
  var place: Workspace { Workspace(workspace) }
}

/// Where tensors are computed.
struct DeviceOption: ParsableArguments {
  @Option(help: ArgumentHelp("auto, cpu, cuda, cuda:1 or mps.", valueName: "name"))
  var device = "auto"

  func resolved() throws -> Device { try Device(named: device) }
}

/// How a generator draws.
struct DrawingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of a diffusion model: heun:40, solver:20, or quick:4, which takes 1, 2 or 4 steps.", valueName: "how:n"))
  var sampling: String?

  @Option(name: .customLong("class"), help: ArgumentHelp("One of the kinds that a generator knows.", valueName: "name"))
  var kind: String?

  @Option(
    help: ArgumentHelp("How far it is driven towards --class: 1 as learned, 2 to 4 for clearer ones.", valueName: "x"))
  var guidance: Double?

  var value: Drawing {
    var drawing = Drawing()
    (drawing.sampling, drawing.kind, drawing.guidance) = (sampling, kind, guidance)
    return drawing
  }
}
