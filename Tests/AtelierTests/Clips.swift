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

  /// Work that is killed, or stopped by a signal, after some parts, and goes on by `--resume`: the film is the same file as
  /// an undisturbed run's.
  ///
  /// - Parameter arguments: of a verb, before `--out`.
  func goesOn(_ arguments: [String], after signal: Int32 = SIGKILL) throws {
    #expect(try run(arguments + ["--out", "whole.mp4"]).status == 0)
    // What is removed while it is looked at is no error.
    let parts = {
      let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
      return names.filter { $0.hasSuffix(".mkv") }.count
    }
    let before = parts()
    var stopped: Outcome?
    // A machine that is busy with other tests may see the parts too late.
    for _ in 0..<5 where stopped == nil {
      let running = try start(arguments + ["--out", "broken.mp4"])
      while running.process.isRunning && parts() < before + 2 { usleep(5000) }
      kill(running.process.processIdentifier, signal)
      let outcome = try running.finish(seconds: 20)
      if has("broken.mp4") { unlink("\(folder)/broken.mp4") } else { stopped = outcome }
    }
    let ended = try #require(stopped, "the film was always faster than the signal: make it longer")
    if signal == SIGINT { #expect(ended.status == 130 && ended.out.contains("--resume"), "\(ended.out)") }
    let refused = try run(arguments + ["--out", "broken.mp4"])
    #expect(refused.status == 73 && refused.err.contains("go on with it by --resume"), "\(refused.err)")
    let resumed = try run(arguments + ["--out", "broken.mp4", "--resume"])
    #expect(resumed.status == 0, "\(resumed.err)")
    let (broken, whole) = try (
      Data(contentsOf: URL(fileURLWithPath: "\(folder)/broken.mp4")),
      Data(contentsOf: URL(fileURLWithPath: "\(folder)/whole.mp4"))
    )
    #expect(broken == whole, "\(broken.count) and \(whole.count) bytes")
    #expect(parts() == before)
  }
}
