import Networks
import Torch

/// Trains a recipe on a set of pictures: plain synchronous code on one thread.
///
/// It counts pictures, draws a fresh noise each step, reports, samples, saves, and stops; a run that is resumed from a
/// checkpoint goes on to the bit when its length is in pictures. Every `checkSteps` steps, and before each save, the
/// readings must be finite, so that a checkpoint is always good; else the last one is taken up again with the learning
/// rate halved.
public final class Loop<R: Recipe> {
  public let recipe: R
  public let plan: Plan
  public internal(set) var facts: Checkpoint.Facts
  private let set: PictureSet
  private var targets: Targets?
  private let device: Device
  /// Where checkpoints go.
  let folder: String
  private var order: EpochOrder
  /// Of all pictures, where the recipe was told of classes.
  private let labels: [Int]?
  var clock: Clock
  /// Seconds that one of the last sheet's pictures took; nil before the first sheet.
  public private(set) var secondsASample: Double?
  private static var mostRollbacks: Int { 3 }
  /// The processes that train the model together, where there are others.
  public let group: ProcessGroup?

  /// - Parameters:
  ///   - targets: the second set, of a recipe that learns from two.
  ///   - classes: the pictures', where they aren't their folders.
  ///   - folder: for checkpoints; is made when it isn't there.
  public init(
    _ recipe: R, on set: PictureSet, towards targets: Targets? = nil, classes: PictureClasses? = nil, plan: Plan,
    folder: String, device: Device = .cpu, group: ProcessGroup? = nil
  ) {
    precondition(
      (targets != nil) == (R.material.pairing != nil), "a recipe for two sets needs a second set, others none")
    precondition(
      R.material != .sequences || !set.sequences.isEmpty, "a recipe of motion needs a set of sequences")
    (self.recipe, self.set, self.plan, self.folder, self.device) = (recipe, set, plan, folder, device)
    (self.targets, self.group) = (targets, group)
    labels = recipe.classes.isEmpty ? nil : (classes ?? PictureClasses(of: set.names)).labels(in: recipe.classes)
    facts = Checkpoint.Facts(recipe: R.name, settings: recipe.settings.json, seed: plan.seed)
    clock = Clock(plan, facts)
    order = EpochOrder(count: targets?.first.count ?? set.count, seed: plan.seed)
  }

  /// Takes up a checkpoint's state.
  ///
  /// - Throws: `CheckpointError.doesNotFit`.
  public func resume(_ checkpoint: Checkpoint) throws(CheckpointError) {
    try checkpoint.restore(into: recipe.saved)
    let settings = facts.settings
    facts = checkpoint.facts
    facts.settings = settings
  }

  /// Trains until the plan's length is reached or `shouldStop`, which is asked before each step.
  ///
  /// - Throws: `LoopError` when a checkpoint can't be written, or after divergence that halving the rate didn't cure.
  @discardableResult
  public func run(
    report: (LoopEvent) -> Void = { _ in }, shouldStop: () -> Bool = { false }
  ) throws(LoopError) -> Ending {
    Memory.keepFreed()
    clock = Clock(plan, facts)
    if let group { return try run(in: group, report: report, shouldStop: shouldStop) }
    // At once, so that a folder that can't be written to shows now, and a roll back always has a place to go.
    if facts.picturesSeen == 0 {
      let needed = (plan.keep + 1) * Checkpoint.byteCount(of: recipe.saved)
      do { try Checkpoint.expectRoom(for: needed, in: folder) } catch { throw .checkpoint(error) }
      try save(report)
    }
    var wasStopped = false
    repeat {
      var readings: [Reading] = []
      for steps in 1... {
        wasStopped = shouldStop()
        guard clock.fraction(facts) < 1, !wasStopped else { break }
        readings = step()
        if steps % plan.checkSteps == 0, try !look(at: &readings, report) { continue }
        try doWhatIsDue(&readings, report)
      }
      guard try look(at: &readings, report) else { continue }
      if wasStopped {
        // Who stops a run waits for its state, and not for a sheet that takes long.
        if try save(report), sheetIsQuick() { sample(report) }
        break
      }
      sample(report)
      if try save(report) { break }
    } while !wasStopped
    let ending: Ending = clock.fraction(facts) < 1 ? .stopped : .completed
    report(.finished(ending, clock.report(facts, [])))
    return ending
  }

  /// One update of the recipe.
  private func step() -> [Reading] {
    let readings = step(at: clock.progress(facts))
    facts.picturesSeen += recipe.settings.batch
    facts.seconds = clock.seconds
    return readings
  }

  func step(at progress: Progress) -> [Reading] {
    var noise = Noise(seed: plan.seed, at: facts.picturesSeen)
    let indices = order.indices(after: facts.picturesSeen, batch: recipe.settings.batch)
    let mirrored = recipe.mirrors ? noise.bernoulli(0.5, [indices.count]).bools : []
    let batch: Batch
    if R.material == .sequences {
      let draw = recipe.draw
      let (numbers, times) = set.examples(of: indices, draw, noise: &noise)
      let alike = mirrored.flatMap { [Bool](repeating: $0, count: draw.count) }
      batch = Batch(pictures: set.batch(numbers, mirrored: alike, on: device), indices: numbers, times: times)
    } else {
      batch =
        targets?.batch(
          set, indices, after: facts.picturesSeen, mirrored: mirrored, noise: &noise, on: device)
        ?? Batch(
          pictures: set.batch(indices, mirrored: mirrored, on: device), indices: indices,
          labels: labels.map { labels in indices.map { labels[$0] } })
    }
    guard let group else { return recipe.step(batch, noise: &noise, at: progress) }
    let share = BatchShare(of: group, whole: recipe.settings.batch)
    noise.share = share
    return recipe.step(batch.part(share), noise: &noise, at: progress)
  }

  /// Reports, samples and saves when it is time to.
  private func doWhatIsDue(_ readings: inout [Reading], _ report: (LoopEvent) -> Void) throws(LoopError) {
    if clock.isDue(.report, every: plan.reportSeconds) {
      guard try look(at: &readings, report) else { return }
      report(.reading(clock.report(facts, readings.map { Figure($0.name, $0.value) })))
    }
    if clock.isDue(.sample, every: plan.sampleSeconds), secondsASample != nil || canSample() { sample(report) }
    if clock.isDue(.save, every: plan.saveSeconds) { try save(report) }
  }

  /// Whether there is time for a first sheet: one picture of it tells what a sheet takes.
  func canSample() -> Bool {
    guard plan.samples > 0, let sampler = recipe.sampler else { return true }
    let began = clock.seconds
    withoutGradients { _ = sampler.sample(seeds: [0]) }
    secondsASample = clock.seconds - began
    clock.note(.sample, took: clock.seconds - began)
    clock.noteAside(since: began)
    return clock.seconds - began < 0.05
  }

  /// Whether a sheet takes no more than a moment, as far as that is known.
  func sheetIsQuick() -> Bool {
    if secondsASample == nil, recipe.sampler != nil, !canSample() { return false }
    let expected = secondsASample.map { $0 * Double(sheet) } ?? clock.cost(of: .sample) ?? 0
    return expected < 2
  }

  /// Pictures on a sheet: fewer where they take long, so that a short run isn't eaten by looking at itself.
  private var sheet: Int {
    guard let each = secondsASample, Double(plan.samples) * each > clock.whole(facts) * Clock.share else {
      return plan.samples
    }
    return min(plan.samples, 16)
  }

  func sample(_ report: (LoopEvent) -> Void) {
    guard plan.samples > 0 else { return }
    let began = clock.seconds
    defer {
      clock.note(.sample, took: clock.seconds - began)
      clock.noteAside(since: began)
    }
    withoutGradients {
      if let sampler = recipe.sampler {
        let count = sheet
        let pictures = sampler.sample(seeds: (0..<count).map(UInt64.init))
        secondsASample = (clock.seconds - began) / Double(count)
        return report(.sample(pictures, columns: nil, picturesSeen: facts.picturesSeen))
      }
      let rows = recipe.rows(of: Shown(set: set, targets: targets))
      guard let first = rows.first else { return }
      report(.sample(Tensor.concatenated(rows), columns: first.size(0), picturesSeen: facts.picturesSeen))
    }
  }

  /// - Returns: whether the state was good; else the loop is back at the last checkpoint.
  @discardableResult
  func save(_ report: (LoopEvent) -> Void) throws(LoopError) -> Bool {
    let start = clock.seconds
    defer { clock.noteAside(since: start) }
    // The step before this may have been the first bad one, with losses from before its update.
    if let reason = notFinite {
      try rollBack(reason, report)
      return false
    }
    do {
      let began = clock.seconds
      let path = try Checkpoint.save(recipe.saved, facts: facts, to: folder, keep: plan.keep)
      clock.note(.save, took: clock.seconds - began)
      report(.saved(path: path, picturesSeen: facts.picturesSeen))
    } catch { throw .checkpoint(error) }
    return true
  }

  /// What of the state isn't a number, in words.
  var notFinite: String? {
    for (name, part) in recipe.saved {
      for (key, tensor) in part.savedTensors where tensor.dtype.isFloatingPoint && !tensor.allFinite {
        return "\(name)/\(key) isn't finite"
      }
    }
    return nil
  }

  /// Whether training goes on well; else the loop is back at the last checkpoint.
  ///
  /// - Parameter readings: none after a roll back: those were of the state that was left.
  private func look(at readings: inout [Reading], _ report: (LoopEvent) -> Void) throws(LoopError) -> Bool {
    // No loss or penalty comes near this in a run that learns something.
    guard let bad = readings.first(where: { !($0.value.magnitude < 1e8) }) else { return true }
    readings = []
    try rollBack("\(bad.name) was \(bad.value)", report)
    return false
  }

  /// Takes up the last good checkpoint, with the learning rate halved.
  private func rollBack(_ reason: String, _ report: (LoopEvent) -> Void) throws(LoopError) {
    guard facts.rollbacks < Self.mostRollbacks, let good = Checkpoint.latest(in: folder) else {
      throw .diverged(reason: reason, picturesSeen: facts.picturesSeen)
    }
    let (scale, rollbacks) = (facts.rateScale / 2, facts.rollbacks + 1)
    do { try resume(good) } catch { throw .checkpoint(error) }
    (facts.rateScale, facts.rollbacks, facts.seconds) = (scale, rollbacks, clock.seconds)
    report(.rolledBack(reason: reason, to: facts.picturesSeen))
  }
}
