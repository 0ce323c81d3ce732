import Foundation
import Media
import Testing

/// `inbetween` as an artist runs it, on a real film and on what is made of it.
@Suite(.serialized) struct InbetweenTests {
  private func pictures(_ path: String) throws -> [Picture] {
    let reader = try ClipReader(path)
    var found: [Picture] = []
    while let frame = reader.next() { found.append(frame.picture) }
    return found
  }

  private func folder(_ path: String, _ count: Int) throws -> [Picture] {
    try (0..<count).map {
      try Picture.load("\(path)/frame-\(String(format: "%06d", $0)).png", Decoding(channels: nil))
    }
  }

  /// Frames that are there stay as they are to the bit; what is between is drawn, and nearer to both than a fade.
  @Test func twiceAsMany() throws {
    try inFolder { atelier in
      try atelier.ffmpeg(["-i", Binary.bunny, "-frames:v", "5", "-c:v", "ffv1", "-pix_fmt", "gbrp", "five.mkv"])
      let made = try atelier.run("inbetween", "five.mkv", "--out", "ten/", "--json")
      #expect(made.status == 0, "\(made.err)")
      let last = try #require(made.lines().last)
      #expect(last["frames"] as? Int == 10 && last["drawn"] as? Int == 4 && last["rate"] as? String == "50")
      let (own, drawn) = try (pictures("\(atelier.folder)/five.mkv"), folder("\(atelier.folder)/ten", 10))
      for (i, picture) in own.enumerated() { #expect(picture.bytes == drawn[2 * i].bytes, "frame \(i)") }
      #expect(own[4].bytes == drawn[9].bytes)
      #expect(drawn[1].bytes != own[0].bytes && drawn[1].bytes != own[1].bytes)
    }
  }

  /// Its length stays, and its sound; made slow it has none.
  @Test func ratesAndSound() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 12, sound: true)
      for (options, rate, seconds, hasSound) in [
        (["--times", "3"], 30.0, 1.2, true), (["--rate", "24"], 24, 1.2, true), (["--slow", "2.5"], 10, 3, false),
      ] {
        let made = try atelier.run(["inbetween", "pan.mp4", "--out", "out.mp4", "--force"] + options)
        #expect(made.status == 0, "\(made.err)")
        let facts = try ClipReader("\(atelier.folder)/out.mp4").facts
        #expect(abs(facts.rate.value - rate) < 0.01 && facts.hasSound == hasSound, "\(options): \(facts)")
        let length = try Double(pictures("\(atelier.folder)/out.mp4").count) / rate
        #expect(abs(length - seconds) < 1.5 / rate, "\(options): \(length) s")
        #expect(made.out.contains("as for every slow motion") == !hasSound)
      }
    }
  }

  /// Killed after some parts, `--resume` gives the file of an undisturbed run.
  @Test func itGoesOn() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 60)
      try atelier.goesOn(["inbetween", "pan.mp4"])
    }
  }

  /// Drawings "on twos" are held, unless it is asked for more.
  @Test func drawingsAreHeld() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mkv", frames: 6)
      try atelier.ffmpeg(
        [
          "-i", "pan.mkv", "-vf", "setpts=2*PTS,fps=10", "-frames:v", "12", "-c:v", "ffv1", "-pix_fmt", "gbrp",
          "twos.mkv",
        ])
      let held = try atelier.run("inbetween", "twos.mkv", "--out", "held/", "--json")
      #expect(held.status == 0, "\(held.err)")
      #expect(try held.lines().last?["frames"] as? Int == 24 && held.lines().last?["drawn"] as? Int == 5)
      let ones = try atelier.run("inbetween", "twos.mkv", "--times", "1", "--twos", "--out", "ones/", "--json")
      #expect(ones.status == 0, "\(ones.err)")
      #expect(try ones.lines().last?["frames"] as? Int == 12 && ones.lines().last?["drawn"] as? Int == 5)
    }
  }

  @Test func overACutNothingIsDrawn() throws {
    try inFolder { atelier in
      try atelier.pan("pan.mkv", frames: 3)
      try atelier.ffmpeg([
        "-i", "pan.mkv", "-f", "lavfi", "-i", "testsrc2=s=96x72:r=10:d=0.3", "-filter_complex",
        "[0]format=rgb24,setsar=1[a];[1]format=rgb24,setsar=1[b];[a][b]concat=n=2:v=1", "-c:v", "ffv1", "-pix_fmt",
        "gbrp", "cut.mkv",
      ])
      let made = try atelier.run("inbetween", "cut.mkv", "--times", "4", "--out", "out/", "--json")
      #expect(made.status == 0, "\(made.err)")
      #expect(try made.lines().last?["cuts"] as? Int == 1)
      let (own, drawn) = try (pictures("\(atelier.folder)/cut.mkv"), folder("\(atelier.folder)/out", 24))
      // The earlier frame is shown until the later one's time.
      for i in 8..<12 { #expect(drawn[i].bytes == own[2].bytes, "frame \(i)") }
      #expect(drawn[12].bytes == own[3].bytes)
    }
  }

  @Test func transparencyIsKept() throws {
    try inFolder { atelier in
      let fixture = Binary.root + "/Tests/Fixtures/veil.png"
      try atelier.ffmpeg([
        "-loop", "1", "-framerate", "5", "-i", fixture, "-vf", "scale=96:96,crop=64:64:'4*n':8", "-frames:v", "3",
        "-pix_fmt", "rgba", "-plays", "0", "veil.apng",
      ])
      #expect(try atelier.run("inbetween", "veil.apng", "--out", "out/").status == 0)
      let opaque = try atelier.run("inbetween", "veil.apng", "--out", "out.mp4")
      #expect(opaque.status == 0 && opaque.out.contains("Transparency is left out"), "\(opaque.err)")
      #expect(try atelier.run("inbetween", "veil.apng", "--out", "out.mp4", "--codec", "vp9").status == 64)
      #expect(try folder("\(atelier.folder)/out", 6).allSatisfy { $0.channels == 4 && $0.width == 64 })
    }
  }

  @Test(arguments: [
    (["nowhere.mp4"], 66), (["sound.wav"], 65), (["list.mp4"], 65), (["words.mp4"], 65),
    (["pan.mp4", "--times", "0"], 64),
    (["pan.mp4", "--times", "1"], 64), (["pan.mp4", "--rate", "5"], 64), (["pan.mp4", "--slow", "nan"], 64),
    (["pan.mp4", "--times", "16", "--rate", "20"], 64), (["pan.mp4", "--model", "motion"], 64),
    (["pan.mp4", "--model", "nothing"], 66), (["pan.mp4", "--resume"], 66), (["pan.mp4", "--rate", "fast"], 64),
  ])
  func mistakes(_ arguments: [String], _ status: Int) throws {
    try inFolder { atelier in
      try atelier.pan("pan.mp4", frames: 2)
      try atelier.ffmpeg(["-f", "lavfi", "-i", "sine=duration=1", "sound.wav"])
      try "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".write(
        toFile: "\(atelier.folder)/list.mp4", atomically: true, encoding: .utf8)
      try "not a film".write(toFile: "\(atelier.folder)/words.mp4", atomically: true, encoding: .utf8)
      let outcome = try atelier.run(["inbetween"] + arguments + ["--out", "out.mp4"])
      #expect(outcome.status == Int32(status), "\(arguments): \(outcome.err)\(outcome.out)")
      #expect(outcome.err.split(separator: "\n").count <= 3, "\(outcome.err)")
      #expect(!FileManager.default.fileExists(atPath: "\(atelier.folder)/out.mp4"))
    }
  }
}
