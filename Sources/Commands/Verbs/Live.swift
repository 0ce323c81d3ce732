import ArgumentParser
import Foundation
import Media
import Workshop

struct LiveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "live",
    abstract: "Play a generator as an instrument: frames as they are drawn, moved by lines on standard input.",
    discussion: """
      For the studio and for other programs. A line is a JSON object, such as \
      {"seeds": [3, 41, 7], "tracks": {"speed": 0.5, "truncation": 0.8}}, {"place": 1.5} or {"record": true}; a frame is a \
      line of JSON with its width, height, channels and bytes, and then so many bytes. docs/film.md has all of them.
      """)

  @Argument(help: ArgumentHelp("A run's folder, a checkpoint's file, or the name of a run or model.", valueName: "run"))
  var source: String

  @Option(help: ArgumentHelp("Random seeds whose pictures the path passes, a second apart.", valueName: "list"))
  var seeds = "0-5"

  @Option(help: ArgumentHelp("Frames a second at most, 1 to 1,000.", valueName: "n"))
  var rate = "20"

  @Option(help: ArgumentHelp("The folder for timelines of what is recorded.", valueName: "dir"))
  var recordings = "."

  @Option(
    help: ArgumentHelp(
      "The folder of runs, models and packed data sets. (default: ATELIER_WORKSPACE, or ~/Atelier)", valueName: "dir"))
  var workspace: String?

  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var device: DeviceOption

  func run() throws {
    guard isatty(STDOUT_FILENO) == 0 else {
      throw ValidationError("live writes frames for another program: open the studio, or pipe it into a program.")
    }
    Interruption.watch()
    signal(SIGPIPE, SIG_IGN)
    var request = LiveRequest(recordings: recordings)
    (request.rate, request.seeds) = (try FrameRate(rate), try Seeds(seeds).values)
    guard (2...64).contains(request.seeds.count) else { throw LiveError.seeds(request.seeds.count) }
    let place = Workspace(workspace)
    var generator = try Generator(source, in: place, on: device.resolved()) { Console.complain($0.sentence) }
    try generator.draw(drawing.value)
    let input = LineReader()
    do {
      try live(request, with: generator, in: place, lines: input.lines) { frame, bytes in
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(Array(encoder.encode(frame)) + [10] + bytes)
      }
    } catch is ReaderIsGone {
      // Whoever watched has left, which is how most shows end.
    }
    Interruption.leaveIfRequested()
  }

  private struct ReaderIsGone: Error {}

  private func write(_ bytes: [UInt8]) throws {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress! + done, bytes.count - done) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw ReaderIsGone() }
      done += count
    }
  }
}

/// Reads lines on a thread of its own, so that frames go on while none comes.
private final class LineReader: @unchecked Sendable {
  private let condition = NSCondition()
  private var waiting: [String] = []
  private var hasEnded = false

  init() {
    Thread.detachNewThread { [self] in
      while let line = readLine() {
        condition.lock()
        if !line.isEmpty { waiting.append(line) }
        condition.signal()
        condition.unlock()
      }
      condition.lock()
      hasEnded = true
      condition.signal()
      condition.unlock()
    }
  }

  /// - Parameter seconds: to wait, whatever comes; nil until something comes.
  /// - Returns: what came; nil at the end of the input or when a stop was asked for.
  func lines(_ seconds: Double?) -> [String]? {
    condition.lock()
    defer { condition.unlock() }
    let end = seconds.map { Date(timeIntervalSinceNow: $0) }
    while !Interruption.isRequested {
      if let end, end.timeIntervalSinceNow <= 0 { break }
      if end == nil && (hasEnded || !waiting.isEmpty) { break }
      // A signal doesn't wake it.
      _ = condition.wait(until: min(end ?? .distantFuture, Date(timeIntervalSinceNow: 0.1)))
    }
    let came = waiting
    waiting = []
    return Interruption.isRequested || hasEnded && came.isEmpty ? nil : came
  }
}
