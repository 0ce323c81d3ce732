import Foundation
import Media
import TestSupport
import Testing

/// What is said of films and sounds: what ffmpeg was asked to make is what the table has.
@Suite(.serialized) struct ClipReportTests {
  private static let sound = ["-f", "lavfi", "-i", "aevalsrc=0.5*sin(2000*t)|0|0|0|0|0:c=5.1:s=48000:d=1"]
  private static let scene = ["-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=1"]

  private func rows(_ path: String) throws -> [String: FileFact] {
    Dictionary(uniqueKeysWithValues: try ClipReport.facts(path).map { ($0.property, $0) })
  }

  @Test func films() throws {
    try ClipTests.inFolder { folder in
      try Films.ffmpeg(
        Self.scene + Self.sound + ["-vf", "setsar=32/27", "-c:v", "libx264", "-pix_fmt", "yuv420p"] + [
          "\(folder)/a.mp4"
        ])
      let plain = try rows("\(folder)/a.mp4")
      #expect(plain["format"]?.file == "QuickTime / MOV" && plain["pictures"]?.file == "h264")
      #expect(plain["size"] == FileFact("size", "96 × 64 px, pixels 32:27", read: "114 × 64 px"))
      #expect(plain["frames"]?.file == "25, about 1 s" && plain["times"]?.file == "25 frames a second")
      #expect(plain["depth"] == FileFact("depth", "8 bits", read: "8 bits") && plain["transparency"]?.file == "none")
      #expect(plain["sound"]?.file == "aac, 48000 Hz, 6 channels")
      #expect(plain["sound"]?.lost == "which channel is which: they are mixed down")

      try Films.numbered("\(folder)/b.mkv", times: FilmTimesTests.uneven, options: FilmTimesTests.x264)
      let uneven = try rows("\(folder)/b.mkv")
      #expect(uneven["times"]?.file == "uneven: frames last 20 to 480 ms" && uneven["sound"]?.file == "none")

      try Films.ffmpeg(
        Self.scene + [
          "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "-color_trc", "arib-std-b67",
          "-color_primaries", "bt2020", "-colorspace", "bt2020nc", "\(folder)/c.mp4",
        ])
      let bright = try rows("\(folder)/c.mp4")
      #expect(bright["colours"]?.file.hasPrefix("HDR (HLG): yuv420p10le, primaries bt2020") == true)
      #expect(bright["colours"]?.lost != nil && bright["depth"]?.lost == "finer steps than 256")

      try Films.ffmpeg(Self.scene + ["-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "\(folder)/d.webm"])
      #expect(try rows("\(folder)/d.webm")["transparency"] == FileFact("transparency", "yes", read: "kept"))
      try Films.ffmpeg(
        Self.scene + ["-vf", "setfield=tff", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "\(folder)/e.mpg"])
      #expect(try rows("\(folder)/e.mpg")["lines"]?.read == "deinterlaced")
    }
  }

  @Test func sounds() throws {
    try ClipTests.inFolder { folder in
      for (name, codec) in [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "mp3")] {
        try Films.ffmpeg(["-f", "lavfi", "-i", "sine=d=2:r=44100", "\(folder)/\(name)"])
        let found = try rows("\(folder)/\(name)")
        #expect(found["sound"]?.file == "\(codec), 44100 Hz, 1 channel", "\(found["sound"]?.file ?? "")")
        #expect(found["format"]?.read == "a sound" && found["length"]?.file.hasPrefix("2") == true)
        #expect(found["loudest"]?.file.hasSuffix("% of full") == true)
      }
      try Films.ffmpeg(["-f", "lavfi", "-i", "anullsrc=d=1", "\(folder)/b.wav"])
      #expect(try rows("\(folder)/b.wav")["loudest"]?.file == "silent")
    }
  }

  @Test func neither() throws {
    let folder = TemporaryFolder(), path = folder.path("a.txt")
    try "no film".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: ClipError.notAClip(name: path)) { try ClipReport.facts(path) }
  }
}
