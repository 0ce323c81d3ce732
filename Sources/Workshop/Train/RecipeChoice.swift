import Models
import Torch
import Training

/// The recipe of a run whose recipe nobody names: the one that prefers such pictures most, of those that know the settings
/// and whose weights to learn from can be had.
///
/// - Parameter say: told why it is another one than expected.
/// - Throws: `GalleryError`, `ArchiveError`.
func chosenRecipe(
  for request: TrainRequest, in workspace: Workspace, say: (String) -> Void
) throws -> any Recipe.Type {
  guard let pictures = request.pictures else { return preferred(for: Situation(pictures: 1, size: 64, channels: 3))[0] }
  let gallery = try Gallery(pictures)
  var situation = Situation(pictures: gallery.count, size: request.size ?? 64, channels: request.channels ?? 3)
  situation.areDrawn = try PictureSurface.areDrawn(gallery)
  let candidates = preferred(for: situation)
  // Who asks for something special gets the recipe that needs nothing but pictures.
  let plain = candidates.first { $0.defaultNeeds.isEmpty } ?? candidates.last!
  if request.towards != nil || request.frame != nil || request.preset != nil || request.crop == .pieces { return plain }
  if candidates[0] == plain, plain.knows(request.settings) {
    say("Most of the pictures are drawn, with flat parts and few colours: the recipe \(plain.name) suits them.")
  }
  for type in candidates where type.knows(request.settings) {
    do {
      for need in type.defaultNeeds { try installModel(need.model, in: workspace, say: say) }
      return type
    } catch {
      say(
        "The recipe \(type.name) isn't used, because its pretrained network can't be downloaded: \((error as? any Explained)?.sentence ?? spokenReason(error))"
      )
    }
  }
  return plain
}

/// Recipes that want to be taken, the one that wants it most first.
func preferred(for situation: Situation) -> [any Recipe.Type] {
  recipes.filter { $0.preference(for: situation) > 0 }
    .sorted { $0.preference(for: situation) > $1.preference(for: situation) }
}

/// Names of the recipes whose models are of a kind, for a sentence: "vae, vqgan or gplvm".
func namesOfRecipes(where isRight: (any Model.Type) -> Bool) -> String {
  let names = recipes.filter { isRight($0.trains) }.map { $0.name }
  guard names.count > 1 else { return names.first ?? "such a kind" }
  return names.dropLast().joined(separator: ", ") + " or " + names.last!
}

/// Names of recipes for help texts and sentences, by what their models can do.
public enum RecipesThat {
  public static var haveStyles: String { namesOfRecipes { $0 is any StyleModel.Type } }
  public static var reconstruct: String { namesOfRecipes { $0 is any ReconstructingModel.Type } }
  public static var encode: String { namesOfRecipes { $0 is any EncodingModel.Type } }
  public static var makeFilms: String {
    recipes.filter { $0.use.verb == .film }.map { $0.name }.joined(separator: ", ")
  }
  /// The first whose pictures are made of two numbers, so that they lie on a map.
  public static var drawMaps: String? {
    recipes.first { type in type.settingsByDefault.contains { $0.name == "latent" && $0.value == "2" } }?.name
  }
  /// What a run trains where nobody names a recipe, and what where that one's pretrained network can't be had or the
  /// pictures are textures.
  public static var areChosen: (first: String, last: String) {
    let all = preferred(for: Situation(pictures: 1000, size: 64, channels: 3))
    return (all[0].name, all.last!.name)
  }
}

extension Recipe {
  /// The kind of its model.
  static var trains: any Model.Type { Trained.self }
  fileprivate static var settingsByDefault: [(name: String, value: String, note: String)] { Settings.described }
  fileprivate static var defaultNeeds: [Pretrained] { needs(Settings()) }
  fileprivate static func knows(_ settings: [(name: String, value: String)]) -> Bool {
    (try? Settings().changed(by: settings, recipe: name)) != nil
  }
}
