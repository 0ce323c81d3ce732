import Foundation
import Torch
import Workshop

/// Where a verb writes: words for people or JSON lines on standard output, diagnostics on standard error.
struct Console {
  /// One JSON object a line on standard output, and nothing else there.
  let json: Bool
  /// Whether standard output is a terminal that can redraw a line.
  let isTerminal: Bool
  /// Whether colours are wanted: a terminal, and no NO_COLOR (no-color.org).
  let colors: Bool

  init(json: Bool) {
    let environment = ProcessInfo.processInfo.environment
    self.json = json
    isTerminal = isatty(1) == 1 && environment["TERM"] != "dumb"
    colors = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
  }

  /// The terminal's columns; 80 when it doesn't say.
  var width: Int {
    var size = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// A line for people; nothing with --json.
  func line(_ words: String = "") {
    if !json { Console.write(words + "\n") }
  }

  /// A diagnostic, on standard error.
  static func complain(_ words: String) { _ = put(words + "\n", to: 2) }

  /// Writes to standard output at once, since a studio reads the lines while the verb works.
  ///
  /// Where that fails, a verb that can be stopped saves first; others end now.
  static func write(_ text: String) {
    guard failure == nil, let failed = put(text, to: 1) else { return }
    failure = failed
    if !Interruption.isWatching { leaveIfFailed() }
  }

  /// Ends the process where standard output couldn't be written.
  static func leaveIfFailed() {
    guard let failure else { return }
    // Who reads a pipe has seen enough when it closes it.
    if failure != EPIPE {
      complain("atelier: Standard output can't be written (\(String(cString: strerror(failure)))): send it elsewhere.")
    }
    exit(failure == EPIPE ? 128 + SIGPIPE : Exit.io.rawValue)
  }

  /// Why standard output can't be written, as `errno` has it.
  nonisolated(unsafe) private(set) static var failure: Int32?

  /// - Returns: why it failed.
  private static func put(_ text: String, to file: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return written < 0 ? errno : EIO }
      bytes = bytes.dropFirst(written)
    }
    return nil
  }
}

/// Shows a picture where the terminal can.
func show(_ path: String, on console: Console) {
  guard console.isTerminal, !console.json, let drawn = TerminalGraphics.detected()?.drawn(file: path) else { return }
  Console.write(drawn)
}
