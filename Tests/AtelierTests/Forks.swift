import Foundation
import Testing

/// `atelier-forks`, in which LibTorch is started once for all verbs that are run to their end; nil where it isn't built, and on macOS, whose
/// frameworks don't work in forks.
final class Forks: Sendable {
  static let shared = Forks()

  private let socketPath: String
  /// Its end is the other's end.
  private let life = Pipe()

  private init?() {
    #if os(Linux)
      socketPath = NSTemporaryDirectory() + "atelier-forks-\(getpid())"
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Binary.path + "-forks")
      process.arguments = ["--listen", socketPath]
      // Read when it starts. Its forks find each function where it already looked for it.
      process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "1", "LD_BIND_NOW": "1"]) {
        $1
      }
      process.standardInput = life
      guard (try? process.run()) != nil else { return nil }
      let end = Date() + 60
      while process.isRunning, Date() < end {
        if let connection = connected() {
          close(connection)
          atexit { unlink(NSTemporaryDirectory() + "atelier-forks-\(getpid())") }
          return
        }
        usleep(20_000)
      }
    #endif
    return nil
  }

  private struct Request: Encodable {
    let arguments: [String]
    let folder: String
    let environment: [String: String]
    let out: String
    let err: String
  }

  /// Runs a verb to its end.
  ///
  /// - Returns: how it ended, as wait(2) has it.
  func run(
    _ arguments: [String], in folder: String, _ environment: [String: String], out: String, err: String, seconds: Double
  ) throws -> Int32 {
    let connection = try #require(connected(), "atelier-forks doesn't answer")
    defer { close(connection) }
    let request = Request(arguments: arguments, folder: folder, environment: environment, out: out, err: err)
    let bytes = try JSONEncoder().encode(request) + [10]
    try #require(bytes.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) } == bytes.count)
    let verb = try #require(number(from: connection), "no process was started")
    var limit = timeval(tv_sec: Int(seconds), tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard let status = number(from: connection) else {
      kill(verb, SIGKILL)
      let words = (try? String(contentsOfFile: out, encoding: .utf8)) ?? ""
      throw InVain(description: "waited \(seconds) s in vain; the output so far: \(words)")
    }
    return status
  }

  private struct InVain: Error, CustomStringConvertible { let description: String }

  private func connected() -> Int32? {
    let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(connection, $0, size) } == 0
    }
    if !isConnected { close(connection) }
    return isConnected ? connection : nil
  }

  /// A line's number.
  private func number(from connection: Int32) -> Int32? {
    var text = ""
    var byte: UInt8 = 0
    while read(connection, &byte, 1) == 1 {
      if byte == 10 { return Int32(text) }
      text.append(Character(Unicode.Scalar(byte)))
    }
    return nil
  }
}
