import Foundation
import Media
import Models
import Networks
import TestSupport
import Testing
import Torch
import Workshop

/// `--json`: every line of every verb is an event, and docs/json.md shows each.
@Suite struct EventTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private static let scene = fixtures + "/scene.jpg", style = fixtures + "/violin.png"

  /// Runs verbs, and keeps what they came to.
  private final class Teller {
    let atelier: Binary
    var results: Set<String> = []
    init(_ atelier: Binary) { self.atelier = atelier }

    /// Expects that every line is an event which encodes as it was, and the last one the verb's result.
    @discardableResult
    func run(_ words: String...) throws -> [Event] {
      let outcome = try atelier.run(words + ["--json"])
      #expect(outcome.status == 0 && outcome.err == "", "\(words): \(outcome.err)\(outcome.out.suffix(400))")
      let events = try EventTests.events(of: outcome.out)
      let ends = events.filter { ["finished", "failed"].contains($0.name) }
      guard ends.count == 1, let last = events.last, case .finished(let result) = last else {
        Issue.record("\(words) ends with \(outcome.out.suffix(400))")
        return events
      }
      #expect(!result.isStopped && words.joined(separator: " ").hasPrefix(EventTests.name(of: result).verb), "\(words)")
      results.insert(EventTests.name(of: result).full)
      return events
    }
  }

  private static func events(of text: String) throws -> [Event] {
    try text.split(separator: "\n").map { line in
      let event = try Event(json: String(line))
      #expect(event.json == line)
      return event
    }
  }

  /// "measure film", or "generate" for a verb with results of one kind.
  private static func name(of result: Event.Result) -> (verb: String, full: String) {
    let fields = try! JSONSerialization.jsonObject(with: Data(Event.finished(result).json.utf8)) as! [String: Any]
    let verb = fields["verb"] as! String
    return (verb, ([verb] + [fields["kind"] as? String].compactMap { $0 }).joined(separator: ": "))
  }

  private static let allResults = Set(
    Event.Result.verbs.flatMap { verb, kinds in kinds.isEmpty ? [verb] : kinds.map { "\(verb): \($0)" } })

  @Test func everyLineOfEveryVerb() throws {
    // Nothing is downloaded.
    try inFolder(["PIP_NO_INDEX": "1"]) { atelier in
      let teller = Teller(atelier)
      try generators(teller)
      try models(teller)
      try edits(teller)
      try films(teller)
      #expect(teller.results == Self.allResults)
    }
  }

  private func generators(_ teller: Teller) throws {
    let atelier = teller.atelier
    try teller.run("demo", "--minutes", "0.02")
    try teller.run("inspect", Binary.pictures, "--sheet", "inspected.png")
    let training = try teller.run(
      "train", Binary.pictures, "--run", "run", "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4",
      "--latent", "8", "--minutes", "0.03")
    #expect(
      Set(training.map(\.name)).isSuperset(of: [
        "progress", "packed", "chosen", "estimate", "started", "reading", "sample", "saved",
      ]))
    let made = try teller.run("generate", "run", "--seeds", "0-2", "--grid", "--interpolate", "0-1", "--out", "made")
    #expect(Set(made.map(\.name)).isSuperset(of: ["picture", "sheet", "interpolation"]))
    // A checkpoint that is passed over is told, too.
    try atelier.write(Data("half".utf8), to: "run/checkpoints/\(atelier.checkpoints("run").last!)")
    let noted = try teller.run("generate", "run", "--seeds", "3", "--out", "noted")
    #expect(noted.first?.name == "note")
    try teller.run("measure", Binary.pictures, "--against", Binary.pictures, "--size", "32")
    try teller.run(
      "compare", "run", "emoji", "--against", Binary.pictures, "--samples", "16", "--columns", "2", "--out", "both.png")
    try teller.run(
      "project", "emoji", "\(Binary.emoji)/\(Binary.someEmoji(1)[0])", "--steps", "2", "--tuning", "1", "--out",
      "projected")
    try teller.run("sliders", "emoji", "--count", "2", "--out", "sliders.png")
    try teller.run("reconstruct", "emoji-vae", Binary.pictures, "--count", "2", "--out", "again.png")
    try teller.run(
      "attribute", "emoji-vae", Binary.pictures, "--with", Binary.pictures, "--without", Self.scene, "--count", "1",
      "--out", "changed.png")
  }

  private func models(_ teller: Teller) throws {
    let network = SRVGGNetCompact(scale: 2, width: 4, depth: 1)
    var noise = Noise(seed: 1)
    network.initialize(&noise)
    try Safetensors.write(network.savedTensors, to: "\(teller.atelier.folder)/weights.safetensors")
    let names = try teller.run("models", "list").map(\.name)
    #expect(names.contains("model") && names.count > 5)
    try teller.run("models", "install", "efficientnet-lite0")
    try teller.run("models", "import", "weights.safetensors", "--as", "realesrgan", "--name", "tiny")
    try teller.run("models", "export", "run", "--name", "own")
    let small = SmallModels()
    try teller.run("models", "inspect", small.folder("sd1"))
    try teller.run("models", "add", small.folder("sd1"), "--name", "small")
    #expect(
      try teller.run("models", "list").contains {
        if case .model(let model) = $0 { model.state == .added } else { false }
      })
    try teller.run("recipes")
    try teller.run("recipes", "dense")
  }

  private func edits(_ teller: Teller) throws {
    let atelier = teller.atelier
    try Picture(width: 40, height: 30, of: .black).write("\(atelier.folder)/small.png")
    try atelier.make("some")
    for name in ["grey.png", "short.png"] { try atelier.copy("\(Self.fixtures)/\(name)", to: "some/\(name)") }
    let large = try teller.run("enlarge", "some", "--model", "tiny", "--out", "large")
    #expect(large.contains { $0.name == "leftOut" } && large.contains { $0.name == "progress" })
    try teller.run("vary", Self.scene, "--size", "32", "--seeds", "0-1", "--out", "varied")
    try teller.run("texture", Self.scene, "--size", "64x64", "--out", "texture.png")
    let mask = [UInt8](repeating: 0, count: 40 * 30).enumerated().map { i, _ in i % 40 == 20 ? 255 : UInt8(0) }
    try Picture(width: 40, height: 30, channels: 1, bytes: mask).write("\(atelier.folder)/mask.png")
    try teller.run("fill", "small.png", "--mask", "mask.png", "--out", "filled.png")
    for (method, out) in [("optimise", "optimised.png"), ("instant", "instant.png")] {
      try teller.run(
        "restyle", Self.scene, "--style", Self.style, "--method", method, "--network", "random", "--size", "64",
        "--steps", "1", "--out", out)
    }
    try teller.run("measure", "instant.png", "--content", Self.scene, "--style", Self.style)
  }

  private func films(_ teller: Teller) throws {
    let atelier = teller.atelier
    let film = try teller.run("film", "emoji", "--seconds", "1", "--rate", "8", "--size", "32", "--out", "film.mp4")
    #expect(film.contains { $0.name == "progress" })
    try atelier.pan("pan.mp4", frames: 4)
    try teller.run("restyle", "pan.mp4", "--style", Self.style, "--size", "64", "--out", "painted.mp4")
    try teller.run("inbetween", "pan.mp4", "--out", "smooth.mp4")
    try teller.run("vary", "pan.mp4", "--size", "48", "--out", "other.mp4")
    try teller.run("measure", "smooth.mp4")
    try atelier.make("walks")
    for i in 1...3 { try Picture(width: 32, height: 24, of: .black).write("\(atelier.folder)/walks/orc-\(i).png") }
    try teller.run("animate", "small.png", "--with", "walks/orc-1.png", "--out", "moved.gif")
    try teller.run("measure", "motion", "--against", "walks")
    try atelier.make("clips")
    try atelier.ffmpeg(["-i", Binary.bunny, "-vf", "scale=32:32", "-frames:v", "80", "clips/bunny.mp4"])
    try atelier.ffmpeg(["-i", Binary.bunny, "-vf", "scale=32:32,hflip", "-frames:v", "80", "clips/rabbit.mp4"])
    try teller.run(
      "train", "clips", "--recipe", "videogan", "--size", "16", "--batch", "2", "--pictures-seen", "2", "--run",
      "moving"
    )
    try teller.run("measure", "moving", "--against", "clips", "--samples", "16")
  }

  /// The lines in its blocks decode; every event, every verb and every kind of progress is among them.
  @Test func theDocumentShowsEachEvent() throws {
    let text = try String(contentsOfFile: Binary.root + "/docs/json.md", encoding: .utf8)
    let blocks = text.matches(of: /(?ms)^```json\n(.*?)^```$/).map { String($0.1) }
    let events = try blocks.flatMap { try Self.events(of: $0) }
    #expect(Set(events.map(\.name)) == Set(Event.names))
    let results = events.compactMap { event -> String? in
      if case .finished(let result) = event { Self.name(of: result).full } else { nil }
    }
    #expect(Set(results) == Self.allResults)
    // Each name and each field has words of its own.
    for name in Event.names { #expect(text.contains("`\(name)`"), "\(name)") }
    for work in Event.Work.allCases { #expect(text.contains("`\(work.rawValue)`"), "\(work.rawValue)") }
    for block in blocks {
      for line in block.split(separator: "\n") {
        let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        for field in fields.keys { #expect(text.contains("`\(field)`"), "\(field) of \(line)") }
      }
    }
  }

  @Test func whatFailsSaysSo() throws {
    try inFolder { atelier in
      for (words, status) in [
        (["inspect", "nowhere"], 66), (["generate"], 64), (["inspect", Binary.pictures, "--size", "x"], 64),
      ] {
        let outcome = try atelier.run(words + ["--json"])
        #expect(outcome.status == Int32(status) && !outcome.err.isEmpty)
        guard case .failed(let text, let code) = try #require(Self.events(of: outcome.out).last) else {
          Issue.record("\(words) ends with \(outcome.out)")
          continue
        }
        #expect(code == status && outcome.err.contains(text), "\(outcome.err)")
      }
    }
  }

  /// A full disk under standard output.
  @Test(.enabled(if: access("/dev/full", W_OK) == 0), arguments: [[], ["--json"]])
  func writingThatFailsIsSaid(_ more: [String]) throws {
    try inFolder { atelier in
      for words in [
        ["models", "list"], ["inspect", Binary.pictures], ["generate", "emoji", "--seeds", "0", "--out", "a"],
      ] {
        let outcome = try atelier.run(words + more, through: "exec >/dev/full;")
        #expect(
          outcome.err
            == "atelier: Standard output can't be written (No space left on device): send it elsewhere.\n")
        #expect(outcome.status == 74, "\(words)")
      }
      #expect(try atelier.run(["--help"], through: "exec >/dev/full;").status == 74)
    }
  }

  /// A reader that has seen enough.
  @Test func aClosedPipeIsNoFault() throws {
    try inFolder { atelier in
      let outcome = try atelier.run([], through: "\"$0\" inspect \(Binary.pictures) --json | head -n 1; exit;")
      #expect(outcome.status == 0 && outcome.err == "", "\(outcome.err)")
      #expect(try Self.events(of: outcome.out).count == 1)
    }
  }

  /// The disk fills up while it trains: what it has learnt is saved before it leaves.
  @Test func aTrainingThatCannotTellSavesFirst() throws {
    try inFolder { atelier in
      try atelier.make("disk")
      let shell = ["unshare", "-rm", "bash"], mount = "mount -t tmpfs -o size=4k tmpfs disk || exit 99;"
      guard try atelier.run(["--version"], through: mount, shell: shell).status == 0 else { return }
      // Some room is taken, so that it is soon full.
      let outcome = try atelier.run(
        [
          "train", Binary.pictures, "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4", "--latent",
          "8", "--minutes", "5", "--run", "run", "--json",
        ], through: mount + " head -c 1500 /dev/zero >disk/out; exec >>disk/out;", shell: shell)
      #expect(outcome.status == 74 && outcome.err.contains("No space left on device"), "\(outcome.err)")
      let newest = try #require(atelier.checkpoints("run").last)
      #expect(newest != "000000000000.safetensors")
    }
  }
}
