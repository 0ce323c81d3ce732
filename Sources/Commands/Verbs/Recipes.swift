import ArgumentParser
import Workshop

struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes", abstract: "List the recipes for training, or one recipe's settings.")

  @Argument(help: "A recipe: its presets and settings, with their defaults and what each does.")
  var name: String?

  @OptionGroup var common: Common

  func run() throws {
    let teller = common.teller()
    let found = try recipeReference(of: name)
    for recipe in found { teller.tell(.recipe(recipe)) }
    teller.finish(.recipes(RecipeCount(recipes: found.count)))
  }
}

extension RecipeReference {
  /// A line of the list.
  var brief: String { "\(name)  \(summary)\n  learns from \(learnsFrom); used by `\(command)`" }

  /// All of it.
  var whole: String {
    var lines = [brief]
    if !presets.isEmpty {
      lines += ["", "Presets (--preset NAME):"] + table(presets.map { [$0.name, $0.summary] })
    }
    lines += ["", "Settings (--name VALUE), with their defaults:"]
    lines += table(settings.map { ["--\($0.name)", $0.value.isEmpty ? "none" : $0.value, $0.note] })
    return lines.joined(separator: "\n")
  }

  private func table(_ rows: [[String]]) -> [String] {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      let line = "  " + cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}
