import ArgumentParser
import Foundation
import Workshop

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List, install, import and export trained models.",
    subcommands: [List.self, Install.self, Import.self, Export.self])
}

extension ModelsCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the models at hand, and those that can be installed.")
    @OptionGroup var common: Common

    func run() throws {
      let console = common.console
      for model in models(in: common.place) {
        console.event("model", encoding: model)
        let size = spoken(bytes: model.bytes)
        console.line("\(model.name)  \(model.state.rawValue), \(model.architecture), \(size), licence \(model.licence)")
        if !model.use.isEmpty { console.line("  \(model.use)") }
      }
    }
  }

  struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Download a known model, and check it against its hash.")
    @Argument(help: "As `atelier models list` names it.")
    var name: String
    @OptionGroup var common: Common

    func run() throws {
      let console = common.console
      let path = try installModel(name, in: common.place, say: { console.line($0) })
      console.event("installed", ["name": name, "path": path])
      console.line(path)
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring weights in that were trained elsewhere.",
      discussion: """
        PyTorch's files are read without executing anything in them; safetensors are taken as they are. Wrappers such as
        "module." around the names are taken off.
        """)
    @Argument(help: "A PyTorch checkpoint or a safetensors file.")
    var file: String
    @Option(
      name: .customLong("as"),
      help: ArgumentHelp("The network that they are for, where names and shapes don't tell.", valueName: "architecture")
    )
    var architecture: String?
    @Option(help: "The dictionary inside the file that holds the weights, where several fit: g_ema, say.")
    var part: String?
    @Option(help: "The model's name; the file's when left out.")
    var name: String?
    @Option(help: "The licence that its author gave it.")
    var licence: String?
    @Flag(help: "Replace a model of that name.")
    var force = false
    @OptionGroup var common: Common

    func run() throws {
      let console = common.console
      var request = ImportRequest(file, as: architecture)
      (request.part, request.name, request.licence, request.force) = (part, name, licence, force)
      let imported = try importModel(request, in: common.place)
      console.event("imported", encoding: imported)
      let place = imported.part.isEmpty ? "" : ", from \(imported.part)"
      console.line("\(imported.path)  (\(imported.architecture), \(imported.found)\(place))")
      if !imported.otherParts.isEmpty {
        console.line("  --part takes another: \(imported.otherParts.joined(separator: ", "))")
      }
      for (name, what) in imported.passedOver.sorted(by: { $0.key < $1.key }) {
        console.line("  left out: \(name), \(what)")
      }
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a run's generator as one file, without what only training needs.")
    @Argument(help: ArgumentHelp("A run's folder, or its name.", valueName: "run"))
    var source: String
    @Option(help: "The model's name; the run's when left out.")
    var name: String?
    @Option(help: ArgumentHelp("The file; left out, it goes among the workspace's models.", valueName: "file"))
    var out: String?
    @Option(help: "The licence of the pictures that it was trained on.")
    var licence: String?
    @Flag(help: "Store numbers in 16 bits: half the size, no difference to the eye.")
    var half = false
    @Flag(help: "Replace a file that is there.")
    var force = false
    @OptionGroup var common: Common

    func run() throws {
      let console = common.console
      let exported = try exportModel(
        source, named: name, to: out, licence: licence, isHalf: half, force: force, in: common.place
      ) { Console.complain($0.sentence) }
      console.event("exported", encoding: exported)
      console.line("\(exported.path)  (\(exported.recipe), \(spoken(bytes: exported.bytes)))")
    }
  }
}
