import Foundation
import Media
import TestSupport
import Testing
import Torch

/// Films in every format, beside FFmpeg's own programs.
@Suite(.serialized) struct ClipTests {
  static let size = (width: 64, height: 48)

  /// A frame whose colours say its number: a ground that brightens, a bar that moves, transparency from left to right.
  static func frame(_ number: Int, alpha: Bool = false) -> Picture {
    let (w, h) = size
    var bytes: [UInt8] = []
    for y in 0..<h {
      for x in 0..<w {
        let isBar = (x + 64 - number % 64) % 64 < 8
        bytes += isBar ? [230, 40, 60] : [UInt8(40 + number % 100), UInt8(60 + 2 * y), 120]
        if alpha { bytes.append(UInt8(x * 4)) }
      }
    }
    return Picture(width: w, height: h, channels: alpha ? 4 : 3, bytes: bytes)
  }

  static func rendering(
    _ path: String, _ rate: FrameRate = FrameRate(24), codec: ClipCodec? = nil, alpha: Bool = false,
    resumed: Bool = false, forced: Bool = false
  ) throws -> ClipRendering {
    try ClipRendering(
      path, format: ClipFormat(path, codec: codec, alpha: alpha), width: size.width, height: size.height, rate: rate,
      alpha: alpha, key: "test", isForced: forced, isResumed: resumed)
  }

  /// What ffprobe says of the first stream of a kind.
  static func probe(_ path: String, _ kind: String = "v") throws -> [String: String] {
    let out = try run([
      "ffprobe", "-v", "error", "-count_frames", "-select_streams", "\(kind):0", "-show_streams", "-of",
      "default=noprint_wrappers=1", path,
    ])
    let pairs = out.split(separator: "\n").compactMap { line -> (String, String)? in
      let parts = line.split(separator: "=", maxSplits: 1)
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
    return Dictionary(pairs) { first, _ in first }
  }

  @discardableResult static func run(_ words: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    // A file, since reading a pipe is interrupted where other tests start programs.
    let out = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    FileManager.default.createFile(atPath: out.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: out) }
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let data = try Data(contentsOf: out)
    #expect(process.terminationStatus == 0, "\(words.joined(separator: " "))")
    return String(decoding: data, as: UTF8.self)
  }

  static func inFolder(_ body: (String) throws -> Void) throws {
    let folder = temporaryPath("clips")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  /// Mean absolute difference, 0...255, where both can be seen.
  static func distance(_ a: Picture, _ b: Picture) -> Double {
    guard a.width == b.width, a.height == b.height, a.channels == b.channels else { return .infinity }
    var sum = 0
    for i in a.bytes.indices where a.channels < 4 || i % 4 == 3 || a.bytes[i / 4 * 4 + 3] > 64 {
      sum += abs(Int(a.bytes[i]) - Int(b.bytes[i]))
    }
    return Double(sum) / Double(a.bytes.count)
  }

  /// Each codec: ffprobe agrees on size, rate, length; each frame is itself; after a break the rest follows.
  @Test(arguments: [
    ("film.mp4", ClipCodec.h264, "h264", false), ("film.mov", .hevc, "hevc", false), ("film.mkv", .av1, "av1", false),
    ("film.webm", .vp9, "vp9", false), ("veil.webm", .vp9, "vp9", true), ("veil.mov", .prores, "prores", true),
    ("film.gif", .gif, "gif", false), ("veil.apng", .apng, "apng", true), ("film.apng", .apng, "apng", false),
  ])
  func everyCodecIsReadBack(_ name: String, _ codec: ClipCodec, _ known: String, _ alpha: Bool) throws {
    try Self.inFolder { folder in
      let path = "\(folder)/\(name)"
      let rate = codec == .gif ? FrameRate(25) : FrameRate(30000, 1001)
      let total = 70
      do {
        let first = try Self.rendering(path, rate, codec: codec, alpha: alpha)
        for i in 0..<65 { try first.write(Self.frame(i, alpha: alpha)) }
      }
      #expect(throws: UnfinishedError.unfinished(path)) { try Self.rendering(path, rate, codec: codec, alpha: alpha) }
      let second = try Self.rendering(path, rate, codec: codec, alpha: alpha, resumed: true)
      #expect(second.count == (codec == .gif ? 50 : 60))
      for i in second.count..<total { try second.write(Self.frame(i, alpha: alpha)) }
      try second.finish(metadata: [("comment", "made by a test")])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [name])

      let facts = try Self.probe(path)
      #expect(facts["codec_name"] == known && facts["width"] == "64" && facts["height"] == "48")
      #expect(facts["nb_read_frames"] == "\(total)")
      // APNG's delays have a hundred thousandths of a second.
      let found = try FrameRate(facts["r_frame_rate"] ?? "")
      #expect(codec == .apng ? abs(found.value - rate.value) < 0.01 : found == rate, "\(found)")

      let reader = try ClipReader(path)
      #expect(reader.facts.channels == (alpha || codec == .gif || codec == .apng && alpha ? 4 : 3))
      var count = 0
      while let frame = reader.next() {
        let expected = Self.frame(count, alpha: reader.facts.channels == 4)
        let found = codec == .gif ? frame.picture.flattened(on: .black) : frame.picture
        let limit = codec == .gif ? 12.0 : 6
        let apart = Self.distance(codec == .gif ? Self.frame(count) : expected, found)
        #expect(apart < limit, "frame \(count): \(apart)")
        #expect(abs(frame.time - rate.time(of: count)) < 0.003)
        count += 1
      }
      #expect(count == total)
    }
  }

  /// FFmpeg's own decoder can't read animated WebP: libvips can.
  @Test func webpAndFolders() throws {
    try Self.inFolder { folder in
      let film = try Self.rendering("\(folder)/film.webp")
      let pictures = try Self.rendering("\(folder)/frames/")
      for i in 0..<10 {
        try film.write(Self.frame(i))
        try pictures.write(Self.frame(i))
      }
      try film.finish()
      try pictures.finish()
      #expect(try Self.distance(Picture.load("\(folder)/film.webp", Decoding()), Self.frame(0)) < 8)
      #expect(try Picture.load("\(folder)/frames/frame-000009.png", Decoding()) == Self.frame(9))
      #expect(throws: FileError.exists(path: "\(folder)/frames")) { try Self.rendering("\(folder)/frames/") }
    }
  }

  /// A killed rendering that goes on makes the same film.
  @Test func aResumedFilmIsTheSameFile() throws {
    try Self.inFolder { folder in
      for (name, breaks) in [("a.mp4", [Int]()), ("b.mp4", [50, 100])] {
        var from = 0
        for end in breaks + [120] {
          let part = try Self.rendering("\(folder)/\(name)", resumed: from > 0)
          for i in part.count..<end { try part.write(Self.frame(i)) }
          if end == 120 { try part.finish() }
          from = end
        }
      }
      let (a, b) = try (
        Data(contentsOf: URL(fileURLWithPath: "\(folder)/a.mp4")),
        Data(contentsOf: URL(fileURLWithPath: "\(folder)/b.mp4"))
      )
      #expect(a == b, "\(a.count) and \(b.count) bytes")
    }
  }

  @Test(arguments: ["film.mp4", "film.webm", "film.mov"]) func soundIsLaidUnder(_ name: String) throws {
    try Self.inFolder { folder in
      let sound = "\(folder)/tone.wav"
      let tone = "sine=frequency=440:duration=9:sample_rate=44100"
      try Self.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, sound])
      let film = try Self.rendering("\(folder)/\(name)")
      for i in 0..<72 { try film.write(Self.frame(i)) }
      try film.finish(beside: Accompaniment(sound: sound))
      let facts = try Self.probe("\(folder)/\(name)", "a")
      #expect(["aac", "opus"].contains(facts["codec_name"]))
      let samples = try SoundReader.samples("\(folder)/\(name)", rate: 8000)
      // The tone, as long as the pictures are.
      #expect(abs(Double(samples.count) / 8000 - 3) < 0.1)
      let crossings = zip(samples, samples.dropFirst()).filter { $0 < 0 && $1 >= 0 }.count
      #expect(abs(Double(crossings) / 3 - 440) < 20)
      #expect(throws: ClipError.noSound(name: "\(folder)/silent.mp4")) {
        let silent = try Self.rendering("\(folder)/silent.mp4")
        try silent.write(Self.frame(0))
        try silent.finish()
        _ = try SoundReader("\(folder)/silent.mp4")
      }
    }
  }

  /// Turned by its header, of an uneven rate, cut short, without pictures, a list of other files, no film at all.
  @Test func whatTheWorldBrings() throws {
    try Self.inFolder { folder in
      let film = try Self.rendering("\(folder)/film.mp4")
      for i in 0..<48 { try film.write(Self.frame(i)) }
      try film.finish()
      let upright = try ClipReader("\(folder)/film.mp4").next()!.picture
      try Self.run([
        "ffmpeg", "-v", "error", "-i", "\(folder)/film.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90",
        "\(folder)/turned.mp4",
      ])
      let turned = try ClipReader("\(folder)/turned.mp4")
      #expect(turned.facts.width == 48 && turned.facts.height == 64)
      let top = turned.next()!.picture
      // FFmpeg's own turning says which way: pixels agree, but for rounding.
      try Self.run(["ffmpeg", "-v", "error", "-i", "\(folder)/turned.mp4", "-frames:v", "1", "\(folder)/turned.png"])
      let expected = try Picture.load("\(folder)/turned.png", Decoding())
      #expect(Self.distance(top, expected) < 4)
      let places = stride(from: top.bytes.count - 3, through: 0, by: -3)
      let other = Picture(width: 48, height: 64, channels: 3, bytes: places.flatMap { top.bytes[$0..<$0 + 3] })
      #expect(Self.distance(other, expected) > 8, "turned the other way it looks another")
      #expect(Self.distance(upright, Self.frame(0)) < 8)

      try Self.run([
        "ffmpeg", "-v", "error", "-i", "\(folder)/film.mp4", "-vf", "select='not(between(n,8,23))'", "-vsync", "vfr",
        "-c:v", "libx264", "-crf", "10", "\(folder)/uneven.mkv",
      ])
      let uneven = try ClipReader("\(folder)/uneven.mkv")
      var even: [Picture] = []
      while let frame = uneven.next(at: FrameRate(24)) { even.append(frame.picture) }
      #expect(even.count == 48)
      // While nothing comes the last frame stays.
      for i in 8..<24 { #expect(Self.distance(even[i], Self.frame(7)) < 6) }
      #expect(Self.distance(even[30], Self.frame(30)) < 6)

      let whole = FileManager.default.contents(atPath: "\(folder)/film.mp4")!
      try whole.prefix(whole.count * 2 / 3).write(to: URL(fileURLWithPath: "\(folder)/short.mp4"))
      let short = try ClipReader("\(folder)/short.mp4")
      var count = 0
      while short.next() != nil { count += 1 }
      #expect((8..<48).contains(count))

      // Its index is at the end; a FLAC has its facts in the first 42 bytes.
      try Self.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=1", "\(folder)/late.mp4"])
      try Self.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "\(folder)/tone.flac"])
      for (name, kept) in [("late.mp4", 2000), ("tone.flac", 20)] {
        try FileManager.default.contents(atPath: "\(folder)/\(name)")!.prefix(kept)
          .write(to: URL(fileURLWithPath: "\(folder)/cut-\(name)"))
        let damaged = ClipError.unreadable(name: "\(folder)/cut-\(name)", why: "it is damaged or was cut short")
        #expect(throws: damaged) { _ = try ClipReport.facts("\(folder)/cut-\(name)") }
      }

      try Self.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "\(folder)/tone.mp4"])
      #expect(throws: ClipError.noPictures(name: "\(folder)/tone.mp4")) { _ = try ClipReader("\(folder)/tone.mp4") }
      let lists = [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '\(folder)/film.mp4'\n", "just words", "",
      ]
      for text in lists {
        try text.write(toFile: "\(folder)/list.mp4", atomically: true, encoding: .utf8)
        #expect(throws: ClipError.notAClip(name: "\(folder)/list.mp4")) { _ = try ClipReader("\(folder)/list.mp4") }
      }
      #expect(throws: ClipError.missing(name: "\(folder)/no.mp4")) { _ = try ClipReader("\(folder)/no.mp4") }
      #expect(throws: ClipError.notAClip(name: folder)) { _ = try ClipReader(folder) }
    }
  }

  @Test func names() throws {
    #expect(try ClipFormat("take.2/").codec == .png)
    #expect(throws: ClipError.badEnding(path: "film.txt")) { try ClipFormat("film.txt") }
    #expect(throws: ClipError.self) { try ClipFormat("film.webm", codec: .h264) }
    #expect(throws: ClipError.self) { try ClipFormat("film.mp4", alpha: true) }
    #expect(try ClipFormat("film.mov", alpha: true).codec == .prores)
    #expect(try FrameRate("29.97") == FrameRate(30000, 1001) && FrameRate("24") == FrameRate(24))
    #expect(try FrameRate("12.5") == FrameRate(25, 2))
    for text in ["0", "-3", "x", "1/0", "1001", "nan"] { #expect(throws: ClipError.self) { try FrameRate(text) } }
  }
}
