import Foundation
import Media
import Testing

/// Films as the world brings them, through every verb that keeps frames: times, shapes, sound, and what is said of what changes.
@Suite(.serialized) struct FilmInputTests {
  private static let hasZscale = {
    let shown = Process(), out = Pipe()
    shown.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    (shown.arguments, shown.standardOutput) = (["ffmpeg", "-v", "error", "-filters"], out)
    guard (try? shown.run()) != nil, let words = try? out.fileHandleForReading.readToEnd() else { return false }
    return String(decoding: words, as: UTF8.self).contains("zscale")
  }()
  private static let style = Binary.root + "/Tests/Fixtures/violin.png"
  private static let uneven = [0, 0.1, 0.2, 0.3, 0.34, 0.38, 0.9, 1]

  /// 64 × 48 px, a square that moves; the last frame of a GIF lasts for half a second.
  private func uneven(_ atelier: Binary, _ name: String, _ options: [String]) throws {
    let times = Self.uneven.enumerated().map { "eq(N\\,\($0))*\($1)" }.joined(separator: "+")
    try atelier.ffmpeg(
      [
        "-f", "lavfi", "-i", "color=gray:s=64x48:r=25,format=rgb24", "-f", "lavfi", "-i", "color=red:s=16x16:r=25",
        "-frames:v", "8", "-filter_complex", "[0][1]overlay=x='6*n':y=14,settb=1/90000,setpts='(\(times))/TB'",
        "-fps_mode", "passthrough", "-enc_time_base", "1:90000",
      ] + options + [name])
  }

  private func times(_ path: String) throws -> (starts: [Double], end: Double) {
    let reader = try ClipReader(path)
    var starts: [Double] = [], end = 0.0
    while let frame = reader.next() {
      starts.append(frame.time)
      end = frame.end
    }
    return (starts, end)
  }

  /// Each verb, from a GIF and a film, to both: the frames' times are the source's, and those between divide its gaps.
  @Test(arguments: ["restyle", "animate", "inbetween", "vary", "enlarge"]) func timesAreKept(_ verb: String) throws {
    try inFolder { atelier in
      try uneven(atelier, "a.gif", ["-final_delay", "50"])
      try uneven(atelier, "a.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2"])
      for (source, out) in [("a.gif", "b.mp4"), ("a.mp4", "b.gif"), ("a.mp4", "b.mkv")] {
        let words =
          switch verb {
          case "restyle": ["restyle", source, "--style", Self.style]
          case "animate": ["animate", Self.style, "--with", source]
          case "inbetween": ["inbetween", source, "--quick", "--times", "2"]
          case "vary": ["vary", source, "--size", "32"]
          default: ["enlarge", source, "--model", "waifu2x-drawing"]
          }
        let made = try atelier.run(words + ["--out", out, "--force"])
        try #require(made.status == 0, "\(made.err)")
        let (own, new) = try (times("\(atelier.folder)/\(source)"), times("\(atelier.folder)/\(out)"))
        try #require(own.starts.count == 8)
        var expected = own.starts
        if verb == "inbetween" {
          expected = own.starts.indices.flatMap { i in
            [own.starts[i], (own.starts[i] + (i < 7 ? own.starts[i + 1] : own.end)) / 2]
          }
        }
        try #require(new.starts.count == expected.count, "\(source) to \(out): \(new.starts)")
        for (a, b) in zip(new.starts, expected) { #expect(abs(a - b) < 0.0051, "\(source) to \(out): \(a) for \(b)") }
        #expect(abs(new.end - own.end) < 0.0051, "\(source) to \(out): \(new.end) for \(own.end)")
      }
    }
  }

  /// An even rate repeats and leaves out, and says how often; PNGs have no times.
  @Test func evenRates() throws {
    try inFolder { atelier in
      try uneven(atelier, "a.gif", ["-final_delay", "50"])
      let even = try atelier.run("restyle", "a.gif", "--style", Self.style, "--out", "b.mp4", "--rate", "10")
      #expect(even.status == 0, "\(even.err)")
      #expect(
        even.out.contains("At an even rate of 10 frames a second, 8 frames are repeated, 1 frame is left out."),
        "\(even.out)")
      #expect(try times("\(atelier.folder)/b.mp4").starts.count == 15)
      let folder = try atelier.run("restyle", "a.gif", "--style", Self.style, "--out", "b/")
      #expect(
        folder.out.contains(
          "The frames of a.gif last differently long, and PNGs have no times: --rate writes them at an even rate."),
        "\(folder.out)")
      try atelier.ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=64x48:r=120:d=0.2", "-pix_fmt", "yuv420p", "fast.mp4"])
      let gif = try atelier.run("restyle", "fast.mp4", "--style", Self.style, "--out", "fast.gif")
      #expect(gif.out.contains("A GIF shows 50 frames a second at most, so fast.gif has 50."), "\(gif.out)")
      #expect(gif.out.contains("At an even rate of 50 frames a second, 14 frames are left out."), "\(gif.out)")
      let refused = try atelier.run("restyle", "fast.mp4", "--style", Self.style, "--out", "c.mp4", "--rate", "1200")
      #expect(refused.status == 64)
      #expect(
        refused.err
          == "atelier: 1200 isn't a rate: use frames a second from 1 to 1000, such as 24, 29.97 or 30000/1001.\n",
        "\(refused.err)")
    }
  }

  /// What is changed of a film is said, each in a sentence, once.
  @Test(arguments: [
    (
      ["-c:v", "libx264", "-vf", "setsar=4/3", "-pix_fmt", "yuv420p"],
      "The pixels of a.mkv aren't square: it is shown, and written, as 85 by 48 pixels."
    ),
    (
      ["-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "tff=1", "-pix_fmt", "yuv420p"],
      "a.mkv is interlaced: it is deinterlaced."
    ),
    (
      [
        "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "-color_trc", "smpte2084",
        "-color_primaries", "bt2020", "-colorspace", "bt2020nc",
      ], "a.mkv is HDR (PQ): it is tone-mapped to SDR."
    ),
  ]) func changesAreSaid(_ options: [String], _ sentence: String) throws {
    // Without zimg HDR stays as it is, which has a sentence of its own.
    guard !sentence.contains("HDR") || Self.hasZscale else { return }
    try inFolder { atelier in
      try atelier.ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.3"] + options + ["a.mkv"])
      for words in [
        ["restyle", "a.mkv", "--style", Self.style], ["inbetween", "a.mkv", "--quick"],
        ["vary", "a.mkv", "--size", "32"],
        ["animate", Self.style, "--with", "a.mkv"],
      ] {
        let made = try atelier.run(words + ["--out", "b.mp4", "--force"])
        #expect(made.status == 0, "\(made.err)")
        #expect(made.out.components(separatedBy: sentence).count == 2, "\(words): \(made.out)")
      }
    }
  }

  /// Six channels become two, and a sound that can't be read is left out before the work begins.
  @Test func soundsAreSaid() throws {
    try inFolder { atelier in
      try atelier.ffmpeg([
        "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.5", "-f", "lavfi", "-i",
        "aevalsrc=0.1*sin(900*t)|0|0|0|0.1*sin(500*t)|0:c=5.1:d=0.5", "-pix_fmt", "yuv420p", "-c:a", "aac", "six.mp4",
      ])
      let made = try atelier.run("inbetween", "six.mp4", "--quick", "--out", "b.mp4")
      #expect(made.out.contains("The sound's 6 channels are mixed down to two."), "\(made.out)")
      #expect(try ClipReader("\(atelier.folder)/b.mp4").facts.hasSound)
      let folder = try atelier.run("restyle", "six.mp4", "--style", Self.style, "--out", "b.gif")
      #expect(folder.out.contains("The sound is left out: b.gif can't hold sound."), "\(folder.out)")
    }
  }

  /// `film --sound` of what can't be heard: a true sentence, and nothing is left.
  @Test func unheardSounds() throws {
    try inFolder { atelier in
      func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(atelier.folder)/\(name)"))
      }
      try atelier.ffmpeg([
        "-f", "lavfi", "-i", "aevalsrc=0:d=0.2", "-c:a", "pcm_f32le", "-fflags", "+bitexact", "nan.wav",
      ])
      var nan = [UInt8](try #require(FileManager.default.contents(atPath: "\(atelier.folder)/nan.wav")))
      try atelier.ffmpeg(["-f", "lavfi", "-i", "aevalsrc=0:d=0.2", "-fflags", "+bitexact", "tone.wav"])
      let tone = try #require(FileManager.default.contents(atPath: "\(atelier.folder)/tone.wav"))
      try write("header-only.wav", Array(tone.prefix(44)))
      for i in stride(from: 100, to: nan.count - 4, by: 4) { nan.replaceSubrange(i..<i + 4, with: [0, 0, 0xC0, 0x7F]) }
      try write("nan.wav", nan)
      try atelier.ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.3", "-pix_fmt", "yuv420p", "silent.mp4"])
      try write("words.mp3", Array("no sound at all".utf8))
      let cases = [
        (
          "nan.wav", 65,
          "nan.wav has samples that mean nothing (NaN, infinity, or many times louder than the loudest): export it anew, or name another sound."
        ),
        (
          "header-only.wav", 65,
          "header-only.wav has no sound in it that can be heard (no samples, or too few): name another."
        ),
        ("silent.mp4", 65, "silent.mp4 has no sound: name a file that has, or leave it out."),
        (
          "words.mp3", 65,
          "words.mp3 isn't a film or a sound that is read here: use MP4, MOV, MKV, WebM, AVI, GIF, WAV, FLAC, Ogg or MP3."
        ),
        ("none.wav", 66, "none.wav isn't there: check the name."),
      ]
      for (name, status, sentence) in cases {
        let made = try atelier.run(
          "film", "emoji", "--sound", name, "--seconds", "0.5", "--size", "32", "--out", "f.mp4")
        #expect(made.status == Int32(status) && made.err == "atelier: \(sentence)\n", "\(name): \(made.err)")
        let left = try FileManager.default.contentsOfDirectory(atPath: atelier.folder)
        #expect(!left.contains { $0.hasPrefix("f.mp4") }, "\(left)")
      }
    }
  }

  /// What is in a file decides whether it is a clip, not its ending.
  @Test(arguments: ["clip.3gp", "clip.mpg", "clip.ts", "clip.flv", "clip.bin"])
  func clipsByContent(_ name: String) throws {
    try inFolder { atelier in
      let codec = ["clip.3gp": "libx264", "clip.bin": "libx264", "clip.ts": "libx264"][name]
      let format = ["clip.bin": ["-f", "matroska"]][name] ?? []
      let other = name.hasSuffix("flv") ? "flv1" : "mpeg2video"
      try atelier.ffmpeg(
        [
          "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", "-pix_fmt", "yuv420p", "-c:v", codec ?? other,
        ] + format + [name])
      for words in [
        ["vary", name, "--size", "32", "--out", "vary.mp4"],
        ["animate", Self.style, "--with", name, "--out", "moved.mp4"],
      ] {
        let made = try atelier.run(words)
        #expect(made.status == 0, "\(words): \(made.err)")
        #expect(try times("\(atelier.folder)/\(words.last!)").starts.count == 10)
      }
      let measured = try atelier.run("measure", name, "--json")
      #expect(try measured.lines().last?["frames"] as? Int == 10, "\(measured.err)")
      guard name == "clip.3gp" || name == "clip.bin" else { return }
      try FileManager.default.createDirectory(atPath: "\(atelier.folder)/clips", withIntermediateDirectories: true)
      try FileManager.default.moveItem(atPath: "\(atelier.folder)/\(name)", toPath: "\(atelier.folder)/clips/\(name)")
      let trained = try atelier.run(
        "train", "clips", "--recipe", "videogan", "--size", "16", "--batch", "2", "--pictures-seen", "2", "--run", "run"
      )
      #expect(trained.status == 0, "\(trained.err)")
    }
  }

  /// Names that files get when they are saved again, and letters, are numbers too; one folder's pictures are one sequence.
  @Test(arguments: [
    (1...12).map { "walk (\($0)).png" }, (1...12).map { "walk[\($0)].png" },
    (0..<12).map { "walk.\(String($0 + 1000)).png" },
    "abcdefghijkl".map { "\($0).png" }, "ABCDEFGHIJKL".map { "walk-\($0).png" },
    ["one", "three", "two", "and", "four", "five", "six", "a1", "b2", "c3", "d4", "e5"].map { "\($0).png" },
  ]) func sequencesByName(_ names: [String]) throws {
    try inFolder { atelier in
      try FileManager.default.createDirectory(atPath: "\(atelier.folder)/walk", withIntermediateDirectories: true)
      try atelier.ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=48x48:r=10:d=1.2", "walk/x%02d.png"])
      for (i, name) in names.enumerated() {
        try FileManager.default.moveItem(
          atPath: "\(atelier.folder)/walk/x\(i < 9 ? "0" : "")\(i + 1).png", toPath: "\(atelier.folder)/walk/\(name)")
      }
      let made = try atelier.run("animate", Self.style, "--with", "walk", "--out", "moved.gif")
      #expect(made.status == 0, "\(made.err)")
      #expect(try times("\(atelier.folder)/moved.gif").starts.count == 12)
    }
  }

  /// A film isn't written as a picture, or under a name that says nothing.
  @Test(arguments: [
    (
      "a.png",
      "a.mp4 is a film, and a.png a picture: let it end in .mp4, .mov, .mkv, .webm, .gif, .apng, .webp, or in / for PNGs."
    ),
    (
      "a.avi",
      "a.avi doesn't say what to write: let it end in .mp4, .mov, .mkv, .webm, .gif, .apng, .webp, or in / for PNGs."
    ),
  ]) func filmsUnderOtherNames(_ out: String, _ sentence: String) throws {
    try inFolder { atelier in
      try atelier.ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.5", "-pix_fmt", "yuv420p", "a.mp4"])
      for words in [["restyle", "a.mp4", "--style", Self.style], ["vary", "a.mp4"], ["enlarge", "a.mp4"]] {
        let made = try atelier.run(words + ["--out", out])
        #expect(made.status == 64 && made.err == "atelier: \(sentence)\n", "\(words): \(made.err)")
      }
    }
  }

  /// An enlarged film has the sound, and goes on after a stop.
  @Test func enlargedFilms() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 60, sound: true)
      try atelier.goesOn(["enlarge", "pan.mp4", "--model", "waifu2x-drawing"])
      let reader = try ClipReader("\(atelier.folder)/whole.mp4")
      #expect(reader.facts.width == 192 && reader.facts.height == 144 && reader.facts.hasSound)
      let own = try ClipReader("\(atelier.folder)/pan.mp4")
      let (large, small) = try (#require(reader.next()).picture, #require(own.next()).picture)
      let again = large.resampled(width: small.width, height: small.height)
      let apart = zip(again.bytes, small.bytes).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
      #expect(Double(apart) / Double(small.bytes.count) < 8)
      let mixed = try atelier.run("enlarge", "pan.mp4", Self.style, "--codec", "vp9", "--out", "large")
      #expect(mixed.status == 64, "\(mixed.err)")
    }
  }
}
