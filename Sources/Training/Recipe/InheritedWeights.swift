import Networks
import Torch

/// The weights that a new run took from another run.
public struct InheritedWeights: Codable, Sendable, Equatable {
  /// Numbers that were taken, and those that the networks have in all.
  public private(set) var taken = 0, all = 0
  /// Tensors that begin anew, such as "generator/stages.4.head.weight", sorted.
  public private(set) var anew: [String] = []

  public init() {}

  fileprivate mutating func count(_ name: String, _ numbers: Int, isTaken: Bool) {
    all += numbers
    if isTaken { taken += numbers } else { anew.append(name) }
  }
}

extension Checkpoint {
  /// Gives networks the weights that fit by name and shape; the rest keep what they have.
  ///
  /// A published generator has only averages, from which the networks begin, too.
  ///
  /// - Parameter parts: as `Recipe.inherited`.
  public func begin(_ parts: [String: any Saved]) -> InheritedWeights {
    var beginning = InheritedWeights()
    withoutGradients {
      for (part, saved) in parts.sorted(by: { $0.key < $1.key }) {
        for (key, mine) in saved.savedTensors.sorted(by: { $0.key < $1.key }) {
          let theirs = tensors["\(part)/\(key)"] ?? tensors["\(part).average/\(key)"]
          let fits = theirs?.shape == mine.shape
          if fits, let theirs { mine.copy(from: theirs) }
          beginning.count("\(part)/\(key)", mine.count, isTaken: fits)
        }
      }
    }
    return beginning
  }
}

extension RecipeSettings {
  /// These settings with networks like another run's, so that its weights fit.
  ///
  /// Lists with a number for each size keep as many as they have: what the other has none for stays.
  public func shaped(like other: Self, recipe: String) throws(RecipeError) -> Self {
    try replaced(Self.shaping, from: other, recipe: recipe)
  }
}
