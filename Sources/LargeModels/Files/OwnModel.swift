import Networks
import Torch
import Training

extension LargeModel {
  /// Whether a file with such metadata is a model that the recipe words made: a checkpoint, or what was exported.
  public static func isOwn(_ metadata: [String: String]) -> Bool {
    metadata["format"] == "atelier" && metadata["recipe"] == WordsRecipe.name
  }

  /// A checkpoint of the recipe words, or a model of it that was exported: its moving averages.
  ///
  /// - Throws: `CheckpointError`, `RecipeError`, `LargeModelError.damaged`.
  static func own(_ path: String) throws -> LargeModel {
    let checkpoint = try Checkpoint(path: path)
    let settings = try WordsSettings(json: checkpoint.facts.settings, recipe: WordsRecipe.name)
    try settings.check()
    let parts = try WordsModel(settings, on: .cpu)
    func restored<S: Saved>(_ name: String, _ part: S) throws -> S {
      try checkpoint.restore(into: [name: part])
      return part
    }
    let vocabulary = try restored("vocabulary", parts.vocabulary).module
    let scale = try restored("latents", parts.latents).module.value
    guard scale.isFinite, scale > 0 else {
      throw LargeModelError.damaged(path: path, why: "its latents have the scale \(scale)")
    }
    let tokenizer: Tokenizer
    do { tokenizer = try vocabulary.tokenizer } catch {
      throw LargeModelError.damaged(path: path, why: error.why)
    }
    var text = settings.text
    text.end = tokenizer.end
    return LargeModel(
      path: path, family: .sd1,
      unet: Part(configuration: settings.unet, weights: checkpoint.tensors.under("unet.average/")),
      vae: Part(
        configuration: settings.coder(scale: scale), weights: checkpoint.tensors.under("vae.average/")),
      texts: [
        Text(
          part: Part(configuration: text, weights: checkpoint.tensors.under("text.average/")), tokenizer: tokenizer,
          padding: tokenizer.end, skipping: 0, normalises: true)
      ], schedule: WordsSettings.schedule, guidance: settings.guidance)
  }
}
