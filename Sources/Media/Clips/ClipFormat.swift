import CFFmpeg
import Foundation

/// How a film's pictures are packed.
public enum ClipCodec: String, Sendable, Codable, CaseIterable {
  case h264, hevc, vp9, av1, prores, gif, apng, webp, png
  /// Every pixel as it is: for what is written again later.
  case lossless

  var spoken: String {
    switch self {
    case .h264: "H.264"
    case .hevc: "HEVC"
    case .vp9: "VP9"
    case .av1: "AV1"
    case .prores: "ProRes 4444"
    case .gif: "GIF"
    case .apng: "APNG"
    case .webp: "WebP"
    case .png: "PNG"
    case .lossless: "FFV1"
    }
  }

  public var hasAlpha: Bool { ![.h264, .hevc, .av1].contains(self) }

  /// The encoders that write it, the best first.
  var encoders: [String] {
    switch self {
    case .h264: ["libx264"]
    case .hevc: ["libx265"]
    case .vp9: ["libvpx-vp9"]
    case .av1: ["libaom-av1"]
    case .prores: ["prores_ks"]
    case .gif: ["gif"]
    case .apng: ["apng"]
    case .webp: ["libwebp_anim"]
    case .png: []
    case .lossless: ["ffv1"]
    }
  }

  /// Whether parts can be joined without being written anew.
  var isJoinable: Bool { ![.gif, .apng, .webp, .png].contains(self) }

  func pixels(alpha: Bool) -> AVPixelFormat {
    switch self {
    case .h264, .hevc, .av1: AV_PIX_FMT_YUV420P
    case .vp9: alpha ? AV_PIX_FMT_YUVA420P : AV_PIX_FMT_YUV420P
    case .prores: alpha ? AV_PIX_FMT_YUVA444P10LE : AV_PIX_FMT_YUV444P10LE
    case .gif: AV_PIX_FMT_PAL8
    case .apng: alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24
    case .webp: AV_PIX_FMT_BGRA
    case .png: alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24
    case .lossless: alpha ? AV_PIX_FMT_BGRA : AV_PIX_FMT_BGR0
    }
  }

  /// Chroma is kept for two by two pixels.
  private var needsEvenSides: Bool { [.h264, .hevc, .vp9, .av1].contains(self) }
  /// The size of a film of frames of that size, in pixels.
  func size(_ width: Int, _ height: Int) -> (width: Int, height: Int) {
    let spare = needsEvenSides ? 1 : 0
    return ((width + spare) & ~spare, (height + spare) & ~spare)
  }

  /// Near what the eye can tell apart, at a speed that a processor keeps up with.
  ///
  /// No frame is told by a later one (B-frames), so that parts can be joined by their packets alone.
  func options(alpha: Bool) -> [(String, String)] {
    switch self {
    // x264's tree of macroblocks makes other files of the same pictures now and then; a resumed film is to be the same.
    case .h264: [("crf", "17"), ("preset", "medium"), ("bf", "0"), ("mbtree", "0")]
    case .hevc:
      [("crf", "19"), ("preset", "fast"), ("x265-params", "log-level=none:bframes=0:frame-threads=1:pools=none")]
    case .vp9:
      [
        ("crf", "24"), ("b", "0"), ("deadline", "good"), ("cpu-used", "4"), ("row-mt", "1"), ("auto-alt-ref", "0"),
        ("lag-in-frames", "0"),
      ]
    case .av1:
      [("crf", "26"), ("b", "0"), ("usage", "good"), ("cpu-used", "6"), ("row-mt", "1"), ("lag-in-frames", "0")]
    case .prores: [("profile", "4444"), ("vendor", "apl0"), ("alpha_bits", alpha ? "16" : "0")]
    case .webp: [("quality", "90"), ("lossless", "0")]
    case .gif, .apng, .png: []
    case .lossless: [("level", "3"), ("slicecrc", "1")]
    }
  }
}

/// The output of a film: a file of one format, or a folder of PNGs.
public struct ClipFormat: Sendable, Equatable {
  public let codec: ClipCodec
  /// FFmpeg's name of the container; nil for a folder.
  let container: String?
  /// What sound is packed by; nil where there is no room for it.
  let soundEncoder: String?

  /// Told by the name's ending, or asked for by codec.
  ///
  /// - Throws: `ClipError`.
  public init(_ path: String, codec: ClipCodec? = nil, alpha: Bool = false) throws(ClipError) {
    // A folder may have a dot in its name.
    let ending = path.hasSuffix("/") ? "" : (path as NSString).pathExtension.lowercased()
    let choices: [ClipCodec], holds: String
    switch ending {
    case "mp4", "m4v": (choices, holds, container, soundEncoder) = ([.h264, .hevc, .av1], "mp4", "mp4", "aac")
    case "mov": (choices, holds, container, soundEncoder) = ([.h264, .hevc, .prores], "mov", "mov", "aac")
    case "mkv":
      (choices, holds, container, soundEncoder) = (
        [.h264, .hevc, .vp9, .av1, .prores, .lossless], "mkv", "matroska", "aac"
      )
    case "webm": (choices, holds, container, soundEncoder) = ([.vp9, .av1], "webm", "webm", "libopus")
    case "gif": (choices, holds, container, soundEncoder) = ([.gif], "gif", "gif", nil)
    case "apng": (choices, holds, container, soundEncoder) = ([.apng], "apng", "apng", nil)
    case "webp": (choices, holds, container, soundEncoder) = ([.webp], "webp", "webp", nil)
    case "" where path.hasSuffix("/"): (choices, holds, container, soundEncoder) = ([.png], "", nil, nil)
    default: throw .badEnding(path: path)
    }
    if let codec, !choices.contains(codec) {
      throw .mismatch(codec: codec.spoken, ending: holds, fitting: choices.map(\.rawValue).joined(separator: " or "))
    }
    // Without a word from the artist, what keeps transparency where there is some.
    self.codec = codec ?? (alpha ? choices.first(where: \.hasAlpha) : nil) ?? choices[0]
    if alpha && !self.codec.hasAlpha { throw .noTransparency(codec: self.codec.spoken) }
  }

  public var hasSound: Bool { soundEncoder != nil }
}
