import Foundation
import Media
import TestSupport
import Testing

/// What a film is, as it is to be looked at: its colours, its shape, its transparency, beside what FFmpeg makes of it.
@Suite(.serialized) struct FilmColourTests {
  /// Colours that change smoothly, since how chroma is made smaller and larger again is no matter here; 96 × 64 px.
  private static let scene = scene("96x64")
  private static func scene(_ size: String) -> String {
    "nullsrc=s=\(size):r=10:d=0.4,format=gbrp,geq=r='30+2*X':g='40+2.5*Y+20*sin(X/16)':b='128+90*sin((X+Y)/24)'"
  }

  private func first(_ path: String) throws -> Picture { try #require(try ClipReader(path).next()).picture }

  /// ffmpeg's own picture of a film's first frame.
  private func expected(_ path: String, _ filters: String, in folder: String) throws -> Picture {
    let out = "\(folder)/expected.png"
    try Films.ffmpeg(["-i", path, "-frames:v", "1", "-vf", filters, "-update", "1", out])
    return try Picture.load(out, Decoding(channels: nil)).flattened(on: .black)
  }

  /// Matrices and ranges, by the file's word, in several depths.
  @Test(arguments: [
    ("bt709", "tv", "yuv420p", "libx264"), ("bt709", "pc", "yuv444p", "libx264"),
    ("smpte170m", "tv", "yuv422p", "libx264"),
    ("bt470bg", "pc", "yuv420p", "libx264"), ("bt709", "tv", "yuv420p10le", "libx265"),
    ("smpte240m", "tv", "yuv444p", "libx264"), ("fcc", "tv", "yuv420p", "libx264"),
    ("smpte170m", "pc", "yuvj420p", "mjpeg"),
    ("bt709", "tv", "yuv444p12le", "libx265"),
  ]) func matricesAndRanges(_ matrix: String, _ range: String, _ pixels: String, _ codec: String) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/a.mkv"
      let sws = matrix == "bt470bg" ? "bt601" : matrix
      try Films.ffmpeg(
        [
          "-f", "lavfi", "-i", Self.scene, "-vf",
          "scale=out_color_matrix=\(sws):out_range=\(range):flags=accurate_rnd,format=\(pixels)",
          "-c:v", codec, "-colorspace", matrix, "-color_range", range, path,
        ] + (codec == "libx265" ? ["-x265-params", "log-level=none"] : []))
      try Films.ffmpeg(["-f", "lavfi", "-i", Self.scene, "-frames:v", "1", "\(folder)/own.png"])
      let own = try Picture.load("\(folder)/own.png", Decoding(channels: nil))
      #expect(ClipTests.distance(try first(path), own) < 2.5)
      let theirs = try expected(
        path, "scale=in_color_matrix=\(sws):in_range=\(range):flags=bicubic+accurate_rnd+full_chroma_int,format=rgb24",
        in: folder)
      #expect(ClipTests.distance(try first(path), theirs) < 0.6)
    }
  }

  /// HDR is tone-mapped as FFmpeg's filters do it, and said; a wide gamut is made smaller.
  @Test(
    .enabled(if: Films.hasZscale),
    arguments: [
      ("smpte2084", "bt2020", "bt2020nc", "tv", "PQ"), ("arib-std-b67", "bt2020", "bt2020nc", "tv", "HLG"),
      ("arib-std-b67", "bt2020", "bt2020nc", "pc", "HLG"), ("bt709", "bt2020", "bt2020nc", "tv", "BT.2020"),
      ("bt2020-10", "bt2020", "bt2020nc", "tv", "BT.2020"), ("iec61966-2-1", "smpte432", "bt709", "tv", "Display P3"),
    ]) func hdrIsToneMapped(_ curve: String, _ primaries: String, _ matrix: String, _ range: String, _ name: String)
    throws
  {
    try ClipTests.inFolder { folder in
      for (file, size) in [("a.mp4", "96x64"), ("b.mkv", "97x65")] {
        let path = "\(folder)/\(file)"
        try Films.ffmpeg([
          "-f", "lavfi", "-i", Self.scene(size) + ",format=yuv4\(size == "96x64" ? "20" : "44")p10le", "-c:v",
          "libx265",
          "-x265-params", "log-level=none", "-color_trc", curve, "-color_primaries", primaries, "-colorspace", matrix,
          "-color_range", range, path,
        ])
        let reader = try ClipReader(path)
        let made = try #require(reader.next()).picture
        let isHDR = ["PQ", "HLG"].contains(name)
        #expect(
          reader.notes == [
            isHDR
              ? "\(path) is HDR (\(name)): it is tone-mapped to SDR."
              : "\(path) is in \(name): its colours are converted to sRGB."
          ])
        let whole =
          isHDR
          ? "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0," : ""
        // As numbers of red, green and blue; and as FFmpeg's guide writes it, where colours that are too strong are cut otherwise.
        let ends = [
          (isHDR ? "zscale=t=bt709:m=gbr:r=pc,format=gbrp" : "zscale=p=bt709:t=bt709:m=gbr:r=pc,format=gbrp", 0.6),
          (
            (isHDR ? "" : "zscale=p=bt709,") + "zscale=t=bt709:m=bt709:r=tv,format=yuv444p,"
              + "scale=in_color_matrix=bt709:in_range=tv,format=rgb24", 5.0
          ),
        ]
        for (end, limit) in ends {
          let theirs = try expected(path, whole + end, in: folder)
          #expect(ClipTests.distance(made, theirs) < limit, "\(file)")
        }
      }
    }
  }

  /// The shape on the screen stays; none of the pixels is lost.
  @Test(arguments: [
    ("32:27", "a.mp4", 114, 64), ("16:15", "a.mkv", 102, 64), ("8:9", "a.mov", 96, 72), ("4:3", "a.webm", 128, 64),
    ("32:27", "a.mpg", 114, 64), ("1:2", "b.mp4", 96, 128),
  ]) func pixelsThatAreNotSquare(_ shape: String, _ name: String, _ width: Int, _ height: Int) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/\(name)"
      // MPEG-2 knows shapes of the whole picture alone.
      let options =
        [
          "a.webm": ["-c:v", "libvpx"], "a.mpg": ["-c:v", "mpeg2video", "-q:v", "2", "-aspect", "16:9"],
        ][name] ?? ["-c:v", "libx264"]
      let shaping = name == "a.mpg" ? [] : ["-vf", "setsar=\(shape.replacing(":", with: "/"))"]
      try Films.ffmpeg(
        ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.4"] + shaping + ["-pix_fmt", "yuv420p"] + options + [path])
      let reader = try ClipReader(path)
      #expect(reader.facts.width == width && reader.facts.height == height, "\(reader.facts)")
      let made = try #require(reader.next()).picture
      #expect(made.width == width && made.height == height)
      #expect(
        reader.notes == [
          "The pixels of \(path) aren't square: it is shown, and written, as \(width) by \(height) pixels."
        ])
      let theirs = try expected(
        path, "scale=\(width):\(height):flags=bicubic+accurate_rnd+full_chroma_int,setsar=1,format=rgb24", in: folder)
      #expect(ClipTests.distance(made, theirs) < 0.6)
    }
  }

  /// All that a display matrix may ask for, as FFmpeg's own program shows it; and a turned film of pixels that aren't square.
  @Test(arguments: [
    [1, 0, 0, 1], [-1, 0, 0, 1], [1, 0, 0, -1], [-1, 0, 0, -1], [0, 1, -1, 0], [0, -1, 1, 0], [0, 1, 1, 0],
    [0, -1, -1, 0],
  ]) func displayMatrices(_ matrix: [Int]) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/a.mp4"
      try Films.ffmpeg([
        "-f", "lavfi", "-i", Self.scene, "-c:v", "libx264", "-pix_fmt", "yuv420p", "\(folder)/plain.mp4",
      ])
      // The track's header has the matrix, in fixed point, 40 bytes before its sizes.
      var bytes = [UInt8](try #require(FileManager.default.contents(atPath: "\(folder)/plain.mp4")))
      let header = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("tkhd".utf8)) }) + 4 + 40
      for (i, value) in [0: matrix[0], 1: matrix[1], 3: matrix[2], 4: matrix[3]] {
        let fixed = UInt32(bitPattern: Int32(value * 65_536))
        for k in 0..<4 { bytes[header + 4 * i + k] = UInt8(fixed >> (24 - 8 * UInt32(k)) & 255) }
      }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let upright = try first("\(folder)/plain.mp4"), made = try first(path)
      // By its definition: column p and row q are shown in column a·p + c·q and row b·p + d·q.
      let isTurned = matrix[0] == 0
      #expect(made.width == (isTurned ? 64 : 96) && made.height == (isTurned ? 96 : 64))
      for (p, q) in [(3, 5), (90, 7), (50, 60), (20, 33)] {
        let x = matrix[0] * p + matrix[2] * q, y = matrix[1] * p + matrix[3] * q
        let column = x < 0 || (matrix[0] + matrix[2] < 0 && x == 0) ? made.width - 1 + x : x
        let row = y < 0 || (matrix[1] + matrix[3] < 0 && y == 0) ? made.height - 1 + y : y
        #expect(made[column, row] == upright[p, q], "\(matrix): \(p), \(q)")
      }
    }
  }

  /// Combs of two moments in one frame are gone, as by FFmpeg's own filter; a film's frames and times stay.
  @Test(arguments: [
    ("a.mp4", ["-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "tff=1"], "tff"),
    ("a.mpg", ["-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", "2"], "tff"),
    ("a.mov", ["-c:v", "prores_ks", "-flags", "+ildct"], "tff"),
    ("a.mkv", ["-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "bff=1"], "bff"),
    ("b.mkv", ["-c:v", "huffyuv", "-pix_fmt", "yuv422p", "-field_order", "tt"], "tff"),
    ("b.mov", ["-c:v", "rawvideo", "-pix_fmt", "uyvy422", "-field_order", "bb"], "bff"),
    ("c.mov", ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj422p", "-field_order", "tt"], "tff"),
  ]) func interlacedFilms(_ name: String, _ options: [String], _ parity: String) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/\(name)"
      let mode = parity == "tff" ? "interleave_top" : "interleave_bottom"
      try Films.ffmpeg(
        [
          "-f", "lavfi", "-i", "testsrc2=s=96x64:r=50:d=0.8,format=yuv420p", "-vf",
          "tinterlace=\(mode),setfield=\(parity)",
        ] + options + [path])
      let reader = try ClipReader(path)
      var frames: [Picture] = [], times: [Double] = []
      while let frame = reader.next() {
        frames.append(frame.picture)
        times.append(frame.time)
      }
      #expect(frames.count == 20)
      for (i, time) in times.enumerated() { #expect(abs(time - 0.04 * Double(i)) < 0.001) }
      #expect(reader.notes == ["\(path) is interlaced: it is deinterlaced."])
      try Films.ffmpeg([
        "-i", path, "-vf",
        "setfield=\(parity),bwdif=mode=send_frame,scale=flags=bicubic+accurate_rnd+full_chroma_int,format=rgb24",
        "-fps_mode", "passthrough", "\(folder)/%02d.png",
      ])
      for i in [0, 7, 19] {
        let theirs = try Picture.load("\(folder)/\(i < 9 ? "0" : "")\(i + 1).png", Decoding(channels: nil))
        #expect(ClipTests.distance(frames[i], theirs) < 0.6, "frame \(i)")
      }
    }
  }

  /// WebM's transparency, of both codecs.
  @Test(arguments: [
    ("libvpx", "veil.webm"), ("libvpx-vp9", "veil.webm"), ("libvpx", "veil.mkv"), ("libvpx-vp9", "veil.mkv"),
  ])
  func transparencyBesideThePictures(_ codec: String, _ name: String) throws {
    try ClipTests.inFolder { folder in
      let veil = "testsrc2=s=96x64:r=10:d=0.4,format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='X*2'"
      try Films.ffmpeg([
        "-f", "lavfi", "-i", veil, "-c:v", codec, "-auto-alt-ref", "0", "-crf", "4", "-b:v", "2M", "-metadata:s:v:0",
        "alpha_mode=1",
        "\(folder)/\(name)",
      ])
      let reader = try ClipReader("\(folder)/\(name)")
      #expect(reader.facts.channels == 4 && reader.notes.isEmpty)
      let made = try #require(reader.next()).picture
      for x in [5, 40, 90] { #expect(abs(Int(made[x, 30].last!) - 2 * x) < 12, "column \(x): \(made[x, 30])") }
    }
  }
}
