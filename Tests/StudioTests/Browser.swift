import Foundation
import StudioTestSupport
import Testing

/// A real browser, driven over WebDriver's JSON (W3C WebDriver 2): Debian's chromium-driver, without a library.
final class Browser {
  private let driver: Process
  private let port: Int
  private var session = ""

  /// Where the driver is; nil where there is no browser.
  static let program: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/chromedriver" }.first { access($0, X_OK) == 0 }
  static let missing: Comment = "there is no chromedriver: Scripts/setup --tests installs Debian's chromium-driver"

  /// - Parameter more: Chromium's own words.
  init(width: Int = 1280, height: Int = 900, _ more: [String] = []) async throws {
    driver = Process()
    driver.executableURL = URL(fileURLWithPath: Browser.program!)
    // It takes a port that is free, and says which.
    let told = NSTemporaryDirectory() + "chromedriver-\(UUID().uuidString)"
    defer { unlink(told) }
    try Data().write(to: URL(fileURLWithPath: told))
    driver.arguments = ["--port=0"]
    (driver.standardOutput, driver.standardError) = (FileHandle(forWritingAtPath: told), FileHandle.nullDevice)
    try driver.run()
    var found: Int?
    _ = await StudioTestSupport.wait(seconds: 30) {
      let words = (try? String(contentsOfFile: told, encoding: .utf8)) ?? ""
      found = words.firstMatch(of: /successfully on port (\d+)/).flatMap { Int($0.1) }
      return found != nil
    }
    port = try #require(found, "chromedriver doesn't start")
    let isReady = await StudioTestSupport.wait(seconds: 30) { (try? ask("GET", "/status")) != nil }
    try #require(isReady, "chromedriver doesn't answer")
    let arguments =
      [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--window-size=\(width),\(height)",
      ] + more
    let wanted: [String: Any] = [
      "browserName": "chrome", "goog:chromeOptions": ["args": arguments], "goog:loggingPrefs": ["browser": "ALL"],
    ]
    let answer = try ask("POST", "/session", ["capabilities": ["alwaysMatch": wanted]]) as? [String: Any]
    session = try #require(answer?["sessionId"] as? String, "no browser: \(answer ?? [:])")
  }

  func close() {
    _ = try? ask("DELETE", "/session/\(session)", seconds: 10)
    driver.terminate()
    driver.awaitEnd(seconds: 3)
  }

  func open(_ address: String) throws { _ = try command("POST", "/url", ["url": address]) }
  func resize(_ width: Int, _ height: Int) throws {
    _ = try command("POST", "/window/rect", ["width": width, "height": height])
  }

  /// Runs a script with `return`.
  @discardableResult
  func run(_ script: String, _ values: [Any] = []) throws -> Any? {
    try command("POST", "/execute/sync", ["script": script, "args": values])
  }

  /// Waits until a script is true.
  func until(_ words: String, seconds: Double = 60, _ script: String) async throws {
    let isSo = try await wait(seconds: seconds) { try run("return Boolean(\(script))") as? Bool == true }
    let shown = isSo ? "" : (try? run("return document.body.innerText.slice(0, 600)") as? String) ?? ""
    try #require(isSo, "\(words): \(shown)")
  }

  private func find(_ selector: String) throws -> String {
    let element = try command("POST", "/element", ["using": "css selector", "value": selector]) as? [String: String]
    return try #require(element?.values.first, "nothing is \(selector)")
  }
  func click(_ selector: String) throws {
    // A header that stays on top would take the click otherwise.
    try run(
      "document.querySelector(arguments[0])?.scrollIntoView({ block: 'center', behavior: 'instant' })", [selector])
    _ = try command("POST", "/element/\(find(selector))/click", [:])
  }
  /// Keys, or for a field of files their paths, one a line.
  func type(_ text: String, into selector: String) throws {
    _ = try command("POST", "/element/\(find(selector))/value", ["text": text])
  }

  /// Drags the pointer over an element, between two places in parts of its sides.
  func drag(_ selector: String, from: (x: Double, y: Double), to: (x: Double, y: Double)) throws {
    let script =
      "const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.left, b.top, b.width, b.height]"
    let box = try #require(try run(script, [selector]) as? [Double])
    func move(_ at: (x: Double, y: Double), _ milliseconds: Int) -> [String: Any] {
      [
        "type": "pointerMove", "duration": milliseconds, "x": Int(box[0] + at.x * box[2]),
        "y": Int(box[1] + at.y * box[3]),
      ]
    }
    let half = ((from.x + to.x) / 2, (from.y + to.y) / 2)
    let steps: [[String: Any]] = [
      move(from, 0), ["type": "pointerDown", "button": 0], move(half, 50), move(to, 50),
      ["type": "pointerUp", "button": 0],
    ]
    let mouse: [String: Any] = [
      "type": "pointer", "id": "mouse", "parameters": ["pointerType": "mouse"], "actions": steps,
    ]
    _ = try command("POST", "/actions", ["actions": [mouse]])
  }

  func screenshot(_ path: String) throws {
    let text = try #require(try command("GET", "/screenshot") as? String)
    try Data(base64Encoded: text)?.write(to: URL(fileURLWithPath: path))
  }

  /// For a developer's eye, in the folder that ATELIER_SCREENSHOTS names.
  func keepScreenshot(_ name: String) throws {
    guard let folder = ProcessInfo.processInfo.environment["ATELIER_SCREENSHOTS"] else { return }
    try screenshot("\(folder)/\(name).png")
  }

  /// Errors that the page's console has shown since.
  func complaints() throws -> [String] {
    let lines = try command("POST", "/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
    return lines.filter { $0["level"] as? String == "SEVERE" }.compactMap { $0["message"] as? String }
  }

  private func command(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> Any? {
    try ask(method, "/session/\(session)\(path)", body)
  }

  private func ask(_ method: String, _ path: String, _ body: [String: Any]? = nil, seconds: Int = 90) throws -> Any? {
    let data = try body.map { try JSONSerialization.data(withJSONObject: $0) } ?? Data()
    let answer = try RawHTTP(port: port).send(method, path, body: data, seconds: seconds)
    let value = (answer.json as? [String: Any])?["value"]
    guard answer.status == 200 else { throw RawHTTP.Trouble(reason: "\(path): \(answer.text.prefix(300))") }
    return value is NSNull ? nil : value
  }
}
