import ArgumentParser
import Foundation
import Workshop

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List, install, import and export trained models; inspect and add large ones.",
    subcommands: [List.self, Install.self, Import.self, Export.self, InspectModel.self, Add.self])
}

extension ModelsCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the models on this machine, and those that can be installed.")
    @OptionGroup var common: Common

    func run() throws {
      let teller = common.teller()
      let found = models(in: common.place)
      for model in found { teller.tell(.model(model)) }
      teller.finish(.modelsList(ModelCount(models: found.count)))
    }
  }

  struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Download a known model, and check its SHA-256.")
    @Argument(help: "The model's name, as in `atelier models list`.")
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
      abstract: "Import weights that were trained elsewhere.",
      discussion: """
        PyTorch's files are read without executing anything in them; safetensors are read as they are. Prefixes such as
        "module." are removed from the names.
        """)
    @Argument(help: "A PyTorch checkpoint or a safetensors file.")
    var file: String
    @Option(
      name: .customLong("as"),
      help: ArgumentHelp(
        "The network architecture of the weights. (default: told by their names and shapes)", valueName: "architecture")
    )
    var architecture: String?
    @Option(help: "The dictionary inside the file that holds the weights, such as g_ema. (default: the one that fits)")
    var part: String?
    @Option(help: "The model's name. (default: the file's)")
    var name: String?
    @Option(help: "The licence that the author gave the weights.")
    var licence: String?
    @Flag(help: "Overwrite a model of the same name.")
    var force = false
    @OptionGroup var common: Common

    func run() throws {
      var request = ImportRequest(file, as: architecture)
      (request.part, request.name, request.licence, request.force) = (part, name, licence, force)
      common.teller().finish(.modelsImport(try importModel(request, in: common.place)))
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Export a run's model as one file, or as a folder of diffusers, without the training state.")
    @Argument(help: ArgumentHelp("A run's folder, or its name.", valueName: "run"))
    var source: String
    @Option(help: "The model's name. (default: the run's)")
    var name: String?
    @Option(
      name: .customLong("as"),
      help: ArgumentHelp(
        "What to write: a file of Atelier's, or a folder of diffusers, of a model that draws by words.",
        valueName: "kind"))
    var kind = ExportKind.atelier
    @Option(
      help: ArgumentHelp("The file or folder to write. (default: a file in the workspace's models)", valueName: "file"))
    var out: String?
    @Option(help: "The strictest licence among the training pictures.")
    var licence: String?
    @Flag(help: "Store 16-bit numbers: half the size, no visible difference.")
    var half = false
    @Flag(help: "Overwrite an existing file.")
    var force = false
    @OptionGroup var common: Common

    func validate() throws {
      guard kind == .diffusers else { return }
      if out == nil { throw ValidationError("Name the folder to write: --as diffusers --out FOLDER.") }
      try refuse(
        [("name", name != nil), ("licence", licence != nil)], "with --as diffusers, whose folder says neither")
    }

    func run() throws {
      let teller = common.teller()
      if kind == .diffusers, let out {
        let exported = try exportFolder(source, to: out, isHalf: half, force: force, in: common.place) {
          teller.tell(.note($0.sentence))
        }
        return teller.finish(.modelsExport(exported))
      }
      let exported = try exportModel(
        source, named: name, to: out, licence: licence, isHalf: half, force: force, in: common.place
      ) { teller.tell(.note($0.sentence)) }
      teller.finish(.modelsExport(exported))
    }
  }
}

/// What `models export` writes.
enum ExportKind: String, CaseIterable, ExpressibleByArgument { case atelier, diffusers }
