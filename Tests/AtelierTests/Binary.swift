import Foundation
import TestSupport
import Testing

/// The built `atelier`, run as an artist or a script runs it.
struct Binary {
  /// Its working folder, where it finds relative paths; removed with `remove`.
  let folder: String
  private let environment: [String: String]

  struct Outcome {
    let status: Int32
    let out: String
    let err: String

    /// - Parameters: the files that they were written to.
    init(status: Int32, out: String, err: String) {
      self.status = status
      (self.out, self.err) = (Outcome.text(out), Outcome.text(err))
    }
    static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    /// Standard output as JSON objects, one a line.
    func lines() throws -> [[String: Any]] {
      try out.split(separator: "\n").map { line in
        try #require(
          JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "not a JSON object: \(line)")
      }
    }
  }

  /// - Parameter more: variables of the environment beside the usual ones.
  init(_ more: [String: String] = [:]) throws {
    folder = temporaryPath("atelier-test")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    environment = ProcessInfo.processInfo.environment.merging(
      // One thread, since the tests themselves run beside each other.
      ["ATELIER_WORKSPACE": folder + "/workspace", "OMP_NUM_THREADS": "1", "COLUMNS": "80"]
    ) { _, new in new }.merging(more) { _, new in new }
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// Beside the bundle of the tests.
  static let path: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") || $0.contains(".xctest/") }
    let built =
      bundle.map { String($0.prefix(upTo: $0.range(of: "/", options: .backwards)!.lowerBound)) }
      ?? root + "/.build/debug"
    return built + "/atelier"
  }()
  /// The checkout.
  static let root = Checkout.root
  static let emoji = Checkout.emoji
  /// Some of them, so that they are soon packed: a folder that is removed when the tests end.
  static let pictures: String = {
    let folder = try! sharedFolder("atelier-test-pictures")
    for name in try! someEmoji(40) {
      try! FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(name)", withDestinationPath: "\(emoji)/\(name)")
    }
    return folder
  }()

  /// Runs a verb to its end.
  ///
  /// - Parameters:
  ///   - words: of a shell before the command, such as `ulimit -f 100;`.
  ///   - shell: takes `-c` and those words.
  ///   - binary: another than the studio's own.
  ///   - seconds: after which it is killed, and the test fails.
  @discardableResult
  func run(
    _ arguments: [String], through words: String? = nil, shell: [String] = ["bash"], by binary: String = Self.path,
    seconds: Double = 240
  ) throws -> Outcome {
    guard words == nil, binary == Self.path, let forks = Forks.shared else {
      return try start(arguments, through: words, shell: shell, by: binary).finish(seconds: seconds)
    }
    let (out, err) = try outputs()
    let status = try forks.run(arguments, in: folder, environment, out: out, err: err, seconds: seconds)
    // As the macros of wait(2) take it apart.
    return Outcome(status: status & 127 == 0 ? status >> 8 & 255 : 1000 + status & 127, out: out, err: err)
  }

  @discardableResult
  func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  /// A verb that is still running.
  final class Running {
    let process: Process
    private let out: String, err: String

    init(_ process: Process, out: String, err: String) { (self.process, self.out, self.err) = (process, out, err) }

    /// A test that failed leaves nothing behind which takes others' time.
    deinit { if process.isRunning { send(SIGKILL) } }

    var output: String { Outcome.text(out) }
    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits until `condition` or the end of the process.
    func wait(seconds: Double = 120, until condition: () -> Bool) throws {
      let end = Date().addingTimeInterval(seconds)
      while process.isRunning && !condition() {
        try #require(Date() < end, "waited \(seconds) s in vain; the output so far: \(output)")
        usleep(20_000)
      }
    }

    func finish(seconds: Double = 240) throws -> Outcome {
      do { try wait(seconds: seconds) { false } } catch {
        send(SIGKILL)
        throw error
      }
      process.waitUntilExit()
      let status =
        process.terminationReason == .uncaughtSignal ? 1000 + process.terminationStatus : process.terminationStatus
      return Outcome(status: status, out: out, err: err)
    }
  }

  func start(_ arguments: String...) throws -> Running { try start(arguments) }

  func start(
    _ arguments: [String], through words: String? = nil, shell: [String] = ["bash"], by binary: String = Self.path
  ) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words == nil ? binary : "/usr/bin/env")
    process.arguments =
      words.map { shell + ["-c", "\($0) exec \"$0\" \"$@\"", binary] + arguments } ?? arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    let (out, err) = try outputs()
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: err)
    try process.run()
    return Running(process, out: out, err: err)
  }

  /// New files for standard output and standard error.
  private func outputs() throws -> (String, String) {
    let files = ["out", "err"].map { folder + "/\($0)-" + UUID().uuidString }
    for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
    return (files[0], files[1])
  }
}

extension Binary {
  func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(path)") }
  func make(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
  }
  func write(_ data: Data, to path: String) throws { try data.write(to: URL(fileURLWithPath: "\(folder)/\(path)")) }
  func copy(_ from: String, to path: String) throws {
    try FileManager.default.copyItem(atPath: from, toPath: "\(folder)/\(path)")
  }

  /// File names of some bundled pictures.
  static func someEmoji(_ count: Int) throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: emoji).filter { $0.hasSuffix(".png") }.sorted()
    return Array(names.prefix(count))
  }

  /// Trains a small DCGAN for two steps.
  func train(_ name: String, _ more: String...) throws {
    let outcome = try run(["train", Binary.pictures, "--run", name] + BadInputTests.small + more)
    try #require(outcome.status == 0, "\(outcome.err)")
  }

  /// The file names of a run's checkpoints, the newest last.
  func checkpoints(_ run: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(run)/checkpoints").filter {
      $0.hasSuffix(".safetensors")
    }.sorted()
  }
}

/// Runs the test with a binary in a folder of its own, which is removed afterwards.
func inFolder(_ more: [String: String] = [:], _ body: (Binary) throws -> Void) throws {
  let binary = try Binary(more)
  defer { binary.remove() }
  try body(binary)
}

/// Expects a sentence on standard error, nothing on standard output, and the exit code.
func expect(
  _ outcome: Binary.Outcome, says sentence: String, exit status: Int32, at location: SourceLocation = #_sourceLocation
) {
  #expect(outcome.err == "atelier: \(sentence)\n", sourceLocation: location)
  #expect(outcome.out == "", sourceLocation: location)
  #expect(outcome.status == status, sourceLocation: location)
}
