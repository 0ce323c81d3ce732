import Foundation

/// A terminal's way of showing a picture among its text.
public enum TerminalGraphics: Equatable, Sendable {
  /// kitty's graphics protocol: kitty, Ghostty, WezTerm, Konsole.
  case kitty
  /// iTerm2's inline pictures: iTerm2, VS Code, mintty.
  case iTerm2
  /// DEC's sixel: xterm, foot, mlterm, Windows Terminal.
  case sixel
}

// MARK: Finding out

extension TerminalGraphics {
  /// What the terminal shows; nil when it shows text only or there is none.
  ///
  /// The terminal itself is asked only when its name doesn't say, and both standard input and output are terminals.
  public static func detected(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    isTerminal: Bool = isatty(0) == 1 && isatty(1) == 1,
    ask: () -> String = answerOfTerminal
  ) -> TerminalGraphics? {
    // Inside tmux or screen the outer terminal is hidden, and pictures would be left behind on the wrong pane.
    guard isTerminal, environment["TERM"] != "dumb", environment["TMUX"] == nil, environment["STY"] == nil else {
      return nil
    }
    return named(by: environment) ?? understood(from: ask())
  }

  /// From the variables that terminals set.
  static func named(by environment: [String: String]) -> TerminalGraphics? {
    let term = environment["TERM"] ?? "", program = environment["TERM_PROGRAM"] ?? ""
    if environment["KITTY_WINDOW_ID"] != nil || environment["GHOSTTY_RESOURCES_DIR"] != nil
      || environment["KONSOLE_VERSION"] != nil || term == "xterm-kitty" || term == "xterm-ghostty"
      || program == "ghostty" || program == "WezTerm"
    {
      return .kitty
    }
    if program == "iTerm.app" || environment["LC_TERMINAL"] == "iTerm2" || program == "vscode" || program == "mintty" {
      return .iTerm2
    }
    return term.hasPrefix("foot") || term.hasPrefix("mlterm") ? .sixel : nil
  }

  /// From the answers to a kitty query (`ESC _ G i=31;OK`) and to the primary device attributes, where 4 is sixel.
  static func understood(from answer: String) -> TerminalGraphics? {
    if answer.contains("\u{1B}_Gi=31;OK") { return .kitty }
    guard let attributes = answer.firstMatch(of: /\u{1B}\[\?([0-9;]+)c/) else { return nil }
    return attributes.1.split(separator: ";").contains("4") ? .sixel : nil
  }

  /// Asks the terminal and gives its raw answer; empty when it doesn't answer within 0.3 s.
  public static func answerOfTerminal() -> String {
    var before = termios()
    guard tcgetattr(0, &before) == 0 else { return "" }
    var raw = before
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    guard tcsetattr(0, TCSANOW, &raw) == 0 else { return "" }
    defer { tcsetattr(0, TCSANOW, &before) }
    let query = Array("\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[c".utf8)
    guard write(1, query, query.count) == query.count else { return "" }
    var answer: [UInt8] = []
    let end = ProcessInfo.processInfo.systemUptime + 0.3
    // Every terminal answers the second question, so its answer ends the wait.
    while answer.last != UInt8(ascii: "c") || !answer.contains(UInt8(ascii: "?")) {
      var source = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      let left = end - ProcessInfo.processInfo.systemUptime
      guard left > 0, poll(&source, 1, Int32(left * 1000)) > 0 else { break }
      var part = [UInt8](repeating: 0, count: 256)
      let count = read(0, &part, part.count)
      guard count > 0 else { break }
      answer += part[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }
}

// MARK: Drawing

extension TerminalGraphics {
  /// The characters that show a picture where the cursor is.
  ///
  /// - Parameters:
  ///   - png: the encoded file, for the protocols that take it.
  ///   - pixels: the same picture as RGB bytes, row by row, `width * height * 3`.
  public func drawn(png: [UInt8], pixels: [UInt8], width: Int, height: Int) -> String {
    switch self {
    case .kitty: Self.kitty(png)
    case .iTerm2: "\u{1B}]1337;File=inline=1;size=\(png.count):\(Data(png).base64EncodedString())\u{07}\n"
    case .sixel: Self.sixel(pixels, width: width, height: height)
    }
  }

  /// At most 4,096 characters of base64 a command, as the protocol asks.
  private static func kitty(_ png: [UInt8]) -> String {
    let text = Array(Data(png).base64EncodedString().utf8)
    let parts = stride(from: 0, to: text.count, by: 4096).map { text[$0..<min($0 + 4096, text.count)] }
    return parts.enumerated().map { number, part in
      let keys = (number == 0 ? "a=T,f=100," : "") + "m=\(number == parts.count - 1 ? 0 : 1)"
      return "\u{1B}_G\(keys);\(String(decoding: part, as: UTF8.self))\u{1B}\\"
    }.joined() + "\n"
  }

  /// 6 levels of red, 7 of green and 6 of blue with an ordered 4×4 dither (Bayer 1973).
  private static func sixel(_ pixels: [UInt8], width: Int, height: Int) -> String {
    let levels = [6, 7, 6]
    let bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5]
    var indices = [Int](repeating: 0, count: width * height)
    for y in 0..<height {
      for x in 0..<width {
        let threshold = (Double(bayer[(y & 3) * 4 + (x & 3)]) + 0.5) / 16
        indices[y * width + x] = (0..<3).reduce(0) { index, channel in
          let value = Double(pixels[(y * width + x) * 3 + channel]) / 255 * Double(levels[channel] - 1)
          return index * levels[channel] + min(levels[channel] - 1, Int(value + threshold))
        }
      }
    }
    var text = "\u{1B}Pq\"1;1;\(width);\(height)"
    for index in Set(indices).sorted() {
      let percent = [index / 42 * 100 / 5, index / 6 % 7 * 100 / 6, index % 6 * 100 / 5]
      text += "#\(index);2;\(percent[0]);\(percent[1]);\(percent[2])"
    }
    for top in stride(from: 0, to: height, by: 6) {
      text += band(indices, width: width, rows: top..<min(top + 6, height)) + "-"
    }
    return text + "\u{1B}\\\n"
  }

  /// Six rows of sixels, colour by colour, runs shortened as `!count character`.
  private static func band(_ indices: [Int], width: Int, rows: Range<Int>) -> String {
    var columns: [Int: [UInt8]] = [:]
    for y in rows {
      for x in 0..<width {
        columns[indices[y * width + x], default: [UInt8](repeating: 0, count: width)][x] |= 1 << (y - rows.lowerBound)
      }
    }
    return columns.sorted { $0.key < $1.key }.map { index, bits in
      var text = "#\(index)", start = 0
      while start < width {
        let end = bits[start...].firstIndex { $0 != bits[start] } ?? width
        let character = String(UnicodeScalar(63 + bits[start]))
        text += end - start > 3 ? "!\(end - start)\(character)" : String(repeating: character, count: end - start)
        start = end
      }
      return text
    }.joined(separator: "$")
  }
}
