import Networks
import Torch

/// A kind of weights that others trained and a family here can use.
public struct Importable {
  /// As `models import --as` takes them; the first is what the new file says.
  public let names: [String]
  /// What the network is good for, in words; nil where a recipe's `Use` says it.
  public let use: String?
  private let adopt: ([String: Tensor]) throws -> Adopted

  /// Weights as the new file has them.
  public struct Adopted {
    public let tensors: [String: Tensor]
    /// Of a model that a recipe could have trained: the new file is a checkpoint.
    public let facts: Checkpoint.Facts?
    /// What was found, such as "64 px, 3 channels, latents of 100 numbers".
    public let words: String

    public init(_ tensors: [String: Tensor], facts: Checkpoint.Facts? = nil, words: String) {
      (self.tensors, self.facts, self.words) = (tensors, facts, words)
    }
  }

  /// - Parameter adopt: throws a `StateError` or a `RecipeError` when the weights are another network's.
  public init(_ names: String..., use: String? = nil, adopt: @escaping ([String: Tensor]) throws -> Adopted) {
    (self.names, self.use, self.adopt) = (names, use, adopt)
  }

  public func callAsFunction(_ weights: [String: Tensor]) throws -> Adopted { try adopt(weights) }

  /// A generator whose settings are told from its weights' names and shapes.
  ///
  /// - Parameters:
  ///   - settings: of the weights; throws when they are another network's.
  ///   - renamed: the weights by Atelier's own names.
  public static func model<R: Recipe>(
    _ type: R.Type, renamed: @escaping ([String: Tensor]) throws -> [String: Tensor] = { $0 },
    settings: @escaping ([String: Tensor]) throws -> R.Settings
  ) -> Importable {
    Importable(R.name) { weights in
      let weights = try renamed(weights)
      let settings = try settings(weights)
      let model = try R.Trained(settings, on: .cpu)
      var tensors: [String: Tensor] = [:]
      for (name, part) in model.parts {
        try part.restore(weights)
        for (key, tensor) in part.savedTensors { tensors["\(name)/\(key)"] = tensor }
      }
      let latent = (model as? any PictureModel)?.offers.latent
      let words =
        "\(settings.size) px, \(settings.channels == 1 ? "1 channel" : "\(settings.channels) channels")"
        + (latent.map { ", latents of \($0) numbers" } ?? "")
      return Adopted(
        tensors, facts: Checkpoint.Facts(recipe: R.name, settings: settings.json, seed: 0), words: words)
    }
  }
}
