import ArgumentParser
import Foundation
import Torch
import Workshop

struct StudioCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "studio", abstract: "The studio in a browser (a local web server): train, generate and keep pictures.",
    discussion: """
      It prints an address with a token: open it in a browser on this machine. Nothing leaves the machine, and nobody \
      else can open it. Trainings go on when the page or the studio is closed. Ctrl-C closes the studio.
      """)

  @Option(help: ArgumentHelp("Port; 0 for the last one, or any that is free.", valueName: "n"))
  var port: Int = 0

  @Option(help: ArgumentHelp("How many jobs run at a time.", valueName: "n"))
  var jobs: Int = 1

  @Option(
    help: ArgumentHelp(
      "Listen on this address for other machines, too. Needs a password, in ATELIER_PASSWORD, and TLS.",
      valueName: "address"))
  var listen: String?

  @Option(
    name: .customLong("host"),
    help: ArgumentHelp(
      "With --listen: a name that browsers may call the studio by; repeat for others.", valueName: "name"))
  var hosts: [String] = []

  @Option(
    help: ArgumentHelp("With --listen: the certificate chain, a PEM file. (default: one made here)", valueName: "file"))
  var certificate: String?

  @Option(help: ArgumentHelp("With --certificate: its private key, a PEM file.", valueName: "file"))
  var key: String?

  @OptionGroup var common: Common

  func validate() throws {
    if !(0...65535).contains(port) { throw ValidationError("--port must be 0 to 65535.") }
    if !(1...16).contains(jobs) { throw ValidationError("--jobs must be 1 to 16.") }
    if (certificate == nil) != (key == nil) { throw ValidationError("Give --certificate and --key together.") }
    if listen == nil {
      try refuse([("host", !hosts.isEmpty), ("certificate", certificate != nil)], "without --listen")
    }
  }

  func run() throws {
    var words = ["serve", "--port", "\(port)", "--jobs", "\(jobs)"]
    if let listen { words += ["--listen", listen] }
    for host in hosts { words += ["--host", host] }
    if let certificate, let key { words += ["--certificate", certificate, "--key", key] }
    try become(words, common)
  }
}

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check the workspace: rebuild the catalogue from the files, and tell what is missing or broken.",
    discussion: """
      Tells of missing pictures, moved runs, half checkpoints, foreign files and lost jobs, each in a sentence with what to \
      do, and what this machine computes on. It deletes nothing.
      """)

  @OptionGroup var common: Common

  func run() throws {
    common.teller().tell(.note(Device.described))
    try become(["doctor"], common)
  }
}

/// Replaces this process by the studio's program, which stands beside this one: the command line links no server.
///
/// - Throws: `NoStudio` where it isn't there.
private func become(_ words: [String], _ common: Common) throws {
  let own = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0]).resolvingSymlinksInPath()
  let program = own.deletingLastPathComponent().path + "/atelier-studio"
  let all =
    [program] + words + ["--workspace", common.place.path, "--atelier", own.path] + (common.json ? ["--json"] : [])
  let arguments = all.map { strdup($0) } + [nil]
  execv(program, arguments)
  throw NoStudio(program: program, reason: String(cString: strerror(errno)))
}

/// The studio's program is built by ./atelier when it is first asked for.
private struct NoStudio: Explained {
  let program: String
  let reason: String
  var sentence: String {
    "\(program) can't be started (\(reason)): run ./atelier studio in the checkout, which builds it."
  }
  var exit: Exit { .unavailable }
}
