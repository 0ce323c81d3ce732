import Foundation
import Networks
import Torch

extension Loop {
  /// Gives all processes of the group the first one's state, before they run.
  ///
  /// - Throws: `LoopError.lost`.
  public func shareState() throws(LoopError) {
    guard let group else { return }
    let own = (try? JSONEncoder().encode(facts)).map { [UInt8]($0) } ?? []
    let said = group.spread(own)
    if let first = try? JSONDecoder().decode(Checkpoint.Facts.self, from: Data(said)) { facts = first }
    for (name, part) in recipe.saved.sorted(by: { $0.key < $1.key }) {
      // Of each a copy, since what is saved may be made for it.
      let tensors = part.savedTensors.mapValues { $0.detached().cloned() }
      for (_, tensor) in tensors.sorted(by: { $0.key < $1.key }) { group.spread(tensor) }
      try expectAll(group)
      do { if !group.isFirst { try part.restore(tensors) } } catch {
        preconditionFailure("\(name) of the first process doesn't fit: its settings are the same")
      }
    }
  }

  /// Trains with the other processes of a group: each makes its part of every batch's gradients, and all move their
  /// parameters by the same sums. What is a matter of time (how far the run is, when it stops) is what the first one says, which
  /// alone samples, reports and saves.
  ///
  /// A run that diverges isn't rolled back here: it ends with its last checkpoint.
  ///
  /// - Throws: `LoopError.lost` when another process is gone, on all that are left.
  func run(
    in group: ProcessGroup, report: (LoopEvent) -> Void, shouldStop: () -> Bool
  ) throws(LoopError) -> Ending {
    if facts.picturesSeen == 0 && group.isFirst {
      let needed = (plan.keep + 1) * Checkpoint.byteCount(of: recipe.saved)
      do { try Checkpoint.expectRoom(for: needed, in: folder) } catch { throw .checkpoint(error) }
      try keep(report)
    }
    var hasEnded = false
    for steps in 1... {
      let (progress, isStopped) = agreed(in: group, asked: shouldStop())
      try expectAll(group)
      hasEnded = progress.fraction >= 1
      if hasEnded || isStopped { break }
      let readings = step(at: progress)
      try expectAll(group)
      facts.picturesSeen += recipe.settings.batch
      facts.seconds = clock.seconds
      if steps % plan.checkSteps == 0 {
        let bad = readings.first { !($0.value.magnitude < 1e8) }
        guard group.summed([bad == nil ? 0 : 1])[0] == 0 else {
          throw .diverged(
            reason: bad.map { "\($0.name) was \($0.value)" } ?? "in another process", picturesSeen: facts.picturesSeen)
        }
      }
      guard group.isFirst else { continue }
      if clock.isDue(.report, every: plan.reportSeconds) {
        report(.reading(clock.report(facts, readings.map { Figure($0.name, $0.value) })))
      }
      if clock.isDue(.sample, every: plan.sampleSeconds), secondsASample != nil || canSample() { sample(report) }
      if clock.isDue(.save, every: plan.saveSeconds) { try keep(report) }
    }
    let ending: Ending = hasEnded ? .completed : .stopped
    if group.isFirst {
      try keep(report)
      if hasEnded || sheetIsQuick() { sample(report) }
      report(.finished(ending, clock.report(facts, [])))
    }
    group.wait()
    return ending
  }

  /// What the first process says of the run's progress, and whether any of them was asked to stop.
  private func agreed(in group: ProcessGroup, asked: Bool) -> (progress: Progress, isStopped: Bool) {
    let own = clock.progress(facts)
    let said =
      group.isFirst ? [own.fraction, Double(own.totalPictures), own.rateScale] : [Double](repeating: 0, count: 3)
    let all = group.summed(said + [asked ? 1 : 0])
    return (
      Progress(
        picturesSeen: facts.picturesSeen, fraction: all[0], totalPictures: Int(all[1]), rateScale: all[2]), all[3] > 0
    )
  }

  private func expectAll(_ group: ProcessGroup) throws(LoopError) {
    if let failure = group.failure { throw .lost(failure) }
  }

  /// Saves, where the state is good.
  private func keep(_ report: (LoopEvent) -> Void) throws(LoopError) {
    if let reason = notFinite { throw .diverged(reason: reason, picturesSeen: facts.picturesSeen) }
    try save(report)
  }
}
