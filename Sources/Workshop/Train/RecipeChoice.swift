import Metrics
import Models
import Torch
import Training

/// The recipe of a run whose recipe nobody names: `projected` for few pictures, of which it makes more in minutes than
/// `r3gan` in an hour, and no copies; else `r3gan`.
///
/// - Parameter say: told why it is another one than expected.
/// - Throws: `GalleryError`, `ArchiveError`.
func chosenRecipe(
  for request: TrainRequest, in workspace: Workspace, say: (String) -> Void
) throws -> any Recipe.Type {
  guard let pictures = request.pictures, request.towards == nil, request.frame == nil, request.preset == nil,
    // One picture is many pieces.
    request.crop != .pieces,
    // Settings that only r3gan has ask for it.
    (try? ProjectedRecipe.Settings().changed(by: request.settings, recipe: ProjectedRecipe.name)) != nil
  else { return R3GANRecipe.self }
  let size = request.size ?? ProjectedRecipe.Settings().size
  let choice = chosenRecipe(pictures: try Gallery(pictures).count, size: size)
  guard choice is any Watched.Type else { return choice }
  do {
    try installModel(FeatureNet.name, in: workspace, say: say)
    return choice
  } catch {
    say(
      "The recipe projected isn't used, because its pretrained network can't be downloaded: \((error as? any Explained)?.sentence ?? spokenReason(error))"
    )
    return R3GANRecipe.self
  }
}

/// The same by numbers alone.
func chosenRecipe(pictures: Int, size: Int) -> any Recipe.Type {
  pictures < fewPictures && ProjectedRecipe.sizes.contains(size) ? ProjectedRecipe.self : R3GANRecipe.self
}

/// Fewer than these are few.
private let fewPictures = 300
