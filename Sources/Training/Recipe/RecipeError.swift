import Torch

/// A wrong recipe's name or setting.
public enum RecipeError: Explained, Equatable {
  case unknownRecipe(String, known: [String])
  case unknownPreset(String, recipe: String, known: [String])
  case unknownSetting(String, recipe: String, known: [String])
  case badSetting(String, value: String, reason: String)
  case impossibleSize(PictureSize, recipe: String, reason: String)
  case unknownClass(String, known: [String])

  public var sentence: String {
    switch self {
    case .unknownRecipe(let name, let known):
      "There is no recipe '\(name)': use \(known.joined(separator: ", "))."
    case .unknownPreset(let name, let recipe, let known):
      known.isEmpty
        ? "The recipe \(recipe) has no presets: leave --preset out."
        : "The recipe \(recipe) has no preset '\(name)': use \(known.joined(separator: ", "))."
    case .unknownSetting(let name, let recipe, let known):
      "The recipe \(recipe) has no setting '\(name)': use one of \(known.joined(separator: ", "))."
    case .badSetting(let name, let value, let reason):
      "The setting '\(name)' can't be \(value): \(reason)."
    case .impossibleSize(let size, let recipe, let reason):
      "The recipe \(recipe) can't make pictures of \(size) px: \(reason)."
    case .unknownClass(let name, let known):
      known.isEmpty
        ? "This generator has no classes, so there is no class '\(name)': train one on pictures in folders, one a class."
        : "There is no class '\(name)': use \(known.joined(separator: ", "))."
    }
  }
  public var exit: Exit { .usage }
}
