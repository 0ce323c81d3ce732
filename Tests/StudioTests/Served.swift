import Foundation
import StudioTestSupport
import Testing

@testable import Studio

/// The built studio, opened for a test in a workspace of its own, as `atelier studio` opens it.
final class Served {
  let workspace: String
  private(set) var port = 0
  private(set) var cookie = ""
  private(set) var process: Process

  /// Opens it, and lets a first browser in.
  init(_ workspace: String, _ more: [String] = [], environment: [String: String] = [:]) async throws {
    self.workspace = workspace
    process = try Served.start(workspace, more, environment)
    try await enter()
  }

  private static func start(_ workspace: String, _ more: [String], _ environment: [String: String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Programs.studio)
    process.arguments = ["serve", "--workspace", workspace, "--atelier", Programs.atelier, "--json"] + more
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging([
      "OMP_NUM_THREADS": "1"
    ]) { $1 }
    try FileManager.default.createDirectory(atPath: workspace, withIntermediateDirectories: true)
    _ = FileManager.default.createFile(atPath: workspace + "/out.log", contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: workspace + "/out.log")
    try process.run()
    return process
  }

  /// What it said when it was open.
  func told() async throws -> [String: Any] {
    let isOpen = await wait(seconds: 30) {
      (try? String(contentsOfFile: workspace + "/out.log", encoding: .utf8))?.contains("\n") == true
    }
    try #require(isOpen, "the studio didn't open")
    let line = try String(contentsOfFile: workspace + "/out.log", encoding: .utf8).split(separator: "\n")[0]
    return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  private func enter() async throws {
    let address = try #require(try await told()["address"] as? String)
    let url = try #require(URLComponents(string: address))
    port = try #require(url.port)
    guard url.scheme == "http" else { return }
    let answer = try RawHTTP(port: port).send("GET", "/open?token=" + (url.queryItems?.first?.value ?? ""))
    #expect(answer.status == 303 && answer.fields["location"] == "/")
    cookie = String(try #require(answer.fields["set-cookie"]).prefix { $0 != ";" })
  }

  var client: RawHTTP { RawHTTP(port: port, cookie: cookie) }
  /// Without a session.
  var stranger: RawHTTP { RawHTTP(port: port) }

  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.awaitEnd()
  }

  /// Opens it again after `kill`, at the same port.
  func again() async throws {
    process = try Served.start(workspace, [], [:])
    _ = try await told()
  }

  func json<Value>(_ path: String, as type: Value.Type = Value.self) throws -> Value {
    let answer = try client.send("GET", path)
    #expect(answer.status == 200, "\(path): \(answer.text)")
    return try #require(answer.json as? Value, "\(path): \(answer.text.prefix(300))")
  }

  func post(_ path: String, _ value: [String: Any], status: Int = 200) throws -> [String: Any] {
    let answer = try client.send("POST", path, body: try JSONSerialization.data(withJSONObject: value))
    #expect(answer.status == status, "\(path): \(answer.text)")
    return answer.json as? [String: Any] ?? [:]
  }

  func upload(_ path: String, _ data: Data) throws -> RawHTTP.Answer {
    try client.send("POST", path, [("Content-Type", "application/octet-stream")], body: data)
  }

  /// The id of the generator that comes with Atelier.
  func emoji() async throws -> String {
    var id: String?
    // The catalogue is read once the studio is open.
    _ = try await wait(seconds: 20) {
      let models: [[String: Any]] = try json("/api/models")
      id = models.first { $0["name"] as? String == "emoji" }?["id"] as? String
      return id != nil
    }
    return try #require(id)
  }

  /// Waits for a job's end.
  func ended(_ id: String) async throws -> [String: Any] {
    _ = try await wait(seconds: 60) {
      ["done", "stopped", "refused", "setAside"].contains(
        try json("/api/jobs/\(id)", as: [String: Any].self)["state"] as? String)
    }
    return try json("/api/jobs/\(id)")
  }

  /// The id of the first picture of a job, once it is in the gallery.
  func first(of job: String) async throws -> String {
    var id: String?
    _ = try await wait(seconds: 20) {
      let page: [String: Any] = try json("/api/pictures?job=\(job)")
      id = ((page["pictures"] as? [[String: Any]])?.first?["picture"] as? [String: Any])?["id"] as? String
      return id != nil
    }
    return try #require(id)
  }
}

/// Runs a test with a studio that is closed afterwards.
func withStudio(_ more: [String] = [], environment: [String: String] = [:], _ body: (Served) async throws -> Void)
  async throws
{
  try await withFolder { folder in
    let served = try await Served(folder + "/workspace", more, environment: environment)
    defer { served.kill() }
    try await body(served)
  }
}
