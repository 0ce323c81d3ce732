import Models
import Torch
import Training

/// The weights that a recipe learns from, fetched once for however many recipes of its kind are made.
struct Teachers {
  private let weights: [(of: Pretrained, tensors: [String: Tensor])]

  /// - Parameter say: told what takes time.
  /// - Throws: `CheckpointError`, and as `installModel`.
  init(_ needs: [Pretrained], isNew: Bool, in workspace: Workspace, say: (String) -> Void) throws {
    weights = try needs.filter { isNew || !$0.isBeginning }.map { need in
      // A model that comes with Atelier, or was trained by it, before one that can be installed.
      let isKnown = KnownModel.all.contains { $0.name == need.model }
      let path =
        try isKnown
        ? installModel(need.model, in: workspace, say: say)
        : Generator.place(need.model, in: workspace) ?? installModel(need.model, in: workspace, say: say)
      return (need, try Safetensors.read(path).tensors)
    }
  }

  /// Gives a new recipe what it needs.
  func teach(_ recipe: some Recipe) throws {
    for (need, tensors) in weights { try recipe.take(need, weights: tensors) }
  }
}
