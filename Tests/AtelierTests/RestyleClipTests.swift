import Foundation
import Media
import Testing

/// `restyle` on films, as an artist runs it: a real one, and a picture that a camera passes over.
@Suite(.serialized) struct RestyleClipTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let style = fixtures + "/violin.png"
  private static let bunny = fixtures + "/bunny.mp4"
  private static let random = ["--method", "optimise", "--network", "random", "--loss", "gram", "--strokes", "0"]

  private func restyle(_ atelier: Binary, _ content: String, _ out: String, _ more: [String] = []) throws
    -> Binary.Outcome
  {
    try atelier.run(["restyle", content, "--style", Self.style, "--out", out] + more)
  }

  private func frames(_ folder: String, _ count: Int) throws -> [Picture] {
    try (0..<count).map {
      try Picture.load("\(folder)/frame-\(String(format: "%06d", $0)).png", Decoding(channels: nil))
    }
  }

  @Test func paintStaysOnWhatMoves() throws {
    try inFolder { atelier in
      try atelier.ffmpeg([
        "-i", Self.bunny, "-f", "lavfi", "-i", "sine=frequency=440", "-vf", "scale=160:-2", "-t", "1", "-crf", "12",
        "film.mp4",
      ])
      var errors: [Double] = []
      for (name, steadiness) in [("each.mp4", "0"), ("steady.mp4", "0.8")] {
        let made = try restyle(atelier, "film.mp4", name, ["--steadiness", steadiness, "--json"])
        #expect(made.status == 0, "\(made.err)")
        let frames = try made.lines().last?["frames"] as? Int
        #expect(try frames == ClipReader("\(atelier.folder)/film.mp4").facts.count)
        let measured = try atelier.run(["measure", name, "--content", "film.mp4", "--json"])
        errors.append(try #require(try measured.lines().last?["warpError"] as? Double))
      }
      #expect(errors[1] < 0.6 * errors[0], "\(errors)")
      #expect(try SoundReader.samples("\(atelier.folder)/steady.mp4", rate: 8000).count > 7500)
    }
  }

  /// Killed after some parts, `--resume` gives the file of an undisturbed run.
  @Test func itGoesOn() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 90)
      try atelier.goesOn(["restyle", "pan.mp4", "--style", Self.style])
    }
  }

  /// A mask that follows stays on its things; outside of it, frames are the film's own to the bit.
  @Test func masksFollow() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 16)
      try atelier.ffmpeg([
        "-f", "lavfi", "-i", "color=black:s=96x72,drawbox=48:20:24:24:white:fill", "-frames:v", "1", "mask.png",
      ])
      let made = try restyle(atelier, "pan.mp4", "out/", ["--mask", "mask.png", "--masks-follow"])
      #expect(made.status == 0, "\(made.err)")
      try #require(FileManager.default.fileExists(atPath: "\(atelier.folder)/out/frame-000015.png"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/out").count == 16)
      let painted = try frames("\(atelier.folder)/out", 16)
      let reader = try ClipReader("\(atelier.folder)/pan.mp4")
      for (i, frame) in painted.enumerated() {
        let own = try #require(reader.next()).picture
        var columns: [Int] = []
        for y in 0..<72 {
          for x in 0..<96
          where (0..<3).contains(where: { own.bytes[(y * 96 + x) * 3 + $0] != frame.bytes[(y * 96 + x) * 3 + $0] }) {
            columns.append(x)
          }
        }
        let middle = Double(columns.reduce(0, +)) / Double(max(1, columns.count))
        // The camera moves right, so things and their mask move left.
        #expect(abs(middle - (59.5 - 2 * Double(i))) < 4, "frame \(i): \(middle)")
      }
    }
  }

  @Test func transparencyIsKept() throws {
    try inFolder { atelier in
      try atelier.ffmpeg([
        "-loop", "1", "-framerate", "5", "-i", Self.fixtures + "/veil.png", "-vf", "scale=64:64", "-frames:v", "3",
        "-pix_fmt", "rgba", "-plays", "0", "veil.apng",
      ])
      #expect(try restyle(atelier, "veil.apng", "out/").status == 0)
      #expect(try restyle(atelier, "veil.apng", "out.mov").status == 0)
      let reader = try ClipReader("\(atelier.folder)/veil.apng")
      for frame in try frames("\(atelier.folder)/out", 3) {
        let own = try #require(reader.next()).picture
        #expect(frame.channels == 4)
        #expect(stride(from: 3, to: own.bytes.count, by: 4).allSatisfy { own.bytes[$0] == frame.bytes[$0] })
      }
      #expect(try ClipReader("\(atelier.folder)/out.mov").facts.channels == 4)
    }
  }

  /// Every other method: the optimisation goes on from the frame before, and what a run has learned has its own look.
  @Test func theOptimisationGoesOn() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 3)
      let made = try restyle(atelier, "pan.mp4", "out.mp4", Self.random + ["--steps", "2", "--size", "64"])
      #expect(made.status == 0, "\(made.err)")
      #expect(try ClipReader("\(atelier.folder)/out.mp4").facts.width == 64)
    }
  }

  @Test(arguments: [
    (["nowhere.mp4"], [], 66), (["sound.wav"], [], 65), (["list.mp4"], [], 65), (["words.mp4"], [], 65),
    (["pan.mp4"], ["--steadiness", "2"], 64), (["pan.mp4"], ["--steps", "3"], 64),
    (["pan.mp4"], ["--codec", "vp9"], 64), (["pan.mp4"], ["--strength", "3"], 64), (["pan.mp4"], ["--resume"], 66),
    (["pan.mp4"], ["--mask", "typo.mp4"], 66), (["pan.mp4"], ["--mask", "words.mp4"], 65),
  ])
  func mistakes(_ content: [String], _ options: [String], _ status: Int) throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 2)
      try atelier.ffmpeg(["-f", "lavfi", "-i", "sine=duration=1", "sound.wav"])
      try "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".write(
        toFile: "\(atelier.folder)/list.mp4", atomically: true, encoding: .utf8)
      try "not a film".write(toFile: "\(atelier.folder)/words.mp4", atomically: true, encoding: .utf8)
      let outcome = try restyle(atelier, content[0], "out.mp4", options)
      #expect(outcome.status == Int32(status), "\(content) \(options): \(outcome.err)\(outcome.out)")
      #expect(outcome.err.split(separator: "\n").count <= 3, "\(outcome.err)")
      #expect(!FileManager.default.fileExists(atPath: "\(atelier.folder)/out.mp4"))
    }
  }

  /// Half of a file gives what can be read of it.
  @Test func aTruncatedFilm() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mkv", frames: 20)
      let whole = try Data(contentsOf: URL(fileURLWithPath: "\(atelier.folder)/pan.mkv"))
      try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: "\(atelier.folder)/half.mkv"))
      let made = try restyle(atelier, "half.mkv", "out.mp4", ["--json"])
      #expect(made.status == 0, "\(made.err)")
      #expect((1..<20).contains(try made.lines().last?["frames"] as? Int ?? 0))
    }
  }
}
