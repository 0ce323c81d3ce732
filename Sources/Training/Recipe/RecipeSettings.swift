import Foundation
import Torch

/// A recipe's settings: one value seen as flags, as a run's `settings.json` and as a checkpoint's metadata.
///
/// Every property is a number, a truth value, a string or a list of them, and has a default.
public protocol RecipeSettings: Codable, Sendable, Equatable {
  /// Width and height of the pictures.
  var size: PictureSize { get set }
  /// 1, 3 or 4.
  var channels: Int { get set }
  /// Pictures per update.
  var batch: Int { get set }
  /// The sizes of pictures that aren't square; nil where the networks make squares only.
  static var grids: DoubledGrid? { get }
  /// The settings that say what the networks are like: a run that begins with another's weights takes these over.
  static var shaping: Set<String> { get }
  /// What each setting does, and its range, by its key: for `atelier recipes NAME` and the settings' reference.
  static var notes: [String: String] { get }
  /// Settings' keys of earlier versions, each with the key that it has now: files and command lines may still have them.
  static var formerNames: [String: String] { get }
  init()
}

extension RecipeSettings {
  public static var grids: DoubledGrid? { nil }
  public static var shaping: Set<String> { [] }
  public static var notes: [String: String] { [:] }
  public static var formerNames: [String: String] { [:] }

  /// The side of the pictures, where they are squares.
  public var side: Int { size.width }

  /// Refuses shapes that aren't square for networks that make squares only.
  ///
  /// - Throws: `RecipeError.impossibleSize`.
  public static func expectShape(_ size: PictureSize, recipe: String) throws(RecipeError) {
    guard grids == nil, !size.isSquare else { return }
    throw .impossibleSize(
      size, recipe: recipe, reason: "it makes squares only, so give one number, such as --size \(size.shorter)")
  }

  /// Each setting as it is typed, with its default and what it does, in the order of their names.
  public static var described: [(name: String, value: String, note: String)] {
    let present = fields(of: Self())
    return present.keys.sorted().map { key in
      let note = notes[key] ?? (key == "size" && grids != nil ? Field.shapesNote : Field.commonNotes[key]) ?? ""
      return (hyphenated(key), present[key]!.description, note)
    }
  }

  /// The names of the settings, sorted, as in `--learning-rate` but in camel case.
  public static var keys: [String] { fields(of: Self()).keys.sorted() }

  /// The settings as JSON, with sorted keys.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try! encoder.encode(self), as: UTF8.self)
  }

  /// Settings from JSON; a key that isn't there keeps its default, so that older runs still open.
  ///
  /// - Throws: `RecipeError.badSetting` when it isn't JSON, or a value has the wrong type.
  public init(json: String, recipe: String) throws(RecipeError) {
    guard let read = try? JSONDecoder().decode([String: Field].self, from: Data(json.utf8)) else {
      throw .badSetting("settings", value: json, reason: "they must be a JSON object")
    }
    var given = read
    for (former, key) in Self.formerNames {
      if let field = given.removeValue(forKey: former), given[key] == nil { given[key] = field }
    }
    // A file from elsewhere may ask for anything.
    for (key, field) in given {
      if let limit = field.limit(named: key) { throw .badSetting(key, value: "'\(field.description)'", reason: limit) }
    }
    self = try Self().merging(given, recipe: recipe)
  }

  /// The settings with some changed.
  ///
  /// - Parameter changes: names as in `keys` or with hyphens, and values as typed: `0.1`, `true`, `256,256,128`.
  /// - Throws: `RecipeError.unknownSetting` or `badSetting`.
  public func changed(by changes: [(name: String, value: String)], recipe: String) throws(RecipeError) -> Self {
    let present = fields(of: self)
    var given: [String: Field] = [:]
    for (name, value) in changes {
      let plain = name.replacing("-", with: "").lowercased()
      let key =
        present.keys.first { $0.lowercased() == plain }
        ?? Self.formerNames.first { $0.key.lowercased() == plain }?.value
      guard let key else {
        throw .unknownSetting(name, recipe: recipe, known: Self.keys.map(hyphenated))
      }
      guard let field = present[key]!.read(value) else {
        throw .badSetting(name, value: "'\(value)'", reason: "it must be \(present[key]!.kind)")
      }
      if let limit = field.limit(named: key) { throw .badSetting(name, value: "'\(value)'", reason: limit) }
      given[key] = field
    }
    return try merging(given, recipe: recipe)
  }

  /// The first of these changes that changes something, with the value that the setting has now.
  ///
  /// - Parameter changes: as for `changed`.
  /// - Throws: `RecipeError.unknownSetting` or `badSetting`.
  public func first(
    of changes: [(name: String, value: String)], recipe: String
  ) throws(RecipeError) -> (name: String, from: String, to: String)? {
    for change in changes {
      let other = try changed(by: [change], recipe: recipe)
      let (before, after) = (fields(of: self), fields(of: other))
      for (key, field) in before.sorted(by: { $0.key < $1.key }) where "\(field)" != "\(after[key]!)" {
        return (change.name, "\(field)", change.value)
      }
    }
    return nil
  }

  /// Takes the settings of these names from another; lists keep their length.
  func replaced(_ names: Set<String>, from other: Self, recipe: String) throws(RecipeError) -> Self {
    let (mine, theirs) = (fields(of: self), fields(of: other))
    var given: [String: Field] = [:]
    for name in names {
      guard let own = mine[name], let found = theirs[name] else { continue }
      if case (.list(let own), .list(let found)) = (own, found) {
        given[name] = .list(Array(found.prefix(own.count)) + own.dropFirst(found.count))
      } else {
        given[name] = found
      }
    }
    return try merging(given, recipe: recipe)
  }

  private func merging(_ given: [String: Field], recipe: String) throws(RecipeError) -> Self {
    var all = fields(of: self)
    for (key, field) in given {
      guard let present = all[key] else { throw .unknownSetting(key, recipe: recipe, known: Self.keys) }
      all[key] = field
      do {
        _ = try JSONDecoder().decode(Self.self, from: JSONEncoder().encode(all))
      } catch {
        throw .badSetting(key, value: "'\(field.description)'", reason: "it must be \(present.kind)")
      }
    }
    let merged = try! JSONDecoder().decode(Self.self, from: JSONEncoder().encode(all))
    try Self.expectShape(merged.size, recipe: recipe)
    return merged
  }
}

/// "learningRate" as "learning-rate".
public func hyphenated(_ key: String) -> String {
  key.reduce(into: "") { $0 += $1.isUppercase ? "-" + $1.lowercased() : String($1) }
}

private func fields(of settings: some RecipeSettings) -> [String: Field] {
  try! JSONDecoder().decode([String: Field].self, from: JSONEncoder().encode(settings))
}

/// A JSON value of settings.
private enum Field: Codable, CustomStringConvertible {
  case truth(Bool), number(Double), text(String), list([Field]), table([String: Field])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let truth = try? value.decode(Bool.self) {
      self = .truth(truth)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([Field].self) {
      self = .list(list)
    } else {
      self = .table(try value.decode([String: Field].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .truth(let truth): try value.encode(truth)
    case .number(let number): try value.encode(number)
    case .text(let text): try value.encode(text)
    case .list(let list): try value.encode(list)
    case .table(let table): try value.encode(table)
    }
  }

  /// A typed word as a value of the same kind, if it is one.
  func read(_ word: String) -> Field? {
    switch self {
    case .truth:
      switch word.lowercased() {
      case "true", "yes", "on", "1": return .truth(true)
      case "false", "no", "off", "0": return .truth(false)
      default: return nil
      }
    case .number:
      return Double(word).flatMap { $0.isFinite ? .number($0) : nil }
    case .text:
      return .text(word)
    case .list(let list):
      let parts = word.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      let example = list.first ?? .number(0)
      let fields = parts.compactMap { example.read($0) }
      return fields.count == parts.count ? .list(fields) : nil
    case .table:
      return try? JSONDecoder().decode(Field.self, from: Data(word.utf8))
    }
  }

  /// Of settings that all recipes have.
  static let commonNotes = [
    "size": "Side of the pictures in pixels.",
    "channels": "1 for grey, 3 for colour, 4 with transparency.",
    "batch": "Pictures per update: 1 to 65536.", "precision": "auto, bfloat16 or float32.",
    "mirror": "Also see pictures mirrored, left for right.",
    "classes": "Names of the classes; taken from the folders.", "classCounts": "Pictures of each class.",
    "conditional": "Learn classes from folders, where there are two or more.",
    "beta1": "Adam's β₁: 0 or more and below 1.",
    "beta2": "Adam's β₂: 0 or more and below 1.",
  ]

  /// Of the size, where it needn't be square.
  static let shapesNote = "Size of the pictures in pixels: the side of a square, or 192x128 (width, height)."

  /// What holds for settings of these names in all recipes; nil where the value keeps to it.
  func limit(named key: String) -> String? {
    switch self {
    case .number(let number) where key == "batch" && !(1...65_536).contains(number): "it must be 1 to 65536"
    case .number(let number) where key.lowercased().hasSuffix("rate") && !(number >= 0 && number <= 10):
      "it must be 0 to 10"
    case .number(let number) where ["beta1", "beta2", "rateHold"].contains(key) && !(0..<1).contains(number):
      "it must be 0 or more and below 1"
    // What counts something fits into an integer, with room for multiples.
    case .number(let number) where abs(number) > 1e9: "it is too large"
    case .list(let list): list.lazy.compactMap { $0.limit(named: key) }.first
    default: nil
    }
  }

  var kind: String {
    switch self {
    case .truth: "true or false"
    case .number: "a number, and a whole one where it counts something"
    case .text: "one of the words that its description names"
    case .list: "numbers with commas between them"
    case .table: "a JSON object"
    }
  }

  var description: String {
    switch self {
    case .truth(let truth): "\(truth)"
    case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    case .text(let text): text
    case .list(let list): list.map(\.description).joined(separator: ",")
    case .table(let table): "\(table)"
    }
  }
}
