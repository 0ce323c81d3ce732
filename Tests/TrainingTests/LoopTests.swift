import Foundation
import Testing
import Torch
import Training

@Suite struct LoopTests {
  private func loop(
    _ toy: Toy, pictures: Int, in folder: String, change: (inout Plan) -> Void = { _ in }
  ) -> Loop<Toy> {
    var plan = Plan(.pictures(pictures), seed: 5)
    plan.samples = 3
    change(&plan)
    return Loop(toy, on: toySet(), plan: plan, folder: folder)
  }

  @Test func tenStepsAreFiveSavedAndFiveMore() throws {
    try withFolder { folder in
      var settings = Toy.Settings()
      settings.mirror = true
      let whole = Toy(settings, seed: 1)
      try loop(whole, pictures: 80, in: folder + "/a").run()

      let first = Toy(settings, seed: 1)
      var steps = 0
      let ending = try loop(first, pictures: 80, in: folder + "/b").run(shouldStop: {
        steps += 1
        return steps > 5
      })
      #expect(ending == .stopped)
      let second = Toy(settings, seed: 99)
      let rest = loop(second, pictures: 80, in: folder + "/b")
      try rest.resume(#require(Checkpoint.latest(in: folder + "/b")))
      #expect(rest.facts.picturesSeen == 40)
      let end = try rest.run()
      #expect(end == .completed)
      #expect(areEqual(whole, second))
      #expect(!areEqual(first, second))
    }
  }

  @Test func aRunIsBroughtToItsEndAtAnyTime() throws {
    try withFolder { folder in
      // Stopped after 48 of 800 pictures, it ends by a third of that, from the fraction where rates fall.
      var steps = 0
      let first = loop(Toy(), pictures: 800, in: folder)
      try first.run(shouldStop: {
        steps += 1
        return steps > 6
      })
      #expect(first.facts.picturesSeen == 48)
      let plan = first.plan.ending(after: first.facts, hold: 0.5)
      #expect(plan.length == .pictures(64) && plan.end?.fraction == 0.5 && plan.end?.picturesSeen == 48)
      let toy = Toy()
      let rest = Loop(toy, on: toySet(), plan: plan, folder: folder)
      try rest.resume(#require(Checkpoint.latest(in: folder)))
      let ending = try rest.run()
      #expect(ending == .completed && rest.facts.picturesSeen == 64 && toy.fractions == [0.5, 0.75])
      // One that is further goes on from where it is, and takes the length that it is given.
      let late = Plan(.pictures(64)).ending(after: first.facts, hold: 0.5, in: .pictures(148))
      #expect(late.end?.fraction == 0.75 && late.length == .pictures(148))
      // By time, too.
      var facts = first.facts
      facts.seconds = 90
      #expect(Plan(.minutes(60)).ending(after: facts, hold: 0.5).length == .minutes(2))
    }
  }

  @Test func theLoopTellsWhatItDoes() throws {
    try withFolder { folder in
      var told: [String] = []
      var last: Report?
      try loop(Toy(), pictures: 400, in: folder, change: { $0.reportSeconds = 0 }).run { event in
        switch event {
        case .reading(let report):
          #expect(report.figures.map(\.name) == ["loss"])
          last = report
          if told.last != "reading" { told.append("reading") }
        case .sample(let pictures, _, let seen):
          #expect(pictures.shape == [3, 1, 4, 4] && seen == 400)
          told.append("sample")
        case .saved(let path, _):
          #expect(FileManager.default.fileExists(atPath: path))
          told.append("saved")
        case .rolledBack: told.append("rolled back")
        case .finished(let ending, let report):
          #expect(ending == .completed && report.fraction == 1 && report.picturesSeen == 400)
          told.append("finished")
        }
      }
      #expect(told == ["saved", "reading", "sample", "saved", "finished"])
      #expect(last!.picturesPerSecond > 0 && last!.fraction == 1)
    }
  }

  @Test func minutesEndTheRun() throws {
    try withFolder { folder in
      let started = Date()
      var plan = Plan(.minutes(0.5 / 60))
      plan.saveSeconds = 0.1
      let loop = Loop(Toy(), on: toySet(), plan: plan, folder: folder)
      let ending = try loop.run()
      #expect(ending == .completed)
      #expect(Date().timeIntervalSince(started) >= 0.5)
      #expect(loop.facts.seconds >= 0.4 && loop.facts.picturesSeen > 0)
      #expect(Checkpoint.files(in: folder).count == 3)
    }
  }

  @Test func divergenceGoesBackWithAHalvedRate() throws {
    try withFolder { folder in
      var settings = Toy.Settings()
      settings.spoilAt = 160
      let toy = Toy(settings)
      let loop = loop(toy, pictures: 400, in: folder, change: { $0.checkSteps = 4 })
      var rolled: [(reason: String, to: Int)] = []
      let ending = try loop.run { if case .rolledBack(let reason, let to) = $0 { rolled.append((reason, to)) } }
      #expect(ending == .completed)
      #expect(rolled.count == 1 && rolled[0].to == 0 && rolled[0].reason == "loss was nan")
      #expect(loop.facts.rollbacks == 1 && loop.facts.rateScale == 0.5)
      #expect(toy.rates.first == 0.01 && toy.rates.last == 0.005)
      #expect(toy.painter.last.weight.allFinite)
    }
  }

  /// A run that ends right after a roll back was rolled back once.
  @Test func aRollBackAtTheEndIsOne() throws {
    try withFolder { folder in
      var settings = Toy.Settings()
      settings.spoilAt = 16
      let loop = loop(Toy(settings), pictures: 400, in: folder, change: { $0.checkSteps = 2 })
      var rolled = 0
      let ending = try loop.run(
        report: { if case .rolledBack = $0 { rolled += 1 } }, shouldStop: { rolled > 0 })
      #expect(ending == .stopped && rolled == 1)
      #expect(loop.facts.rollbacks == 1 && loop.facts.rateScale == 0.5)
    }
  }

  /// Who stops a run has its state at once: a sheet follows where it takes a moment, and none where pictures take long.
  @Test(arguments: [0, 0.2]) func aStopSavesFirst(slowness: Double) throws {
    try withFolder { folder in
      var settings = Toy.Settings()
      settings.slowness = slowness
      var told: [String] = []
      var steps = 0
      let loop = loop(
        Toy(settings), pictures: 8000, in: folder, change: { ($0.sampleSeconds, $0.reportSeconds) = (600, 600) })
      let ending = try loop.run { event in
        switch event {
        case .sample: told.append("sample")
        case .saved: told.append("saved")
        default: break
        }
      } shouldStop: {
        steps += 1
        return steps > 5
      }
      #expect(ending == .stopped)
      #expect(told == (slowness == 0 ? ["saved", "saved", "sample"] : ["saved", "saved"]))
    }
  }

  @Test func noCheckpointHoldsNaN() throws {
    try withFolder { folder in
      // The last step spoils the weights after its loss was computed.
      var settings = Toy.Settings()
      settings.spoilAt = 72
      let toy = Toy(settings)
      var reasons: [String] = []
      try loop(toy, pictures: 80, in: folder).run { if case .rolledBack(let reason, _) = $0 { reasons.append(reason) } }
      #expect(reasons.count == 1 && reasons[0].hasPrefix("painter/last.weight"))
      let kept = try #require(Checkpoint.latest(in: folder))
      #expect(kept.tensors.values.allSatisfy { $0.allFinite })
    }
  }

  @Test func itGivesUpAfterThreeRollbacks() throws {
    try withFolder { folder in
      var settings = Toy.Settings()
      (settings.spoilAt, settings.spoilings) = (16, 99)
      let loop = loop(Toy(settings), pictures: 80, in: folder, change: { $0.checkSteps = 2 })
      #expect(throws: LoopError.self) { try loop.run() }
      #expect(loop.facts.rollbacks == 3)
      let kept = try #require(Checkpoint.latest(in: folder))
      #expect(kept.tensors.values.allSatisfy { $0.allFinite })
    }
  }

  @Test func aPictureIsTheSameInAnyBatch() {
    let toy = Toy()
    let all = toy.model.sample(seeds: [0, 1, 2, 3, 4, 5, 6])
    for seed in 0..<7 {
      #expect(toy.model.sample(seeds: [UInt64(seed)]).rawBytes == all[seed..<seed + 1].rawBytes)
    }
  }
}
