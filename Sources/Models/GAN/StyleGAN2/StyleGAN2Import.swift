import Networks
import Torch
import Training

extension StyleGAN2Recipe {
  /// Generators by the names of StyleGAN2-ADA's PyTorch edition, such as `synthesis.b8.conv0.affine.weight`, without the
  /// filters that are always the same.
  public static var imports: [Importable] {
    [
      .model(StyleGAN2Recipe.self) { weights in
        weights.filter { !$0.key.hasSuffix("resample_filter") }
      } settings: {
        try importedSettings($0)
      }
    ]
  }

  private static func importedSettings(_ weights: [String: Tensor]) throws(StateError) -> StyleGAN2Settings {
    func shape(_ name: String, rank: Int) throws(StateError) -> [Int] {
      try weights.shape(of: name, rank: rank)
    }
    var settings = StyleGAN2Settings()
    let first = try shape("mapping.fc0.weight", rank: 2)
    settings.wSize = first[0]
    settings.depth = (0...).first { weights["mapping.fc\($0).weight"] == nil }!
    for layer in 1..<max(1, settings.depth) {
      try weights.expect("mapping.fc\(layer).weight", [settings.wSize, settings.wSize])
    }
    if weights["mapping.embed.weight"] != nil {
      let classCount = try shape("mapping.embed.weight", rank: 2)[1]
      guard classCount <= 10_000, first[1] > settings.wSize else { throw .missing("mapping.embed.weight") }
      // Published files don't say what their classes are called.
      (settings.classes, settings.classCounts) = (
        (0..<classCount).map(String.init), [Int](repeating: 1, count: classCount)
      )
      settings.latent = first[1] - settings.wSize
    } else {
      settings.latent = first[1]
    }
    settings.widths = []
    while settings.widths.count < 9, weights["synthesis.b\(4 << settings.widths.count).conv1.weight"] != nil {
      let name = "synthesis.b\(4 << settings.widths.count).conv1.weight", width = try shape(name, rank: 4)[0]
      try weights.expect(name, [width, width, 3, 3])
      settings.widths.append(width)
    }
    settings.channels = try shape("synthesis.b4.torgb.weight", rank: 4)[0]
    settings.size = PictureSize(2 << settings.widths.count)
    // An imported generator isn't trained on.
    settings.discriminatorWidths = settings.widths
    return settings
  }
}
