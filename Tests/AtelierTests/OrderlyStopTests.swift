import Foundation
import Media
import Testing

/// Ctrl-C on verbs that make pictures and films: they say so, leave with 130, and leave nothing half-done.
@Suite struct OrderlyStopTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let scene = fixtures + "/scene.jpg"

  /// - Parameters:
  ///   - arguments: of work that takes long.
  ///   - sign: in the output, once it has begun.
  private func stops(_ atelier: Binary, _ arguments: [String], after sign: String) throws -> Binary.Outcome {
    let running = try atelier.start(arguments + ["--json"])
    try running.wait(seconds: 60) { running.output.contains(sign) }
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
          "fill", "\(Binary.emoji)/\(emoji)", "--mask", "mask.png", "--with", "emoji-diffusion", "--seeds", "0-500",
          "--out", "filled",
        ], after: begun)
    }
  }

  @Test func films() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 30)
      _ = try stops(
        atelier, ["inbetween", "pan.mp4", "--times", "16", "--out", "slow.mp4"], after: #""event":"frame""#)
      #expect(!atelier.has("slow.mp4"))
      _ = try stops(
        atelier, ["vary", "pan.mp4", "--seeds", "0-99", "--size", "48", "--out", "films"],
        after: #""event":"progress""#)
    }
  }
}
