import Foundation
import Media
import Testing

/// Ctrl-C on verbs that make pictures and films: they say so, leave with 130, and leave nothing half-done.
@Suite struct OrderlyStopTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let scene = fixtures + "/scene.jpg"

  /// - Parameters:
  ///   - arguments: of work that takes long.
  ///   - sign: in the output, once it has begun; or a file that is there then.
  private func stops(_ atelier: Binary, _ arguments: [String], after sign: String) throws -> Binary.Outcome {
    let running = try atelier.start(arguments + ["--json"])
    try running.wait(seconds: 60) { running.output.contains(sign) || atelier.has(sign) }
    try #require(running.process.isRunning, "it was over before it could be stopped: \(arguments)")
    running.send(SIGINT)
    let outcome = try running.finish(seconds: 60)
    #expect(outcome.status == 130, "\(arguments): \(outcome.status) \(outcome.err)")
    #expect(outcome.err.contains("Stopping: saving first."), "\(outcome.err)")
    let halves = try FileManager.default.subpathsOfDirectory(atPath: atelier.folder).filter {
      $0.hasSuffix(".part") && !$0.contains(".unfinished/")
    }
    #expect(halves.isEmpty, "\(halves)")
    return outcome
  }

  @Test func pictures() throws {
    try inFolder { atelier in
      let begun = #""event":"picture""#
      _ = try stops(atelier, ["vary", Self.scene, "--seeds", "0-500", "--size", "64", "--out", "varied"], after: begun)
      _ = try stops(
        atelier, ["texture", Self.scene, "--seeds", "0-5000", "--size", "512x512", "--out", "textures"], after: begun)
      for folder in ["varied", "textures"] {
        let made = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/\(folder)")
        #expect(!made.isEmpty && made.count < 500 && made.allSatisfy { $0.hasSuffix(".png") })
      }
      let white = (0..<64 * 64).map { UInt8($0 / 64 < 20 && $0 % 64 < 20 ? 255 : 0) }
      try Picture(width: 64, height: 64, channels: 1, bytes: white).write("\(atelier.folder)/mask.png")
      let emoji = try Binary.someEmoji(1)[0]
      _ = try stops(
        atelier,
        [
          "fill", "\(Binary.emoji)/\(emoji)", "--mask", "mask.png", "--mask-fit", "stretch", "--with",
          "emoji-diffusion",
          "--seeds", "0-500", "--out", "filled",
        ], after: begun)
    }
  }

  /// Pictures of one name are found under names of their own, and one that isn't done leaves nothing.
  @Test func projection() throws {
    try inFolder { atelier in
      let emoji = try Binary.someEmoji(3)
      for (name, to) in zip(emoji, ["x/a.png", "y/a.png", "a-2.png"]) {
        try atelier.make("held/" + (to.contains("/") ? String(to.prefix(1)) : ""))
        try atelier.copy("\(Binary.emoji)/\(name)", to: "held/\(to)")
      }
      let project = ["project", "emoji", "held", "--out", "found"]
      let made = try atelier.run(project + ["--steps", "2", "--tuning", "1"])
      #expect(made.status == 0, "\(made.err)")
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/found").sorted()
      let names = ["a", "a-2", "a-3"]
      #expect(files == (names.flatMap { ["\($0)-styles.safetensors", "\($0).safetensors"] } + ["sheet.png"]).sorted())
      let again = try atelier.run(project + ["--steps", "2", "--tuning", "1"])
      #expect(again.status == 73 && again.err.contains("is there already"), "\(again.err)")
      _ = try stops(
        atelier, ["project", "emoji", "held", "--out", "other", "--steps", "10000", "--tuning", "0"], after: "other")
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/other").isEmpty)
    }
  }

  /// The first thing that anybody runs: stopped, and then for a few seconds beside what the first one left. Without a network it still works.
  @Test func demo() throws {
    let atelier = try Binary(["PIP_NO_INDEX": "1"])
    defer { atelier.remove() }
    let stopped = try stops(atelier, ["demo", "--minutes", "4"], after: #""event":"reading""#)
    #expect(try stopped.lines().last?["isStopped"] as? Bool == true && atelier.has("workspace/demo-1/index.html"))

    let outcome = try atelier.run(["demo", "--minutes", "0.05", "--json"])
    #expect(outcome.status == 0, "\(outcome.err)")
    let last = try #require(try outcome.lines().last)
    let page = try #require(last["page"] as? String), folder = (page as NSString).deletingLastPathComponent
    #expect(atelier.has("workspace/demo-2/index.html") && atelier.has("workspace/demo-2/page.png"))
    #expect(atelier.has("workspace/demo-2/run/card.md"))
    for file in try #require(last["files"] as? [String]) {
      #expect(FileManager.default.fileExists(atPath: file), "\(file)")
    }
    // All that the page shows lies beside it.
    let html = try String(contentsOfFile: page, encoding: .utf8)
    let sources = html.matches(of: /src="([^"]+)"/).map { String($0.1) }
    #expect(sources.count == 9 && !html.contains("http"))
    for source in sources { #expect(FileManager.default.fileExists(atPath: "\(folder)/\(source)"), "\(source)") }
  }

  @Test func films() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 30)
      _ = try stops(
        atelier, ["inbetween", "pan.mp4", "--times", "16", "--out", "slow.mp4"], after: #""task":"frames""#)
      #expect(!atelier.has("slow.mp4"))
      _ = try stops(
        atelier, ["vary", "pan.mp4", "--seeds", "0-99", "--size", "48", "--out", "films"],
        after: #""event":"progress""#)
    }
  }
}
