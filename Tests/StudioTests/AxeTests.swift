import Foundation
import StudioTestSupport
import Testing

/// axe-core on every page, in both themes: labels, contrast, roles, order.
@Suite(.serialized) struct AxeTests {
  /// The wheel that Scripts/setup --tests downloads, or the one that `ATELIER_AXE` names.
  static let wheel: String? = {
    let named = ProcessInfo.processInfo.environment["ATELIER_AXE"]
    let path = named ?? Programs.root + "/.cache/axe_playwright_python-0.1.8-py3-none-any.whl"
    return access(path, R_OK) == 0 ? path : nil
  }()
  static let missing: Comment = "there is no axe-core or no chromedriver: Scripts/setup --tests gets both"

  private static func script(_ wheel: String) throws -> String {
    let process = Process(), out = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read('axe_playwright_python/axe.min.js'))",
      wheel,
    ]
    process.standardOutput = out
    try process.run()
    let data = out.fileHandleForReading.readDataToEndOfFile()
    process.awaitEnd()
    return String(decoding: data, as: UTF8.self)
  }

  @Test(.enabled(if: Browser.program != nil && wheel != nil, missing))
  func noPageHasAFaultOfAccess() async throws {
    let axe = try Self.script(try #require(Self.wheel))
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      let set = try #require(try studio.post("/api/sets", ["name": "faces"])["id"] as? String)
      let picture = try Data(contentsOf: URL(fileURLWithPath: Programs.root + "/Tests/Fixtures/parrot.png"))
      #expect(try studio.upload("/api/sets/\(set)/pictures?name=parrot.png", picture).status == 200)
      _ = try studio.post("/api/sets/\(set)/done", [:])
      let form = ["run": ["model:\(emoji)"], "seeds": ["1-3"]]
      let job = try #require(try studio.post("/api/jobs", ["verb": "generate", "values": form])["id"] as? String)
      _ = try await studio.ended(job)
      // Colours that are on their way from light to dark have no contrast.
      let browser = try await Browser(["--force-prefers-reduced-motion"])
      defer { browser.close() }
      try browser.open(try #require(try RunningToken.new(studio)))
      for path in [
        "/", "/sets/\(set)", "/train", "/generate", "/live", "/restyle", "/edit", "/film", "/gallery", "/queue",
        "/models",
        "/more", "/projects", "/jobs/\(job)", "/do/fill",
      ] {
        for theme in ["light", "dark"] {
          try browser.open("http://127.0.0.1:\(studio.port)\(path)")
          try browser.run("document.documentElement.dataset.theme = arguments[0]", [theme])
          try browser.run(axe)
          try browser.run(
            "axe.run(document, { resultTypes: ['violations'] }).then(r => { window.faults = r.violations.map(v => `${v.impact} ${v.id}: ${v.nodes[0].target}`) }, e => { window.faults = [String(e)] })"
          )
          try await browser.until("axe's answer", "window.faults")
          let faults = try browser.run("return window.faults") as? [String] ?? ["no answer"]
          #expect(faults == [], "\(path), \(theme)")
        }
      }
    }
  }
}
