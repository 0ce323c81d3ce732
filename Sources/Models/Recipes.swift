import Networks
import Torch
import Training

/// All recipes, the default one first: add a family here.
public var recipes: [any Recipe.Type] {
  [
    R3GANRecipe.self, StyleGAN2Recipe.self, ProjectedRecipe.self, DCGANRecipe.self, DenseRecipe.self,
    DiffusionRecipe.self, VAERecipe.self, VQGANRecipe.self,
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

/// The generator of a checkpoint, ready to make pictures: what it doesn't need for that is left out of the file's
/// reading.
///
/// - Throws: `RecipeError` when the recipe or its settings aren't known, `CheckpointError.doesNotFit`.
public func generator(of checkpoint: Checkpoint, on device: Device = .cpu) throws -> any Recipe {
  func made<R: Recipe>(_ type: R.Type) throws(RecipeError) -> R {
    let settings = try R.Settings(json: checkpoint.facts.settings, recipe: R.name)
    var noise = Noise(seed: checkpoint.facts.seed)
    return try R(settings, noise: &noise, on: device)
  }
  func open<R: Recipe>(_ type: R.Type) throws -> any Recipe {
    let recipe = try made(type)
    try checkpoint.restore(into: recipe.published)
    return recipe
  }
  let type = try recipe(named: checkpoint.facts.recipe)
  do { return try open(type) } catch let error as RecipeError {
    // Nobody typed these settings: the file is what is wrong.
    throw CheckpointError.doesNotFit(path: checkpoint.path, reason: String(error.sentence.prefix { $0 != ":" }))
  }
}
