import ArgumentParser
import struct Torch.Device
import Workshop

/// What every verb takes.
struct Common: ParsableArguments {
  @Flag(help: "Write one JSON object a line on standard output, and nothing else there.")
  var json = false

  @Option(help: ArgumentHelp("Where runs, models and packed sets are kept.", valueName: "dir"))
  var workspace: String?

  var console: Console { Console(json: json) }
  var place: Workspace { Workspace(workspace) }
}

/// Where tensors are computed.
struct DeviceOption: ParsableArguments {
  @Option(help: ArgumentHelp("auto, cpu, cuda, cuda:1 or mps.", valueName: "name"))
  var device = "auto"

  func resolved() throws -> Device { try Device(named: device) }
}
