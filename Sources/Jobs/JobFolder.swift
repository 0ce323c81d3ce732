import Files
import Foundation

/// A job's folder, which is the truth about it:
///
///     job.json                   what it is (`Job`)
///     made/                      what it writes
///     attempts/1/start.json      the words that were run, written before anything starts (`Attempt.Start`)
///     attempts/1/supervisor.json the process that watches over it
///     attempts/1/process.json    the verb's process
///     attempts/1/events.jsonl    what the verb told, straight from its standard output; locked while it lives
///     attempts/1/stderr.txt
///     attempts/1/exit.json       how it ended (`Attempt.Exit`)
public struct JobFolder: Sendable, Equatable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public var made: String { path + "/made" }
  public var job: Job? { FileManager.default.value(Job.self, at: path + "/job.json") }

  /// - Throws: `FileTrouble`.
  public func write(_ job: Job) throws(FileTrouble) { try AtomicFile.write(job, to: path + "/job.json") }

  /// Writes down a job that ended elsewhere: it is done, has no words, and is never run.
  ///
  /// - Throws: `FileTrouble`.
  public func adopt(id: String, verb: [String], form: [String: [String]], made: Date) throws(FileTrouble) {
    var job = Job(verb: verb, arguments: [], form: form, id: id, order: made.timeIntervalSince1970, made: made)
    job.isAdopted = true
    try write(job)
  }

  /// In the order that they were made.
  public var attempts: [Attempt] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/attempts")) ?? []
    return names.compactMap { Int($0) }.sorted().map { Attempt(number: $0, folder: "\(path)/attempts/\($0)") }
  }

  /// Makes the folder of another attempt, so that it counts even if nothing comes of it.
  ///
  /// - Throws: `FileTrouble`.
  func begin(_ words: [String], number: Int) throws(FileTrouble) -> Attempt {
    let attempt = Attempt(number: number, folder: "\(path)/attempts/\(number)")
    try AtomicFile.makeFolder(attempt.folder)
    try AtomicFile.write(Attempt.Start(words: words, time: Date()), to: attempt.folder + "/start.json")
    return attempt
  }
}

/// One time that a job was run.
public struct Attempt: Sendable, Equatable {
  public struct Start: Codable, Sendable, Equatable {
    /// The verb and its arguments, `--json` and `--workspace` included.
    public let words: [String]
    public let time: Date
  }
  public struct Exit: Codable, Sendable, Equatable {
    /// 128 and the signal's number, where a signal ended it, as a shell says it.
    public let code: Int32
    /// Whether a signal that it didn't catch ended it.
    public let isKilled: Bool
    public let time: Date
  }

  public let number: Int
  public let folder: String

  public var events: String { folder + "/events.jsonl" }
  public var errors: String { folder + "/stderr.txt" }
  public var start: Start? { FileManager.default.value(Start.self, at: folder + "/start.json") }
  var supervisor: ProcessIdentity? { FileManager.default.value(ProcessIdentity.self, at: folder + "/supervisor.json") }
  public var exit: Exit? { FileManager.default.value(Exit.self, at: folder + "/exit.json") }

  /// The process of the verb, where it lives.
  public var process: ProcessIdentity? {
    FileManager.default.value(ProcessIdentity.self, at: folder + "/process.json").flatMap { $0.isAlive ? $0 : nil }
  }

  /// Whether the verb or its supervisor lives: both hold the lock that the supervisor took, so that a verb is known to live
  /// even where its supervisor was killed before it could write down the verb's number.
  private var isLocked: Bool {
    let file = open(events, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    return flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  enum Outcome: Equatable {
    /// No process yet; it may be about to start.
    case starting
    case alive(isHeld: Bool)
    case ended(code: Int32, isKilled: Bool)
    /// No process, and nobody said how it ended: the machine or the supervisor was cut off.
    case cutOff
  }

  /// - Parameter patience: seconds that a supervisor has to say whom it started.
  func outcome(patience: Double = 10) -> Outcome {
    if let exit { return .ended(code: exit.code, isKilled: exit.isKilled) }
    if let process { return .alive(isHeld: process.isHeld) }
    if isLocked { return .alive(isHeld: false) }
    if let supervisor, supervisor.isAlive { return .starting }
    // Written since it was looked for.
    if let exit { return .ended(code: exit.code, isKilled: exit.isKilled) }
    // Its supervisor was killed: what the verb told last says whether it was whole.
    let last = EventLines(path: events).last
    if last?["event"]?.string == "finished" { return .ended(code: 0, isKilled: false) }
    if last?["event"]?.string == "failed", let code = last?["exitCode"]?.integer {
      return .ended(code: Int32(clamping: code), isKilled: false)
    }
    if last == nil, let start, abs(start.time.timeIntervalSinceNow) < patience { return .starting }
    return .cutOff
  }
}
