import Foundation
import Media
import Models
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

@Suite final class GenerateTests {
  private let folder = temporaryPath("generate")
  private let workspace: Workspace

  init() throws {
    workspace = Workspace(folder + "/workspace")
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.width, settings.latent) = (32, 4, 8)
    var noise = Noise(seed: 5)
    let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
    let facts = Checkpoint.Facts(recipe: "dcgan", settings: settings.json, seed: 5)
    try Checkpoint.save(recipe.saved, facts: facts, to: workspace.runs + "/birds/checkpoints")
    try FileManager.default.createDirectory(atPath: workspace.models, withIntermediateDirectories: true)
    try Checkpoint.write(recipe.model.parts, facts: facts, to: workspace.models + "/small.safetensors")
  }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func out(_ name: String) -> String { "\(folder)/\(name)" }
  private func file(_ path: String) throws -> [UInt8] {
    Array(try #require(FileManager.default.contents(atPath: path), "no file \(path)"))
  }

  @Test func aSeedsPictureIsTheSameInWhateverBatch() throws {
    let generator = try Generator("birds", in: workspace)
    var written: [MadeFile] = []
    try generate(GenerateRequest(seeds: Seeds("0-20"), out: out("many")), with: generator) {
      if case .made(let file) = $0 { written.append(file) }
    }
    #expect(written.map(\.seed) == (0...20).map { UInt64($0) })
    try generate(GenerateRequest(seeds: Seeds("17"), out: out("one")), with: generator)
    #expect(try file(out("many/seed-0017.png")) == file(out("one/seed-0017.png")))
    #expect(try file(out("many/seed-0016.png")) != file(out("many/seed-0017.png")))
  }

  /// A run's settings say how its pictures were cut: where they can't be read, others aren't taken in their place.
  @Test func damagedSettingsOfARunAreSaid() throws {
    let generator = try Generator("birds", in: workspace)
    let path = workspace.runs + "/birds/settings.json"
    // A single checkpoint or a model has none.
    #expect(try packing(of: generator, size: 32, channels: 3, crop: nil).crop == .centre)
    try AtomicFile.write("{\"format\":", to: path)
    #expect(throws: RunError.damaged(path: path)) { try packing(of: generator, size: 32, channels: 3, crop: nil) }
    var said: [String] = []
    try generate(
      GenerateRequest(seeds: Seeds("0"), out: out("damaged")), with: generator, copiesIn: workspace
    ) {
      if case .note(let words) = $0 { said.append(words) }
    }
    #expect(said.count == 1 && said[0].hasPrefix("Copies aren't looked for"), "\(said)")
    #expect(throws: RunError.taken(folder: path)) { try requested(path, in: workspace, isNew: true) }
  }

  @Test func aPublishedGeneratorMakesItsRunsPictures() throws {
    try generate(GenerateRequest(seeds: Seeds("3"), out: out("run")), with: Generator("birds", in: workspace))
    try generate(GenerateRequest(seeds: Seeds("3"), out: out("model")), with: Generator("small", in: workspace))
    let a = try Picture.load(out("run/seed-0003.png")), b = try Picture.load(out("model/seed-0003.png"))
    #expect(a.bytes == b.bytes)
  }

  @Test func eachFileSaysHowItWasMade() throws {
    let generator = try Generator(workspace.runs + "/birds", in: workspace)
    var request = GenerateRequest(seeds: try Seeds("7,9"), out: out("said"))
    (request.grid, request.truncation) = (true, 0.5)
    try generate(request, with: generator)
    let words = Dictionary(uniqueKeysWithValues: try #require(PNG.text(file(out("said/seed-0007.png")))))
    #expect(words["Seed"] == "7")
    #expect(words["Recipe"] == "dcgan")
    #expect(words["Run"] == "birds", "and not where it lies")
    #expect(words["Truncation"] == "0.5")
    #expect(try words["Checkpoint"] == "sha256:" + Digest.sha256(file: generator.path))
    #expect(words["Settings"]?.contains("\"width\":4") == true)
    #expect(words["Software"]?.hasPrefix("Atelier ") == true)
    let type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    #expect(words["XML:com.adobe.xmp"]?.contains("Iptc4xmpExt:DigitalSourceType=\"\(type)\"") == true)
    #expect(try PNG.text(file(out("said/sheet.png")))?.contains { $0.key == "XML:com.adobe.xmp" } == true)
  }

  /// The run's pictures are emoji, and in one case what it makes itself.
  @Test(arguments: [false, true]) func copiesOfWhatItLearnedFromAreTold(copies: Bool) throws {
    let generator = try Generator("birds", in: workspace)
    let pictures = out("learned")
    try generate(GenerateRequest(seeds: Seeds("7"), out: out("own")), with: generator)
    try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
    let emoji = Checkout.emoji
    for name in try FileManager.default.contentsOfDirectory(atPath: emoji).sorted().prefix(100)
      .enumerated().filter({ $0.offset % 3 == 0 }).map(\.element)
    {
      try FileManager.default.copyItem(atPath: "\(emoji)/\(name)", toPath: "\(pictures)/\(name)")
    }
    if copies {
      try FileManager.default.copyItem(atPath: out("own/seed-0007.png"), toPath: "\(pictures)/mine.png")
    }
    let packing = Packing(size: 32)
    let packed = try pack(pictures, packing, in: workspace)
    try RunRecord(
      recipe: "dcgan", settings: "{}", plan: Plan(.pictures(1)), pictures: pictures, packed, packing
    ).write(to: workspace.runs + "/birds")
    var found: [FoundCopy] = []
    let made = try generate(
      GenerateRequest(seeds: Seeds("6-8"), out: out("made")), with: generator, copiesIn: workspace
    ) { if case .copy(let copy) = $0 { found.append(copy) } }
    #expect(made.copies == found.count && made.pictures == 3)
    #expect(found.contains { $0.seed == 7 && $0.of == "mine.png" && $0.residue < 0.01 } == copies)
    if !copies { #expect(found.isEmpty) }
    // Beside the set, so that the next time is quick; what a copy is was measured only where there may be one.
    func isKept(_ what: String) -> Bool {
      FileManager.default.fileExists(atPath: packed.path.replacing(".safetensors", with: what))
    }
    #expect(isKept("-grids.safetensors") && (isKept("-copies.json") || !copies))
  }

  @Test func theSheetHoldsThePictures() throws {
    let generator = try Generator("birds", in: workspace)
    var request = GenerateRequest(seeds: try Seeds("0-4"), out: out("grid"))
    request.grid = true
    try generate(request, with: generator)
    let sheet = try Picture.load(out("grid/sheet.png")), fifth = try Picture.load(out("grid/seed-0004.png"))
    // Three columns; the fifth picture is in the middle of the second row.
    for (x, y) in [(0, 0), (31, 31), (16, 9)] {
      #expect(sheet[2 + 34 + x, 2 + 34 + y].elementsEqual(fifth[x, y]))
    }
  }

  @Test func aWalkBeginsAndEndsAtItsSeeds() throws {
    let birds = try Generator("birds", in: workspace)
    let model = try #require(birds.model as? DCGANModel)
    let walk = interpolated(model, birds, from: 3, to: 8, steps: 5)
    #expect(walk[0] == Picture(model.sample(seeds: [3])[0]))
    #expect(walk[4] == Picture(model.sample(seeds: [8])[0]))
    #expect(Set(walk.map(\.bytes)).count == 5)
    // Standing still is a walk, too.
    #expect(Set(interpolated(model, birds, from: 3, to: 3, steps: 3).map(\.bytes)).count == 1)
    var request = GenerateRequest(seeds: try Seeds("0"), out: out("walk"))
    (request.interpolate, request.steps) = (try SeedPairs("3-8,8-3"), 5)
    try generate(request, with: Generator("birds", in: workspace))
    let sheet = try Picture.load(out("walk/interpolation.png"))
    #expect(sheet.width == 2 + 5 * 34 && sheet.height == 2 + 2 * 34)
  }

  @Test func truncationShrinksVariety() throws {
    let generator = try Generator("birds", in: workspace)
    func spread(_ truncation: Double?, _ name: String) throws -> Double {
      var request = GenerateRequest(seeds: try Seeds("0-7"), out: out(name))
      request.truncation = truncation
      try generate(request, with: generator)
      let pictures = try (0..<8).map { try Picture.load(out("\(name)/seed-000\($0).png")).tensor.to(.float32) }
      return Tensor.stacked(pictures).std(dims: [0]).mean().item()
    }
    let all = try spread(nil, "all")
    #expect(try spread(1, "unchanged") == all)
    #expect(try spread(0.3, "less") < all)
    #expect(try spread(0, "none") == 0)
  }

  @Test func r3ganTruncatesItsStyles() throws {
    var settings = R3GANSettings()
    (settings.size, settings.latent, settings.wSize) = (32, 8, 12)
    (settings.widths, settings.discriminatorWidths) = ([16, 12, 8], [16, 12, 8])
    (settings.blocks, settings.discriminatorBlocks) = ([1, 1, 1], [1, 1, 1])
    var noise = Noise(seed: 5)
    let recipe = try R3GANRecipe(settings, noise: &noise, on: .cpu)
    let latents = recipe.model.latents(seeds: [0, 1, 2, 3])
    let all = recipe.model.sample(latents: latents)
    func spread(_ pictures: Tensor) -> Double { pictures.std(dims: [0]).mean().item() }
    #expect(recipe.model.sample(latents: latents, truncation: 1).isEqual(to: all))
    let less = spread(recipe.model.sample(latents: latents, truncation: 0.5))
    #expect(less < 0.8 * spread(all) && less > 0.2 * spread(all))
    // All are the middle; a row's sum may be rounded otherwise than another's.
    #expect(spread(recipe.model.sample(latents: latents, truncation: 0)) < 1e-6)
  }

  @Test func nothingIsReplacedUnasked() throws {
    let generator = try Generator("birds", in: workspace)
    var request = GenerateRequest(seeds: try Seeds("0-1"), out: out("twice"))
    try generate(request, with: generator)
    request.seeds = try Seeds("1-2")
    #expect(throws: FileError.exists(path: out("twice/seed-0001.png"))) { try generate(request, with: generator) }
    #expect(access(out("twice/seed-0002.png"), F_OK) != 0, "nothing is written before all is known to be new")
    request.force = true
    try generate(request, with: generator)
    #expect(access(out("twice/seed-0002.png"), F_OK) == 0)
  }

  @Test func saysWhatIsNoGenerator() throws {
    #expect(throws: GeneratorError.missing("nothing")) { try Generator("nothing", in: workspace) }
    #expect(throws: GeneratorError.noRun(folder)) { try Generator(folder, in: workspace) }
    let newest = try #require(Checkpoint.files(in: workspace.runs + "/birds/checkpoints").last)
    try Data("damaged".utf8).write(to: URL(fileURLWithPath: newest))
    var skipped = 0
    #expect(throws: GeneratorError.damaged(workspace.runs + "/birds")) {
      try Generator("birds", in: workspace) { _ in skipped += 1 }
    }
    #expect(skipped == 1)
  }

  @Test func refusesImpossibleRequests() throws {
    let generator = try Generator("birds", in: workspace)
    var request = GenerateRequest(seeds: try Seeds("0"), out: out("bad"))
    request.truncation = 1.5
    #expect(throws: GenerateError.badTruncation(1.5)) { try generate(request, with: generator) }
    (request.truncation, request.steps) = (nil, 1)
    #expect(throws: GenerateError.badSteps(1)) { try generate(request, with: generator) }
  }

  @Test func aSheetShowsAsManyAsFit() {
    // 40 pixels a side hold three by three of 10.
    for (count, step) in [(9, 1), (10, 2), (18, 2), (100, 12)] {
      var sheet = SeedSheet(of: count, like: Picture(width: 10, height: 10, of: .white), on: .white, pixels: 1600)
      for i in 0..<count {
        sheet.add(Picture(width: 10, height: 10, channels: 1, bytes: [UInt8](repeating: UInt8(i), count: 100)))
      }
      let drawn = sheet.painter.drawn
      #expect(drawn.width <= 40 && drawn.height <= 40)
      #expect(drawn[2, 2].first == 0 && drawn[14, 2].first == UInt8(step))
      let words = step == 1 ? nil : "one of every \(step) of \(count) pictures"
      #expect(sheet.shows == words)
    }
  }

  @Test func refusesSheetsThatWouldBeTooLarge() throws {
    let generator = try Generator("birds", in: workspace)
    var request = GenerateRequest(seeds: try Seeds("0"), out: out("large"))
    (request.interpolate, request.steps) = (try SeedPairs("0-1"), 1000)
    #expect(throws: GenerateError.walkTooLong(1000, size: 32, most: 481)) { try generate(request, with: generator) }
    request.interpolate = try SeedPairs([String](repeating: "0-1", count: 482).joined(separator: ","))
    request.steps = 8
    #expect(throws: GenerateError.tooManyWalks(482, steps: 8, size: 32, most: 481)) {
      try generate(request, with: generator)
    }
    #expect(access(out("large"), F_OK) != 0, "before anything is made")
    (request.interpolate, request.map) = (nil, 100)
    try checkSheets(of: 80, for: request)
    #expect(throws: GenerateError.mapTooLarge(100, size: 256, most: 31)) { try checkSheets(of: 256, for: request) }
    (request.map, request.mix) = (nil, (try Seeds("0-999"), try Seeds("0-999")))
    #expect(throws: GenerateError.mixTooLarge(1000, 1000, size: 32, most: 234)) {
      try checkSheets(of: 32, for: request)
    }
    request.mix = (try Seeds("0-233"), try Seeds("0-233"))
    try checkSheets(of: 32, for: request)
    #expect(GenerateError.mixTooLarge(1, 1, size: 1, most: 1).exit == .usage)
  }
}
