import Foundation
import Media
import Testing

/// `film` as an artist runs it, with the generator that comes with Atelier.
@Suite struct FilmTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"

  private func frames(_ path: String) throws -> [Picture] {
    let reader = try ClipReader(path)
    var frames: [Picture] = []
    while let frame = reader.next() { frames.append(frame.picture) }
    return frames
  }

  private func distance(_ a: Picture, _ b: Picture) -> Double {
    Double(zip(a.bytes, b.bytes).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(a.bytes.count)
  }

  /// A seed's picture is the one that `generate` makes; a loop's last step is one like the others.
  @Test(arguments: ["sphere", "spline", "process", "fade"]) func keysAndLoops(_ shape: String) throws {
    try inFolder { atelier in
      #expect(try atelier.run("generate", "emoji", "--seeds", "3,41", "--out", "pictures").status == 0)
      let made = try atelier.run(
        "film", "emoji", "--seeds", "3,41", "--seconds", "2", "--rate", "12", "--path", shape, "--size", "64", "--out",
        "film/")
      #expect(made.status == 0, "\(made.err)")
      let frames = try (0..<24).map {
        try Picture.load("\(atelier.folder)/film/frame-\(String(format: "%06d", $0)).png", Decoding(channels: nil))
      }
      for (frame, seed) in [(0, "0003"), (12, "0041")] {
        let picture = try Picture.load("\(atelier.folder)/pictures/seed-\(seed).png", Decoding(channels: nil))
        #expect(frames[frame] == picture)
      }
      let steps = (0..<24).map { distance(frames[$0], frames[($0 + 1) % 24]) }
      #expect(steps[23] <= 1.5 * max(steps[22], steps[0]), "\(steps)")
      #expect(steps.min()! > 0)
    }
  }

  /// A folder of PNGs goes on after a stop, with its own settings only; a shorter film leaves nothing of it.
  @Test func aFolderGoesOn() throws {
    try inFolder { atelier in
      let film = ["film", "emoji", "--seed", "2", "--size", "64", "--rate", "12", "--seconds"]
      #expect(try atelier.run(film + ["6", "--out", "whole/"]).status == 0)
      let running = try atelier.start(film + ["6", "--out", "parts/", "--json"])
      try running.wait { running.output.contains(#""task":"frames""#) }
      running.send(SIGINT)
      let stopped = try running.finish(seconds: 60)
      try #require(stopped.status == 130, "it was faster than the signal: \(stopped.err)")
      let refused = try atelier.run(film + ["6", "--out", "parts/"])
      #expect(refused.status == 73 && refused.err.contains("go on with it by --resume"), "\(refused.err)")
      let other = try atelier.run(film + ["5", "--out", "parts/", "--resume"])
      #expect(other.status == 66 && other.err.contains("with these settings"), "\(other.err)")
      let resumed = try atelier.run(film + ["6", "--out", "parts/", "--resume"])
      #expect(resumed.status == 0, "\(resumed.err)")
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/parts").sorted()
      #expect(try names == FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/whole").sorted())
      #expect(names.count == 72)
      for name in names {
        let (a, b) = try (
          Picture.load("\(atelier.folder)/parts/\(name)"), Picture.load("\(atelier.folder)/whole/\(name)")
        )
        #expect(a == b, "\(name)")
      }
      let there = try atelier.run(film + ["1", "--out", "parts/"])
      #expect(there.status == 73 && there.err.contains("is there already"), "\(there.err)")
      #expect(try atelier.run(film + ["1", "--out", "parts/", "--force"]).status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/parts").count == 12)
    }
  }

  /// By chance, the last step to the first is no larger than most.
  @Test(arguments: ["1", "3"]) func aLoopByChanceHasNoSeam(_ seed: String) throws {
    try inFolder { atelier in
      let made = try atelier.run(
        "film", "emoji", "--seed", seed, "--seconds", "3", "--rate", "12", "--size", "64", "--out", "film/")
      #expect(made.status == 0, "\(made.err)")
      let frames = try (0..<36).map {
        try Picture.load("\(atelier.folder)/film/frame-\(String(format: "%06d", $0)).png", Decoding(channels: nil))
      }
      let steps = (0..<36).map { distance(frames[$0], frames[($0 + 1) % 36]) }
      #expect(steps[35] <= steps.sorted()[18], "\(steps)")
    }
  }

  /// Clicks a second apart push a path that stands still otherwise: pictures change there and nowhere else.
  @Test func itHears() throws {
    try inFolder { atelier in
      let rate = 22_050
      var samples = [Int16](repeating: 0, count: 4 * rate)
      for click in 0..<4 {
        for i in 0..<400 {
          samples[click * rate + rate / 2 + i] = Int16(20_000 * sin(Double(i) * 0.6) * exp(-Double(i) / 90))
        }
      }
      try wave(samples, rate).write(to: URL(fileURLWithPath: "\(atelier.folder)/clicks.wav"))
      try """
      seconds: 4
      rate: 20
      path: process
      wave: 1
      loop: false
      tracks: {speed: 0}
      sound: clicks.wav
      react: [{hear: onset, move: path, by: 0.7}]
      """.write(toFile: "\(atelier.folder)/film.yaml", atomically: true, encoding: .utf8)
      let made = try atelier.run(
        "film", "emoji", "--timeline", "film.yaml", "--size", "64", "--codec", "h264", "--out", "film.mp4", "--json")
      #expect(made.status == 0, "\(made.err)")
      #expect(try made.lines().last?["onsets"] as? Int == 4)
      let frames = try frames("\(atelier.folder)/film.mp4")
      #expect(frames.count == 80)
      let moved = (1..<80).filter { distance(frames[$0 - 1], frames[$0]) > 4 }
      #expect(moved.count == 4, "\(moved)")
      for (frame, click) in zip(moved, [10, 30, 50, 70]) { #expect(abs(frame - click) <= 1, "\(frame)") }
      #expect(try SoundReader.samples("\(atelier.folder)/film.mp4", rate: 8000).count > 31_000)
    }
  }

  private func wave(_ samples: [Int16], _ rate: Int) -> Data {
    var data = Data("RIFF".utf8)
    func add(_ value: Int, _ bytes: Int) { for i in 0..<bytes { data.append(UInt8(value >> (8 * i) & 255)) } }
    add(36 + 2 * samples.count, 4)
    data.append(Data("WAVEfmt ".utf8))
    for (value, bytes) in [(16, 4), (1, 2), (1, 2), (rate, 4), (2 * rate, 4), (2, 2), (16, 2)] { add(value, bytes) }
    data.append(Data("data".utf8))
    add(2 * samples.count, 4)
    for sample in samples { add(Int(UInt16(bitPattern: sample)), 2) }
    return data
  }

  /// Killed, and stopped by Ctrl-C: `--resume` gives the film of an undisturbed run.
  @Test(arguments: [SIGKILL, SIGINT]) func itGoesOn(_ signal: Int32) throws {
    try inFolder { atelier in
      try atelier.goesOn(["film", "emoji", "--seconds", "20", "--rate", "10", "--size", "128"], after: signal)
    }
  }

  @Test(arguments: [
    (["--out", "film.txt"], 64), (["--react", "onset:path:1", "--out", "a.mp4"], 64),
    (["--react", "thunder:path:1", "--out", "a.mp4"], 64), (["--path", "sphere", "--out", "a.mp4"], 64),
    (["--rate", "0", "--out", "a.mp4"], 64), (["--seconds=-1", "--out", "a.mp4"], 64),
    (["--timeline", "no.yaml", "--out", "a.mp4"], 66), (["--sound", "no.wav", "--out", "a.mp4"], 66),
    (["--sound", fixtures + "/scene.jpg", "--out", "a.mp4"], 65), (["--codec", "vp9", "--out", "a.mp4"], 64),
    (["--out", "nowhere/a.mp4"], 73),
  ])
  func mistakes(_ options: [String], _ status: Int) throws {
    try inFolder { atelier in
      let outcome = try atelier.run(["film", "emoji", "--size", "32"] + options)
      #expect(outcome.status == Int32(status), "\(options): \(outcome.err)\(outcome.out)")
      #expect(outcome.err.split(separator: "\n").count <= 3)
      #expect(try FileManager.default.contentsOfDirectory(atPath: atelier.folder).allSatisfy { !$0.contains("a.mp4") })
    }
  }

  @Test(arguments: [
    ("keys: [{sed: 3}]", "lacks 'seed'"), ("colour: red", "'colour' isn't one of"),
    ("keys: [{seed: 1, at: 5}, {seed: 2, at: 3}]", "3.0 s comes after 5.0 s"), ("tracks: {zom: 1}", "no track 'zom'"),
    ("tracks: {zoom: -1}", "can't be -1.0"), ("path: [", "can't be read"), ("path: zigzag", "can't be read"),
  ])
  func badTimelines(_ text: String, _ says: String) throws {
    try inFolder { atelier in
      try text.write(toFile: "\(atelier.folder)/film.yaml", atomically: true, encoding: .utf8)
      let outcome = try atelier.run("film", "emoji", "--timeline", "film.yaml", "--out", "a.mp4")
      #expect((64...65).contains(outcome.status) && outcome.err.contains(says), "\(outcome.err)")
    }
  }
}
