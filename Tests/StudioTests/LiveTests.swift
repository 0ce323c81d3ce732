import Foundation
import StudioTestSupport
import Synchronization
import Testing

@testable import Studio

/// A generator that is played, with the real `atelier live`.
@Suite(.serialized) struct LiveTests {
  /// A page's stream of frames, read on a thread of its own.
  final class Watch: Sendable {
    struct Frame { let head: [String: Any], pixels: Data, time: Date }
    private struct Seen: @unchecked Sendable {
      var frames: [Frame] = []
      var hasEnded = false
    }
    private let seen = Mutex(Seen())

    init(_ studio: Served, _ show: String) {
      let client = studio.client
      Thread.detachNewThread { [self] in
        var waiting = Data()
        try? client.stream("/api/live/\(show)/frames") { bytes in
          waiting += bytes
          while let end = waiting.firstIndex(of: 10),
            let head = (try? JSONSerialization.jsonObject(with: waiting[..<end])) as? [String: Any],
            let count = head["bytes"] as? Int, waiting.endIndex - end > count
          {
            let frame = Frame(head: head, pixels: Data(waiting[(end + 1)..<(end + 1 + count)]), time: Date())
            waiting = Data(waiting[(end + 1 + count)...])
            seen.withLock { $0.frames.append(frame) }
          }
        }
        seen.withLock { $0.hasEnded = true }
      }
    }

    var frames: [Frame] { seen.withLock { $0 }.frames }
    var hasEnded: Bool { seen.withLock { $0.hasEnded } }
    /// Waits for the frame that obeys a line.
    func answer(_ line: Int) async throws -> Frame {
      _ = await wait(seconds: 20) { frames.contains { $0.head["answers"] as? Int ?? 0 >= line } }
      return try #require(frames.first { $0.head["answers"] as? Int ?? 0 >= line }, "no frame obeys line \(line)")
    }
  }

  private func begin(_ studio: Served, seeds: String = "3,41,7") async throws -> String {
    let show = try studio.post("/api/live", ["run": "model:\(try await studio.emoji())", "seeds": seeds, "rate": 25])
    return try #require(show["id"] as? String)
  }

  /// Moves, is quick, records, and its film has the same frames.
  @Test func isPlayedRecordedAndFilmed() async throws {
    try await withStudio { (studio: Served) async throws in
      let show = try await begin(studio)
      let watch = Watch(studio, show)
      _ = try await watch.answer(0)
      #expect(watch.frames[0].head["width"] as? Int == 64 && watch.frames[0].pixels.count == 64 * 64 * 3)

      // From a slider to its picture: the median of twenty.
      var times: [Double] = []
      for step in 0..<20 {
        let start = Date()
        let told = try studio.post("/api/live/\(show)", ["tracks": ["place": Double(step) / 10]])
        times.append(try await watch.answer(try #require(told["line"] as? Int)).time.timeIntervalSince(start))
      }
      print("Live: slider to picture, median of 20: \(Int(times.sorted()[10] * 1000)) ms")

      let began = try studio.post("/api/live/\(show)", ["record": true, "tracks": ["speed": 0.7, "place": 0]])
      let first = try await watch.answer(try #require(began["line"] as? Int)).head["frame"] as? Int ?? 0
      let start = (count: watch.frames.count, time: Date())
      rest(3)
      let rate = Double(watch.frames.count - start.count) / Date().timeIntervalSince(start.time)
      print("Live: \(String(format: "%.1f", rate)) frames a second of 64 × 64")
      let refused = try studio.post("/api/live/\(show)", ["seeds": "1,2"], status: 409)
      #expect((refused["error"] as? String)?.hasPrefix("A recording has one path") == true)
      _ = try studio.post("/api/live/\(show)", ["record": false, "tracks": ["speed": 0]])
      // The note of its generator comes right after the timeline.
      let isThere = try await wait(seconds: 20) {
        try studio.json("/api/timelines", as: [[String: Any]].self).first?["generator"] != nil
      }
      #expect(isThere)
      let timeline = try #require(try studio.json("/api/timelines", as: [[String: Any]].self).first)
      #expect(timeline["name"] as? String == "live-1" && timeline["generator"] as? String == "emoji")

      // As one click on the page makes it; pixels as they are, to be compared.
      let values = [
        "run": [timeline["run"] as? String ?? ""], "timeline": ["timeline:\(timeline["id"] as? String ?? "")"],
        "size": ["64"],
      ]
      let job = try studio.post("/api/jobs", ["verb": "film", "values": values])
      let ended = try await studio.ended(try #require(job["id"] as? String))
      #expect(ended["state"] as? String == "done", "\(ended["reason"] ?? "")")
      let folder = studio.workspace + "/timelines"
      let frames = studio.workspace + "/frames/"
      #expect(
        try Programs.run(
          Programs.atelier, "film", "emoji", "--timeline", folder + "/live-1.yaml", "--size", "64", "--out", frames,
          "--workspace", studio.workspace) == 0)
      let shown = watch.frames.filter { $0.head["frame"] as? Int ?? 0 >= first }
      var compared = 0
      for frame in shown {
        let number = (frame.head["frame"] as? Int ?? 0) - first
        let file = frames + "frame-\(String(format: "%06d", number)).png"
        guard FileManager.default.fileExists(atPath: file) else { continue }
        #expect(try PNGPixels.read(file) == frame.pixels, "frame \(number)")
        compared += 1
      }
      #expect(compared > 15)
      _ = try studio.post("/api/live/\(show)/stop", [:])
      #expect(await wait(seconds: 20) { watch.hasEnded })
    }
  }

  /// What is wrong is refused in a sentence, and nothing is started twice over.
  @Test func refusesWhatCannotBePlayed() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      for (body, status) in [
        (["run": "/etc/passwd"], 422), (["run": "run:0123456789abcdef"], 404), (["run": "set:\(emoji)"], 422),
        (["run": "model:\(emoji)", "seeds": "1"], 422), (["run": "model:\(emoji)", "seeds": "0-500000000000"], 422),
        (["run": "model:\(emoji)", "seeds": "--help"], 422),
      ] as [([String: Any], Int)] {
        let answer = try studio.post("/api/live", body, status: status)
        #expect((answer["error"] as? String)?.isEmpty == false)
      }
      let (one, two) = (try await begin(studio), try await begin(studio))
      _ = try studio.post("/api/live", ["run": "model:\(emoji)"], status: 409)
      for (line, status) in [
        (["tracks": ["wobble": 1]], 404), (["tracks": ["zoom": 1e9]], 422), (["path": "nonsense"], 422),
        (["seeds": "7"], 422), (["tracks": ["zoom": "x"]], 422),
      ] as [([String: Any], Int)] {
        _ = try studio.post("/api/live/\(one)", line, status: status)
      }
      // A training isn't held up by what is played.
      #expect(try studio.json("/api/jobs", as: [Any].self).isEmpty)
      for show in [one, two] { _ = try studio.post("/api/live/\(show)/stop", [:]) }
      let isOver = try await wait(seconds: 20) {
        try studio.json("/api/live", as: [[String: Any]].self).allSatisfy { $0["ended"] is String }
      }
      #expect(isOver)
      _ = try studio.post("/api/live/\(one)", ["tracks": ["zoom": 2]], status: 409)
      _ = try studio.post("/api/live/\(await begin(studio))/stop", [:])
    }
  }

  /// A sender made from the specification moves a slider; what is damaged moves nothing, and breaks nothing.
  @Test func hearsOSC() async throws {
    try await withStudio { (studio: Served) async throws in
      let show = try await begin(studio)
      let watch = Watch(studio, show)
      _ = try await watch.answer(0)
      let opened = try studio.post("/api/live/osc", ["isOpen": true, "port": 0])
      let port = try #require(opened["port"] as? Int)
      func value(_ name: String) throws -> Double? {
        (try studio.json("/api/live/\(show)", as: [String: Any].self)["values"] as? [String: Double])?[name]
      }
      try UDP.send([0x2f, 1, 2], to: port)
      try UDP.send([UInt8](repeating: 255, count: 1400), to: port)
      try UDP.send(
        OSCTests.bundle(OSCTests.message("/atelier/zoom", 1.5), OSCTests.message("/atelier/turn", 30)), to: port)
      #expect(try await wait(seconds: 10) { try value("zoom") == 1.5 && value("turn") == 30 })
      _ = try await watch.answer(1)

      let lesson =
        ["track": "truncation", "address": "/1/fader3", "argument": 0, "low": 0, "high": 127] as [String: Any]
      _ = try studio.post("/api/live/osc/learn", lesson)
      try UDP.send(OSCTests.text("/1/fader3") + OSCTests.text(",i") + OSCTests.word(0), to: port)
      #expect(try await wait(seconds: 10) { try value("truncation") == 0 })
      // On this machine alone, until it is asked otherwise.
      let table = try String(contentsOfFile: "/proc/net/udp", encoding: .utf8)
      #expect(table.contains("0100007F:" + String(format: "%04X", port)))
      _ = try studio.post("/api/live/osc", ["isOpen": false])
      _ = try studio.post("/api/live/osc/learn", ["track": "x", "address": "no address"], status: 422)
      _ = try studio.post("/api/live/\(show)/stop", [:])
    }
  }

  /// A show ends with the server, in whatever way that ends.
  @Test func endsWithTheServer() async throws {
    try await withStudio { (studio: Served) async throws in
      let show = try await begin(studio)
      let watch = Watch(studio, show)
      _ = try await watch.answer(0)
      let children = try Programs.children(of: studio.process.processIdentifier)
      #expect(!children.isEmpty)
      // It has the pipes that it was given, and none of the server's sockets: they would keep its port.
      for child in children {
        let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child)/fd").compactMap {
          try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child)/fd/\($0)")
        }
        #expect(files.filter { $0.hasPrefix("socket:") } == [])
      }
      studio.kill()
      #expect(await wait(seconds: 20) { children.allSatisfy { kill($0, 0) != 0 } })
      let port = studio.port
      try await studio.again()
      let told = try await studio.told()
      #expect((told["address"] as? String)?.contains(":\(port)/") == true)
      #expect(try studio.json("/api/live", as: [Any].self).isEmpty)
    }
  }
}
