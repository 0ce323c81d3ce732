import Foundation
import Evaluation
import Models
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// The generator that comes with Atelier, and its negatives.
@Suite struct BestKeeperTests {
  @Test func theBestCheckpointIsKeptAndTaken() throws {
    let studio = try Studio()
    let packed = try pack("\(Checkout.root)/Examples/emoji", Packing(size: 64), in: studio.workspace)
    let checkpoint = try Checkpoint(path: "\(Checkout.root)/Examples/models/emoji.safetensors")
    let model = try #require(model(of: checkpoint, on: .cpu) as? R3GANModel)
    let run = studio.root + "/run"
    func keeper() throws -> BestKeeper {
      try #require(
        try BestKeeper(model, set: PictureSet(path: packed.path), at: packed.path, folder: run, firstLook: 0) {
          // Colours in their places are enough of an eye for this.
          FeatureNet(named: "colours", dimensions: 192, side: 8) { ($0 / 128 - 1).flattened(from: 1) }
        })
    }
    func save(_ pictures: Int) throws -> String {
      var facts = checkpoint.facts
      facts.picturesSeen = pictures
      return try Checkpoint.save(model.parts, facts: facts, to: run + "/checkpoints", keep: 1)
    }
    func taken() throws -> Int { try Generator(run, in: studio.workspace).facts.picturesSeen }

    var watch = try keeper()
    #expect(watch.saved(try save(0), picturesSeen: 0) == nil)
    let first = try #require(watch.saved(save(1000), picturesSeen: 1000))
    #expect(first.isBest && watch.best == first.quality)
    #expect(try taken() == 1000)
    // Saved again at the end of a run: nothing new to look at.
    #expect(try watch.saved(save(1000), picturesSeen: 1000) == nil && watch.finished() == nil)
    // No worse after more pictures: the later one is taken. Looks cost time, so this one is another keeper's.
    watch = try keeper()
    let second = try #require(watch.saved(save(2000), picturesSeen: 2000))
    #expect(second.isBest && second.quality.kid == first.quality.kid)
    #expect(try taken() == 2000)

    // Negatives.
    for (name, tensor) in model.generator.module.state where name.contains(".head.") {
      withoutGradients { tensor.copy(from: -tensor) }
    }
    for i in 3...8 {
      watch = try keeper()
      #expect(!watch.isOnlyWorse)
      let worse = try #require(watch.saved(save(1000 * i), picturesSeen: 1000 * i))
      #expect(!worse.isBest && worse.quality.kid > 2 * first.quality.kid + 1)
      #expect(watch.isOnlyWorse == (i >= 7))
      if watch.isOnlyWorse { break }
    }
    // Only one checkpoint is left beside it, and the best one is still there.
    #expect(Checkpoint.files(in: run + "/checkpoints").count == 1)
    #expect(try taken() == 2000)
    #expect(try keeper().best == second.quality)
    // A best one that was damaged since: the newest of the others.
    let best = try #require(Checkpoint.files(in: run + "/best").first)
    try Data("no".utf8).write(to: URL(filePath: best))
    #expect(try taken() == 7000)
  }

  /// Where the eye's weights can't be had, a run goes on as if nothing had been asked.
  @Test func withoutAnEyeNothingIsMeasured() throws {
    let studio = try Studio()
    let checkpoint = try Checkpoint(path: "\(Checkout.root)/Examples/models/emoji.safetensors")
    let set = PictureSet(Tensor.zeros([16, 3, 64, 64]).to(.uint8))
    let watch = try #require(
      try BestKeeper(
        model(of: checkpoint, on: .cpu) as? any PictureModel, set: set, at: studio.root + "/set.safetensors",
        folder: studio.root,
        firstLook: 0
      ) {
        throw RunError.noPictures
      })
    #expect(watch.saved("nowhere", picturesSeen: 5) == nil && watch.finished() == nil && watch.best == nil)
  }
}
