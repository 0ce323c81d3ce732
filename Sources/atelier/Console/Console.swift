import Foundation
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
    if !json { Console.write(words + "\n", to: 1) }
  }

  /// An object for programs; nothing without --json.
  ///
  /// - Parameter fields: strings, numbers, booleans, and arrays and dictionaries of them. Numbers that JSON can't
  ///   write (NaN, infinity) become null.
  func event(_ name: String, _ fields: [String: Any] = [:]) {
    guard json else { return }
    let object = fields.merging(["event": name]) { _, name in name }.mapValues(Console.writable)
    guard
      let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    else { preconditionFailure("the event \(name) can't be written as JSON: \(fields)") }
    Console.write(String(decoding: data, as: UTF8.self) + "\n", to: 1)
  }

  /// A value's properties as an event's fields.
  func event(_ name: String, encoding value: some Encodable) {
    guard json else { return }
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(value),
      let fields = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else { preconditionFailure("\(type(of: value)) isn't a JSON object") }
    event(name, fields)
  }

  /// A diagnostic, on standard error.
  static func complain(_ words: String) { write(words + "\n", to: 2) }

  /// Writes at once, since a studio reads the lines while the verb works.
  static func write(_ text: String, to file: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return }
      bytes = bytes.dropFirst(written)
    }
  }

  private static func writable(_ value: Any) -> Any {
    switch value {
    case let number as Double where !number.isFinite: NSNull()
    case let number as Float where !number.isFinite: NSNull()
    case let list as [Any]: list.map(writable)
    case let fields as [String: Any]: fields.mapValues(writable)
    default: value
    }
  }
}

/// Shows a picture where the terminal can.
func show(_ path: String, on console: Console) {
  guard console.isTerminal, !console.json, let drawn = TerminalGraphics.detected()?.drawn(file: path) else { return }
  Console.write(drawn, to: 1)
}
