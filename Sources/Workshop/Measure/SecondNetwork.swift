import Evaluation
import Models
import Torch
import Training

/// What a second network makes of pictures that a first was measured by: a generator that learned by what the first sees is
/// flattered by it.
public struct SecondNetwork: Codable, Hashable, Sendable {
  /// The network.
  public let features: String
  /// KID × 1000 and one standard error of it.
  public let kid: Double, kidError: Double?
  public let precision: Double, recall: Double, density: Double, coverage: Double

  /// - Parameters:
  ///   - made: [N, d], features of what was made.
  ///   - real: [M, d].
  init(_ features: String, made: Tensor, real: Tensor) {
    var noise = Noise(seed: 0)
    let kernel = KernelDistance(between: made, and: real, noise: &noise)
    let neighbours = Neighbours(generated: made, real: real)
    self.features = features
    (kid, kidError) = (1000 * kernel.value, kernel.error.isNaN ? nil : 1000 * kernel.error)
    (precision, recall) = (neighbours.precision, neighbours.recall)
    (density, coverage) = (neighbours.density, neighbours.coverage)
  }
}

extension Generator {
  /// Whether it learned by what the network sees that measures see by, where nobody says another.
  var isFlattered: Bool {
    func needs<R: Recipe>(_ type: R.Type) -> Bool {
      guard let settings = try? R.Settings(json: facts.settings, recipe: R.name) else { return false }
      return R.needs(settings).contains { $0.model == FeatureNet.name }
    }
    guard let type = try? recipe(named: facts.recipe) else { return false }
    return needs(type)
  }

  /// What VGG16 makes of its pictures of the seeds from 0 on, against a packed set's.
  ///
  /// - Throws: `GeneratorError.otherUse`, and as `installModel`.
  func seenBySecond(
    count: Int, against set: PictureSet, at path: String, atMost most: Int, in workspace: Workspace,
    tell: (Event) -> Void
  ) throws -> SecondNetwork {
    let net = try featureNet(.vgg16, in: workspace, on: device) { tell(.note($0)) }
    var pace = Pace(.pictures)
    let real = SetFeatures(of: set, at: path, by: net, atMost: most) { tell(pace.at($0, of: $1)) }
    let model = try pictureModel()
    let parts = stride(from: 0, to: count, by: 64).map { start in
      let seeds = (start..<min(start + 64, count)).map(UInt64.init)
      defer { tell(pace.at(start + seeds.count, of: count)) }
      return net.features(of: pictureBytes(model.pictures(request(seeds: seeds))))
    }
    return SecondNetwork(net.name, made: Tensor.concatenated(parts), real: real.values)
  }
}
