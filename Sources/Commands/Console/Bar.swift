import Foundation
import Workshop

/// How a run's progress is shown: one redrawn line on a terminal, a plain line now and then elsewhere.
struct Bar {
  private let console: Console
  /// Seconds between plain lines.
  private let interval: Double
  private var lastLine = ProcessInfo.processInfo.systemUptime
  private var isOpen = false

  init(_ console: Console, interval: Double = 10) { (self.console, self.interval) = (console, interval) }

  /// - Parameters:
  ///   - fraction: of the whole, in 0...1.
  ///   - words: what is done, how fast and how long it still takes, the most important first.
  mutating func show(_ fraction: Double, _ words: [String]) {
    guard !console.json else { return }
    let fraction = fraction.isFinite ? min(1, max(0, fraction)) : 0
    let percent = "\(Int(fraction * 100)) %"
    let now = ProcessInfo.processInfo.systemUptime
    // Ten times a second is as often as anybody reads.
    if now - lastLine < (console.isTerminal ? 0.1 : interval), !console.isTerminal || fraction < 1 { return }
    lastLine = now
    guard console.isTerminal else {
      return console.line("\(percent)  " + words.joined(separator: "  "))
    }
    let padded = String(repeating: " ", count: max(0, 5 - percent.count)) + percent
    var line = " \(Bar.drawn(fraction, columns: 24)) \(padded)"
    for word in words where line.count + 2 + word.count < console.width { line += "  " + word }
    Console.write("\r\u{1B}[2K" + (console.colors ? Bar.colored(line) : line))
    isOpen = true
  }

  /// Ends the redrawn line, so that other lines can follow.
  mutating func close() {
    if isOpen { Console.write("\n") }
    isOpen = false
  }

  /// Removes the redrawn line: a line of another kind takes its place, and the next `show` draws it below.
  mutating func interrupt() {
    if isOpen { Console.write("\r\u{1B}[2K") }
    isOpen = false
  }

  /// `columns` characters of which `fraction` are full.
  static func drawn(_ fraction: Double, columns: Int) -> String {
    let full = Int((fraction * Double(columns)).rounded(.down))
    return String(repeating: "━", count: full) + String(repeating: "─", count: columns - full)
  }

  private static func colored(_ line: String) -> String {
    line.replacing(/━+/) { "\u{1B}[36m\($0.output)\u{1B}[0m" }.replacing(/─+/) { "\u{1B}[2m\($0.output)\u{1B}[0m" }
  }
}
