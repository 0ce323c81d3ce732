import Foundation
import Training

extension Event {
  /// One line of JSON without its end. What JSON has no number for, NaN and infinity, is null.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Self.noNumber, negativeInfinity: Self.noNumber, nan: Self.noNumber)
    // Strings, numbers, lists and dictionaries of them always encode.
    return String(decoding: try! encoder.encode(self), as: UTF8.self)
      .replacing("\"\(Self.noNumber)\"", with: "null")
  }

  /// Of a line of `--json`; null becomes NaN.
  ///
  /// - Throws: `DecodingError`.
  public init(json line: String) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "+\(Self.noNumber)", negativeInfinity: "-\(Self.noNumber)", nan: Self.noNumber)
    self = try decoder.decode(Event.self, from: Data(Self.withWords(forNullsIn: line).utf8))
  }

  /// JSON's coders know such a number by a string only.
  private static let noNumber = "no number 5d1e"

  /// Only numbers are null on the wire: what is absent is left out. Text that says null stays.
  private static func withWords(forNullsIn line: String) -> String {
    guard line.contains("null") else { return line }
    var parts: [Substring] = []
    var (rest, isText) = (line[...], false)
    while let quote = rest.firstIndex(where: { $0 == "\"" || $0 == "\\" }) {
      let isEscape = rest[quote] == "\\"
      let end =
        isEscape ? rest.index(quote, offsetBy: 2, limitedBy: rest.endIndex) ?? rest.endIndex : rest.index(after: quote)
      parts.append(isText ? rest[..<end] : rest[..<end].replacing("null", with: "\"\(noNumber)\""))
      if !isEscape { isText.toggle() }
      rest = rest[end...]
    }
    parts.append(rest.replacing("null", with: "\"\(noNumber)\""))
    return parts.joined()
  }
}

extension Event: Codable {
  /// A field's name.
  private struct Key: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringLiteral name: String) { stringValue = name }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// All names that stand in `event`.
  public static let names =
    [
      "progress", "note", "leftOut", "copy", "projected", "slider", "model", "recipe", "packed", "chosen", "estimate",
      "started",
      "reading", "sample", "saved", "rolledBack", "measured", "trouble", "finished", "failed",
    ] + MadeFile.Kind.allCases.map(\.rawValue)

  /// What stands in `event`.
  public var name: String {
    switch self {
    case .progress: "progress"
    case .note: "note"
    case .leftOut: "leftOut"
    case .made(let file): file.kind.rawValue
    case .copy: "copy"
    case .projected: "projected"
    case .slider: "slider"
    case .model: "model"
    case .recipe: "recipe"
    case .packed: "packed"
    case .chosen: "chosen"
    case .estimate: "estimate"
    case .started: "started"
    case .reading: "reading"
    case .sample: "sample"
    case .saved: "saved"
    case .rolledBack: "rolledBack"
    case .measured: "measured"
    case .trouble: "trouble"
    case .finished: "finished"
    case .failed: "failed"
    }
  }

  /// The fields of the value in it stand beside `event`.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: "event")
    switch self {
    case .progress(let progress): try progress.encode(to: encoder)
    case .note(let words): try fields.encode(words, forKey: "text")
    case .leftOut(let file): try file.encode(to: encoder)
    case .made(let file): try file.encode(to: encoder)
    case .copy(let copy): try copy.encode(to: encoder)
    case .projected(let projected): try projected.encode(to: encoder)
    case .slider(let name, let method, let layers):
      try fields.encode(name, forKey: "name")
      try fields.encode(method, forKey: "method")
      try fields.encodeIfPresent(layers, forKey: "layers")
    case .model(let model): try model.encode(to: encoder)
    case .recipe(let recipe): try recipe.encode(to: encoder)
    case .packed(let packed, let leftOut):
      try packed.encode(to: encoder)
      try fields.encode(leftOut, forKey: "leftOut")
    case .chosen(let recipe, let settings, let words):
      try fields.encode(recipe, forKey: "recipe")
      try fields.encode(settings, forKey: "settings")
      try fields.encode(words, forKey: "words")
    case .estimate(let estimate): try estimate.encode(to: encoder)
    case .started(let run, let recipe, let pictures, let seen):
      try fields.encode(run, forKey: "run")
      try fields.encode(recipe, forKey: "recipe")
      try fields.encode(pictures, forKey: "pictures")
      try fields.encode(seen, forKey: "picturesSeen")
    case .reading(let report): try report.encode(to: encoder)
    case .sample(let path, let seen), .saved(let path, let seen):
      try fields.encode(path, forKey: "path")
      try fields.encode(seen, forKey: "picturesSeen")
    case .rolledBack(let reason, let seen):
      try fields.encode(reason, forKey: "reason")
      try fields.encode(seen, forKey: "picturesSeen")
    case .measured(let quality, let isBest):
      try fields.encode(quality.kid, forKey: "kid")
      try fields.encode(quality.error, forKey: "kidError")
      try fields.encode(quality.picturesSeen, forKey: "picturesSeen")
      try fields.encode(isBest, forKey: "isBest")
    case .trouble(let trouble): try trouble.encode(to: encoder)
    case .finished(let result): try result.encode(to: encoder)
    case .failed(let text, let exitCode):
      try fields.encode(text, forKey: "text")
      try fields.encode(exitCode, forKey: "exitCode")
    }
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    func text(_ key: Key) throws -> String { try fields.decode(String.self, forKey: key) }
    func number(_ key: Key) throws -> Int { try fields.decode(Int.self, forKey: key) }
    let name = try text("event")
    switch name {
    case "progress": self = .progress(try Progress(from: decoder))
    case "note": self = .note(try text("text"))
    case "leftOut": self = .leftOut(try SetAside(from: decoder))
    case "copy": self = .copy(try FoundCopy(from: decoder))
    case "projected": self = .projected(try Projected(from: decoder))
    case "slider":
      self = .slider(
        name: try text("name"), method: try text("method"),
        layers: try fields.decodeIfPresent([Int].self, forKey: "layers"))
    case "model": self = .model(try ListedModel(from: decoder))
    case "recipe": self = .recipe(try RecipeReference(from: decoder))
    case "packed": self = .packed(try Packed(from: decoder), leftOut: try number("leftOut"))
    case "chosen":
      self = .chosen(recipe: try text("recipe"), settings: try text("settings"), words: try text("words"))
    case "estimate": self = .estimate(try Estimate(from: decoder))
    case "started":
      self = .started(
        run: try text("run"), recipe: try text("recipe"), pictures: try number("pictures"),
        picturesSeen: try number("picturesSeen"))
    case "reading": self = .reading(try Report(from: decoder))
    case "sample": self = .sample(path: try text("path"), picturesSeen: try number("picturesSeen"))
    case "saved": self = .saved(path: try text("path"), picturesSeen: try number("picturesSeen"))
    case "rolledBack": self = .rolledBack(reason: try text("reason"), picturesSeen: try number("picturesSeen"))
    case "measured":
      let quality = Quality(
        picturesSeen: try number("picturesSeen"), kid: try fields.decode(Double.self, forKey: "kid"),
        error: try fields.decode(Double.self, forKey: "kidError"))
      self = .measured(quality, isBest: try fields.decode(Bool.self, forKey: "isBest"))
    case "trouble": self = .trouble(try Trouble(from: decoder))
    case "finished": self = .finished(try Result(from: decoder))
    case "failed": self = .failed(text: try text("text"), exitCode: try number("exitCode"))
    default:
      guard MadeFile.Kind(rawValue: name) != nil else {
        throw DecodingError.dataCorruptedError(
          forKey: "event", in: fields, debugDescription: "no event is called \(name)")
      }
      self = .made(try MadeFile(from: decoder))
    }
  }
}
