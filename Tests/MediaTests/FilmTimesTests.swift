import Foundation
@testable import Media
import TestSupport
import Testing

/// Every frame is there, at its time, and a film is as long as it was.
@Suite(.serialized) struct FilmTimesTests {
  static let uneven = [0, 0.1, 0.2, 0.3, 0.34, 0.38, 0.42, 0.9, 1, 1.02, 1.04, 1.5]
  static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]

  /// Frames that last differently long, in each container that is written.
  ///
  /// - Parameter last: seconds that the last frame lasts, by what was asked of ffmpeg; nil for what ffprobe says.
  @Test(arguments: [
    ("a.mp4", x264 + ["-bf", "2"]), ("a.mkv", x264), ("b.mkv", ["-c:v", "ffv1", "-pix_fmt", "gbrp"]),
    ("a.webm", ["-c:v", "libvpx-vp9", "-deadline", "realtime"]), ("a.mov", ["-c:v", "prores_ks"]),
    ("a.gif", ["-final_delay", "50"]), ("a.apng", ["-final_delay", "0.5", "-f", "apng", "-plays", "0"]),
    ("a.ts", x264 + ["-muxdelay", "0"]), ("a.flv", ["-c:v", "flv1"]), ("a.nut", ["-c:v", "ffv1"]),
    ("a.webp", ["-c:v", "libwebp_anim", "-loop", "0"]), ("b.webp", ["-c:v", "libwebp_anim", "-lossless", "1"]),
  ]) func framesKeepTheirTimes(_ name: String, _ options: [String]) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/\(name)"
      try Films.numbered(path, times: Self.uneven, options: options)
      let reader = try ClipReader(path)
      var frames: [ClipReader.Frame] = []
      while let frame = reader.next() { frames.append(frame) }
      try #require(frames.count == 12)
      for (i, frame) in frames.enumerated() {
        #expect(abs(frame.time - Self.uneven[i]) < 0.0011, "frame \(i): \(frame.time) s")
        #expect(abs(Films.brightness(frame.picture) - Films.brightness(frames[0].picture) - 10.5 * Double(i)) < 8)
        #expect(frame.end == (i < 11 ? frames[i + 1].time : frame.end) && frame.end > frame.time)
      }
      if ["a.gif", "a.apng"].contains(name) { #expect(abs(frames[11].end - 2) < 1e-6, "\(frames[11].end)") }
      for out in ["out.mp4", "out.mkv", "out.webm", "out.gif", "out.apng", "out.mov"] {
        let made = try Films.copy(path, to: "\(folder)/\(out)", codec: out == "out.mkv" ? .lossless : nil)
        #expect(made.frames == 12 && abs(made.length - frames[11].end) < 1e-9)
        let found = try Films.times("\(folder)/\(out)")
        let limit = ["out.mkv": 0.0011, "out.webm": 0.0011, "out.gif": 0.0051][out] ?? 0.0001
        try #require(found.count == 12, "\(out): \(found)")
        for (i, time) in found.enumerated() {
          #expect(abs(time - found[0] - frames[i].time) < limit, "\(out), frame \(i): \(time) s")
        }
        // Read again, it ends when the film did.
        let again = try ClipReader("\(folder)/\(out)")
        var end = 0.0, count = 0
        while let frame = again.next() { (end, count) = (frame.end, count + 1) }
        #expect(count == 12 && abs(end - frames[11].end) < 2 * limit, "\(out): \(end) for \(frames[11].end) s")
      }
    }
  }

  /// Animated WebP, whose frames are patches over the one before: made by ffmpeg without loss, it is read as the APNG is.
  @Test func webpIsPutTogether() throws {
    try ClipTests.inFolder { folder in
      // Bands of transparency and of half of it move over a picture that changes here and there.
      let source =
        "testsrc=s=64x48:r=10:d=2,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':"
        + "a='if(lt(mod(X+4*N,32),8),0,if(lt(Y,9),128,255))'"
      for (name, options) in [
        ("a.apng", ["-f", "apng"]), ("a.webp", ["-c:v", "libwebp_anim", "-lossless", "1", "-pix_fmt", "bgra"]),
      ] {
        try Films.ffmpeg(["-f", "lavfi", "-i", source] + options + ["\(folder)/\(name)"])
      }
      let (known, found) = (try ClipReader("\(folder)/a.apng"), try ClipReader("\(folder)/a.webp"))
      #expect(found.facts.channels == 4 && found.facts.count == 20 && found.facts.rate == FrameRate(10))
      for i in 0..<20 {
        let (a, b) = (try #require(known.next()), try #require(found.next()))
        #expect(abs(a.time - b.time) < 1e-6 && abs(a.end - b.end) < 1e-6)
        // What nobody sees, the format may change.
        #expect(a.picture.flattened(on: .black) == b.picture.flattened(on: .black), "frame \(i)")
        #expect(a.picture.flattened(on: .white) == b.picture.flattened(on: .white), "frame \(i)")
      }
      #expect(found.next() == nil)
      // Cut short, what is there is read, or it is refused.
      let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/a.webp"))
      for count in [31, 60, bytes.count / 2, bytes.count - 9] {
        try bytes.prefix(count).write(to: URL(fileURLWithPath: "\(folder)/cut.webp"))
        let cut = try? ClipReader("\(folder)/cut.webp")
        while let frame = cut?.next() { #expect(frame.picture.width == 64) }
      }
    }
  }

  /// An animated WebP's delays, which FFmpeg doesn't read.
  @Test func delaysOfWebP() throws {
    try ClipTests.inFolder { folder in
      try Films.numbered("\(folder)/a.gif", times: Self.uneven, options: ["-final_delay", "77"])
      try Films.copy("\(folder)/a.gif", to: "\(folder)/out.webp")
      let bytes = [UInt8](try #require(FileManager.default.contents(atPath: "\(folder)/out.webp")))
      var delays: [Int] = []
      for i in bytes.indices.dropLast(24) where Array(bytes[i..<i + 4]) == Array("ANMF".utf8) {
        delays.append(Int(bytes[i + 20]) | Int(bytes[i + 21]) << 8 | Int(bytes[i + 22]) << 16)
      }
      #expect(delays == [100, 100, 100, 40, 40, 40, 480, 100, 20, 20, 460, 770])
    }
  }

  /// Frames without timestamps, or only some: all are there, evenly, from 0 on.
  @Test(arguments: [
    ("a.avi", ["-c:v", "mpeg4", "-bf", "1"]), ("b.avi", x264 + ["-bf", "2"]), ("c.avi", ["-c:v", "mjpeg"]),
    ("d.avi", x264 + ["-bf", "3"]), ("a.vob", ["-c:v", "mpeg2video", "-bf", "2"]),
    ("a.mpg", ["-c:v", "mpeg1video", "-bf", "2"]), ("b.mpg", ["-c:v", "mpeg2video", "-bf", "2"]),
    ("a.m2v", ["-c:v", "mpeg2video", "-bf", "2", "-f", "mpeg2video"]), ("a.ts", x264), ("a.3gp", x264),
    ("a.wmv", ["-c:v", "wmv2"]), ("a.m2ts", ["-c:v", "mpeg2video", "-bf", "2"]),
  ]) func framesWithoutTimes(_ name: String, _ options: [String]) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/\(name)"
      try Films.numbered(path, options: options)
      #expect(ClipSignature.isClip(path))
      let reader = try ClipReader(path)
      var count = 0
      var end = 0.0
      while let frame = reader.next() {
        #expect(abs(frame.time - 0.04 * Double(count)) < 0.0011, "frame \(count): \(frame.time) s")
        (count, end) = (count + 1, frame.end)
      }
      #expect(count == 20 && abs(end - 0.8) < 0.0011, "\(count) frames, \(end) s")
      try Films.copy(path, to: "\(folder)/out.mp4")
      #expect(try Films.times("\(folder)/out.mp4").count == 20)
      #expect(try ClipTests.probe("\(folder)/out.mp4")["r_frame_rate"] == "25/1")
    }
  }

  /// Browsers show a GIF's delay of 10 ms for 100: no frame has less than 20, and later ones make up for it.
  @Test func aGIFHasNoDelayThatIsMisread() {
    var times = FrameTimes(FrameRate(25))
    for end in [0.01, 0.02, 0.03, 0.5] { times.add(until: end) }
    let ticks = times.ticks(ClipCodec.gif.uneven, least: 2)
    #expect(ticks.map(\.start) == [0, 2, 4, 6] && ticks.map(\.length) == [2, 2, 2, 44])
  }

  /// An AVIF of several frames is a film, and a camera's raw picture none.
  @Test func containersAlikeAreToldApart() {
    func start(_ brand: String) -> [UInt8] {
      [0, 0, 0, 24] + Array("ftyp\(brand)".utf8) + [UInt8](repeating: 0, count: 12)
    }
    #expect(ClipSignature.isClip(start: start("avis")) && ClipSignature.isClip(start: start("isom")))
    #expect(!ClipSignature.isClip(start: start("avif")) && !ClipSignature.isClip(start: start("crx ")))
  }

  /// FLV's length is counted from 0, and its first frame comes later where there are B-frames.
  @Test func lengthOfFLV() throws {
    try ClipTests.inFolder { folder in
      try Films.numbered("\(folder)/a.flv", frames: 20, options: Self.x264 + ["-bf", "2"])
      let reader = try ClipReader("\(folder)/a.flv")
      var last: ClipReader.Frame?
      while let frame = reader.next() { last = frame }
      #expect(abs((last?.end ?? 0) - 0.8) < 0.002, "\(String(describing: last?.end))")
    }
  }

  /// They are told as films, so that no verb takes them for broken pictures; and aren't read.
  @Test(arguments: [
    ("a.h264", ["-c:v", "libx264"]), ("a.hevc", ["-c:v", "libx265", "-x265-params", "log-level=0"]),
    ("a.mxf", ["-c:v", "mpeg2video"]), ("a.ivf", ["-c:v", "libvpx"]),
  ]) func filmsThatArentRead(_ name: String, _ codec: [String]) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/\(name)"
      try Films.numbered(path, frames: 3, options: codec + ["-pix_fmt", "yuv420p"])
      #expect(ClipSignature.isClip(path))
      #expect(throws: ClipError.notAClip(name: path)) { try ClipReader(path) }
      #expect(
        ClipError.notAClip(name: name).sentence
          == "\(name) isn't a film or a sound that is read here: use MP4, MOV, MKV, WebM, AVI, GIF, WAV, FLAC, Ogg or MP3."
      )
    }
  }

  /// AVI has no times: frames that were left out are gaps.
  @Test func leftOutFramesOfAVI() throws {
    try ClipTests.inFolder { folder in
      let kept = [0, 1, 2, 3, 4, 10, 11, 18, 19]
      try Films.ffmpeg([
        "-f", "lavfi", "-i", "nullsrc=s=96x64:r=25,geq=lum='20+9*N':cb=128:cr=128", "-frames:v", "9", "-vf",
        "select='not(between(n,5,9)+between(n,12,17))'", "-fps_mode", "vfr", "-c:v", "mjpeg", "\(folder)/a.avi",
      ])
      let reader = try ClipReader("\(folder)/a.avi")
      for number in kept {
        let frame = try #require(reader.next())
        #expect(abs(frame.time - 0.04 * Double(number)) < 1e-6, "\(number): \(frame.time)")
        if number == 19 { #expect(abs(frame.end - 0.8) < 1e-6, "\(frame.end)") }
      }
      #expect(reader.next().map(\.time) == nil)
    }
  }

  /// More frames a second than screens show.
  @Test(arguments: [("a.mp4", 480), ("a.mkv", 300), ("a.mov", 960), ("a.avi", 250)])
  func fastFilms(_ name: String, _ rate: Int) throws {
    try ClipTests.inFolder { folder in
      try Films.numbered("\(folder)/\(name)", frames: 24, rate: rate, options: Self.x264 + ["-bf", "0"])
      #expect(try ClipReader("\(folder)/\(name)").facts.rate == FrameRate(rate))
      for out in ["out.mp4", "out.mkv"] {
        let made = try Films.copy("\(folder)/\(name)", to: "\(folder)/\(out)")
        #expect(made.frames == 24 && abs(made.length - 24 / Double(rate)) < 1e-6)
        let found = try Films.times("\(folder)/\(out)")
        #expect(found.count == 24)
        for (i, time) in found.enumerated() { #expect(abs(time - Double(i) / Double(rate)) < 0.001) }
      }
    }
  }

  /// At an even rate a film is as long as before; what is repeated and left out is counted.
  @Test func anEvenRate() throws {
    try ClipTests.inFolder { folder in
      try Films.numbered("\(folder)/a.gif", times: Self.uneven, options: ["-final_delay", "50"])
      let reader = try ClipReader("\(folder)/a.gif")
      var shown: [Int] = []
      let first = Films.brightness(try #require(ClipReader("\(folder)/a.gif").next()).picture)
      while let frame = reader.next(at: FrameRate(10)) {
        #expect(abs(frame.end - frame.time - 0.1) < 1e-9)
        shown.append(Int(((Films.brightness(frame.picture) - first) / 10.5).rounded()))
      }
      #expect(shown == [0, 1, 2, 4, 6, 6, 6, 6, 6, 7, 10, 10, 10, 10, 10, 11, 11, 11, 11, 11])
      #expect(reader.leftOut == 4 && reader.repeated == 12)
    }
  }

  /// Work that was stopped goes on with the times that it had.
  @Test func timesOutliveAStop() throws {
    try ClipTests.inFolder { folder in
      func rendering(_ name: String, resumed: Bool) throws -> ClipRendering {
        try ClipRendering(
          "\(folder)/\(name)", format: ClipFormat(name), width: 64, height: 48, rate: FrameRate(5), alpha: false,
          key: "test", isResumed: resumed)
      }
      for (name, breaks) in [("whole.mp4", [40]), ("broken.mp4", [17, 33, 40])] {
        for (i, end) in breaks.enumerated() {
          let part = try rendering(name, resumed: i > 0)
          while part.count < end {
            let n = Double(part.count + 1)
            try part.write(ClipTests.frame(part.count), until: 0.2 * n + 0.003 * n * n)
          }
          if end == 40 { try part.finish() }
        }
      }
      #expect(
        FileManager.default.contents(atPath: "\(folder)/whole.mp4")
          == FileManager.default.contents(atPath: "\(folder)/broken.mp4"))
      let times = try Films.times("\(folder)/broken.mp4")
      #expect(times.count == 40 && abs(times[39] - (0.2 * 39 + 0.003 * 39 * 39)) < 0.0001)
    }
  }
}
