import Foundation
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// Trains a recipe on pictures to the end at once, and in parts with a checkpoint between each two: all of its state must be the
/// same to the bit.
///
/// - Parameters:
///   - pictures: to see in all.
///   - cuts: pictures after which a part ends, rising.
/// - Returns: the recipe that was trained at once.
@discardableResult
func expectResumesExactly<R: Recipe>(
  _ set: PictureSet, pictures: Int, cuts: [Int], at location: SourceLocation = #_sourceLocation,
  _ make: () throws -> R
) throws -> R {
  let folder = temporaryPath("resuming")
  defer { try? FileManager.default.removeItem(atPath: folder) }
  /// - Parameter part: counts from 0; each goes on from the checkpoint of the one before.
  func trained(to count: Int, _ name: String, part: Int = 0) throws -> R {
    let recipe = try make()
    var plan = Plan(.pictures(pictures), seed: 1)
    plan.samples = 0
    let loop = Loop(recipe, on: set, plan: plan, folder: "\(folder)/\(name)-\(part)")
    if part > 0 {
      try loop.resume(#require(Checkpoint.latest(in: "\(folder)/\(name)-\(part - 1)"), sourceLocation: location))
    }
    try loop.run { _ in
    } shouldStop: {
      loop.facts.picturesSeen >= count
    }
    return recipe
  }
  let whole = try trained(to: pictures, "whole")
  var last = whole
  for (part, end) in (cuts + [pictures]).enumerated() { last = try trained(to: end, "part", part: part) }
  for (name, part) in whole.saved {
    for (key, tensor) in part.savedTensors {
      #expect(tensor.isEqual(to: last.saved[name]!.savedTensors[key]!), "\(name)/\(key)", sourceLocation: location)
    }
  }
  return whole
}
