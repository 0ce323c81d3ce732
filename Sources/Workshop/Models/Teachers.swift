import Foundation
import Models
import Networks
import Torch
import Training

/// The trained networks that a recipe learns from, fetched once for however many recipes of its kind are made.
struct Teachers {
  private let weights: [String: Tensor]?
  private let eye: VGG?, pyramid: EfficientNetPyramid?

  /// - Parameter say: told what takes time.
  /// - Throws: as `installModel`.
  init<R: Recipe>(
    for recipe: R, isNew: Bool, in workspace: Workspace, on device: Device, say: (String) -> Void
  ) throws {
    weights = try (isNew ? recipe as? any Continued : nil).map {
      try beginningWeights(type(of: $0).beginning, in: workspace, say: say)
    }
    let taught = (recipe as? any Taught)?.isTaught ?? false
    eye = try taught ? styleNetwork("vgg16", in: workspace, on: device, say: say) : nil
    pyramid = try recipe is any Watched ? trainedEye(in: workspace, on: device, say: say) : nil
  }

  /// Gives a new recipe what it needs.
  func teach(_ recipe: some Recipe) throws {
    if let weights { try (recipe as? any Continued)?.begin(with: weights) }
    if let eye { (recipe as? any Taught)?.learn(from: eye) }
    if let pyramid { (recipe as? any Watched)?.watch(through: pyramid) }
  }
}

/// Weights to begin with: of a model that comes with Atelier or was trained by it, or of one that can be installed.
///
/// - Throws: `CheckpointError`, and as `installModel`.
private func beginningWeights(_ name: String, in workspace: Workspace, say: (String) -> Void) throws -> [String: Tensor]
{
  guard !KnownModel.all.contains(where: { $0.name == name }), let path = Generator.place(name, in: workspace) else {
    return try Safetensors.read(installModel(name, in: workspace, say: say)).tensors
  }
  let trained = "network.average/"
  let named = try Safetensors.read(path).tensors.filter { $0.key.hasPrefix(trained) }
  return Dictionary(
    uniqueKeysWithValues: named.map { (String($0.key.dropFirst(trained.count)), $0.value.to(.float32)) })
}
