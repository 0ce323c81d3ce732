import Foundation
import Media
import Models
import Networks
import Testing
import Torch

/// `generate --enlarge` and `film --enlarge`, with a small network that was imported, which needs no download.
@Suite struct EnlargedOutputTests {
  /// With a network named tiny, which doubles pictures.
  private func inStudio(_ body: (Binary) throws -> Void) throws {
    try inFolder { atelier in
      let network = SRVGGNetCompact(scale: 2, width: 4, depth: 1)
      var noise = Noise(seed: 1)
      network.initialize(&noise)
      withoutGradients { network.state.last!.tensor.zero() }
      try Safetensors.write(network.savedTensors, to: "\(atelier.folder)/tiny.safetensors")
      let outcome = try atelier.run("models", "import", "tiny.safetensors", "--as", "realesrgan")
      #expect(outcome.status == 0, "\(outcome.err)")
      try body(atelier)
    }
  }

  private static let by4 = ["--enlarge", "4", "--enlarge-model", "tiny"]

  /// A picture and each sheet are four times as large, and the picture is the one that `enlarge` makes of the small one.
  @Test func picturesAndSheets() throws {
    try inStudio { atelier in
      let sheets = ["--grid", "--interpolate", "3-7", "--steps", "3"]
      let generate = ["generate", "emoji", "--seeds", "0-3"] + sheets
      let outcome = try atelier.run(generate + Self.by4 + ["--out", "large", "--json"])
      #expect(outcome.status == 0, "\(outcome.err)")
      let events = try outcome.lines()
      #expect(events.last?["isStopped"] as? Bool == false && events.last?["pictures"] as? Int == 4)
      let fractions = events.filter { $0["event"] as? String == "progress" }.compactMap { $0["fraction"] as? Double }
      #expect(fractions == fractions.sorted() && fractions.last == 1)
      let folder = atelier.folder
      let sheet = try Picture.load("\(folder)/large/sheet.png")
      #expect(sheet.width == 2 + 2 * 258 && sheet.height == sheet.width)
      let walk = try Picture.load("\(folder)/large/interpolation.png")
      #expect(walk.width == 2 + 3 * 258 && walk.height == 260)
      let picture = try Picture.load("\(folder)/large/seed-0003.png", Decoding(channels: nil))
      #expect(picture.width == 256 && picture.height == 256)

      #expect(try atelier.run("generate", "emoji", "--seeds", "3", "--out", "small").status == 0)
      let enlarge = ["enlarge", "small/seed-0003.png", "--scale", "4", "--model", "tiny", "--out", "same.png"]
      #expect(try atelier.run(enlarge).status == 0)
      #expect(try Picture.load("\(folder)/same.png", Decoding(channels: nil)) == picture)

      let words = try #require(PNG.text(FileBytes.read("\(folder)/large/seed-0003.png")))
      func value(_ key: String) -> String? { words.last { $0.key == key }?.value }
      #expect(value("Enlarged by")?.hasPrefix("4, tiny, sha256:") == true && value("Seed") == "3")
      let plain = try #require(PNG.text(FileBytes.read("\(folder)/small/seed-0003.png")))
      #expect(!plain.contains { $0.key == "Enlarged by" })
    }
  }

  /// `--size` is the film's own; work that is stopped goes on with the same network only.
  @Test func films() throws {
    try inStudio { atelier in
      let film = ["film", "emoji", "--seeds", "3,41", "--seconds", "6", "--rate", "12", "--size", "256"]
      let large = film + Self.by4
      let short = large.map { $0 == "6" ? "1" : $0 }
      let made = try atelier.run(short + ["--out", "short/"])
      #expect(made.status == 0, "\(made.err)")
      let frame = try Picture.load("\(atelier.folder)/short/frame-000000.png", Decoding(channels: nil))
      #expect(frame.width == 256 && frame.height == 256)
      let generate = ["generate", "emoji", "--seeds", "3"] + Self.by4 + ["--out", "made"]
      #expect(try atelier.run(generate).status == 0)
      #expect(try Picture.load("\(atelier.folder)/made/seed-0003.png", Decoding(channels: nil)) == frame)
      let preview = try atelier.run(short + ["--preview", "--out", "preview.png"])
      #expect(preview.status == 0, "\(preview.err)")

      let running = try atelier.start(large + ["--out", "long/", "--json"])
      try running.wait { running.output.contains(#""done":2"#) }
      running.send(SIGINT)
      let stopped = try running.finish(seconds: 60)
      try #require(stopped.status == 130, "\(stopped.err)")
      let other = try atelier.run(film + ["--out", "long/", "--resume"])
      #expect(other.status == 66 && other.err.contains("with these settings"), "\(other.err)")
      let resumed = try atelier.run(large + ["--out", "long/", "--resume"])
      #expect(resumed.status == 0, "\(resumed.err)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/long").count == 72)
    }
  }

  @Test func aStopLeavesWholePictures() throws {
    try inStudio { atelier in
      let running = try atelier.start(
        ["generate", "emoji", "--seeds", "0-900", "--grid"] + Self.by4 + ["--out", "made", "--json"])
      try running.wait { running.output.contains(#""event":"picture""#) }
      running.send(SIGINT)
      let outcome = try running.finish(seconds: 60)
      #expect(outcome.status == 130, "\(outcome.err)")
      let last = try #require(try outcome.lines().last)
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/made")
      #expect(last["isStopped"] as? Bool == true && last["pictures"] as? Int == names.count)
      #expect(names.count < 900 && names.allSatisfy { $0.hasPrefix("seed-") && $0.hasSuffix(".png") })
    }
  }

  /// They are measured as they are, and shown four times as large beside real ones of that size.
  @Test func comparisons() throws {
    try inStudio { atelier in
      let outcome = try atelier.run(
        ["compare", "emoji", "emoji", "--against", Binary.pictures, "--samples", "16", "--columns", "2"] + Self.by4
          + ["--out", "both.png", "--json"])
      #expect(outcome.status == 0, "\(outcome.err)")
      let sheet = try Picture.load("\(atelier.folder)/both.png")
      #expect(sheet.width == 2 + 2 * 258, "\(sheet.width) × \(sheet.height)")
      let words = try #require(PNG.text(FileBytes.read("\(atelier.folder)/both.png")))
      #expect(words.count { $0.key == "Enlarged by" } == 2)
    }
  }

  /// Each is one sentence, before anything is made.
  @Test func mistakes() throws {
    try inStudio { atelier in
      func expect(_ arguments: [String], says: String, exit: Int32 = 64) throws {
        let outcome = try atelier.run(arguments)
        #expect(outcome.status == exit && outcome.err.contains(says), "\(arguments): \(outcome.err)")
      }
      for verb in [["generate", "emoji", "--out", "made"], ["film", "emoji", "--out", "film.mp4"]] {
        try expect(verb + ["--enlarge", "3"], says: "--enlarge can't be 3: use 2 or 4.")
        try expect(verb + ["--enlarge-model", "tiny"], says: "would change nothing without --enlarge")
        try expect(
          verb + ["--enlarge", "2", "--enlarge-model", "nothing"], says: "There is no model 'nothing'", exit: 69)
        try expect(
          verb + ["--enlarge", "2", "--enlarge-model", "emoji"], says: "doesn't enlarge pictures", exit: 65)
      }
      try expect(
        ["film", "emoji", "--out", "film.mp4", "--enlarge", "2", "--pixels"],
        says: "--pixels and --enlarge are two ways")
      // A sheet of the small pictures would fit.
      try expect(
        ["generate", "emoji", "--interpolate", "0-1", "--steps", "100", "--out", "made"] + Self.by4,
        says: "--steps 100 gives too wide a sheet for pictures of 256 px: use at most 63.")
      #expect(!atelier.has("film.mp4"))
    }
  }
}
