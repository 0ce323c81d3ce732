import Foundation
import Media
import TestSupport
import Testing
import Torch

@testable import LargeModels
@testable import Workshop

/// Films that large models draw by words.
@Suite(.serialized) struct LargeFilmTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures"
  private let small = SmallModels()
  private let quick = ["--steps", "3", "--sampler", "euler", "--precision", "float32"]

  private func frame(_ atelier: Binary, _ folder: String, _ i: Int) throws -> Picture {
    try Picture.load("\(atelier.folder)/\(folder)/frame-\(String(format: "%06d", i)).png")
  }

  /// Features of words are mixed; noise is one's own.
  @Test(arguments: ["sd1", "xl"]) func wordsTravel(_ kind: String) throws {
    let pipeline = try DrawingPipeline(LargeModel(small.folder(kind)), precision: .float32)
    var request = DrawingRequest(prompt: "a cat")
    (request.steps, request.size, request.sampler) = (3, (64, 64), .euler)
    let first = try pipeline.draw(request, seed: 3)
    request.towards = ("a dog in a hat", 0)
    // Three texts are encoded in place of two: the order of sums.
    expectClose(try pipeline.draw(request, seed: 3), first, "begin", tolerance: 1e-4)
    request.towards = ("a dog in a hat", 0.5)
    let middle = try pipeline.draw(request, seed: 3)
    request.towards = ("a dog in a hat", 1)
    let last = try pipeline.draw(request, seed: 3)
    (request.prompt, request.towards) = ("a dog in a hat", nil)
    let second = try pipeline.draw(request, seed: 3)
    expectClose(last, second, "end", tolerance: 1e-4)
    let (ab, am, mb) = (abs(first - second).mean(), abs(first - middle).mean(), abs(middle - second).mean())
    #expect(am.item() > 0 && mb.item() > 0 && max(am.item(), mb.item()) < 1.5 * ab.item(), "\(ab) \(am) \(mb)")
    request.noise = pipeline.noise(of: request, seed: 3)
    #expect(try pipeline.draw(request, seed: 3).isEqual(to: second))
    request.noise = pipeline.noise(of: request, seed: 4)
    #expect(try !pipeline.draw(request, seed: 3).isEqual(to: second))
  }

  /// A key's frame is the picture that `generate` makes of its words and seed.
  @Test func keysAreTheirPictures() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1")
      try atelier.write(Data("a cat\na dog in a hat\n".utf8), to: "prompts.txt")
      let common = ["film", model, "--prompts", "prompts.txt", "--seconds", "1", "--rate", "6", "--size", "64"] + quick
      let made = try atelier.run(common + ["--seeds", "3,8", "--path", "sphere", "--out", "film/", "--json"])
      #expect(made.status == 0, "\(made.err)")
      #expect(try made.lines().last?["frames"] as? Int == 6)
      for (i, words, seed) in [(0, "a cat", "3"), (3, "a dog in a hat", "8")] {
        let drawn = try atelier.run(
          ["generate", model, "--prompt", words, "--seeds", seed, "--size", "64", "--out", "drawn\(i)"] + quick)
        #expect(drawn.status == 0, "\(drawn.err)")
        #expect(try frame(atelier, "film", i) == Picture.load("\(atelier.folder)/drawn\(i)/seed-000\(seed).png"))
      }
      // Between them it changes at each frame, and a loop comes back.
      let all = try (0..<6).map { try frame(atelier, "film", $0) }
      for i in 0..<6 { #expect(all[i] != all[(i + 1) % 6]) }
      // The same film from a timeline; one seed is the film's own.
      let yaml = """
        seconds: 1
        rate: 6
        path: sphere
        prompt: a cat
        keys: [{seed: 3, prompt: a cat}, {seed: 8, prompt: a dog in a hat}]
        """
      try atelier.write(Data(yaml.utf8), to: "film.yaml")
      let again = try atelier.run(
        ["film", model, "--timeline", "film.yaml", "--size", "64", "--out", "again/"] + quick)
      #expect(again.status == 0, "\(again.err)")
      for i in 0..<6 { #expect(try frame(atelier, "again", i) == all[i]) }
      // A film and a sheet; by chance where there are no keys.
      let clip = try atelier.run(
        [
          "film", model, "--prompt", "a cat", "--seconds", "0.5", "--rate", "8", "--size", "64", "--canvas", "64x48",
          "--out",
          "clip.mp4",
        ] + quick)
      #expect(clip.status == 0, "\(clip.err)")
      let reader = try ClipReader("\(atelier.folder)/clip.mp4")
      #expect(reader.facts.width == 64 && reader.facts.height == 48)
      let sheet = try atelier.run(
        ["film", model, "--prompt", "a cat", "--preview", "--size", "64", "--out", "sheet.png", "--steps", "1"])
      #expect(sheet.status == 0 && atelier.has("sheet.png"), "\(sheet.err)")
    }
  }

  /// The first frame is the picture; a stop and --resume give the same frames as one go.
  @Test func framesFollowFromAPicture() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1")
      try Picture.load("\(Self.fixtures)/parrot.png", Decoding()).resampled(width: 96, height: 64).write(
        "\(atelier.folder)/parrot.png", text: [])
      let yaml = """
        seconds: 2
        rate: 10
        tracks: {zoom: [{at: 0, value: 1}, {at: 2, value: 2}], turn: [{at: 0, value: 0}, {at: 2, value: 30}]}
        keys: [{prompt: a bird}, {prompt: a fish}]
        """
      try atelier.write(Data(yaml.utf8), to: "zoom.yaml")
      let common =
        ["film", model, "--begin", "parrot.png", "--timeline", "zoom.yaml", "--size", "80", "--strength", "0.5"] + quick
      let made = try atelier.run(common + ["--out", "film/", "--json"])
      #expect(made.status == 0, "\(made.err)")
      #expect(try made.lines().last?["frames"] as? Int == 20)
      let first = try frame(atelier, "film", 0)
      // As many pixels as the model was trained on, at the picture's shape, then --size.
      #expect(first.width == 80 && abs(first.height - 53) <= 3, "\(first.width) \(first.height)")
      let own = try Picture.load("\(atelier.folder)/parrot.png").resampled(width: first.width, height: first.height)
      // Smaller and larger again.
      #expect(abs(own.unit() - first.unit()).mean().item() < 0.05)
      #expect(try frame(atelier, "film", 1) != first)

      let running = try atelier.start(common + ["--out", "stopped/", "--json"])
      try running.wait { atelier.has("stopped/frame-000003.png") }
      running.send(SIGINT)
      let stopped = try running.finish()
      #expect(stopped.status == 130, "\(stopped.err)")
      #expect(!atelier.has("stopped/frame-000019.png"))
      let resumed = try atelier.run(common + ["--out", "stopped/", "--resume"])
      #expect(resumed.status == 0, "\(resumed.err)")
      for i in 0..<20 { #expect(try frame(atelier, "stopped", i) == frame(atelier, "film", i), "\(i)") }
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(atelier.folder)/stopped")
      #expect(left.allSatisfy { $0.hasPrefix("frame-") }, "\(left)")
    }
  }

  /// In a film's file, of which two seconds are written at once: killed in the third, it goes on with what it kept.
  @Test func aKilledFilmGoesOn() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), parrot = "\(Self.fixtures)/parrot.png"
      let common =
        [
          "film", model, "--begin", parrot, "--prompt", "a bird", "--seconds", "8", "--rate", "6", "--size", "64",
          "--canvas",
          "64x48", "--strength", "0.5", "--codec", "h264",
        ] + quick
      let made = try atelier.run(common + ["--out", "whole.mp4"])
      #expect(made.status == 0 && (made.out + made.err).contains("its middle is the first frame"), "\(made.err)")
      let running = try atelier.start(common + ["--out", "killed.mp4", "--json"])
      // Its first part is there; three more are to be made. Progress is told now and then, not of each frame.
      let files = FileManager.default
      try running.wait {
        let folder = try? files.contentsOfDirectory(atPath: atelier.folder).first { $0.hasSuffix(".unfinished") }
        return folder.map { atelier.has("\($0)/part-000000.mkv") } ?? false
      }
      running.send(SIGKILL)
      _ = try running.finish()
      #expect(!atelier.has("killed.mp4"))
      let resumed = try atelier.run(common + ["--out", "killed.mp4", "--resume"])
      #expect(resumed.status == 0, "\(resumed.err)")
      func frames(_ name: String) throws -> [Picture] {
        let reader = try ClipReader("\(atelier.folder)/\(name)")
        var all: [Picture] = []
        while let frame = reader.next() { all.append(frame.picture) }
        return all
      }
      let whole = try frames("whole.mp4")
      #expect(try whole.count == 48 && frames("killed.mp4") == whole)
    }
  }

  /// A step of the camera seen from where it was is the same as seeing the picture from where it is.
  @Test func stepsOfTheCameraAddUp() {
    var bytes: [UInt8] = []
    for y in 0..<120 {
      for x in 0..<160 { bytes.append(UInt8(127.5 + 60 * sin(Double(x) / 17) + 60 * cos(Double(y) / 13))) }
    }
    let picture = Picture(width: 160, height: 120, channels: 1, bytes: bytes).signed(channels: 1, on: .cpu)[0]
    let camera = Camera(width: 160, height: 120, keepsPixels: false)
    func view(_ picture: Tensor, _ m: FilmMoment) -> Tensor {
      camera.view(picture, zoom: m.zoom, x: m.x, y: m.y, turn: m.turn)
    }
    var before = FilmMoment(place: 0), after = FilmMoment(place: 0)
    (before.zoom, before.x, before.y, before.turn) = (1.2, 0.05, -0.03, 20)
    (after.zoom, after.x, after.y, after.turn) = (1.5, 0.08, 0.02, 35)
    let once = view(picture, after)
    let twice = view(view(picture, before), after.since(before, ratio: 0.75))
    func middle(_ x: Tensor) -> Tensor { x.narrowed(dim: 1, from: 30, count: 60).narrowed(dim: 2, from: 40, count: 80) }
    // Resampled twice.
    #expect(abs(middle(once) - middle(twice)).max().item() < 0.02)
    #expect(abs(middle(once) - middle(picture)).max().item() > 0.2)
  }

  @Test func whatAFilmByWordsCantHaveIsSaid() throws {
    try inFolder { atelier in
      let model = try small.folder("sd1"), parrot = "\(Self.fixtures)/parrot.png"
      for (name, text) in [
        ("truncated", "prompt: a\ntracks: {truncation: 0.5}"),
        ("faded", "path: fade\nkeys: [{prompt: a}, {prompt: b}]"),
        ("seeded", "keys: [{prompt: a, seed: 3}, {prompt: b}]"), ("half", "keys: [{prompt: a}, {seed: 3}]"),
        ("looped", "prompt: a\nloop: true"),
      ] { try atelier.write(Data(text.utf8), to: "\(name).yaml") }
      try atelier.write(Data("a\nb\n".utf8), to: "prompts.txt")
      let film = ["film", model, "--out", "x.mp4", "--seconds", "1"]
      let begin = film + ["--begin", parrot]
      for (words, status, sentence) in [
        (film, 64, "say what by --prompt"), (film + ["--timeline", "half.yaml"], 64, "say what by --prompt"),
        (film + ["--timeline", "truncated.yaml"], 64, "has no truncation"),
        (film + ["--timeline", "faded.yaml"], 64, "fade"),
        (begin + ["--timeline", "seeded.yaml"], 64, "have no seeds"),
        (begin + ["--timeline", "looped.yaml"], 64, "doesn't come back"),
        (begin + ["--prompt", "a", "--seeds", "1,2"], 64, "--seeds would change nothing with --begin"),
        (begin + ["--prompt", "a", "--preview"], 64, "--preview would change nothing with --begin"),
        (begin + ["--prompt", "a", "--strength", "0"], 64, "--strength can't be 0"),
        (begin + ["--prompt", "a", "--strength", "0.01"], 64, "none is left"),
        (film + ["--prompt", "a", "--strength", "0.3"], 64, "--strength would change nothing without --begin"),
        (film + ["--prompt", "a", "--truncation", "0.3"], 64, "--truncation would change nothing"),
        (film + ["--prompt", "a", "--enlarge", "2"], 64, "--enlarge would change nothing"),
        (film + ["--prompt", "a", "--shard", "1/2"], 64, "--shard would change nothing"),
        (film + ["--prompt", "a", "--join"], 64, "--join would change nothing"),
        (film + ["--prompt", "a", "--canvas", "60x64"], 64, "use multiples of 8"),
        (film + ["--prompts", "prompts.txt", "--seeds", "1-3"], 64, "give a seed for each prompt"),
        (film + ["--prompts", "prompts.txt", "--prompt", "c"], 64, "--prompt would change nothing with --prompts"),
        (film + ["--prompts", "none.txt"], 66, "none.txt"),
        (film + ["--prompt", "a", "--begin", "none.png"], 66, "none.png"),
        (["film", "emoji", "--out", "x.mp4", "--prompt", "a"], 64, "--prompt would change nothing for emoji"),
        (["film", "emoji", "--out", "x.mp4", "--begin", parrot], 64, "--begin would change nothing for emoji"),
        (["film", "emoji", "--out", "x.mp4", "--timeline", "looped.yaml"], 64, "draws by none"),
        (["film", "emoji", "--out", "x.mp4", "--timeline", "half.yaml"], 64, "draws by none"),
      ] as [([String], Int32, String)] {
        let refused = try atelier.run(words)
        #expect(
          refused.status == status && refused.err.contains(sentence), "\(words): \(refused.status) \(refused.err)")
        #expect(!atelier.has("x.mp4"))
      }
    }
  }
}
