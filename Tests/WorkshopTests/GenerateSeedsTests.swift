import Foundation
import Testing

@testable import Workshop

@Suite struct GenerateSeedsTests {
  @Test func readsNumbersAndRanges() throws {
    #expect(try Seeds("0-3,80").values == [0, 1, 2, 3, 80])
    #expect(try Seeds("5").values == [5])
    #expect(try Seeds(" 1 - 2 , 2, 1").values == [1, 2])
    #expect(try Seeds("18446744073709551615").values == [.max])
  }

  @Test(arguments: ["", "a", "3-1", "1,,2", "-1", "1-2-3", "18446744073709551616", "0x10"])
  func refusesWhatIsNoSeed(_ words: String) {
    #expect(throws: SeedsError.self) { try Seeds(words) }
  }

  @Test func refusesASlipOfTheFinger() {
    #expect(throws: SeedsError.tooMany("0-99999999")) { try Seeds("0-99999999") }
    #expect(throws: SeedsError.tooMany("0-18446744073709551615")) { try Seeds("0-18446744073709551615") }
  }

  @Test func readsPairs() throws {
    #expect(try SeedPairs("3-7,7-1") == SeedPairs("3-7, 7-1"))
    #expect(throws: SeedsError.notPairs("3", part: "3")) { try SeedPairs("3") }
  }
}

@Suite struct TerminalTests {
  /// Not to be asked.
  private func mute() -> String {
    Issue.record("the terminal was asked")
    return ""
  }

  @Test func knowsTerminalsByName() {
    let known: [([String: String], TerminalGraphics)] = [
      (["TERM": "xterm-kitty"], .kitty), (["TERM_PROGRAM": "WezTerm"], .kitty), (["KONSOLE_VERSION": "230800"], .kitty),
      (["TERM_PROGRAM": "iTerm.app"], .iTerm2), (["LC_TERMINAL": "iTerm2"], .iTerm2), (["TERM": "foot"], .sixel),
    ]
    for (environment, graphics) in known {
      #expect(TerminalGraphics.detected(environment: environment, isTerminal: true, ask: mute) == graphics)
    }
  }

  @Test func asksOnlyATerminal() {
    #expect(TerminalGraphics.detected(environment: ["TERM": "xterm-kitty"], isTerminal: false, ask: mute) == nil)
    #expect(TerminalGraphics.detected(environment: ["TMUX": "1"], isTerminal: true, ask: mute) == nil)
    #expect(TerminalGraphics.detected(environment: ["TERM": "dumb"], isTerminal: true, ask: mute) == nil)
  }

  @Test func understandsAnswers() {
    func answered(_ text: String) -> TerminalGraphics? {
      TerminalGraphics.detected(environment: ["TERM": "xterm-256color"], isTerminal: true) { text }
    }
    #expect(answered("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[?62;c") == .kitty)
    #expect(answered("\u{1B}[?63;1;2;4;6;22c") == .sixel)
    #expect(answered("\u{1B}[?1;2c") == nil)
    #expect(answered("") == nil)
  }

  @Test func cutsKittyIntoCommandsOf4096() {
    let text = TerminalGraphics.kitty.drawn(png: [UInt8](repeating: 7, count: 5000), pixels: [], width: 0, height: 0)
    let commands: [String] = text.components(separatedBy: "\u{1B}\\").dropLast()
    #expect(commands.count == 2)
    #expect(commands[0].hasPrefix("\u{1B}_Ga=T,f=100,m=1;"))
    #expect(commands[1].hasPrefix("\u{1B}_Gm=0;"))
  }

  /// The sixels are decoded again: every pixel is within a level of the palette of its colour, which has 6, 7 and 6, told in whole
  /// percents.
  @Test func drawsSixels() throws {
    let (width, height) = (9, 8)
    var pixels: [UInt8] = []
    for i in 0..<width * height { pixels += [UInt8(i % 9 * 31), UInt8(i / 9 * 36), 255] }
    let text = TerminalGraphics.sixel.drawn(png: [], pixels: pixels, width: width, height: height)
    let shown = try Sixels(text)
    #expect(shown.width == width && shown.height == height)
    for i in 0..<width * height {
      let color = try #require(shown.pixels[i])
      for c in 0..<3 {
        let distance = abs(color[c] - Int(pixels[i * 3 + c]))
        #expect(distance <= [51, 43, 51][c] + 3, "pixel \(i)")
      }
    }
  }
}

/// A reader of sixels, for the test above.
private struct Sixels {
  var width = 0, height = 0
  var pixels: [[Int]?] = []

  init(_ text: String) throws {
    let body = try #require(text.firstMatch(of: /\eP[0-9;]*q(.*)\e\\/.dotMatchesNewlines())).1
    var palette: [Int: [Int]] = [:], color = 0, x = 0, y = 0
    for match in body.matches(of: /("|#|!)?([0-9;]*)([?-~$-])?/) {
      let numbers = match.2.split(separator: ";").compactMap { Int($0) }
      var count = 1
      switch match.1 {
      case "\"":
        (width, height) = (numbers[2], numbers[3])
        pixels = Array(repeating: nil, count: width * height)
      case "#" where numbers.count == 5: palette[numbers[0]] = numbers[2...].map { $0 * 255 / 100 }
      case "#": color = numbers[0]
      case "!": count = numbers[0]
      default: break
      }
      switch match.3 {
      case nil: break
      case "$": x = 0
      case "-": (x, y) = (0, y + 6)
      case let character?:
        let bits = character.unicodeScalars.first!.value - 63
        for _ in 0..<count {
          for row in 0..<6 where bits >> row & 1 == 1 && y + row < height {
            pixels[(y + row) * width + x] = palette[color]
          }
          x += 1
        }
      }
    }
  }
}
