import Foundation
import Testing

/// Clips for tests, made by ffmpeg of a real one.
extension Binary {
  static let bunny = root + "/Tests/Fixtures/bunny.mp4"

  func ffmpeg(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ffmpeg", "-v", "error", "-y"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  /// 96 × 72 px at 10 frames a second, a frame of the fixture moving left by two pixels each time, with a camera's noise.
  func pan(_ name: String, frames: Int, sound: Bool = false) throws {
    try ffmpeg(["-i", Self.bunny, "-frames:v", "1", "still.png"])
    let tone = sound ? ["-f", "lavfi", "-i", "sine=frequency=440"] : []
    let view = "scale=360:-2,crop=96:72:'40+2*n':90,noise=alls=6:allf=t"
    try ffmpeg(
      ["-loop", "1", "-framerate", "10", "-i", "still.png"] + tone
        + ["-vf", view, "-t", "\(Double(frames) / 10)", "-crf", "10", "-pix_fmt", "yuv420p", name])
  }
}
