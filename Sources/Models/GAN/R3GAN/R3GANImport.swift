import Networks
import Torch
import Training

extension R3GANRecipe {
  /// Generators by Atelier's own names.
  public static var imports: [Importable] {
    [.model(R3GANRecipe.self) { try importedSettings($0) }]
  }

  private static func importedSettings(_ weights: [String: Tensor]) throws(StateError) -> R3GANSettings {
    func shape(_ name: String, rank: Int) throws(StateError) -> [Int] {
      try weights.shape(of: name, rank: rank)
    }
    var settings = R3GANSettings()
    let mapping = try shape("mapping.0.weight", rank: 2)
    (settings.wSize, settings.latent) = (mapping[0], mapping[1])
    (settings.widths, settings.blocks, settings.grow) = ([], [], [])
    while settings.widths.count < 7, weights["stages.\(settings.widths.count).blocks.0.conv.weight"] != nil {
      let stage = "stages.\(settings.widths.count)"
      let conv = try shape("\(stage).blocks.0.conv.weight", rank: 4)
      settings.widths.append(conv[0])
      settings.blocks.append((0...).first { weights["\(stage).blocks.\($0).conv.weight"] == nil }!)
      for block in 0..<settings.blocks.last! { try weights.expect("\(stage).blocks.\(block).conv.weight", conv) }
    }
    settings.channels = try shape("stages.1.head.weight", rank: 4)[0] / 4
    let first = try shape("base.weight", rank: 2)[0] / max(1, settings.widths.first ?? 1)
    settings.size = PictureSize(Int(Double(first).squareRoot().rounded())) << settings.widths.count
    // A discriminator of the smallest kind: an imported generator isn't trained on.
    settings.discriminatorWidths = settings.widths
    settings.discriminatorBlocks = settings.widths.map { _ in 1 }
    return settings
  }
}
