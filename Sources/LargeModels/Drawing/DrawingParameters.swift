import Foundation

/// How a picture was drawn, as the text that AUTOMATIC1111's web interface writes under `parameters` into a PNG and that other tools read.
///
/// The prompt; a line "Negative prompt: …"; a line of settings, "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, …". A
/// value with a comma, a colon or a new line stands in quotation marks.
public struct DrawingParameters: Equatable, Sendable {
  public var prompt = ""
  public var negative = ""
  public var steps: Int?
  public var sampler: Sampler?
  public var spacing: Spacing?
  public var guidance: Double?
  public var seed: UInt64?
  /// In pixels.
  public var width: Int?
  public var height: Int?
  /// The first ten digits of the model file's SHA-256.
  public var modelHash: String?
  public var model: String?
  public var strength: Double?
  /// Layers of the text encoder left out; the text counts from 1.
  public var clipSkip = 0
  /// LoRAs by file name, and how much each counts: `<lora:name:0.8>` in the prompt.
  public var adapters: [Adapter] = []
  /// Settings that mean nothing here, in their order.
  public var others: [Setting] = []

  public struct Adapter: Equatable, Sendable {
    public var name: String
    public var weight: Double
    public init(_ name: String, _ weight: Double) { (self.name, self.weight) = (name, weight) }
  }
  public struct Setting: Equatable, Sendable {
    public var key: String
    public var value: String
    public init(_ key: String, _ value: String) { (self.key, self.value) = (key, value) }
  }

  public init() {}
}

extension DrawingParameters {
  public var text: String {
    let tags = adapters.map { " <lora:\($0.name):\(number($0.weight))>" }.joined()
    var lines = [prompt + tags]
    if !negative.isEmpty { lines.append("Negative prompt: \(negative)") }
    var settings: [Setting] = []
    func add(_ key: String, _ value: String?) { if let value { settings.append(Setting(key, value)) } }
    add("Steps", steps.map(String.init))
    add("Sampler", sampler?.title)
    add("Schedule type", spacing.map { spacing in Self.spacings.first { $0.spacing == spacing }!.name })
    add("CFG scale", guidance.map(number))
    add("Seed", seed.map(String.init))
    if let width, let height { add("Size", "\(width)x\(height)") }
    add("Model hash", modelHash)
    add("Model", model)
    add("Denoising strength", strength.map(number))
    if clipSkip > 0 { add("Clip skip", "\(clipSkip + 1)") }
    settings += others
    lines.append(settings.map { "\($0.key): \(Self.quoted($0.value))" }.joined(separator: ", "))
    return lines.joined(separator: "\n")
  }

  /// - Parameter text: anything; what has no line of settings is a prompt.
  public init(text: String) {
    var lines = text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
    var settings: [Setting] = []
    if let last = lines.last {
      let found = Self.settings(last)
      // A prompt may have a colon or two.
      if found.count >= 3 {
        settings = found
        lines.removeLast()
      }
    }
    let mark = "Negative prompt:"
    if let begin = lines.firstIndex(where: { $0.hasPrefix(mark) }) {
      let rest = [String(lines[begin].dropFirst(mark.count))] + lines[(begin + 1)...]
      negative = rest.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
      lines.removeSubrange(begin...)
    }
    (prompt, adapters) = Self.tagless(lines.joined(separator: "\n"))
    for setting in settings { take(setting) }
  }

  private mutating func take(_ setting: Setting) {
    let value = setting.value
    switch setting.key {
    case "Steps" where Int(value) != nil: steps = Int(value)
    case "CFG scale" where Double(value) != nil: guidance = Double(value)
    case "Seed" where UInt64(value) != nil: seed = UInt64(value)
    case "Model hash": modelHash = value
    case "Model": model = value
    case "Denoising strength" where Double(value) != nil: strength = Double(value)
    case "Clip skip" where Int(value) ?? 0 > 0: clipSkip = Int(value)! - 1
    case "Schedule type":
      if let known = Self.spacings.first(where: { $0.name == value }) {
        spacing = known.spacing
      } else {
        others.append(setting)
      }
    case "Size":
      let sides = value.split(separator: "x").map { Int($0) }
      if sides.count == 2, let w = sides[0], let h = sides[1] {
        (width, height) = (w, h)
      } else {
        others.append(setting)
      }
    case "Sampler":
      // Before the schedule had a setting of its own, it was a part of this name.
      var name = value
      for (schedule, spacing) in [(" Karras", Spacing.karras), (" Exponential", .exponential)]
      where name.hasSuffix(schedule) {
        (name, self.spacing) = (String(name.dropLast(schedule.count)), spacing)
      }
      sampler = Sampler.allCases.first { $0.title == name }
      if sampler == nil { others.append(setting) }
    default: others.append(setting)
    }
  }

  private static let spacings: [(name: String, spacing: Spacing)] = [
    ("Karras", .karras), ("Exponential", .exponential), ("Uniform", .linspace), ("SGM Uniform", .trailing),
    ("Automatic", .leading),
  ]

  private static func quoted(_ value: String) -> String {
    guard value.contains(where: { ",:\n\"".contains($0) }) else { return value }
    let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    return "\"\(escaped)\""
  }

  /// "Key: value, Key: "a, b"" read letter by letter; empty when the line is none of that.
  private static func settings(_ line: String) -> [Setting] {
    var (found, rest) = ([Setting](), Substring(line))
    while true {
      rest = rest.drop { $0 == " " || $0 == "," }
      guard !rest.isEmpty else { return found }
      let key = rest.prefix { $0 != ":" && $0 != "," }
      guard key.endIndex < rest.endIndex, rest[key.endIndex] == ":", let first = key.first,
        first.isLetter || first.isNumber
      else { return [] }
      rest = rest[key.endIndex...].dropFirst().drop { $0 == " " }
      var value = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        var isEscaped = false
        while let letter = rest.popFirst() {
          if isEscaped {
            value.append(letter == "n" ? "\n" : letter)
            isEscaped = false
          } else if letter == "\\" {
            isEscaped = true
          } else if letter == "\"" {
            break
          } else {
            value.append(letter)
          }
        }
      } else {
        value = String(rest.prefix { $0 != "," })
        rest = rest.dropFirst(value.count)
        value = value.trimmingCharacters(in: .whitespaces)
      }
      found.append(Setting(String(key), value))
    }
  }

  /// A prompt without its tags of LoRAs, and those.
  private static func tagless(_ prompt: String) -> (String, [Adapter]) {
    var adapters: [Adapter] = []
    let bare = prompt.replacing(#/<lora:([^:<>]+):([-+.0-9]+)(?::[^<>]*)?>/#) { match in
      guard let weight = Double(match.2) else { return String(match.0) }
      adapters.append(Adapter(String(match.1), weight))
      return ""
    }
    return (bare.trimmingCharacters(in: .whitespacesAndNewlines), adapters)
  }
}

/// A number as short as it can be written.
private func number(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
}
