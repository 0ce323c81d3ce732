import Files
import Foundation

/// A job in the queue's memory. It is the queue's own, and never leaves its actor.
final class Entry {
  var job: Job
  let folder: JobFolder
  private(set) var attempts: [Attempt]
  private(set) var state: JobState = .waiting
  private(set) var story = Story()
  private(set) var reason: String?
  private var lines: EventLines?

  init(_ job: Job, _ folder: JobFolder) {
    (self.job, self.folder) = (job, folder)
    attempts = folder.attempts
    if let kept = FileManager.default.value(Kept.self, at: keptPath), kept.attempts == attempts.count,
      kept.state.hasEnded
    {
      (state, story, reason) = (kept.state, kept.story, kept.reason)
    } else {
      // What earlier attempts told still counts: the run's folder, above all.
      for attempt in attempts.dropLast() { tellStory(of: attempt) }
      lines = attempts.last.map { EventLines(path: $0.events) }
      refresh()
    }
  }

  var view: JobView { JobView(job: job, state: state, attempts: attempts.count, reason: reason, story: story) }
  var process: ProcessIdentity? { attempts.last?.process }

  func begin(_ attempt: Attempt) {
    attempts.append(attempt)
    lines = EventLines(path: attempt.events)
    (story.failure, story.result, story.fraction, story.secondsLeft, story.trouble) = (nil, nil, nil, nil, nil)
  }

  /// Reads what is new in the folder.
  ///
  /// - Returns: whether anything has changed.
  @discardableResult
  func refresh() -> Bool {
    let before = (state, story, reason)
    // First how it stands, then what it told: what an ended process told is whole.
    let outcome = attempts.last?.outcome()
    if case .alive(let isHeld) = outcome { insist(isHeld: isHeld) }
    while let events = lines?.next(), !events.isEmpty { for event in events { story.add(event) } }
    (state, reason) = judged(outcome)
    let isChanged = before != (state, story, reason)
    if isChanged && state.hasEnded { keep() }
    return isChanged
  }

  /// What was asked for before there was a process to tell.
  private func insist(isHeld: Bool) {
    if job.wish == .hold && !isHeld { process?.send(SIGSTOP) }
    if job.wish == .stop { interrupt(isAgain: false) }
  }

  /// Asks the process to stop in order.
  ///
  /// - Parameter isAgain: asks a second time, too, after which a verb ends at once.
  func interrupt(isAgain: Bool) {
    guard let attempt = attempts.last, let process else { return }
    let mark = attempt.folder + "/asked-to-stop"
    guard isAgain || access(mark, F_OK) != 0 else { return }
    try? AtomicFile.write(Data(), to: mark)
    process.send(SIGINT)
    // One that stands still hears it only when it goes on.
    process.send(SIGCONT)
  }

  /// The second failure in a row sets a job aside.
  private func judged(_ outcome: Attempt.Outcome?) -> (JobState, String?) {
    if job.isAdopted == true { return (.done, nil) }
    let idle: JobState = job.wish == .stop ? .stopped : job.wish == .hold ? .held : .waiting
    switch outcome {
    case nil: return (idle, nil)
    case .starting: return (job.wish == .stop ? .stopping : .starting, nil)
    case .alive(let isHeld): return (job.wish == .stop ? .stopping : isHeld ? .paused : .running, nil)
    case .ended(code: 0, _) where !wasStopped: return (.done, nil)
    case .ended where attempts.count <= job.forgiven, .cutOff where attempts.count <= job.forgiven: return (idle, nil)
    case .ended(code: 0, _), .ended(code: 130, _), .ended(code: 143, _): return interrupted()
    case .ended(let code, _) where [64, 65, 66, 69, 73].contains(code):
      return (.refused, story.failure ?? lastWords ?? "It was refused (exit code \(code)).")
    case .ended(let code, let isKilled):
      return failed(
        story.failure ?? (isKilled ? killed(code - 128) : nil) ?? lastWords ?? "It failed (exit code \(code)).")
    case .cutOff:
      return failed(
        "It was cut off: the machine or the process ended without a word. Retry goes on from what was saved.")
    }
  }

  /// As its last line says.
  private var wasStopped: Bool {
    story.result?["ending"]?.string == "stopped" || story.result?["isStopped"]?.bool == true
  }

  private func interrupted() -> (JobState, String?) {
    switch job.wish {
    case .stop: (.stopped, nil)
    case .hold: (.held, nil)
    case .run: failed("It was stopped from outside, such as by a shutdown. Retry goes on from what was saved.")
    }
  }

  private func failed(_ why: String) -> (JobState, String?) {
    switch job.wish {
    case .stop: (.stopped, why)
    case .hold: (.held, why)
    case .run: attempts.count - job.forgiven >= 2 ? (.setAside, why) : (.waiting, why)
    }
  }

  private func killed(_ signal: Int32) -> String {
    signal == SIGKILL
      ? "The system ended it, most likely for want of memory: use smaller pictures or a smaller batch, then retry."
      : "It crashed (signal \(signal)): retry it; if that fails too, its messages below say more."
  }

  /// The last line on standard error.
  private var lastWords: String? {
    guard let attempt = attempts.last, let file = FileHandle(forReadingAtPath: attempt.errors) else { return nil }
    defer { try? file.close() }
    let end = (try? file.seekToEnd()) ?? 0
    try? file.seek(toOffset: end > 4096 ? end - 4096 : 0)
    let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").last.map { String($0.drop { $0 == " " }.trimmingPrefix("atelier: ")) }
  }

  func setAside(_ why: String) {
    (state, reason) = (.setAside, why)
    keep()
  }

  /// The words of the next attempt: from where the last one was, where its verb can.
  func nextWords(flags: [String: Set<String>]) -> [String] {
    let words = job.verb + job.arguments
    let known = flags[job.verb.joined(separator: " ")] ?? []
    guard !attempts.isEmpty else { return words }
    if job.verb == ["train"], let run = story.run, hasCheckpoint(run) {
      return ["train", "--resume", "--run", run] + (job.isFinishing == true ? ["--finish"] : [])
    }
    let left = (try? FileManager.default.contentsOfDirectory(atPath: folder.made)) ?? []
    if known.contains("resume"), left.contains(where: { $0.hasSuffix(".unfinished") }) { return words + ["--resume"] }
    if known.contains("force"), !left.isEmpty, !words.contains("--force") { return words + ["--force"] }
    return words
  }

  private func hasCheckpoint(_ run: String) -> Bool {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")) ?? []
    return files.contains { $0.hasSuffix(".safetensors") }
  }

  private func tellStory(of attempt: Attempt) {
    var lines = EventLines(path: attempt.events)
    while case let events = lines.next(), !events.isEmpty { for event in events { story.add(event) } }
  }

  /// What an ended job came to, so that a server with a thousand of them starts at once. It is made again where it is missing.
  private struct Kept: Codable {
    let attempts: Int
    let state: JobState
    let reason: String?
    let story: Story
  }
  private var keptPath: String { folder.path + "/story.json" }

  private func keep() {
    try? AtomicFile.write(Kept(attempts: attempts.count, state: state, reason: reason, story: story), to: keptPath)
  }
}
