import Foundation
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// Trains a recipe on pictures to the end at once, and in two parts with a checkpoint between: all of its state must be the
/// same to the bit, wherever the cut is.
///
/// - Parameters:
///   - pictures: to see in all.
///   - cuts: pictures after which the first part ends.
/// - Returns: the recipe that was trained at once.
@discardableResult
func expectResumesExactly<R: Recipe>(
  _ set: PictureSet, pictures: Int, cuts: [Int], at location: SourceLocation = #_sourceLocation,
  _ make: () throws -> R
) throws -> R {
  let folder = temporaryPath("resuming")
  defer { try? FileManager.default.removeItem(atPath: folder) }
  func trained(to count: Int, _ name: String, from saved: Checkpoint? = nil) throws -> R {
    let recipe = try make()
    var plan = Plan(.pictures(pictures), seed: 1)
    plan.samples = 0
    let loop = Loop(recipe, on: set, plan: plan, folder: "\(folder)/\(name)")
    if let saved { try loop.resume(saved) }
    try loop.run { _ in
    } shouldStop: {
      loop.facts.picturesSeen >= count
    }
    return recipe
  }
  let whole = try trained(to: pictures, "whole")
  for cut in cuts {
    _ = try trained(to: cut, "part-\(cut)")
    let good = try #require(Checkpoint.latest(in: "\(folder)/part-\(cut)"), sourceLocation: location)
    let rest = try trained(to: pictures, "rest-\(cut)", from: good)
    for (name, part) in whole.saved {
      for (key, tensor) in part.savedTensors {
        #expect(
          tensor.isEqual(to: rest.saved[name]!.savedTensors[key]!), "\(name)/\(key) after \(cut)",
          sourceLocation: location)
      }
    }
  }
  return whole
}
