import Foundation
import Models
import Torch
import Training

/// What the first process of a group tells the others before they train together.
struct SharedRun: Codable {
  let record: RunRecord
  let classes: PictureClasses?

  /// - Throws: `ProcessGroupError`.
  func spread(in group: ProcessGroup) throws {
    _ = group.spread([UInt8](try JSONEncoder().encode(self)))
    if let failure = group.failure { throw failure }
  }

  /// - Throws: `ProcessGroupError`, also where the first one ended before it came to training: it says why.
  init(from group: ProcessGroup) throws {
    let bytes = group.spread([])
    if let failure = group.failure { throw failure }
    self = try JSONDecoder().decode(SharedRun.self, from: Data(bytes))
  }

  init(_ record: RunRecord, _ classes: PictureClasses?) { (self.record, self.classes) = (record, classes) }
}

/// Trains in a group that another process leads: with its settings, on the same pictures at the same place, writing nothing but
/// the packed set.
///
/// - Throws: as `train`, and `ProcessGroupError`.
public func joinTraining(
  in group: ProcessGroup, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false }
) throws {
  let shared = try SharedRun(from: group), record = shared.record
  let isOfSequences = try recipe(named: record.recipe).material == .sequences
  func set(_ path: String, _ packing: Packing, _ hash: String) throws -> PictureSet {
    let packed =
      try isOfSequences
      ? packSequences(path, frame: record.frame, packing, in: workspace) : pack(path, packing, in: workspace)
    guard packed.hash == hash else { throw RunError.othersPictures(path) }
    return try PictureSet(path: packed.path)
  }
  let pictures = try set(record.pictures, record.packing, record.hash)
  let second = try record.towards.map { try set($0.pictures, $0.packing, $0.hash) }
  func join<R: Recipe>(_ type: R.Type) throws {
    let settings = try R.Settings(json: record.settings, recipe: R.name)
    var noise = Noise(seed: record.plan.seed)
    let recipe = try R(settings, noise: &noise, on: device)
    try Teachers(R.needs(settings), isNew: true, in: workspace) { _ in }.teach(recipe)
    if R.readsCaptions { recipe.take(captions: try captions(of: pictures, at: record.pictures, for: R.name) { _ in }) }
    let targets = try R.material.pairing.map {
      try Targets(second!, for: pictures, pairing: $0, seed: record.plan.seed)
    }
    let loop = Loop(
      recipe, on: pictures, towards: targets, classes: shared.classes, plan: record.plan, folder: "", device: device,
      group: group)
    try loop.trainTogether { try $0.run(shouldStop: shouldStop) }
  }
  try join(recipe(named: record.recipe))
}

extension Loop {
  /// Runs with the other processes, all from the first one's state, with statistics of their batches together.
  func trainTogether<Result>(_ run: (Loop) throws -> Result) throws -> Result {
    try shareState()
    ProcessGroup.current = group
    defer { ProcessGroup.current = nil }
    return try run(self)
  }
}
