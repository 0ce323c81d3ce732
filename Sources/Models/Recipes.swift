import LargeModels
import Networks
import Torch
import Training

/// All recipes: those of Atelier, and those that were added.
public var recipes: [any Recipe.Type] { own + added }

private nonisolated(unsafe) var added: [any Recipe.Type] = []

/// Adds a family of one's own, for all verbs. Call it before anything else is done, at a program's start.
public func register(_ recipe: any Recipe.Type) {
  precondition(!recipes.contains { $0.name == recipe.name }, "there is a recipe \(recipe.name) already")
  added.append(recipe)
}

/// Add a family here.
private var own: [any Recipe.Type] {
  [
    R3GANRecipe.self, StyleGAN2Recipe.self, ProjectedRecipe.self, DCGANRecipe.self, DenseRecipe.self,
    DiffusionRecipe.self, WordsRecipe.self, VAERecipe.self, VQGANRecipe.self,
    GPLVMRecipe.self, CUTRecipe.self, CycleGANRecipe.self, Pix2PixRecipe.self,
    InstantRecipe.self, BrushRecipe.self, EnlargeRecipe.self, InbetweenRecipe.self,
    MotionRecipe.self, VideoGANRecipe.self,
  ]
}

/// The recipe of that name.
///
/// - Throws: `RecipeError.unknownRecipe`.
public func recipe(named name: String) throws(RecipeError) -> any Recipe.Type {
  for recipe in recipes where recipe.name == name { return recipe }
  throw .unknownRecipe(name, known: recipes.map { $0.name })
}

/// The model of a checkpoint, and nothing that only training needs: its weights are read when they are first used.
///
/// - Throws: `RecipeError` when the recipe or its settings aren't known, `CheckpointError.doesNotFit`.
public func model(of checkpoint: Checkpoint, on device: Device = .cpu) throws -> any Model {
  func open<R: Recipe>(_ type: R.Type) throws -> any Model {
    let model = try R.Trained(R.Settings(json: checkpoint.facts.settings, recipe: R.name), on: device)
    try checkpoint.restore(into: model.parts)
    return model
  }
  let type = try recipe(named: checkpoint.facts.recipe)
  do { return try open(type) } catch let error as RecipeError {
    // Nobody typed these settings: the file is what is wrong.
    throw CheckpointError.doesNotFit(path: checkpoint.path, reason: String(error.sentence.prefix { $0 != ":" }))
  }
}
