import Models
import Training

/// What `atelier recipes NAME` tells.
public struct RecipeReference: Codable, Hashable, Sendable {
  public struct Setting: Codable, Hashable, Sendable {
    /// As typed: `--learning-rate`.
    public let name: String
    public let value: String
    /// What it does, and its range.
    public let note: String
  }
  public struct Preset: Codable, Hashable, Sendable {
    public let name: String
    public let summary: String
  }
  public let name: String
  public let summary: String
  /// A command that uses what it trains.
  public let command: String
  /// Pictures, two sets or sequences.
  public let learnsFrom: String
  public let presets: [Preset]
  /// None in a list of all recipes.
  public let settings: [Setting]

  /// Whether it was asked for by its name.
  public var isAlone: Bool { !settings.isEmpty }

  /// Of the recipe that teaches a large model, which no network of Atelier's own belongs to.
  init(ofLoRA isAlone: Bool) {
    name = "lora"
    summary = "Teaches a large model (--base) what pictures with captions show; see docs/large-models.md."
    command = "atelier generate MODEL --prompt WORDS --lora RUN/lora.safetensors"
    (learnsFrom, presets) = ("a set of pictures with captions", [])
    settings = !isAlone ? [] : AdapterChoices.described.map { Setting(name: $0.name, value: $0.value, note: $0.note) }
  }

  init<R: Recipe>(_ type: R.Type, isAlone: Bool) {
    (name, summary, command) = (R.name, R.summary, R.use.command(for: "RUN"))
    learnsFrom =
      switch R.material {
      case .pictures: "a set of pictures"
      case .sets(.unpaired): "two sets of pictures, the second by --towards"
      case .sets(.paired): "two sets of pictures with the same names, the second by --towards"
      case .sequences: "sequences: clips, or folders of frames"
      }
    presets = R.presets.map { Preset(name: $0.name, summary: $0.summary) }
    settings = !isAlone ? [] : R.Settings.described.map { Setting(name: $0.name, value: $0.value, note: $0.note) }
  }
}

/// All recipes, or the one of a name with its settings.
///
/// - Throws: `RecipeError.unknownRecipe`.
public func recipeReference(of name: String? = nil) throws -> [RecipeReference] {
  func reference<R: Recipe>(_ type: R.Type) -> RecipeReference { RecipeReference(type, isAlone: name != nil) }
  if name == "lora" { return [RecipeReference(ofLoRA: true)] }
  let found = try (name.map { [try recipe(named: $0)] } ?? recipes).map { reference($0) }
  return name == nil ? found + [RecipeReference(ofLoRA: false)] : found
}
