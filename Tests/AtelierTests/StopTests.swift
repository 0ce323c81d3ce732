import Foundation
import Testing
import Torch
import Training

/// Stopping at any moment, and going on.
@Suite struct StopTests {
  /// A training that goes on until it is stopped.
  private static let endless = [
    "train", Binary.pictures, "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4", "--latent", "8",
    "--run", "run", "--json",
  ]

  @Test(arguments: [SIGINT, SIGTERM])
  func theFirstSignalSavesAndLeaves(_ signal: Int32) throws {
    try inFolder { atelier in
      let training = try atelier.start(Self.endless + ["--minutes", "10"])
      try training.wait { training.output.contains("\"event\":\"reading\"") }
      training.send(signal)
      let outcome = try training.finish(seconds: 60)
      #expect(outcome.status == 128 + signal, "130 or 143")
      #expect(outcome.err == "\nStopping: saving first. Once more stops at once.\n")
      let last = try #require(outcome.lines().last)
      #expect(last["event"] as? String == "finished" && last["ending"] as? String == "stopped")
      // The checkpoint is that of the last step.
      let newest = try #require(Checkpoint.latest(in: "\(atelier.folder)/run/checkpoints"))
      #expect(newest.facts.picturesSeen == last["picturesSeen"] as? Int && newest.facts.picturesSeen > 0)
      #expect(try atelier.run("generate", "run", "--seeds", "0", "--out", "made").status == 0)
    }
  }

  @Test func theSecondSignalStopsAtOnce() throws {
    try inFolder { atelier in
      // 64 pictures a step at 128 px take seconds, so the second signal arrives before the step has ended.
      let training = try atelier.start([
        "train", Binary.pictures, "--recipe", "dcgan", "--size", "128", "--width", "16", "--batch", "128", "--run",
        "run",
        "--minutes", "10", "--json",
      ])
      try training.wait { training.output.contains("\"event\":\"saved\"") }
      usleep(300_000)
      training.send(SIGINT)
      usleep(50_000)
      training.send(SIGINT)
      let outcome = try training.finish(seconds: 60)
      #expect(outcome.status == 130)
      #expect(!outcome.out.contains("\"event\":\"finished\""))
      #expect(Checkpoint.latest(in: "\(atelier.folder)/run/checkpoints") != nil)
    }
  }

  /// Killed while it saves after every step: whatever moment it was, a checkpoint loads, and training goes on.
  @Test func aKillAtAnyMomentLeavesACheckpoint() throws {
    try inFolder { atelier in
      var seen = 0
      for attempt in 0..<8 {
        let begin = attempt == 0 ? Self.endless : ["train", "--resume", "--run", "run", "--json"]
        let training = try atelier.start(begin + ["--minutes", "10", "--save-every", "0"])
        try training.wait {
          training.output.components(separatedBy: "\"event\":\"saved\"").count > 3
        }
        usleep(UInt32(attempt * 7_000 % 23_000))
        training.send(SIGKILL)
        let outcome = try training.finish(seconds: 60)
        #expect(outcome.status == 1000 + SIGKILL, "\(outcome.err)")
        var damaged = 0
        let folder = "\(atelier.folder)/run/checkpoints"
        let newest = try #require(Checkpoint.latest(in: folder) { _ in damaged += 1 })
        #expect(damaged == 0, "a file under a checkpoint's name is always whole")
        #expect(newest.facts.picturesSeen > seen)
        seen = newest.facts.picturesSeen
      }
      #expect(try atelier.run("generate", "run", "--seeds", "0-3", "--out", "made").status == 0)
    }
  }

  /// Ten steps in one process equal some steps, a stop, and the rest in a new process: every tensor, to the bit.
  @Test(arguments: ["float32", "bfloat16"]) func aResumedRunIsTheSameToTheBit(_ precision: String) throws {
    try inFolder { atelier in
      let settings = [
        "train", Binary.pictures, "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4", "--latent", "8",
        "--seed", "11", "--precision", precision,
      ]
      #expect(try atelier.run(settings + ["--run", "whole", "--pictures-seen", "40"]).status == 0)
      #expect(try atelier.run(settings + ["--run", "parts", "--pictures-seen", "20"]).status == 0)
      let resumed = try atelier.run("train", "--resume", "--run", "parts", "--pictures-seen", "40")
      #expect(resumed.status == 0 && resumed.out.contains("Going on after 20 pictures"), "\(resumed.err)")
      let a = try #require(Checkpoint.latest(in: "\(atelier.folder)/whole/checkpoints"))
      let b = try #require(Checkpoint.latest(in: "\(atelier.folder)/parts/checkpoints"))
      #expect(a.facts.picturesSeen == 40 && b.facts.picturesSeen == 40)
      #expect(Set(a.tensors.keys) == Set(b.tensors.keys) && !a.tensors.isEmpty)
      for (name, tensor) in a.tensors {
        let same = tensor.isEqual(to: b.tensors[name]!)
        #expect(same, "\(name)")
      }
    }
  }
}
