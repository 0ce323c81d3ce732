import Models
import Training

/// The weights that a new run begins with. What the request leaves open is taken from them.
///
/// - Throws: `RunError`, and as `Generator.checkpoint`.
func beginning(
  named name: String, _ request: inout TrainRequest, in workspace: Workspace, note: (GeneratorNote) -> Void
) throws -> Checkpoint {
  if request.isResumed { throw RunError.cannotChange("beginning", from: "what it was", to: name) }
  let checkpoint = try Generator.checkpoint(name, in: workspace, note: note)
  let facts = checkpoint.facts
  if let asked = request.recipe, asked != facts.recipe {
    throw RunError.otherRecipe(name, of: facts.recipe, asked: asked)
  }
  let (size, channels) = try recipe(named: facts.recipe).sizes(in: facts.settings)
  request.recipe = facts.recipe
  (request.size, request.channels) = (request.size ?? size, request.channels ?? channels)
  return checkpoint
}

/// What was taken over, for people.
func spoken(_ beginning: InheritedWeights, of name: String) -> String {
  let first = "It starts from the weights of \(name): \(percent(beginning)) of its networks."
  guard !beginning.anew.isEmpty else { return first }
  // Whole networks by their names, of others how many tensors.
  let parts = Dictionary(grouping: beginning.anew) { String($0.prefix { $0 != "/" }) }
  let words = parts.sorted { $0.key < $1.key }.map { "\(counted($1.count, "tensor")) of \($0)" }
  return "\(first) New: \(words.joined(separator: ", "))."
}

/// The hash of the pictures that a run or model learned from; nil where that isn't known.
func hashOfPictures(of name: String, in workspace: Workspace) -> String? {
  Generator.place(name, in: workspace).flatMap { try? RunRecord(folder: $0) }?.hash
}
