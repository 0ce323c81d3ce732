import Files
import Foundation
import StudioTestSupport
import Testing

@testable import Jobs

/// The queue with the real command line and the real supervisor.
@Suite(.serialized) struct QueueTests {
  let flags: [String: Set<String>] = ["generate": ["force"], "train": ["resume"]]

  func queue(_ workspace: String, places: Int = 1) throws -> Queue {
    var settings = Queue.Settings(workspace: workspace, atelier: Programs.atelier, supervisor: Programs.studio)
    (settings.places, settings.flags) = (places, flags)
    return try Queue(settings)
  }

  /// Ticks until the job is so, or a minute is over.
  func follow(_ queue: Queue, _ id: String, until isSo: (JobView) -> Bool) async throws -> JobView {
    _ = try await wait(seconds: 90) {
      await queue.tick()
      let view = try await queue.job(id)
      return isSo(view) || view.state.hasEnded
    }
    return try await queue.job(id)
  }

  /// Trains on forty pictures in `folder`.
  func train(_ queue: Queue, in folder: String, minutes: String = "5") async throws -> JobView {
    let pictures = folder + "/pictures"
    try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
    for (name, path) in try Programs.emoji(40) {
      try FileManager.default.createSymbolicLink(atPath: "\(pictures)/\(name)", withDestinationPath: path)
    }
    return try await queue.add(["train"]) { _ in
      [
        pictures, "--recipe", "dcgan", "--size", "32", "--minutes", minutes, "--save-every", "1", "--no-best",
        "--batch", "4", "--width", "4",
      ]
    }
  }

  @Test func runsVerbsAndKeepsWhatTheyTell() async throws {
    try await withFolder { folder in
      let queue = try self.queue(folder)
      // Names that a shell would run, and that look like options.
      let good = try await queue.add(["generate"]) { ["emoji", "--seeds", "3,4", "--out", $0 + "/$(touch hacked);-i"] }
      let bad = try await queue.add(["generate"]) { ["nothing-of-that-name", "--out", $0] }
      let done = try await follow(queue, good.id) { $0.state.hasEnded }
      #expect(done.state == .done && done.attempts == 1)
      #expect(done.story.made.map(\.seed) == [3, 4])
      #expect(done.story.made.allSatisfy { $0.path.hasPrefix(folder + "/jobs/\(good.id)/made/$(touch hacked);-i/") })
      let refused = try await follow(queue, bad.id) { $0.state.hasEnded }
      #expect(refused.state == .refused && refused.attempts == 1)
      #expect(refused.reason?.contains("nothing-of-that-name") == true)
      // A queue that begins anew finds the same.
      let again = try self.queue(folder)
      #expect(await again.jobs == queue.jobs)
    }
  }

  @Test func holdsMovesStopsAndGoesOnWithATraining() async throws {
    try await withFolder { folder in
      let queue = try self.queue(folder)
      let first = try await train(queue, in: folder)
      let second = try await queue.add(["recipes"]) { _ in [] }
      let third = try await queue.add(["recipes"]) { _ in ["dcgan"] }
      try await queue.pause(third.id)
      try await queue.move(third.id, before: second.id)
      #expect(await queue.jobs.map(\.id) == [first.id, third.id, second.id])
      var training = try await follow(queue, first.id) { $0.story.saved > 0 && $0.story.reading != nil }
      #expect(training.state == .running && training.story.reading != nil)

      // Standing still, it gives its place to the next that isn't held.
      try await queue.pause(first.id)
      #expect(try await follow(queue, first.id) { $0.state == .paused }.state == .paused)
      #expect(try await follow(queue, second.id) { $0.state.hasEnded }.state == .done)
      #expect(try await queue.job(third.id).state == .held)
      try await queue.goOn(third.id)
      #expect(try await follow(queue, third.id) { $0.state.hasEnded }.state == .done)

      try await queue.stop(first.id)
      training = try await follow(queue, first.id) { $0.state.hasEnded }
      #expect(training.state == .stopped)
      let run = try #require(training.story.run)
      try await queue.retry(first.id)
      training = try await follow(queue, first.id) {
        $0.attempts == 2 && $0.state == .running && $0.story.reading != nil
      }
      #expect(training.attempts == 2 && training.story.run == run)
      #expect(
        JobFolder("\(folder)/jobs/\(first.id)").attempts.last?.start?.words.prefix(4) == [
          "train", "--resume", "--run", run,
        ])
      await #expect(throws: JobError.notNow("go on", state: .running)) { try await queue.goOn(first.id) }
      try await queue.stop(first.id)
      #expect(try await follow(queue, first.id) { $0.state.hasEnded }.state == .stopped)
    }
  }

  /// A job that is killed is tried again from its checkpoint, once; then it is set aside and the next one goes on.
  @Test func setsAsideWhatFailsTwice() async throws {
    try await withFolder { folder in
      let queue = try self.queue(folder)
      let first = try await train(queue, in: folder), second = try await queue.add(["recipes"]) { _ in [] }
      for attempt in 1...2 {
        let view = try await follow(queue, first.id) {
          $0.attempts == attempt && $0.state == .running && $0.story.saved >= attempt
        }
        #expect(view.attempts == attempt)
        kill(try #require(JobFolder("\(folder)/jobs/\(first.id)").attempts.last?.process?.pid), SIGKILL)
      }
      let aside = try await follow(queue, first.id) { $0.state.hasEnded }
      #expect(aside.state == .setAside && aside.attempts == 2)
      #expect(aside.reason?.contains("memory") == true)
      #expect(try await follow(queue, second.id) { $0.state.hasEnded }.state == .done)
    }
  }

  /// The server and the supervisor are killed at once: the verb goes on, and a new queue finds it.
  @Test func findsAJobAgainWhoseServerAndSupervisorWereKilled() async throws {
    try await withFolder { folder in
      let before = try self.queue(folder)
      let first = try await train(before, in: folder, minutes: "0.05")
      _ = try await follow(before, first.id) { $0.state == .running && $0.story.reading != nil }
      let attempt = try #require(JobFolder("\(folder)/jobs/\(first.id)").attempts.last)
      attempt.supervisor?.send(SIGKILL)
      let queue = try self.queue(folder)
      #expect([.running, .done].contains(try await queue.job(first.id).state))
      let done = try await follow(queue, first.id) { $0.state.hasEnded }
      #expect(done.state == .done && done.attempts == 1)
      #expect(done.story.result?["ending"]?.string == "completed")
    }
  }

  /// What a crash of the machine leaves: no process, no exit.json, half a line.
  @Test func goesOnAfterACrashOfTheMachine() async throws {
    try await withFolder { folder in
      let job = Job(verb: ["recipes"], arguments: ["dcgan"], order: 1)
      let jobFolder = JobFolder("\(folder)/jobs/\(job.id)")
      try AtomicFile.makeFolder(jobFolder.made)
      try jobFolder.write(job)
      let attempt = try jobFolder.begin(["recipes", "dcgan", "--json"], number: 1)
      try Data(#"{"event":"note","text":"before"}"#.utf8 + [10] + #"{"event":"no"#.utf8).write(
        to: URL(fileURLWithPath: attempt.events))
      // A server that has just begun doesn't know yet how its verbs go on: a film would be refused without --resume.
      let settings = Queue.Settings(workspace: folder, atelier: Programs.atelier, supervisor: Programs.studio)
      let queue = try Queue(settings)
      await queue.tick()
      #expect(try await queue.job(job.id).attempts == 1)
      await queue.know(flags: flags)
      let done = try await follow(queue, job.id) { $0.state.hasEnded }
      #expect(done.state == .done && done.attempts == 2 && done.story.notes == ["before"])
    }
  }

  @Test func knowsAProcessFromALaterOneOfItsNumber() throws {
    let own = ProcessIdentity.own
    #expect(own.isAlive && !own.isHeld)
    let text = String(decoding: try JSON.encoder.encode(own), as: UTF8.self)
    let other = text.replacing(/"began":(\d+)/) { "\"began\":1\($0.1)" }
    let later = try JSON.decoder.decode(ProcessIdentity.self, from: Data(other.utf8))
    #expect(!later.isAlive && !later.send(0))
    #expect(ProcessIdentity(pid: -1) == nil && ProcessIdentity(pid: 0) == nil)
  }

  @Test(arguments: ["..", "20261129-031650-a1b2c3/", "20261129-031650-A1B2C3", "%2e%2e", "20261129-031650-a1b2c\0", ""])
  func idsAreNoPaths(_ word: String) {
    #expect(!Job.isID(word))
    #expect(Job.isID(Job.newID()))
  }
}
