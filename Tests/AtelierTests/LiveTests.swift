import Foundation
import Media
import Testing

/// `live` as the studio plays it: lines in, frames out.
@Suite struct LiveTests {
  /// A show that is on.
  private final class Show {
    private let process = Process(), input = Pipe(), output = Pipe()

    init(_ atelier: Binary, _ arguments: [String]) throws {
      process.executableURL = URL(fileURLWithPath: Binary.path)
      process.arguments = ["live"] + arguments
      process.currentDirectoryURL = URL(fileURLWithPath: atelier.folder)
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["ATELIER_WORKSPACE": atelier.folder + "/workspace", "OMP_NUM_THREADS": "1"]) { $1 }
      (process.standardInput, process.standardOutput) = (input, output)
      try process.run()
    }

    func tell(_ line: String) { input.fileHandleForWriting.write(Data((line + "\n").utf8)) }
    func end() { try? input.fileHandleForWriting.close() }
    func status() -> Int32 {
      process.waitUntilExit()
      return process.terminationStatus
    }

    private func read(_ count: Int) throws -> Data {
      var data = Data()
      while data.count < count {
        let more = output.fileHandleForReading.readData(ofLength: count - data.count)
        try #require(!more.isEmpty, "it ended early")
        data += more
      }
      return data
    }

    /// The next frame or word; nil at the end.
    func next() throws -> (head: [String: Any], bytes: [UInt8])? {
      var line = Data()
      while true {
        let byte = output.fileHandleForReading.readData(ofLength: 1)
        if byte.isEmpty { return nil }
        if byte[byte.startIndex] == 10 { break }
        line += byte
      }
      let head = try #require(JSONSerialization.jsonObject(with: line) as? [String: Any])
      return (head, [UInt8](try read(head["bytes"] as? Int ?? 0)))
    }

    /// Keeps frames by their numbers, until a condition holds.
    func keep(_ frames: inout [Int: [UInt8]], until isEnough: ([String: Any]) -> Bool) throws -> [String: Any] {
      while let (head, bytes) = try next() {
        if !bytes.isEmpty { frames[head["frame"] as? Int ?? -1] = bytes }
        if isEnough(head) { return head }
      }
      Issue.record("it ended early")
      return [:]
    }
  }

  private func answers(_ count: Int) -> ([String: Any]) -> Bool { { $0["answers"] as? Int == count } }

  /// What was played is a timeline, and its film has the same frames to the bit.
  @Test func whatIsPlayedCanBeFilmed() throws {
    try inFolder { atelier in
      let show = try Show(atelier, ["emoji", "--seeds", "3,41,7", "--rate", "20"])
      var frames: [Int: [UInt8]] = [:]
      let first = try #require(try show.next())
      #expect(first.head["width"] as? Int == 64 && first.head["channels"] as? Int == 3)
      #expect(first.bytes.count == 64 * 64 * 3)
      #expect(try atelier.run("generate", "emoji", "--seeds", "3", "--out", "made").status == 0)
      #expect(
        try Picture.load("\(atelier.folder)/made/seed-0003.png").bytes == first.bytes, "the path begins at a seed")

      show.tell(#"{"record": true, "tracks": {"speed": 0.7, "truncation": 0.9}}"#)
      let began = try show.keep(&frames, until: answers(1))["frame"] as? Int ?? 0
      _ = try show.keep(&frames) { $0["frame"] as? Int ?? 0 > began + 15 }
      show.tell(#"{"tracks": {"zoom": 1.3, "turn": 20}}"#)
      let turned = try show.keep(&frames, until: answers(2))["frame"] as? Int ?? 0
      _ = try show.keep(&frames) { $0["frame"] as? Int ?? 0 > turned + 5 }
      // It stands still, and draws nothing until it is moved.
      show.tell(#"{"tracks": {"speed": 0}}"#)
      _ = try show.keep(&frames, until: answers(3))
      usleep(600_000)
      show.tell(#"{"place": 2.25}"#)
      _ = try show.keep(&frames, until: answers(4))
      // While it is recorded, its path stays.
      show.tell(#"{"seeds": [1, 2]}"#)
      let refused = try #require(try show.next()).head["error"] as? String
      #expect(refused == "A recording has one path: end it before you change the seeds or the shape of the path.")
      show.tell(#"{"record": false}"#)
      let end = try show.keep(&frames) { $0["recorded"] != nil }
      let timeline = try #require(end["recorded"] as? String)
      #expect(timeline.hasSuffix("/live-1.yaml"))
      show.tell("nonsense")
      _ = try show.keep(&frames) { ($0["error"] as? String)?.hasPrefix("The line can't be read") == true }
      show.tell(#"{"tracks": {"wobble": 1}}"#)
      _ = try show.keep(&frames) { ($0["error"] as? String)?.hasPrefix("There is no track 'wobble'") == true }
      show.tell(#"{"stop": true}"#)
      show.end()
      #expect(show.status() == 0)

      let film = try atelier.run("film", "emoji", "--timeline", timeline, "--size", "64", "--out", "film/")
      #expect(film.status == 0, "\(film.err)")
      let last = end["frame"] as? Int ?? 0
      let shown = frames.filter { (began..<last).contains($0.key) }
      #expect(shown.count > 15 && last - began > 30)
      for (number, bytes) in shown {
        let name = "frame-\(String(format: "%06d", number - began)).png"
        #expect(try Picture.load("\(atelier.folder)/film/\(name)").bytes == bytes, "frame \(number - began)")
      }
    }
  }

  /// Whoever plays can leave at any time.
  @Test func endsWithItsInput() throws {
    try inFolder { atelier in
      let show = try Show(atelier, ["emoji"])
      _ = try show.next()
      show.tell(#"{"tracks": {"speed": 1}, "record": true}"#)
      _ = try show.next()
      show.end()
      var frames: [Int: [UInt8]] = [:]
      // A recording isn't lost by that.
      _ = try show.keep(&frames) { $0["recorded"] != nil }
      #expect(show.status() == 0 && atelier.has("live-1.yaml"))
    }
  }

  @Test(arguments: [
    (["emoji-vae", "--seeds", "1"], "One seed is no path: name 2 to 64."),
    (["emoji", "--rate", "0"], "0"),
  ])
  func mistakes(_ arguments: [String], _ words: String) throws {
    try inFolder { atelier in
      let outcome = try atelier.run(["live"] + arguments)
      #expect(outcome.status == 64 && outcome.err.contains(words), "\(outcome.err)")
    }
  }
}
