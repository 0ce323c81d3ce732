import Networks
import Torch
import Training

extension DenseRecipe {
  /// Generators of dense layers with tanh between them, of any widths.
  public static var imports: [Importable] {
    [
      .model(DenseRecipe.self, renamed: namedInMain) { weights in
        var layers: [Tensor] = []
        while let layer = weights["main.\(2 * layers.count).weight"], layer.rank == 2,
          layer.count > 0, layers.count < 32
        { layers.append(layer) }
        guard layers.count > 1, let first = layers.first, let last = layers.last else {
          throw StateError.missing("main.2.weight")
        }
        let numbers = last.size(0)
        func side(_ channels: Int) -> Int? {
          let side = Int((Double(numbers) / Double(channels)).squareRoot().rounded())
          return side * side * channels == numbers ? side : nil
        }
        guard let channels = [1, 3, 4].first(where: { side($0) != nil }) else {
          throw StateError.shape("main.\(2 * layers.count - 2).weight", expected: [784], found: [numbers])
        }
        var settings = Settings()
        (settings.latent, settings.channels, settings.size) = (first.size(1), channels, PictureSize(side(channels)!))
        settings.widths = layers.dropLast().map { $0.size(0) }
        settings.hidden = settings.side * settings.side
        return settings
      }
    ]
  }
}
