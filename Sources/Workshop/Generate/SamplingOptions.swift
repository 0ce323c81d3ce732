import Models
import Torch
import Training

/// How a generator draws, where it leaves a choice.
public struct SamplingOptions: Codable, Sendable, Equatable {
  /// Of a diffusion model: `heun:40`, `solver:20` or `quick:4`, as `Sampling` reads them.
  public var sampling: String?
  /// One of the classes that a conditional generator knows.
  public var className: String?
  /// How far it is driven towards that class; 1 when nil.
  public var guidance: Double?

  public init() {}
  public init(sampling: String) { self.sampling = sampling }
}

extension Generator {
  /// Draws so from now on.
  ///
  /// - Throws: `SamplingError`, and `RecipeError` when the generator can't.
  public mutating func draw(_ samplingOptions: SamplingOptions) throws {
    let offers = (model as? any PictureModel)?.offers ?? Offers()
    if let words = samplingOptions.sampling {
      guard Sampling(words) != nil else { throw SamplingError.notASampling(words) }
      guard offers.sampling != nil else { throw SamplingError.notStepped(name, recipe: facts.recipe) }
    }
    if samplingOptions.className != nil || samplingOptions.guidance != nil {
      let guidance = samplingOptions.guidance ?? 1
      guard (0...20).contains(guidance) else { throw SamplingError.badGuidance(guidance) }
      guard !offers.classes.isEmpty else {
        throw SamplingError.notConditional(name, recipe: facts.recipe, option: "--class and --guidance")
      }
    }
    self.samplingOptions = samplingOptions
    try (model as? any PictureModel)?.check(request(seeds: []))
  }

  /// What a picture's file says of it.
  var samplingWords: [(key: String, value: String)] {
    var words: [(key: String, value: String)] = []
    if let own = (model as? any PictureModel)?.offers.sampling {
      words.append(("Sampling", "\(samplingOptions.sampling.flatMap { Sampling($0) } ?? own)"))
    }
    if let className = samplingOptions.className { words.append(("Class", className)) }
    if let guidance = samplingOptions.guidance { words.append(("Guidance", "\(guidance)")) }
    return words
  }
}

/// Why a generator can't draw as it is asked to.
public enum SamplingError: Explained, Equatable {
  case notASampling(String)
  case notStepped(String, recipe: String)
  case notConditional(String, recipe: String, option: String)
  case badGuidance(Double)

  public var sentence: String {
    switch self {
    case .notASampling(let words):
      "--sampling can't be '\(words)': use heun:40, solver:20 (any number of steps from 2 to 1000), or quick:1, quick:2 or quick:4."
    case .notStepped(let name, let recipe):
      "\(name) (\(recipe)) samples in one step: leave --sampling out."
    case .notConditional(let name, let recipe, let option):
      "\(name) (\(recipe)) has no classes: leave \(option) out."
    case .badGuidance(let value): "--guidance can't be \(value): use a number from 0 to 20, such as 2."
    }
  }
  public var exit: Exit { .usage }
}
