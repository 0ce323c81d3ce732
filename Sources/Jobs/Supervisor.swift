import Files
import Foundation

/// The verb's process, for the handler of signals.
nonisolated(unsafe) private var watched: pid_t = 0

/// Watches over one verb: starts it with its output going straight to files, waits for it, and writes down how it ended.
///
/// It is a process in a session of its own, so neither a closed terminal nor the server's end reaches it; a signal to it
/// is passed on to the verb. Where it is killed itself, the verb goes on: its files don't need it.
public enum Supervisor {
  /// - Parameters:
  ///   - folder: of the attempt, with its start.json.
  ///   - program: of the command line.
  /// - Throws: `JobError.cannotStart`, `FileTrouble`.
  public static func run(attempt folder: String, program: String) throws {
    let attempt = Attempt(number: 0, folder: folder)
    guard let start = attempt.start else { throw FileTrouble.failed(path: folder, reason: "it has no start.json") }
    // What it passes on must not end it.
    for name in [SIGINT, SIGTERM, SIGHUP] {
      signal(name) { name in if watched > 0 { kill(watched, name == SIGHUP ? SIGTERM : name) } }
    }
    let events = open(attempt.events, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o644)
    let errors = open(attempt.errors, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o644)
    guard events >= 0, errors >= 0, flock(events, LOCK_EX) == 0 else { throw FileTrouble.last(folder) }
    do {
      watched = try spawn(program, start.words, output: events, errors: errors, isSession: false)
    } catch {
      // As a shell says it of what can't be run.
      try AtomicFile.write(Data((error.sentence + "\n").utf8), to: attempt.errors)
      try AtomicFile.write(Attempt.Exit(code: 126, isKilled: false, time: Date()), to: folder + "/exit.json")
      return
    }
    if let process = ProcessIdentity(pid: watched) { try AtomicFile.write(process, to: folder + "/process.json") }
    var status: Int32 = 0
    while waitpid(watched, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7f
    let exit = Attempt.Exit(
      code: signal == 0 ? (status >> 8) & 0xff : 128 + signal, isKilled: signal != 0, time: Date())
    try AtomicFile.write(exit, to: folder + "/exit.json")
  }
}
