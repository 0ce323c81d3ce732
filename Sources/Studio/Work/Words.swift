import Catalogue
import Files
import Foundation
import Jobs

/// Turns what a form gave into a verb's words. Ids become paths here; a path itself is never taken from the web.
struct Words {
  let command: Command
  let form: [String: [String]]
  let catalogue: Catalogue
  let uploads: Uploads
  /// Where what is made goes.
  let made: String

  /// - Throws: `FormError`, `CatalogueError`.
  func arguments() throws -> [String] {
    let known = Set(command.options.map(\.name))
    for key in form.keys where !known.contains(key) && !(key.hasPrefix("set.") && known.contains("set")) {
      throw FormError.noOption(String(key.prefix(60)), verb: command.name)
    }
    var options: [String] = [], positional: [String] = []
    for option in command.options {
      let given = (form[option.name] ?? []).filter { !$0.isEmpty }
      if given.count > 1 && !option.isRepeating { throw FormError.tooMany(option.name) }
      switch option.role {
      case .hidden:
        if option.name == "thumbnails", let folder = try thumbnails() { options.append("--thumbnails=\(folder)") }
      case .flag: if given.first == "true" { options.append("--\(option.name)") }
      case .output: if let path = output(option) { options.append("--\(option.name)=\(path)") }
      default:
        let values = try given.map { try value($0, of: option) }
        if values.isEmpty, option.kind == .positional, !option.isOptional { throw FormError.missing(option.name) }
        if option.kind == .positional {
          positional += values
        } else {
          options += values.map { "--\(option.name)=\($0)" }
        }
      }
    }
    // A recipe's settings, each by its name.
    for (key, values) in form.sorted(by: { $0.key < $1.key }) where key.hasPrefix("set.") {
      let name = String(key.dropFirst(4))
      guard !name.isEmpty, name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
      else {
        throw FormError.noOption(String(key.prefix(60)), verb: command.name)
      }
      for value in values where !value.isEmpty { options.append("--set=\(name)=\(try plain(value, key))") }
    }
    return options + positional
  }

  private func value(_ given: String, of option: CommandOption) throws -> String {
    switch option.role {
    case .choice:
      guard option.values.contains(given) else { throw FormError.badValue(option.name, String(given.prefix(60))) }
      return given
    case .pictures: return try path(given, ["set", "picture", "upload"], option.name)
    case .picture: return try path(given, ["picture", "upload"], option.name)
    case .media: return try path(given, ["picture", "upload"], option.name)
    case .generator: return try path(given, ["run", "checkpoint", "model"], option.name)
    case .upload where option.name == "timeline": return try path(given, ["timeline"], option.name)
    case .upload: return try path(given, ["upload", "picture"], option.name)
    case .adapter: return try path(given, ["run"], option.name) + "/lora.safetensors"
    case .words:
      guard given.utf8.count <= 4000, !given.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
        throw FormError.badValue(option.name, String(given.prefix(60)))
      }
      return given
    case .network where given.contains(":"): return try path(given, ["run", "model"], option.name)
    default:
      let word = try plain(given, option.name)
      if option.kind == .positional && word.hasPrefix("-") {
        throw FormError.badValue(option.name, String(given.prefix(60)))
      }
      return word
    }
  }

  /// What is written as it is: no path, and nothing that another program would read as one.
  private func plain(_ word: String, _ name: String) throws(FormError) -> String {
    guard word.utf8.count <= 1000, !word.hasPrefix("~"), !word.hasPrefix("."),
      !word.unicodeScalars.contains(where: { $0 == "/" || $0 == "\\" || $0.value < 32 || $0.value == 127 })
    else { throw .badValue(name, String(word.prefix(60))) }
    return word
  }

  private func path(_ given: String, _ kinds: [String], _ name: String) throws -> String {
    let parts = given.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, kinds.contains(parts[0]), isCatalogueID(parts[1]) else {
      throw FormError.badValue(name, String(given.prefix(60)))
    }
    switch parts[0] {
    case "set": return catalogue.file(try catalogue.set(parts[1]).path)
    case "picture": return catalogue.file(try catalogue.picture(parts[1]).picture.path)
    case "run": return catalogue.file(try catalogue.run(parts[1]).path)
    case "checkpoint": return catalogue.file(try catalogue.checkpoint(parts[1]).path)
    case "model": return catalogue.file(try catalogue.model(parts[1]).path)
    case "timeline": return try Timelines.file(parts[1], catalogue.workspace)
    default: return try uploads.file(parts[1])
    }
  }

  private func thumbnails() throws -> String? {
    guard let set = form["pictures"]?.first, set.hasPrefix("set:") else { return nil }
    let id = String(set.dropFirst(4))
    return isCatalogueID(id) ? catalogue.thumbnails(ofSet: id) : nil
  }

  /// What is made has a plain name in the job's own folder.
  private func output(_ option: CommandOption) -> String? {
    if option.name != "out" {
      // A sheet of an inspection is always made; others when they are asked for.
      return option.name == "sheet" || form[option.name]?.first == "true" ? "\(made)/\(option.name).png" : nil
    }
    if option.valueName == "dir" { return made }
    let seeds = form["seeds"]?.first ?? ""
    let areMany =
      seeds.contains("-") || seeds.contains(",") || (form["pictures"]?.count ?? 0) > 1
      || form["pictures"]?.first?.hasPrefix("set:") == true
    if areMany, ["vary", "texture", "fill", "enlarge"].contains(command.name) { return made }
    let isFilm =
      (["film", "animate", "inbetween"].contains(command.name) && form["preview"]?.first != "true")
      || form["codec"]?.first?.isEmpty == false
    return "\(made)/\(command.name)\(isFilm ? ".mp4" : ".png")"
  }
}

/// Why a form can't become a job.
enum FormError: Refusal, Equatable {
  case noCommand(String)
  case noOption(String, verb: String)
  case missing(String)
  case tooMany(String)
  case badValue(String, String)

  var sentence: String {
    switch self {
    case .noCommand(let name): "There is no verb \(name): see /api/commands for those that there are."
    case .noOption(let name, let verb):
      "\(verb) has no option \(name): see /api/commands/\(verb) for those that it has."
    case .missing(let name): "\(name) is missing: choose one."
    case .tooMany(let name): "\(name) takes one value: leave the others out."
    case .badValue(let name, let value):
      "\(name) can't be “\(value)”: choose one of the list, or write a value without slashes."
    }
  }
  var status: Int { if case .noCommand = self { 404 } else { 422 } }
  var exitCode: Int32 { 64 }
}
