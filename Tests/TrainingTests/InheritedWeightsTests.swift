import Foundation
import Networks
import TestSupport
import Testing
import Torch
@testable import Training

/// A run that begins with another's weights.
@Suite struct InheritedWeightsTests {
  /// A checkpoint of a toy, as a run or a publisher writes it.
  private func checkpoint(_ toy: Toy, published: Bool = false) throws -> (folder: String, checkpoint: Checkpoint) {
    let folder = temporaryPath("beginning")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let facts = Checkpoint.Facts(recipe: Toy.name, settings: toy.settings.json, seed: 0)
    let path = folder + "/1.safetensors"
    try Checkpoint.write(published ? toy.model.parts : toy.saved, facts: facts, to: path)
    return (folder, try Checkpoint(path: path))
  }

  @Test(arguments: [false, true])
  func allOfItsNetworksAreTaken(published: Bool) throws {
    let (old, new) = (Toy(seed: 1), Toy(seed: 2))
    // An average that isn't its network.
    withoutGradients { old.average.module.last.bias!.fill(0.5) }
    let (folder, checkpoint) = try checkpoint(old, published: published)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let beginning = checkpoint.begin(new.inherited)
    #expect(
      beginning.taken == beginning.all && beginning.all == 2 * old.painter.parameterCount && beginning.anew.isEmpty)
    #expect(new.inherited.keys.sorted() == ["painter", "painter.average"])
    // What is published has averages only, so networks begin with them.
    let wanted = published ? old.average.module : old.painter
    #expect(new.painter.last.bias!.isEqual(to: wanted.last.bias!))
    #expect(new.painter.first.weight.isEqual(to: old.painter.first.weight))
    #expect(new.painter.first.weight.requiresGradient)
    #expect(new.average.module.last.bias!.isEqual(to: old.average.module.last.bias!))
  }

  @Test func whatHasAnotherShapeBeginsAnew() throws {
    var settings = Toy.Settings()
    settings.size = 8
    let (old, new) = (Toy(seed: 1), Toy(settings, seed: 2))
    let before = new.painter.last.weight.cloned()
    let (folder, checkpoint) = try checkpoint(old)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let beginning = checkpoint.begin(["painter": new.painter])
    #expect(beginning.anew == ["painter/last.bias", "painter/last.weight"])
    #expect(beginning.taken == 4 * 16 + 16)
    #expect(new.painter.first.weight.isEqual(to: old.painter.first.weight))
    #expect(new.painter.last.weight.isEqual(to: before))
  }

  @Test func networksGetTheOthersShapeAndNothingElse() throws {
    var (old, new) = (Toy.Settings(), Toy.Settings())
    (old.widths, old.rate, old.size) = ([7], 0.5, 16)
    #expect(try new.shaped(like: old, recipe: Toy.name).widths == [7])
    new.widths = [1, 2]
    let shaped = try new.shaped(like: old, recipe: Toy.name)
    #expect(shaped.widths == [7, 2] && shaped.rate == new.rate && shaped.size == new.size)
  }
}
