import Files
import Foundation

/// Jobs, one after another. Folders are the truth: what is kept here is read from them, and is the same after a restart.
///
/// The least `order` goes first. A job that fails, crashes or is cut off is tried once more, from where it was; the second
/// time it is set aside, so that it blocks nobody.
public actor Queue {
  public struct Settings: Sendable {
    /// The folder of jobs, `WORKSPACE/jobs`.
    public var folder: String
    public var workspace: String
    /// The programs: the command line, and the one that runs `Supervisor` (with `--job ATTEMPT`).
    public var atelier: String
    public var supervisor: String
    /// Jobs at a time.
    public var places = 1
    /// Verbs that take seconds, and never wait for a place.
    public var quick: Set<String> = []
    /// The flags that each verb has, as "train" and "models install": whether it knows --resume and --force.
    public var flags: [String: Set<String>] = [:]

    public init(workspace: String, atelier: String, supervisor: String) {
      (self.workspace, self.atelier, self.supervisor) = (workspace, atelier, supervisor)
      folder = workspace + "/jobs"
    }
  }

  private var settings: Settings
  private var entries: [String: Entry] = [:]
  /// Supervisors that this process started, to be waited for.
  private var children: Set<pid_t> = []
  private let tell: @Sendable (JobView) -> Void
  /// Whether the command line has described itself: an attempt that goes on needs to know how.
  private var knowsFlags: Bool

  /// - Parameter tell: hears of each change of a job, four times a second at most.
  public init(_ settings: Settings, tell: @escaping @Sendable (JobView) -> Void = { _ in }) throws {
    (self.settings, self.tell, knowsFlags) = (settings, tell, !settings.flags.isEmpty)
    try AtomicFile.makeFolder(settings.folder)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: settings.folder)) ?? [] where Job.isID(name) {
      let folder = JobFolder("\(settings.folder)/\(name)")
      // A folder whose job.json can't be read is `doctor`'s to tell of.
      if let job = folder.job, job.id == name { entries[name] = Entry(job, folder) }
    }
  }

  /// Works until it is cancelled. Running jobs go on after that.
  public func run() async {
    while !Task.isCancelled {
      tick()
      let isBusy = entries.values.contains { !$0.state.hasEnded }
      try? await Task.sleep(for: .milliseconds(isBusy ? 250 : 1000))
    }
  }

  /// Takes the flags once the command line has described itself.
  public func know(flags: [String: Set<String>]) { (settings.flags, knowsFlags) = (flags, true) }

  // MARK: What there is

  public var jobs: [JobView] {
    entries.values.map(\.view).sorted { ($0.job.order, $0.id) < ($1.job.order, $1.id) }
  }

  /// - Throws: `JobError.unknown`.
  public func job(_ id: String) throws(JobError) -> JobView { try entry(id).view }

  /// - Throws: `JobError.unknown`.
  public func folder(_ id: String) throws(JobError) -> JobFolder { try entry(id).folder }

  // MARK: What a person asks for

  /// Puts a job at the queue's end.
  ///
  /// - Parameter arguments: made with the folder for what it writes.
  /// - Throws: `FileTrouble`.
  @discardableResult
  public func add(
    _ verb: [String], form: [String: [String]] = [:], _ arguments: (_ made: String) throws -> [String]
  ) throws -> JobView {
    let id = Job.newID()
    let folder = JobFolder("\(settings.folder)/\(id)")
    let last = entries.values.map(\.job.order).max() ?? 0
    let job = Job(verb: verb, arguments: try arguments(folder.made), form: form, id: id, order: last + 1)
    try AtomicFile.makeFolder(folder.made)
    try folder.write(job)
    let entry = Entry(job, folder)
    entries[id] = entry
    tick()
    return entry.view
  }

  /// Takes a job whose folder was put there, and which has ended: `JobFolder.adopt`.
  ///
  /// - Throws: `JobError.unknown`.
  public func take(_ id: String) throws(JobError) {
    let folder = JobFolder("\(settings.folder)/\(id)")
    guard Job.isID(id), entries[id] == nil, let job = folder.job, job.id == id else { throw .unknown(id: id) }
    entries[id] = Entry(job, folder)
  }

  /// Holds a job: one that waits keeps its place, one that runs stands still where it is and gives its place to another.
  ///
  /// - Throws: `JobError`, `FileTrouble`.
  @discardableResult
  public func pause(_ id: String) throws -> JobView {
    try change(id, "pause", from: [.waiting, .starting, .running]) { entry in
      entry.job.wish = .hold
      entry.process?.send(SIGSTOP)
    }
  }

  /// Lets a held job go on.
  ///
  /// - Throws: `JobError`, `FileTrouble`.
  @discardableResult
  public func goOn(_ id: String) throws -> JobView {
    try change(id, "go on", from: [.held, .paused]) { entry in
      entry.job.wish = .run
      entry.process?.send(SIGCONT)
    }
  }

  /// Stops a job in order: a training saves first. Asked again, it ends at once; the last checkpoint stays whole.
  ///
  /// - Throws: `JobError`, `FileTrouble`.
  @discardableResult
  public func stop(_ id: String) throws -> JobView {
    try change(id, "stop", from: [.waiting, .held, .starting, .running, .paused, .stopping]) { entry in
      entry.job.wish = .stop
      entry.job.isFinishing = nil
      entry.interrupt(isAgain: true)
    }
  }

  /// Brings a training to its end: it saves, then goes on with falling learning rates for a third of its time.
  ///
  /// - Throws: `JobError`, `FileTrouble`.
  @discardableResult
  public func finish(_ id: String) throws -> JobView {
    guard try entry(id).job.verb == ["train"] else { throw JobError.notNow("finish", state: try entry(id).state) }
    return try change(id, "finish", from: [.running, .paused, .held, .stopped, .setAside]) { entry in
      (entry.job.wish, entry.job.isFinishing) = (.run, true)
      entry.job.forgiven = entry.attempts.count
      entry.interrupt(isAgain: false)
    }
  }

  /// Tries a job again that has ended without success: a training goes on from its last checkpoint.
  ///
  /// - Throws: `JobError`, `FileTrouble`.
  @discardableResult
  public func retry(_ id: String) throws -> JobView {
    try change(id, "be tried again", from: [.stopped, .refused, .setAside]) { entry in
      entry.job.wish = .run
      entry.job.forgiven = entry.attempts.count
    }
  }

  /// Moves a job in the queue: before another, or to the end.
  ///
  /// - Throws: `JobError`, `FileTrouble`.
  @discardableResult
  public func move(_ id: String, before other: String?) throws -> JobView {
    let orders = entries.values.filter { $0.job.id != id }.map(\.job.order).sorted()
    let order: Double
    if let other {
      let place = try entry(other).job.order
      // Halfway to the one before it: Double has room for a thousand such moves, and the first start renumbers nothing.
      order = orders.last(where: { $0 < place }).map { ($0 + place) / 2 } ?? place - 1
    } else {
      order = (orders.last ?? 0) + 1
    }
    return try change(id, "move", from: [.waiting, .held]) { $0.job.order = order }
  }

  private func entry(_ id: String) throws(JobError) -> Entry {
    guard let entry = entries[id] else { throw .unknown(id: id) }
    return entry
  }

  private func change(
    _ id: String, _ action: String, from states: [JobState], _ body: (Entry) -> Void
  ) throws -> JobView {
    let entry = try entry(id)
    entry.refresh()
    guard states.contains(entry.state) else { throw JobError.notNow(action, state: entry.state) }
    let before = entry.job
    body(entry)
    do { try entry.folder.write(entry.job) } catch {
      entry.job = before
      throw error
    }
    // One that had ended may wait again.
    entry.refresh()
    tick()
    tell(entry.view)
    return entry.view
  }

  // MARK: The work

  /// Looks at what runs, and starts what may.
  func tick() {
    children = children.filter { waitpid($0, nil, WNOHANG) == 0 }
    for entry in entries.values where !entry.state.hasEnded {
      if entry.refresh() { tell(entry.view) }
    }
    func isQuick(_ entry: Entry) -> Bool { settings.quick.contains(entry.job.verb.joined(separator: " ")) }
    var free = settings.places - entries.values.count { $0.state.takesPlace && !isQuick($0) }
    for entry in entries.values.sorted(by: { ($0.job.order, $0.job.id) < ($1.job.order, $1.job.id) })
    where entry.state == .waiting && (free > 0 || isQuick(entry)) && (knowsFlags || entry.attempts.isEmpty) {
      do { try start(entry) } catch {
        entry.setAside((error as? any Refusal)?.sentence ?? "\(error)")
        tell(entry.view)
        continue
      }
      if !isQuick(entry) { free -= 1 }
      entry.refresh()
      tell(entry.view)
    }
  }

  private func start(_ entry: Entry) throws {
    let words = entry.nextWords(flags: settings.flags) + ["--json", "--workspace", settings.workspace]
    let attempt = try entry.folder.begin(words, number: (entry.attempts.last?.number ?? 0) + 1)
    let pid = try spawn(
      settings.supervisor, ["--job", attempt.folder, "--atelier", settings.atelier], output: nil, errors: nil,
      isSession: true)
    children.insert(pid)
    if let supervisor = ProcessIdentity(pid: pid) {
      try AtomicFile.write(supervisor, to: attempt.folder + "/supervisor.json")
    }
    entry.begin(attempt)
  }
}

/// A job and how far it is, as pages and the API show it.
public struct JobView: Sendable, Equatable, Identifiable, Codable {
  public let job: Job
  public let state: JobState
  /// How often it was run.
  public let attempts: Int
  /// Why it was refused or set aside.
  public let reason: String?
  public let story: Story

  public var id: String { job.id }
}
