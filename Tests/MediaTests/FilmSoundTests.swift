import Foundation
import Media
import TestSupport
import Testing

/// A film's sound and its chapters stay in step with its pictures.
@Suite(.serialized) struct FilmSoundTests {
  static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]

  /// Each flash has its click within 30 ms, and none is lost.
  private func expectStep(_ path: String, flashes: Int = 4, clicks: Int? = nil) throws {
    let found = try Films.signals(path)
    try #require(found.flashes.count == flashes && found.clicks.count == clicks ?? flashes, "\(found)")
    for click in found.clicks {
      #expect(found.flashes.contains { abs($0 - click) < 0.03 }, "\(path): \(found)")
    }
  }

  /// What containers do to the beginning of both streams.
  @Test(arguments: [
    ("a.mp4", x264 + ["-c:a", "aac"]), ("a.mkv", x264 + ["-c:a", "aac"]),
    ("a.webm", ["-c:v", "libvpx", "-c:a", "libopus"]),
    ("a.avi", x264 + ["-bf", "2", "-c:a", "pcm_s16le"]), ("b.avi", ["-c:v", "mpeg4", "-bf", "1", "-c:a", "mp3"]),
    ("a.mpg", ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"]), ("a.ts", x264 + ["-c:a", "aac"]),
    ("a.flv", ["-c:v", "flv1", "-c:a", "mp3", "-ar", "44100"]), ("a.mov", x264 + ["-c:a", "pcm_f32le"]),
    ("b.mov", x264 + ["-c:a", "pcm_s16le", "-ac", "6"]), ("b.mkv", x264 + ["-c:a", "flac", "-ar", "96000"]),
  ]) func containers(_ name: String, _ options: [String]) throws {
    try ClipTests.inFolder { folder in
      try Films.flashing("\(folder)/\(name)", options: options)
      for out in ["out.mp4", "out.webm"] {
        try Films.copy("\(folder)/\(name)", to: "\(folder)/\(out)")
        try expectStep("\(folder)/\(out)")
      }
    }
  }

  /// One stream begins after the other, or its beginning is cut off by an edit list.
  @Test(arguments: ["mp4", "mov", "mkv", "ts"]) func offsets(_ ending: String) throws {
    try ClipTests.inFolder { folder in
      try Films.flashing("\(folder)/even.mkv", options: Self.x264 + ["-g", "10", "-c:a", "aac"])
      let both = ["-map", "0:v", "-map", "1:a", "-c", "copy"]
      // The sound 0.48 s later, on the clock too: its clicks are those of other flashes no more.
      try Films.ffmpeg(
        ["-i", "\(folder)/even.mkv", "-itsoffset", "1", "-i", "\(folder)/even.mkv"] + both + [
          "\(folder)/late.\(ending)"
        ])
      try Films.copy("\(folder)/late.\(ending)", to: "\(folder)/late-out.mp4")
      // A click of the last second is beyond the pictures' end.
      try expectStep("\(folder)/late-out.mp4", clicks: 3)
      // The pictures a second later: the sound before them stays.
      try Films.ffmpeg(
        ["-itsoffset", "1", "-i", "\(folder)/even.mkv", "-i", "\(folder)/even.mkv"] + both + [
          "\(folder)/early.\(ending)"
        ])
      for out in ["early-out.mp4", "early-out.mkv"] {
        try Films.copy("\(folder)/early.\(ending)", to: "\(folder)/\(out)")
        let found = try Films.signals("\(folder)/\(out)")
        #expect(found.flashes.count == 4 && found.clicks.count == 4, "\(found)")
        let lag = (found.flashes.first ?? 0) - (found.clicks.first ?? 0)
        #expect(abs(lag - 1) < 0.03, "\(out): \(found)")
      }
      // From the middle on.
      try Films.ffmpeg(["-ss", "1.2", "-i", "\(folder)/even.mkv", "-c", "copy", "\(folder)/cut.\(ending)"])
      try Films.copy("\(folder)/cut.\(ending)", to: "\(folder)/cut-out.mp4")
      try expectStep("\(folder)/cut-out.mp4", flashes: 3)
    }
  }

  /// Packets that are missing are silence, not a sound that comes early.
  @Test(arguments: [
    ("mkv", "aac"), ("mp4", "aac"), ("ts", "mp2"), ("flv", "aac"), ("mkv", "pcm_s16le"), ("webm", "libopus"),
  ])
  func holes(_ ending: String, _ codec: String) throws {
    try ClipTests.inFolder { folder in
      let video = ending == "webm" ? ["-c:v", "libvpx"] : Self.x264
      try Films.flashing("\(folder)/whole.\(ending)", options: video + ["-c:a", codec])
      let hole = "between(pts*tb,\(ending == "ts" ? "2.4,3.6" : "1,2.2"))"
      try Films.ffmpeg([
        "-i", "\(folder)/whole.\(ending)", "-c", "copy", "-copyts", "-bsf:a", "noise=drop='\(hole)'",
        "\(folder)/hole.\(ending)",
      ])
      try Films.copy("\(folder)/hole.\(ending)", to: "\(folder)/out.mp4")
      try expectStep("\(folder)/out.mp4", clicks: 3)
    }
  }

  @Test(arguments: ["mp4", "mkv", "webm"]) func chaptersAreKept(_ ending: String) throws {
    try ClipTests.inFolder { folder in
      let chapters = """
        ;FFMETADATA1
        [CHAPTER]
        TIMEBASE=1/1000
        START=0
        END=1500
        title=One
        [CHAPTER]
        TIMEBASE=1/1000
        START=1500
        END=4000
        title=Two

        """
      try chapters.write(toFile: "\(folder)/chapters.txt", atomically: true, encoding: .utf8)
      try Films.flashing("\(folder)/plain.mkv", options: Self.x264 + ["-c:a", "aac"])
      try Films.ffmpeg([
        "-i", "\(folder)/plain.mkv", "-i", "\(folder)/chapters.txt", "-map_metadata", "1", "-map_chapters", "1", "-c",
        "copy", "\(folder)/a.mkv",
      ])
      try Films.copy("\(folder)/a.mkv", to: "\(folder)/out.\(ending)")
      let found = try ClipTests.run([
        "ffprobe", "-v", "error", "-show_entries", "chapter=start_time,end_time:chapter_tags=title", "-of", "csv=p=0",
        "\(folder)/out.\(ending)",
      ]).split(separator: "\n").map { $0.split(separator: ",") }
      try #require(found.count == 2, "\(found)")
      #expect(found[0][2] == "One" && found[1][2] == "Two")
      #expect(abs(Double(found[1][0])! - 1.5) < 0.03 && abs(Double(found[1][1])! - 4) < 0.03, "\(found)")
    }
  }

  /// A sound of no samples, and one of no numbers, are told apart from a full disk.
  @Test func whatCannotBeHeard() throws {
    try ClipTests.inFolder { folder in
      let (empty, nan) = ("\(folder)/empty.wav", "\(folder)/nan.wav")
      try Data(wav(samples: [])).write(to: URL(fileURLWithPath: empty))
      try Data(wav(samples: [Float](repeating: .nan, count: 4800))).write(to: URL(fileURLWithPath: nan))
      try Data(wav(samples: [0, 0.5, .infinity, 0.5])).write(to: URL(fileURLWithPath: "\(folder)/one.wav"))
      #expect(throws: ClipError.emptySound(name: empty)) { try SoundReader.samples(empty, rate: 8000) }
      #expect(throws: ClipError.notNumbers(name: nan)) { try SoundReader.samples(nan, rate: 8000) }
      #expect(throws: ClipError.notNumbers(name: "\(folder)/one.wav")) {
        try SoundReader.samples("\(folder)/one.wav", rate: 48_000)
      }
      let loud = "\(folder)/loud.wav"
      try Data(wav(samples: [0, 1.5, 1e9, -1e9])).write(to: URL(fileURLWithPath: loud))
      #expect(throws: ClipError.notNumbers(name: loud)) { try SoundReader.samples(loud, rate: 48_000) }
      // Floating-point files may go a little beyond 1.
      try Data(wav(samples: [0, 1.5, -1.5, 0.5])).write(to: URL(fileURLWithPath: loud))
      #expect(try SoundReader.samples(loud, rate: 48_000).map { abs($0) }.max() == 1.5)
      // Beside a film's own pictures, silence is heard for them.
      let reader = try SoundReader(nan)
      while let piece = reader.next() { #expect(piece.allSatisfy { $0 == 0 }) }
      #expect(reader.damaged > 0)
      let film = try ClipTests.rendering("\(folder)/a.mp4")
      try film.write(ClipTests.frame(0))
      try film.finish(beside: Accompaniment(sound: "\(folder)/one.wav"))
      #expect(
        film.notes == [
          "The sound of \(folder)/one.wav has samples that mean nothing (NaN, infinity, or many times louder than the loudest): there it is silent."
        ])
    }
  }

  /// Floats of one channel, 48,000 a second.
  private func wav(samples: [Float]) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 255) } }
    let data = samples.flatMap { little(Int($0.bitPattern), 4) }
    return Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + little(3, 2)
      + little(1, 2) + little(48_000, 4) + little(192_000, 4) + little(4, 2) + little(32, 2) + Array("data".utf8)
      + little(data.count, 4) + data
  }
}
