import Files
import Foundation
import Jobs

/// The command line's verbs, as it describes itself: forms and jobs are made from this, so that neither can drift from it.
struct Commands: Codable, Sendable, Equatable {
  var all: [Command]

  func find(_ name: String) -> Command? { all.first { $0.name == name } }

  /// Verbs that aren't jobs: they are the studio itself, answer at once, or are played.
  private static let others: Set = ["studio", "doctor", "live", "help"]

  /// Asks the command line.
  ///
  /// - Throws: `OpeningError.noProgram`.
  static func described(by program: String) async throws -> Commands {
    let told = try await output(of: program, ["--experimental-dump-help"])
    guard told.status == 0, let description = JSON(parsing: told.output), let root = description["command"] else {
      throw OpeningError.noProgram(program)
    }
    return Commands(description: root)
  }

  init(description root: JSON) {
    all = []
    func walk(_ command: JSON, _ path: [String]) {
      for inner in command["subcommands"]?.list ?? [] {
        guard let name = inner["commandName"]?.string, !Commands.others.contains(name) else { continue }
        if inner["subcommands"]?.list?.isEmpty == false {
          walk(inner, path + [name])
        } else {
          all.append(Command(inner, path + [name]))
        }
      }
    }
    walk(root, [])
  }

  /// The flags of each verb, for the queue.
  var flags: [String: Set<String>] {
    Dictionary(
      uniqueKeysWithValues: all.map {
        ($0.verb.joined(separator: " "), Set($0.options.filter { $0.kind == .flag }.map(\.name)))
      })
  }
}

/// A verb.
struct Command: Codable, Sendable, Equatable {
  /// As it is typed.
  let verb: [String]
  let abstract: String
  let discussion: String
  let options: [CommandOption]

  /// In addresses: `models-install`.
  var name: String { verb.joined(separator: "-") }

  init(_ description: JSON, _ verb: [String]) {
    self.verb = verb
    abstract = description["abstract"]?.string ?? ""
    discussion = description["discussion"]?.string ?? ""
    let known: [CommandOption] = (description["arguments"]?.list ?? []).compactMap { CommandOption($0, verb) }
    options = known
  }
}

/// One of a verb's options or arguments.
struct CommandOption: Codable, Sendable, Equatable {
  enum Kind: String, Codable, Sendable, CaseIterable {
    case flag
    case option
    case positional
  }

  /// What may be given for it.
  enum Role: String, Codable, Sendable, CaseIterable {
    case text
    case choice
    case flag
    /// A set, a picture or an upload.
    case pictures
    case picture
    /// A picture or a film.
    case media
    /// A run, a checkpoint or a model.
    case generator
    /// The same, or the name of a model that comes with Atelier.
    case network
    /// A run that taught a large model.
    case adapter
    /// What is to be drawn: any words, never a path.
    case words
    case upload
    /// The studio says where it goes.
    case output
    /// The studio's own affair: --json, --resume, …
    case hidden
  }

  /// Without hyphens; of an argument, what its value is called.
  let name: String
  let kind: Kind
  let role: Role
  let valueName: String
  let abstract: String
  let standard: String?
  let values: [String]
  let isRepeating: Bool
  let isOptional: Bool

  init?(_ description: JSON, _ verb: [String]) {
    guard let kind = description["kind"]?.string.flatMap(Kind.init) else { return nil }
    let valueName = description["valueName"]?.string ?? ""
    let name = kind == .positional ? valueName : description["preferredName"]?["name"]?.string ?? valueName
    (self.kind, self.valueName, self.name) = (kind, valueName, name)
    abstract = description["abstract"]?.string ?? ""
    standard = description["defaultValue"]?.string
    values = (description["allValues"]?.list ?? []).compactMap(\.string)
    isRepeating = description["isRepeating"]?.bool ?? false
    isOptional = description["isOptional"]?.bool ?? true
    role = CommandOption.role(kind, name, valueName, verb, !values.isEmpty)
  }

  private static let own: Set = [
    "json", "workspace", "version", "help", "resume", "finish", "force", "thumbnails", "shard", "join",
  ]
  private static let written: Set = ["out", "sheet", "nearest", "blind"]

  /// By what the parser calls the value. A test looks that every name in the command line is known here.
  private static func role(_ kind: Kind, _ name: String, _ valueName: String, _ verb: [String], _ hasValues: Bool)
    -> Role
  {
    if own.contains(name) || (verb == ["train"] && name == "run") || (verb == ["models", "export"] && name == "out") {
      return .hidden
    }
    if kind == .flag { return .flag }
    if hasValues { return .choice }
    if kind == .option && written.contains(name) { return .output }
    switch valueName {
    case "pictures": return .pictures
    case "picture": return .picture
    case "content", "clip": return .media
    case "run", "source", "subject", "subjects": return .generator
    case "file": return .upload
    case "file:x": return .adapter
    case "words" where ["prompt", "negative"].contains(name): return .words
    case "name" where name == "base": return .generator
    case "name" where ["model", "enlarge-model"].contains(name) || (verb == ["animate"] && name == "run"):
      return .network
    // A file with a picture or a word.
    case "file:map": return .hidden
    default: return .text
    }
  }

  static let knownValueNames: Set = [
    "pictures", "picture", "content", "clip", "run", "source", "subject", "subjects", "file", "name", "dir", "n", "x",
    "s", "px",
    "list", "how", "how:n", "colour", "key=value", "name=x", "old=new", "a-b", "a:b:x", "1024x1024", "72x72",
    "architecture",
    "crop", "features", "licence", "loss", "part", "shape", "w:h", "what", "whose", "words", "file:x", "sampler",
    "schedule", "prediction", "precision", "kind", "k/n", "side:px", "file:map",
  ]
}

/// Runs the command line for an answer that takes a moment.
///
/// - Throws: `JobError.cannotStart`, `FileTrouble`.
func output(of program: String, _ arguments: [String]) async throws -> (status: Int32, output: Data) {
  let path = NSTemporaryDirectory() + "/atelier-studio-\(UUID().uuidString)"
  let file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
  guard file >= 0 else { throw FileTrouble.last(path) }
  defer { close(file) }
  unlink(path)
  let pid = try spawn(program, arguments, output: file, errors: nil, isSession: false)
  var status: Int32 = 0
  while waitpid(pid, &status, WNOHANG) == 0 { try? await Task.sleep(for: .milliseconds(10)) }
  lseek(file, 0, SEEK_SET)
  let data = (try? FileHandle(fileDescriptor: file, closeOnDealloc: false).readToEnd()) ?? Data()
  return (status & 0x7f == 0 ? status >> 8 & 0xff : -1, data)
}
