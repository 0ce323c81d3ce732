import Catalogue
import Files
import Foundation
import Jobs

/// The program `atelier-studio`: `serve`, `doctor`, and `--job`, which watches over one job. The command line's verbs `studio` and `doctor` become
/// it; nobody types it.
public enum StudioProgram {
  public static func main(_ arguments: [String]) async {
    do { try await run(Options(arguments)) } catch {
      let refusal = error as? any Refusal
      FileHandle.standardError.write(Data("atelier: \(refusal?.sentence ?? "\(error)")\n".utf8))
      if arguments.contains("--json") {
        print(
          JSON.object([
            "event": .string("failed"), "exitCode": .number(Double(refusal?.exitCode ?? 70)),
            "text": .string(refusal?.sentence ?? "\(error)"),
          ]).text)
      }
      exit(refusal?.exitCode ?? 70)
    }
  }

  private static func run(_ options: Options) async throws {
    switch options.mode {
    case "--job":
      guard let attempt = options.job, let program = options["atelier"] else { throw OptionError() }
      try Supervisor.run(attempt: attempt, program: program)
    case "doctor": try doctor(options)
    case "serve": try await serve(options)
    default: throw OptionError()
    }
  }

  private static func serve(_ options: Options) async throws {
    guard let workspace = options["workspace"], let atelier = options["atelier"] else { throw OptionError() }
    let own = Bundle.main.executableURL?.resolvingSymlinksInPath().path ?? CommandLine.arguments[0]
    var configuration = Configuration(workspace: workspace, atelier: atelier, own: own)
    configuration.port = options["port"].flatMap { Int($0) } ?? 0
    configuration.places = options["jobs"].flatMap { Int($0) } ?? 1
    configuration.listen = options["listen"]
    configuration.hosts = options.all["host"] ?? []
    (configuration.certificate, configuration.key) = (options["certificate"], options["key"])
    configuration.password = ProcessInfo.processInfo.environment["ATELIER_PASSWORD"]
    // Jobs don't need to know it.
    unsetenv("ATELIER_PASSWORD")
    try AtomicFile.makeFolder(configuration.folder, mode: 0o700)
    // One server a workspace: a second one shows the way into the first.
    let lock = open(configuration.folder + "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw FileTrouble.last(configuration.folder + "/lock") }
    let isFirst = flock(lock, LOCK_EX | LOCK_NB) == 0
    let studio = try Studio(configuration)
    let tell = { @Sendable (address: String) in
      if options.isJSON {
        var event: [String: JSON] = ["event": .string("open"), "address": .string(address)]
        if let print = studio.fingerprint { event["fingerprint"] = .string(print) }
        print(JSON.object(event).text)
      } else {
        print("The studio is open: \(address)\nIt is for one browser, once. Ctrl-C closes the studio; trainings go on.")
        if let print = studio.fingerprint { Swift.print("The certificate's SHA-256: \(print)") }
      }
      fflush(nil)
    }
    guard isFirst else {
      guard let port = FileManager.default.value(Int.self, at: configuration.folder + "/port.json") else {
        throw OpeningError.portTaken(configuration.port)
      }
      return tell(try studio.address(port: port))
    }
    // All that matters is on the disk, and pages find the studio again: nobody waits for open streams.
    for name in [SIGINT, SIGTERM] { signal(name) { _ in _exit(0) } }
    // A show that ends reads no more.
    signal(SIGPIPE, SIG_IGN)
    try await studio.run(onOpen: tell)
  }

  private static func doctor(_ options: Options) throws {
    guard let workspace = options["workspace"] else { throw OptionError() }
    let house = options["atelier"].flatMap(Studio.house)
    let catalogue = try Catalogue(workspace: workspace, bundled: house.map { $0 + "/Examples/models" })
    try catalogue.refresh(isForgetful: true)
    let found = try catalogue.findings()
    let rows = try catalogue.counts()
    if options.isJSON {
      for finding in found {
        print(
          JSON.object([
            "event": .string("finding"), "kind": .string(finding.kind.rawValue), "path": .string(finding.path),
            "text": .string(finding.sentence),
          ]).text)
      }
      print(
        JSON.object(
          ["event": .string("finished"), "verb": .string("doctor"), "findings": .number(Double(found.count))].merging(
            rows.mapValues { .number(Double($0)) }
          ) { $1 }
        ).text)
    } else {
      for finding in found { print(finding.sentence) }
      let words = rows.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
      print("\(found.isEmpty ? "All is well" : "\(found.count) found, nothing was changed"): \(words).")
    }
  }
}

/// Words after the program's name: a mode, then `--name value` pairs.
struct Options {
  let mode: String
  private(set) var all: [String: [String]] = [:]
  private(set) var isJSON = false
  /// The attempt of `--job`.
  private(set) var job: String?

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    guard let mode = rest.popFirst() else { throw OptionError() }
    self.mode = mode
    if mode == "--job" { job = rest.popFirst() }
    while let word = rest.popFirst() {
      if word == "--json" {
        isJSON = true
        continue
      }
      guard word.hasPrefix("--"), let value = rest.popFirst() else { throw OptionError() }
      all[String(word.dropFirst(2)), default: []].append(value)
    }
  }

  subscript(_ name: String) -> String? { all[name]?.last }
}

struct OptionError: Refusal {
  var sentence: String { "This program is started by others: type atelier studio or atelier doctor." }
  var status: Int { 500 }
  var exitCode: Int32 { 64 }
}
