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
      let teller = common.teller()
      let found = models(in: common.place)
      for model in found { teller.tell(.model(model)) }
      teller.finish(.modelsList(ModelCount(models: found.count)))
    }
  }

  struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Download a known model, and check it against its hash.")
    @Argument(help: "As `atelier models list` names it.")
    var name: String
    @OptionGroup var common: Common

    func run() throws {
      let teller = common.teller()
      let path = try installModel(name, in: common.place, say: { teller.tell(.note($0)) })
      teller.finish(.modelsInstall(InstalledModel(name: name, path: path)))
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
    @Option(name: .customLong("as"), help: ArgumentHelp("The network that they are for.", valueName: "architecture"))
    var architecture: String
    @Option(help: "The model's name; the file's when left out.")
    var name: String?
    @Option(help: "The licence that its author gave it.")
    var licence: String?
    @Flag(help: "Replace a model of that name.")
    var force = false
    @OptionGroup var common: Common

    func run() throws {
      let imported = try importModel(
        file, as: architecture, named: name, licence: licence, force: force, in: common.place)
      common.teller().finish(
        .modelsImport(ImportedModel(path: imported.path, passedOver: imported.passedOver)))
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
      let teller = common.teller()
      let exported = try exportModel(
        source, named: name, to: out, licence: licence, isHalf: half, force: force, in: common.place
      ) { teller.tell(.note($0.sentence)) }
      teller.finish(.modelsExport(exported))
    }
  }
}
