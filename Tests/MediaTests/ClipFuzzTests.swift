import Foundation
import Media
import TestSupport
import Testing

/// Films and sounds with wrong bytes are read as far as they go, or refused; the same ones each time.
@Suite struct ClipFuzzTests {
  private static let seconds =
    ProcessInfo.processInfo.environment["ATELIER_FUZZ_SECONDS"].flatMap { Double($0) } ?? 0.2
  private static let video = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1"]
  private static let sound = ["-f", "lavfi", "-i", "sine=d=1:r=8000"]

  private static let h264 = ["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"]
  private static let kinds: [(String, [String])] = [
    ("a.mp4", video + sound + h264), ("a.mkv", video + sound + ["-c:v", "ffv1", "-c:a", "pcm_f32le"]),
    ("a.webm", video + sound + ["-c:v", "libvpx", "-c:a", "libvorbis"]), ("a.avi", video + ["-c:v", "mpeg4"]),
    ("a.gif", video), ("a.apng", video + ["-f", "apng"]), ("a.webp", video + ["-c:v", "libwebp_anim"]),
    ("a.wav", sound), ("a.flac", sound), ("a.mp3", sound),
  ]

  @Test(arguments: kinds) func wrongBytesAreReadOrRefused(_ name: String, _ options: [String]) throws {
    try ClipTests.inFolder { folder in
      let path = "\(folder)/\(name)", hurt = "\(folder)/hurt-\(name)"
      try Films.ffmpeg(options + [path])
      let whole = try FileBytes.read(path)
      var damage = Damage(seed: 11)
      let end = Date().addingTimeInterval(Self.seconds)
      while Date() < end {
        try Data(damage.hurt(whole, head: 600)).write(to: URL(fileURLWithPath: hurt))
        if let reader = try? ClipReader(hurt) {
          for _ in 0..<40 { if reader.next() == nil { break } }
          _ = reader.notes
        }
        if let reader = try? SoundReader(hurt) {
          for _ in 0..<40 { if reader.next() == nil { break } }
        }
        _ = ClipSignature.isClip(hurt)
      }
    }
  }
}
