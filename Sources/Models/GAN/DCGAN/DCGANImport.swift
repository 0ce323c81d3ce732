import Networks
import Torch
import Training

extension DCGANRecipe {
  /// Generators of PyTorch's DCGAN example and its many descendants: transposed convolutions of 4 px with normalisations
  /// between them, of any widths and depth, with biases or without.
  public static var imports: [Importable] {
    [
      .model(DCGANRecipe.self) { (weights) throws(StateError) in
        try withBiases(ofLast: namedInMain(weights))
      } settings: { (weights) throws(StateError) in
        let layers = convolutions(weights)
        guard let first = layers.first, let last = layers.last, (4...7).contains(layers.count),
          layers.allSatisfy({ $0.weight.count > 0 })
        else {
          throw StateError.missing("main.0.weight")
        }
        var settings = Settings()
        settings.latent = first.weight.size(0)
        settings.channels = last.weight.size(1)
        settings.widths = layers.dropFirst().map { $0.weight.size(0) }
        settings.width = settings.widths.last!
        // 4 px after the first layer; each further one doubles it.
        settings.size = PictureSize(4 << (layers.count - 1))
        return settings
      }
    ]
  }

  /// The transposed convolutions with their places, in order.
  private static func convolutions(_ weights: [String: Tensor]) -> [(place: Int, weight: Tensor)] {
    weights.compactMap { name, tensor in
      let parts = name.split(separator: ".")
      guard parts.count == 3, parts[0] == "main", parts[2] == "weight", tensor.rank == 4, let place = Int(parts[1])
      else { return nil }
      return (place, tensor)
    }.sorted { $0.0 < $1.0 }
  }

  /// The weights with a bias where the pixels are made, of 0 where there is none, and with no other: before a
  /// normalisation a bias only moves the mean that is taken off.
  private static func withBiases(ofLast weights: [String: Tensor]) throws(StateError) -> [String: Tensor] {
    var weights = weights
    let layers = convolutions(weights)
    guard let last = layers.last else { throw .missing("main.0.weight") }
    if weights["main.\(last.place).bias"] == nil {
      weights["main.\(last.place).bias"] = Tensor.zeros([last.weight.size(1)])
    }
    for layer in layers.dropLast() {
      let mean = "main.\(layer.place + 1).running_mean"
      guard let bias = weights.removeValue(forKey: "main.\(layer.place).bias") else { continue }
      guard let old = weights[mean] else { throw .missing(mean) }
      weights[mean] = old - bias
    }
    return weights
  }
}
