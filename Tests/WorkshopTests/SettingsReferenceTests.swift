import Foundation
import Testing

@testable import Workshop

/// docs/settings.md is what the recipes say about themselves; ATELIER_WRITE_HELP=1 writes it anew.
@Suite struct SettingsReferenceTests {
  private static let path = #filePath.components(separatedBy: "/Tests/")[0] + "/docs/settings.md"

  private static func document() throws -> String {
    var lines = [
      "# Settings of the recipes", "",
      "Written by a test from the recipes themselves: `atelier recipes NAME` prints the same. Any of them is changed by",
      "`train … --name value`. Presets are named by `--preset`.",
    ]
    for brief in try recipeReference() {
      let recipe = try recipeReference(of: brief.name)[0]
      lines += [
        "", "## \(recipe.name)", "", recipe.summary, "",
        "Learns from \(recipe.learnsFrom); used by `\(recipe.command)`.",
      ]
      if !recipe.presets.isEmpty {
        lines += ["", "| preset | for |", "|---|---|"] + recipe.presets.map { "| `\($0.name)` | \($0.summary) |" }
      }
      lines += ["", "| setting | default | what it does |", "|---|---|---|"]
      lines += recipe.settings.map { setting in
        let value = setting.value.isEmpty ? "none" : "`\(setting.value)`"
        return "| `--\(setting.name)` | \(value) | \(setting.note.replacing("|", with: "\\|")) |"
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  @Test func theReferenceIsTrue() throws {
    let document = try Self.document()
    if ProcessInfo.processInfo.environment["ATELIER_WRITE_HELP"] != nil {
      try document.write(toFile: Self.path, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOfFile: Self.path, encoding: .utf8) == document, "ATELIER_WRITE_HELP=1 writes it anew")
  }

  @Test func eachSettingSaysWhatItDoes() throws {
    for brief in try recipeReference() {
      for setting in try recipeReference(of: brief.name)[0].settings {
        #expect(setting.note.count > 8, "\(brief.name) --\(setting.name)")
      }
    }
  }
}
