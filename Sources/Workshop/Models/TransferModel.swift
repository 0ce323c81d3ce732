import Foundation
import Media
import Models
import Networks
import Torch
import Training

/// A network that changes pictures, opened from a run, a checkpoint's file or a model.
public struct TransferModel {
  public let network: any PictureTransfer
  /// How it was named.
  public let name: String
  /// The colour that transparent pictures were put on in training.
  public let ground: Ground
  /// What a made file says about it.
  let words: [(key: String, value: String)]

  /// - Parameters:
  ///   - name: a run's folder, a checkpoint's or a model's file, or the name of a run or a model in the workspace, of one
  ///     that comes with Atelier or that can be installed.
  ///   - back: the other direction.
  ///   - say: told what takes time, or which damaged checkpoint was passed over.
  /// - Throws: `GeneratorError`, `TransferModelError`, `CheckpointError`, `RecipeError`, and as `installModel`.
  public init(
    _ name: String, back: Bool = false, in workspace: Workspace, on device: Device = .cpu,
    say: (String) -> Void = { _ in }
  ) throws {
    self.name = name
    var path = Generator.place(name, in: workspace)
    if path == nil, KnownModel.all.contains(where: { $0.name == name }) {
      path = try installModel(name, in: workspace, say: say)
    }
    guard let path else { throw GeneratorError.missing(name) }
    if let facts = try? Safetensors.metadata(path), facts["recipe"] == nil {
      let architecture = facts[ModelMetadata.architecture] ?? "unknown"
      if architecture == "brush" { throw TransferModelError.needsStyle(name) }
      guard translationImport.names.contains(architecture) else {
        throw TransferModelError.changesNothing(name, what: architecture)
      }
      guard !back else { throw TransferModelError.oneWay(name) }
      network = try transferNetwork(Safetensors.read(path).tensors, on: device).network
      ground = .white
      words = [
        ("Model", name.shownName), ("Weights", "sha256:\(try Digest.sha256(file: path))"),
        ("Architecture", architecture),
      ]
      return
    }
    let generator = try Generator(name, in: workspace, on: device) { say($0.sentence) }
    guard let carrier = generator.model as? any TranslationModel else {
      let use = generator.use ?? .pictures
      throw use.needsStyle
        ? TransferModelError.needsStyle(name)
        : .otherUse(name, recipe: generator.facts.recipe, use: use)
    }
    guard let network = carrier.transfer(back: back) else { throw TransferModelError.oneWay(name) }
    self.network = network
    ground = try RunRecord(of: generator)?.packing.ground ?? .white
    words =
      Provenance.words(of: generator) + [
        ("Recipe", generator.facts.recipe), ("Training", generator.facts.settings),
        ("Pictures seen", "\(generator.facts.picturesSeen)"),
      ]
  }
}

/// Why a run or a model can't change pictures.
public enum TransferModelError: Explained, Equatable {
  /// It changes no pictures.
  case otherUse(String, recipe: String, use: Use)
  /// It is for something else.
  case changesNothing(String, what: String)
  case oneWay(String)
  /// It was asked for another style.
  case hasItsStyle(String, recipe: String)
  case needsStyle(String)
  case noSuchStyle(String, model: String, count: Int)

  public var sentence: String {
    switch self {
    case .otherUse(let name, let recipe, let use):
      "\(name) \(use.words) (\(recipe)) and changes none: use `\(use.command(for: name))`."
    case .changesNothing(let name, let what):
      "\(name) (\(what)) doesn't change pictures: name a run of \(namesOfRecipes { $0 is any TranslationModel.Type }), or a model like them."
    case .oneWay(let name):
      "\(name) goes one way only: leave out --back, or train a recipe that learns both ways."
    case .hasItsStyle(let name, let recipe):
      "\(name) (\(recipe)) has no style input: leave out --style, or use a run of the recipe \(namesOfRecipes { $0 is InstantModel.Type })."
    case .needsStyle(let name):
      "\(name) paints in several styles: name a painting by --style, or the number of one that it has."
    case .noSuchStyle(let style, let model, let count):
      "\(model) has no style '\(style)': use --style 0 to \(count - 1)."
    }
  }
  public var exit: Exit { .usage }
}
