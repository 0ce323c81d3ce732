import Foundation
import Media
import Testing
import Workshop

/// What scripts rely on: help texts as a whole, JSON lines, files.
@Suite struct OutputTests {
  /// The texts are in Tests/Goldens/help; `ATELIER_WRITE_HELP=1` writes them again.
  @Test(arguments: [
    "", "demo", "inspect", "train", "generate", "restyle", "enlarge", "vary", "texture", "fill", "film", "animate",
    "inbetween", "live", "recipes",
    "measure", "compare", "project", "sliders", "reconstruct", "attribute",
    "models",
    "models list",
    "models install",
    "models import",
    "models export",
    "models inspect",
    "models add",
    "studio", "doctor",
  ])
  func help(_ verb: String) throws {
    try inFolder { atelier in
      let outcome = try atelier.run(verb.split(separator: " ").map(String.init) + ["--help"])
      let name = verb.isEmpty ? "atelier" : verb.replacing(" ", with: "-")
      let file = "\(Binary.root)/Tests/Goldens/help/\(name).txt"
      if ProcessInfo.processInfo.environment["ATELIER_WRITE_HELP"] == "1" {
        try outcome.out.write(toFile: file, atomically: true, encoding: .utf8)
      }
      #expect(try outcome.out == String(contentsOfFile: file, encoding: .utf8))
      #expect(outcome.status == 0 && outcome.err == "")
    }
  }

  @Test func everyLineIsJSON() throws {
    try inFolder { atelier in
      func events(_ arguments: [String]) throws -> [[String: Any]] {
        let outcome = try atelier.run(arguments + ["--json"])
        #expect(outcome.status == 0 && outcome.err == "", "\(outcome.err)")
        return try outcome.lines()
      }
      func names(_ events: [[String: Any]]) -> [String] {
        events.compactMap { $0["event"] as? String }.filter { $0 != "progress" }
      }

      let inspection = try events(["inspect", Binary.emoji])
      #expect(names(inspection) == ["finished"])
      #expect((inspection.last?["pictures"] as? Int ?? 0) > 400)

      let training = try events(["train", Binary.pictures, "--run", "run"] + BadInputTests.small)
      #expect(names(training).suffix(3) == ["sample", "saved", "finished"])
      #expect(Set(names(training)).isSuperset(of: ["packed", "chosen", "started"]))
      let finished = try #require(training.last)
      #expect(finished["ending"] as? String == "completed" && finished["picturesSeen"] as? Int == 8)
      #expect(finished["run"] as? String == "\(atelier.folder)/run")

      let made = try events(["generate", "run", "--seeds", "0-2", "--grid", "--out", "made"])
      #expect(names(made) == ["picture", "picture", "picture", "sheet", "finished"])
      #expect(made.compactMap { $0["seed"] as? Int } == [0, 1, 2])
      for path in made.compactMap({ $0["path"] as? String }) { #expect(atelier.has(path)) }

      let listed = try events(["models", "list"])
      #expect(listed.contains { $0["name"] as? String == "efficientnet-lite0" })
      let exported = try events(["models", "export", "run", "--name", "tiny"])
      #expect(names(exported) == ["finished"])
      #expect(try names(events(["generate", "tiny", "--seeds", "5", "--out", "tiny"])) == ["picture", "finished"])
    }
  }

  @Test func aRunsFolder() throws {
    try inFolder { atelier in
      try atelier.train("run")
      for name in ["settings.json", "log.jsonl", "checkpoints", "samples", "card.md"] {
        #expect(atelier.has("run/\(name)"), "\(name)")
      }
      let log = try String(contentsOfFile: atelier.folder + "/run/log.jsonl", encoding: .utf8)
      for line in log.split(separator: "\n") {
        #expect(throws: Never.self) { try Event(json: String(line)) }
      }
    }
  }

  @Test func plainLinesElsewhereThanOnATerminal() throws {
    try inFolder { atelier in
      let outcome = try atelier.run(["train", Binary.pictures, "--run", "run"] + BadInputTests.small)
      #expect(!outcome.out.contains("\u{1B}") && !outcome.out.contains("\r"))
      #expect(outcome.out.contains("8 pictures seen in "))
      #expect(outcome.out.contains("Next: ./atelier generate \(atelier.folder)/run --seeds 0-63"))
    }
  }

  @Test func aBarOnATerminal() throws {
    try inFolder { atelier in
      // `script` gives the verb a terminal.
      func shown(_ run: String, _ environment: String) throws -> String {
        let command = (["train", Binary.pictures, "--run", run] + BadInputTests.small).joined(separator: " ")
        return try atelier.run(
          [],
          through: "unset NO_COLOR; export TERM=xterm \(environment);"
            + " script -qec \"$0 \(command)\" /dev/null; exit;"
        ).out
      }
      let colored = try shown("one", ""), plain = try shown("two", "NO_COLOR=1")
      // Escaped in messages, where a terminal would obey them.
      let color = "\u{1B}[36m"
      let isBar = colored.contains("━") && colored.contains(color)
      #expect(isBar, "\(colored.debugDescription)")
      let isPlain = plain.contains("━") && !plain.contains(color)
      #expect(isPlain, "\(plain.debugDescription)")
    }
  }

  /// The same seed, the same bytes of pixels, in whatever company and order of processes.
  @Test func aSeedIsAPicture() throws {
    try inFolder { atelier in
      try atelier.train("run")
      #expect(try atelier.run("generate", "run", "--seeds", "0-20", "--out", "many").status == 0)
      #expect(try atelier.run("generate", "run", "--seeds", "17", "--out", "one").status == 0)
      let many = try Picture.load("\(atelier.folder)/many/seed-0017.png")
      #expect(try Picture.load("\(atelier.folder)/one/seed-0017.png") == many)
    }
  }
}
