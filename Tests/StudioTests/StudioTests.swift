import Catalogue
import Files
import Foundation
import Jobs
import StudioTestSupport
import Synchronization
import Testing

@testable import Studio

/// The studio at work, with the real command line.
@Suite struct StudioTests {
  /// From a seed to a favourite on a board, and the same again.
  @Test func makesPicturesAndMakesThemAgain() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      let form = ["run": ["model:\(emoji)"], "seeds": ["3-5"], "truncation": ["0.8"]]
      let job = try studio.post("/api/jobs", ["verb": "generate", "values": form])
      let id = try #require(job["id"] as? String)
      #expect(try await studio.ended(id)["state"] as? String == "done")
      let isListed = try await wait(seconds: 20) {
        try (studio.json("/api/pictures?job=\(id)", as: [String: Any].self)["total"] as? Int) == 3
      }
      #expect(isListed)
      let page: [String: Any] = try studio.json("/api/pictures?job=\(id)&words=r3gan")
      let pictures = try #require(page["pictures"] as? [[String: Any]]).compactMap { $0["picture"] as? [String: Any] }
      #expect(pictures.compactMap { $0["seed"] as? Int }.sorted() == [3, 4, 5])
      let four = try #require(pictures.first { $0["seed"] as? Int == 4 }?["id"] as? String)
      let file = try studio.client.send("GET", "/api/pictures/\(four)/file")
      #expect(file.fields["content-type"] == "image/png" && file.body.count > 500)

      // All that was set, and nothing else.
      let again: [String: Any] = try studio.json("/api/pictures/\(four)/again")
      #expect(
        again["values"] as? [String: [String]] == ["run": ["model:\(emoji)"], "seeds": ["4"], "truncation": ["0.8"]])
      let second = try studio.post("/api/jobs", again)
      let other = try #require(second["id"] as? String)
      _ = try await studio.ended(other)
      _ = try await wait(seconds: 20) {
        try (studio.json("/api/pictures?job=\(other)", as: [String: Any].self)["total"] as? Int) == 1
      }
      let made = try #require(
        (try studio.json("/api/pictures?job=\(other)", as: [String: Any].self)["pictures"] as? [[String: Any]])?.first?[
          "picture"] as? [String: Any])
      #expect(try studio.client.send("GET", "/api/pictures/\(made["id"] as? String ?? "")/file").body == file.body)

      _ = try studio.post("/api/pictures/favourite", ["pictures": [four], "isOn": true])
      _ = try studio.post("/api/pictures/trash", ["pictures": [four], "isOn": true])
      #expect(try (studio.json("/api/pictures?favourites=true", as: [String: Any].self)["total"] as? Int) == 0)
      _ = try studio.post("/api/pictures/trash", ["pictures": [four], "isOn": false])
      #expect(try (studio.json("/api/pictures?favourites=true", as: [String: Any].self)["total"] as? Int) == 1)

      // The pages that show it, in both languages.
      for path in [
        "/", "/train", "/generate", "/live", "/restyle", "/edit", "/film", "/gallery", "/queue", "/models", "/more",
        "/projects",
        "/jobs/\(id)", "/do/restyle", "/do/film", "/do/fill",
        "/do/generate?again=\(four)", "/part/recipe?recipe=dcgan", "/part/doctor",
      ] {
        let answer = try studio.client.send("GET", path)
        #expect(answer.status == 200 && !answer.text.contains("{{"), "\(path)")
        // What isn't there is left out, never spelled.
        #expect(
          !answer.text.contains(">nil<") && !answer.text.contains("\"nil\"") && !answer.text.contains("Optional("),
          "\(path)")
        #expect(!answer.text.contains("<script>"), "\(path)")
      }
      let chinese = try studio.client.send("GET", "/", [("Accept-Language", "zh-CN,zh;q=0.9")])
      #expect(chinese.text.contains("lang=\"zh\"") && chinese.text.contains("你的图片"))
    }
  }

  /// Each verb of the command line has a form, and every value that it names is known.
  @Test func everyVerbHasItsForm() async throws {
    let commands = try await Commands.described(by: Programs.atelier)
    #expect(commands.all.count > 20 && commands.find("models-install") != nil && commands.find("studio") == nil)
    for command in commands.all {
      for option in command.options where option.kind != .flag && option.role != .hidden {
        #expect(
          CommandOption.knownValueNames.contains(option.valueName),
          "\(command.name) \(option.name): \(option.valueName) is new: give it a role")
      }
    }
    #expect(commands.flags["train"]?.contains("resume") == true)
  }

  /// kill -9 of the server in the midst of a training: it goes on, and a tab that was open is let in again.
  /// A large model that was added is chosen as others are; its words are words, whatever is in them.
  @Test func modelsThatDrawByWords() async throws {
    try await withStudio { (studio: Served) async throws in
      let file = studio.workspace + "/models/sd15.json"
      try FileManager.default.createDirectory(atPath: studio.workspace + "/models", withIntermediateDirectories: true)
      try Data(#"{"path":"\#(studio.workspace)/out.log","family":"sd1","bytes":7}"#.utf8)
        .write(to: URL(fileURLWithPath: file))
      _ = try await studio.emoji()
      var id: String?
      _ = try await wait(seconds: 20) {
        _ = try studio.client.send("GET", "/part/doctor")
        let models: [[String: Any]] = try studio.json("/api/models")
        id = models.first { $0["name"] as? String == "sd15" }?["id"] as? String
        return id != nil
      }
      let model = try #require(id)
      for path in ["/generate", "/do/vary", "/do/fill", "/edit"] {
        let page = try studio.client.send("GET", path).text
        #expect(page.contains("value=\"model:\(model)\" data-words"), "\(path)")
      }
      for prompt in ["a house/barn, (storm:1.3) ~ .", "一只猫", "--out=/tmp/x"] {
        let job = try studio.post(
          "/api/jobs", ["verb": "generate", "values": ["run": ["model:\(model)"], "prompt": [prompt], "seeds": ["0"]]])
        let ended = try await studio.ended(try #require(job["id"] as? String))
        // The file is no model: the verb has seen it, and says so.
        #expect((ended["reason"] as? String)?.contains("out.log") == true, "\(ended)")
      }
      for prompt in ["a\nb", "a\0"] {
        let body = ["verb": "generate", "values": ["run": ["model:\(model)"], "prompt": [prompt]]] as [String: Any]
        _ = try studio.post("/api/jobs", body, status: 422)
      }
      let other =
        ["verb": "generate", "values": ["run": ["model:\(model)"], "lora": ["/etc/passwd"]]] as [String: Any]
      _ = try studio.post("/api/jobs", other, status: 422)
    }
  }

  @Test func aTrainingOutlivesTheServer() async throws {
    try await withStudio { (studio: Served) async throws in
      let set = try #require(try studio.post("/api/sets", ["name": "emoji"])["id"] as? String)
      for (name, path) in try Programs.emoji(40) {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try studio.upload("/api/sets/\(set)/pictures?name=\(name)", data).status == 200)
      }
      _ = try studio.post("/api/sets/\(set)/done", [:])
      let values = [
        "pictures": ["set:\(set)"], "recipe": ["dcgan"], "size": ["32"], "minutes": ["0.1"], "no-best": ["true"],
        "set.batch": ["4"], "set.width": ["4"],
      ]
      let id = try #require(try studio.post("/api/jobs", ["verb": "train", "values": values])["id"] as? String)
      let isTraining = try await wait(seconds: 60) {
        try studio.json("/api/jobs/\(id)", as: [String: Any].self)["reading"] != nil
      }
      #expect(isTraining)
      studio.kill()
      try await studio.again()
      let ended = try await studio.ended(id)
      #expect(ended["state"] as? String == "done" && ended["attempts"] as? Int == 1)
      #expect(try studio.json("/api/jobs/\(id)/readings", as: [Any].self).count > 2)
      let run = try #require(ended["run"] as? String)
      _ = try await wait(seconds: 20) { try studio.client.send("GET", "/api/runs/\(run)").status == 200 }
      #expect(try (studio.json("/api/runs/\(run)", as: [String: Any].self)["checkpoints"] as? [Any])?.isEmpty == false)
      #expect(try studio.client.send("GET", "/api/jobs/\(id)/sheet").fields["content-type"] == "image/png")
    }
  }

  /// Fifty pages listen while something happens: each hears of it, and the server is as quick as before.
  @Test func fiftyPagesListen() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji(), client = studio.client
      // Threads of their own: reading blocks, and would hold up the other tests.
      let heard = Mutex((heard: 0, ended: 0))
      for _ in 0..<50 {
        Thread.detachNewThread {
          let answer = try? client.send("GET", "/api/events", [("Connection", nil)], seconds: 12)
          heard.withLock {
            if answer?.text.contains("event: job") == true { $0.heard += 1 }
            $0.ended += 1
          }
        }
      }
      // On this thread: among other tests that block, a task that waits may be woken long after the readers have given up.
      usleep(1_000_000)
      let job = try studio.post(
        "/api/jobs", ["verb": "generate", "values": ["run": ["model:\(emoji)"], "seeds": ["0"]]])
      let start = Date()
      for _ in 0..<50 { _ = try studio.json("/api/jobs", as: [Any].self) }
      #expect(Date().timeIntervalSince(start) < 10)
      _ = try await studio.ended(try #require(job["id"] as? String))
      // A pause of twelve seconds ends a reader.
      _ = await wait(seconds: 90) { heard.withLock { $0.ended } == 50 }
      #expect(heard.withLock { $0.heard } == 50)
    }
  }

  /// The studio opens no connection to anywhere.
  @Test func connectsToNobody() async throws {
    #if os(Linux)
      try await withStudio { (studio: Served) async throws in
        _ = try studio.client.send("GET", "/")
        _ = try studio.json("/api/commands", as: [Any].self)
        let pid = studio.process.processIdentifier
        let sockets = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap {
          try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)")
        }.filter { $0.hasPrefix("socket:") }.map { $0.dropFirst(8).dropLast() }
        for table in ["tcp", "tcp6", "udp", "udp6"] {
          for line in try String(contentsOfFile: "/proc/\(pid)/net/\(table)", encoding: .utf8).split(separator: "\n")
            .dropFirst()
          {
            let fields = line.split(separator: " ")
            guard fields.count > 9, sockets.contains(where: { $0 == fields[9] }) else { continue }
            // Its own port on loopback: listening, or answering.
            #expect(fields[1] == "0100007F:" + String(format: "%04X", studio.port), "\(table): \(line)")
          }
        }
      }
    #endif
  }
}
