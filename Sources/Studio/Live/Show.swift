import Catalogue
import Files
import Foundation
import Jobs
import NIOCore
import Synchronization

/// A generator that is played: a process of `atelier live`, the pages that watch it, and how all that moves it stands.
///
/// It is no job: it holds up no training, and ends when nobody has watched for a while. The process gets the end of its
/// input from a server that ends, in whatever way, and writes what was recorded until then.
final class Show: Sendable {
  struct View: Codable, Sendable, Equatable {
    let id: String
    let name: String
    /// As a form names it: `model:…` or `run:…`.
    let run: String
    let seeds: [UInt64]
    let path: String
    let rate: Double
    let tracks: [LiveTrack]
    let values: [String: Double]
    let isRecording: Bool
    let frames: Int
    /// Why it has ended.
    let ended: String?
  }

  private struct State {
    var seeds: [UInt64]
    var path = "spline"
    var tracks: [LiveTrack]
    var values: [String: Double]
    var isRecording = false
    var frames = 0
    /// That were written.
    var lines = 0
    var ended: String?
    var next = 0
    var pages: [Int: AsyncStream<ByteBuffer>.Continuation] = [:]
    var newest: ByteBuffer?
    /// When the last page left.
    var alone = Date()
    /// nil once it is closed.
    var input: Int32?
  }

  let id = catalogueID(UUID().uuidString)
  let name: String
  let run: String
  let rate: Double
  private let sliders: String?
  private let process: ProcessIdentity?
  private let state: Mutex<State>
  private let tell: @Sendable (LiveWord) -> Void

  /// - Parameters:
  ///   - run: as a form names it; `file` is where it lies.
  ///   - sliders: the file of its sliders.
  ///   - recordings: the folder for timelines.
  ///   - tell: hears what isn't a picture.
  /// - Throws: `JobError.cannotStart`, `FileTrouble`.
  init(
    _ program: String, run: String, name: String, file: String, sliders: String?, seeds: [UInt64], rate: Double,
    workspace: String, recordings: String, tell: @escaping @Sendable (LiveWord) -> Void
  ) throws {
    (self.run, self.name, self.rate, self.sliders, self.tell) = (run, name, rate, sliders, tell)
    let tracks = LiveTrack.all(seeds: seeds.count, sliders: sliders)
    let (lines, input) = try privatePipe(), (output, frames) = try privatePipe()
    let errors = open(NSTemporaryDirectory() + "/atelier-live-\(id)", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    unlink(NSTemporaryDirectory() + "/atelier-live-\(id)")
    let words = [
      "live", file, "--seeds", seeds.map(String.init).joined(separator: ","), "--rate", "\(rate)", "--recordings",
      recordings, "--workspace", workspace,
    ]
    defer { for file in [lines, frames] { close(file) } }
    let pid: pid_t
    do {
      pid = try spawn(program, words, input: lines, output: frames, errors: errors, isSession: true)
    } catch {
      for file in [input, output, errors] { close(file) }
      throw error
    }
    // A process that reads nothing must not hold up a page.
    _ = fcntl(input, F_SETFL, O_NONBLOCK)
    process = ProcessIdentity(pid: pid)
    state = Mutex(
      State(
        seeds: seeds, tracks: tracks,
        values: Dictionary(uniqueKeysWithValues: tracks.map { ($0.name, $0.standard) }), input: input))
    Thread.detachNewThread { [self] in
      read(output)
      close(output)
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      end(status, errors)
      close(errors)
    }
  }

  var view: View {
    state.withLock {
      View(
        id: id, name: name, run: run, seeds: $0.seeds, path: $0.path, rate: rate, tracks: $0.tracks, values: $0.values,
        isRecording: $0.isRecording, frames: $0.frames, ended: $0.ended)
    }
  }

  var hasEnded: Bool { state.withLock { $0.ended != nil } }

  /// Seconds since the last page left; nil while one watches.
  var secondsAlone: Double? { state.withLock { $0.pages.isEmpty ? -$0.alone.timeIntervalSinceNow : nil } }

  // MARK: What it is told

  /// - Parameter isFromPage: a page that has moved a slider knows where it is.
  /// - Returns: the line's number: frames that obey it have as many `answers`, or more.
  /// - Throws: `LiveTrouble`; nothing has changed then.
  @discardableResult
  func obey(_ line: LiveLine, isFromPage: Bool = true) throws -> Int {
    let seeds = try line.seeds.map { words throws(LiveTrouble) in try LiveTrouble.seeds(words) }
    if let path = line.path, !["spline", "sphere", "process", "fade"].contains(path) { throw LiveTrouble.path }
    let number = try state.withLock { state in
      if let ended = state.ended { throw LiveTrouble.ended(ended) }
      if seeds != nil || line.path != nil, state.isRecording { throw LiveTrouble.recording }
      for (name, value) in line.tracks ?? [:] {
        guard let track = state.tracks.first(where: { $0.name == name }) else { throw LiveTrouble.unknown(name) }
        guard value >= track.least, value <= track.most else { throw LiveTrouble.value(name, track.least...track.most) }
      }
      var words: [String: JSON] = [:]
      if let seeds { words["seeds"] = .list(seeds.map { .number(Double($0)) }) }
      if let path = line.path { words["path"] = .string(path) }
      if let record = line.record { words["record"] = .bool(record) }
      var tracks = line.tracks ?? [:]
      if let place = tracks.removeValue(forKey: "place") { words["place"] = .number(place) }
      if !tracks.isEmpty { words["tracks"] = .object(tracks.mapValues { .number($0) }) }
      guard !words.isEmpty else { return state.lines }
      try write(JSON.object(words).text + "\n", &state)
      if let seeds {
        state.seeds = seeds
        state.tracks = LiveTrack.all(seeds: seeds.count, sliders: sliders)
        state.values["place"] = 0
      }
      state.path = line.path ?? state.path
      state.values.merge(line.tracks ?? [:]) { $1 }
      state.isRecording = line.record ?? state.isRecording
      state.lines += 1
      return state.lines
    }
    guard !isFromPage || line.record != nil || seeds != nil else { return number }
    var word = LiveWord(show: id)
    (word.tracks, word.isRecording) = (line.tracks, line.record)
    tell(word)
    return number
  }

  /// Ends it in order: what is recorded is written. Asked again, at once.
  func stop() {
    let isAgain = state.withLock { state in
      defer { if let input = state.input { close(input) }; state.input = nil }
      return state.input == nil
    }
    if isAgain { process?.send(SIGKILL) }
  }

  private func write(_ text: String, _ state: inout State) throws {
    guard let input = state.input else { throw LiveTrouble.ended("it was ended.") }
    let bytes = Array(text.utf8)
    // A line is shorter than what a pipe takes at once: all of it is written, or nothing.
    guard Foundation.write(input, bytes, bytes.count) == bytes.count else {
      throw LiveTrouble.ended("it takes no more lines.")
    }
  }

  // MARK: What it shows

  /// Frames for one page, from the newest; what is too slow misses some.
  func frames() -> AsyncStream<ByteBuffer> {
    let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(2))
    let (number, newest, hasEnded) = state.withLock { state in
      state.next += 1
      if state.ended == nil { state.pages[state.next] = continuation }
      return (state.next, state.newest, state.ended != nil)
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { state in
        state.pages[number] = nil
        if state.pages.isEmpty { state.alone = Date() }
      }
    }
    if let newest { continuation.yield(newest) }
    if hasEnded { continuation.finish() }
    return stream
  }

  /// Reads lines and what follows them, until the process ends.
  private func read(_ file: Int32) {
    // Whatever is there is taken at once: FileHandle waits for all that it was asked for.
    var waiting = Data(), buffer = [UInt8](repeating: 0, count: 1 << 18)
    func fill(_ count: Int) -> Bool {
      while waiting.count < count {
        let more = Foundation.read(file, &buffer, buffer.count)
        if more < 0 && errno == EINTR { continue }
        guard more > 0 else { return false }
        waiting.append(contentsOf: buffer[..<more])
      }
      return true
    }
    while fill(1) {
      var end = waiting.firstIndex(of: 10)
      while end == nil, waiting.count < 1 << 16, fill(waiting.count + 1) { end = waiting.firstIndex(of: 10) }
      guard let end, let head = JSON(parsing: waiting[..<end]) else { return }
      let count = head["bytes"]?.integer ?? 0, whole = end - waiting.startIndex + 1 + count
      guard (0...64 << 20).contains(count), fill(whole) else { return }
      let frame = waiting.prefix(whole)
      waiting = Data(waiting.dropFirst(whole))
      if count > 0 { show(ByteBuffer(data: frame), head) } else { hear(head) }
    }
  }

  private func show(_ frame: ByteBuffer, _ head: JSON) {
    let pages = state.withLock { state in
      state.newest = frame
      state.frames += 1
      if let place = head["place"]?.number { state.values["place"] = place }
      return Array(state.pages.values)
    }
    for page in pages { page.yield(frame) }
  }

  private func hear(_ head: JSON) {
    var word = LiveWord(show: id)
    word.error = head["error"]?.string
    if let path = head["recorded"]?.string {
      state.withLock { $0.isRecording = false }
      word.isRecording = false
      word.timeline = Timelines.note(path, run: run, name: name)
    }
    tell(word)
  }

  private func end(_ status: Int32, _ errors: Int32) {
    lseek(errors, 0, SEEK_SET)
    let said = (try? FileHandle(fileDescriptor: errors, closeOnDealloc: false).read(upToCount: 1 << 16)) ?? Data()
    let last = String(decoding: said, as: UTF8.self).split(separator: "\n").last.map { $0.trimmingPrefix("atelier: ") }
    let why = status == 0 ? "it was ended." : last.map(String.init) ?? "it failed (status \(status >> 8))."
    let pages = state.withLock { state in
      state.ended = why
      state.isRecording = false
      if let input = state.input { close(input) }
      state.input = nil
      defer { state.pages = [:] }
      return Array(state.pages.values)
    }
    for page in pages { page.finish() }
    var word = LiveWord(show: id)
    word.ended = why
    tell(word)
  }
}

/// What pages hear of a show, beside its frames: the event `live`.
struct LiveWord: Codable, Sendable, Equatable {
  let show: String
  /// What something else than this page has moved.
  var tracks: [String: Double]?
  var isRecording: Bool?
  /// A recording that was written: its id.
  var timeline: String?
  /// A knob that isn't learned, or is: what it sent.
  var heard: OSCHeard?
  var error: String?
  var ended: String?

  init(show: String) { self.show = show }
}

struct OSCHeard: Codable, Sendable, Equatable {
  let address: String
  let argument: Int
  let level: Double
}
