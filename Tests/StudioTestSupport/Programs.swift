import Foundation

/// The built programs, and what the checkout holds for tests.
public enum Programs {
  /// Where the tests' bundle is, and the programs beside it.
  private static let built: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") || $0.contains(".xctest/") }
    return bundle.map { String($0.prefix(upTo: $0.range(of: "/", options: .backwards)!.lowerBound)) }
      ?? root + "/.build/debug"
  }()

  /// The command line. Where the studio is built alone (`ATELIER_ONLY=studio`), `ATELIER_PROGRAM` names one.
  public static let atelier = ProcessInfo.processInfo.environment["ATELIER_PROGRAM"] ?? built + "/atelier"
  public static let studio = built + "/atelier-studio"

  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// The first of the bundled pictures.
  public static func emoji(_ count: Int) throws -> [(name: String, path: String)] {
    let folder = root + "/Examples/emoji"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".png") }.sorted()
    return names.prefix(count).map { ($0, "\(folder)/\($0)") }
  }

  /// Runs a program to its end, with one thread of LibTorch.
  ///
  /// - Returns: its exit code.
  public static func run(_ program: String, _ arguments: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "1"]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.awaitEnd()
    return process.terminationStatus
  }

  /// The processes that another has started (proc(5)).
  public static func children(of pid: Int32) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { child in
      guard let text = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8),
        let end = text.lastIndex(of: ")")
      else { return false }
      return text[end...].split(separator: " ").dropFirst(2).first.flatMap { Int32($0) } == pid
    }
  }
}

extension Process {
  /// Waits for its end without a run loop, which keeps a core busy where it has nothing to do.
  ///
  /// - Parameter seconds: after which it is killed, with what it has started.
  public func awaitEnd(seconds: Double = 300) {
    let end = Date() + seconds
    while isRunning && Date() < end { usleep(5000) }
    guard isRunning else { return }
    let others = (try? Programs.children(of: processIdentifier)) ?? []
    for process in others + [processIdentifier] { kill(process, SIGKILL) }
    while isRunning { usleep(5000) }
  }
}

/// Runs a test with a folder of its own, which is removed afterwards.
public func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let folder =
    FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path + "/studio-test-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try await body(folder)
}

/// Holds the test's thread. A test that lets go of it is gone on with when others are done, minutes later, and what it has started works on meanwhile.
public func rest(_ seconds: Double) { usleep(UInt32(seconds * 1_000_000)) }

/// Waits until something is so, on the test's own thread.
///
/// - Parameter seconds: long enough for a machine that does much else.
/// - Returns: whether it came to be so.
public func wait(seconds: Double = 60, until isSo: () async throws -> Bool) async rethrows -> Bool {
  let end = Date() + seconds
  while Date() < end {
    if try await isSo() { return true }
    rest(0.05)
  }
  return try await isSo()
}
