import Foundation
import Testing
import Torch
import Training

@Suite struct CheckpointTests {
  private func facts(_ pictures: Int) -> Checkpoint.Facts {
    var facts = Checkpoint.Facts(recipe: "toy", settings: Toy.Settings().json, seed: .max)
    (facts.picturesSeen, facts.seconds, facts.rateScale, facts.rollbacks) = (pictures, 12.5, 0.25, 2)
    return facts
  }

  @Test func aCheckpointIsReadAsItWasWritten() throws {
    try withFolder { folder in
      let toy = Toy(seed: 1), other = Toy(seed: 2)
      let path = try Checkpoint.save(toy.saved, facts: facts(640), to: folder)
      #expect(path == folder + "/000000000640.safetensors")
      let checkpoint = try Checkpoint(path: path)
      #expect(checkpoint.facts == facts(640))
      #expect(!areEqual(toy, other))
      try checkpoint.restore(into: other.saved)
      #expect(areEqual(toy, other))
    }
  }

  @Test func onlyTheNewestAreKept() throws {
    try withFolder { folder in
      let toy = Toy()
      for pictures in [8, 16, 24, 32] { try Checkpoint.save(toy.saved, facts: facts(pictures), to: folder, keep: 2) }
      #expect(Checkpoint.files(in: folder).map { Int($0.suffix(24).prefix(12))! } == [24, 32])
      // Going on from 24 after a roll back leaves 32, which is newer, to be overwritten.
      try Checkpoint.save(toy.saved, facts: facts(24), to: folder, keep: 2)
      #expect(Checkpoint.files(in: folder).count == 2)
    }
  }

  @Test func damagedCheckpointsAreSkipped() throws {
    try withFolder { folder in
      let toy = Toy()
      for pictures in [8, 16, 24] { try Checkpoint.save(toy.saved, facts: facts(pictures), to: folder) }
      let files = Checkpoint.files(in: folder)
      truncate(files[2], 1000)
      try Data(repeating: 0, count: 4096).write(to: URL(fileURLWithPath: files[1]))
      var skipped: [CheckpointError] = []
      let latest = Checkpoint.latest(in: folder) { skipped.append($0) }
      #expect(latest?.facts.picturesSeen == 8)
      #expect(skipped.count == 2 && skipped[0].sentence.contains("000000000024.safetensors"))
      #expect(Checkpoint.latest(in: folder + "/nowhere") == nil)
    }
  }

  @Test func whatAKilledSaveLeftIsPassedOverAndDeleted() throws {
    try withFolder { folder in
      try Checkpoint.save(Toy().saved, facts: facts(8), to: folder)
      let half = try Data(contentsOf: URL(fileURLWithPath: Checkpoint.files(in: folder)[0])).prefix(2000)
      try half.write(to: URL(fileURLWithPath: folder + "/000000000016.safetensors.4711.partial"))
      #expect(Checkpoint.latest(in: folder)?.facts.picturesSeen == 8)
      try Checkpoint.save(Toy().saved, facts: facts(16), to: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { $0.hasSuffix(".safetensors") })
    }
  }

  @Test func anotherShapeDoesNotFit() throws {
    try withFolder { folder in
      let checkpoint = try Checkpoint(path: Checkpoint.save(Toy().saved, facts: facts(0), to: folder))
      var settings = Toy.Settings()
      settings.widths = [17]
      let wider = Toy(settings), before = Toy(settings)
      #expect(throws: CheckpointError.self) { try checkpoint.restore(into: wider.saved) }
      #expect(areEqual(wider, before))
    }
  }

  @Test func aFullDiskIsToldBeforeWriting() throws {
    try withFolder { folder in
      #expect(Checkpoint.byteCount(of: Toy().saved) == 4 * (4 * (4 * 16 + 16 + 16 * 16 + 16) + 4))
      do throws(CheckpointError) {
        try Checkpoint.expectRoom(for: 1 << 60, in: folder)
        Issue.record("there was room for an exabyte")
      } catch {
        #expect(error.exit == .cannotCreate)
        #expect(error.sentence.hasPrefix("Checkpoints need 1152921504 GB"))
      }
    }
  }

  @Test func aFolderThatIsAFileIsRefused() throws {
    try withFolder { folder in
      try Data().write(to: URL(fileURLWithPath: folder + "/file"))
      #expect(throws: CheckpointError.self) {
        try Checkpoint.save(Toy().saved, facts: facts(0), to: folder + "/file/checkpoints")
      }
      #expect(throws: RunLockError.self) { _ = try RunLock(folder: folder + "/file/run") }
    }
  }

  @Test func aRunIsLockedOnce() throws {
    try withFolder { folder in
      var lock: RunLock? = try RunLock(folder: folder + "/run")
      do throws(RunLockError) {
        _ = try RunLock(folder: folder + "/run")
        Issue.record("the folder was taken twice")
      } catch {
        #expect(error.sentence.hasPrefix("Process \(getpid()) is training in"))
        #expect(error.exit == .unavailable)
      }
      // A process that is being started has every file until it runs its program.
      let files = FileManager.default, all = "/proc/self/fd"
      let own = try files.contentsOfDirectory(atPath: all).filter {
        (try? files.destinationOfSymbolicLink(atPath: "\(all)/\($0)"))?.hasSuffix("\(folder)/run/run.lock") ?? false
      }
      let kept = dup(try #require(own.first.flatMap { Int32($0) }))
      defer { close(kept) }
      withExtendedLifetime(lock) {}
      lock = nil
      _ = try RunLock(folder: folder + "/run")
    }
  }
}
