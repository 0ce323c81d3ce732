import Foundation
import Media
import Testing
import Torch

/// Films for tests, made by ffmpeg from nothing, and what they show and sound like.
enum Films {
  /// 96 × 64 px; frame n is grey, 20 + 9 n bright, so that each says its number.
  ///
  /// - Parameters:
  ///   - times: seconds at which the frames are shown; at 25 frames a second when left out.
  ///   - options: how they are packed.
  static func numbered(
    _ path: String, frames: Int = 20, rate: Int = 25, times: [Double] = [], options: [String]
  ) throws {
    let shown =
      times.isEmpty ? "" : ",setpts='(\(times.enumerated().map { "eq(N\\,\($0))*\($1)" }.joined(separator: "+")))/TB'"
    let source = "nullsrc=s=96x64:r=\(rate),geq=lum='20+9*N':cb=128:cr=128"
    try ffmpeg(
      [
        "-f", "lavfi", "-i", source, "-frames:v", "\(times.isEmpty ? frames : times.count)", "-vf",
        "settb=1/90000\(shown)",
      ]
        + (times.isEmpty ? [] : ["-fps_mode", "passthrough", "-enc_time_base", "1:90000"])
        + options + [path])
  }

  /// A white frame and a click of 5 ms at half of each of four seconds: 96 × 64 px, 25 frames a second.
  static func flashing(_ path: String, options: [String]) throws {
    let flash = "color=black:s=96x64:r=25:d=4,drawbox=0:0:96:64:white:fill:enable='between(mod(t,1),0.479,0.519)'"
    let click = "aevalsrc='if(between(mod(t,1),0.48,0.485),sin(2*PI*1000*t),0)':s=48000:d=4"
    try ffmpeg(["-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", click] + options + [path])
  }

  /// Whether this machine's FFmpeg was built with zimg.
  static let hasZscale = (try? ClipTests.run(["ffmpeg", "-v", "error", "-filters"]).contains("zscale")) ?? false

  static func ffmpeg(_ words: [String]) throws { try ClipTests.run(["ffmpeg", "-v", "error", "-y"] + words) }

  /// The frames that ffprobe finds, in seconds; of the first stream of pictures.
  static func times(_ path: String) throws -> [Double] {
    let out = try ClipTests.run([
      "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time", "-of",
      "csv=p=0", path,
    ])
    return out.split(separator: "\n").compactMap { Double($0.split(separator: ",").first ?? "") }
  }

  static func brightness(_ picture: Picture) -> Double {
    let channels = picture.channels
    return Double(stride(from: 0, to: picture.bytes.count, by: channels).reduce(0) { $0 + Int(picture.bytes[$1]) })
      / Double(picture.width * picture.height)
  }

  /// Reads a film and writes it again, as verbs do that keep frames.
  @discardableResult static func copy(
    _ path: String, to out: String, rate: FrameRate? = nil, codec: ClipCodec? = nil
  ) throws -> (frames: Int, length: Double) {
    let reader = try ClipReader(path)
    let facts = reader.facts
    let alpha = facts.channels == 4 && (try? ClipFormat(out, codec: codec, alpha: true)) != nil
    let format = try ClipFormat(out, codec: codec, alpha: alpha)
    let rendering = try ClipRendering(
      out, format: format, width: facts.width, height: facts.height, rate: rate ?? facts.rate, alpha: alpha,
      key: "test", isForced: true)
    while let frame = rate.map({ reader.next(at: $0) }) ?? reader.next() {
      try rendering.write(alpha ? frame.picture : frame.picture.flattened(on: .black), until: frame.end)
    }
    try rendering.finish(beside: Accompaniment(of: reader, at: path, hasSound: facts.hasSound && format.hasSound))
    return (rendering.count, rendering.length)
  }

  /// When a film flashes, by its frames, and when it clicks, by ffmpeg; both in seconds of its own clock.
  static func signals(_ path: String) throws -> (flashes: [Double], clicks: [Double]) {
    let reader = try ClipReader(path)
    var flashes: [Double] = [], wasBright = false
    while let frame = reader.next() {
      let isBright = brightness(frame.picture) > 120
      if isBright && !wasBright { flashes.append(reader.start + frame.time) }
      wasBright = isBright
    }
    let raw = path + ".pcm"
    try ffmpeg([
      "-copyts", "-i", path, "-map", "0:a:0", "-af", "aresample=48000:async=1:min_hard_comp=0.01:first_pts=0", "-ac",
      "1", "-f", "s16le", raw,
    ])
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: raw)))
    var clicks: [Double] = [], i = 0
    while 2 * i + 1 < bytes.count {
      let sample = Int16(bitPattern: UInt16(bytes[2 * i]) | UInt16(bytes[2 * i + 1]) << 8)
      if abs(Int(sample)) > 3000 {
        clicks.append(Double(i) / 48_000)
        i += 24_000
      } else {
        i += 1
      }
    }
    return (flashes, clicks)
  }
}
